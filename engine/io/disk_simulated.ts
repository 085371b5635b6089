import type { Native } from "../../native/native.ts";
import { assert } from "../base/assert.ts";
import { DiskFault } from "../model/errors.ts";
import type { Cancel } from "./clock.ts";
import type { DirectoryEntry, Disk, DiskFile, DiskLock } from "./disk.ts";
import { FaultLatch, SYNC_STAGE } from "./disk_fault.ts";
import { SimulatedFile } from "./disk_simulated_file.ts";
import type { SimulatedHost } from "./disk_simulated_file.ts";
import { PowerCut } from "./disk_simulated_point.ts";
import type { DiskPoint, DiskPointKind, PointOutcome } from "./disk_simulated_point.ts";
import {
  SimulatedDirectory,
  SimulatedInode,
  applyChange,
  crashTree,
  syncNames,
} from "./disk_simulated_tree.ts";
import type {
  CrashChoice,
  NameChange,
  NameChangeKind,
  SimulatedNode,
} from "./disk_simulated_tree.ts";

/**
 * SimulatedDisk: a disk in memory that remembers what was synced, for crash enumeration and faults.
 *
 *   write, truncate, allocate ..... unsynced, 512-byte sector by sector, until the file is synced
 *   create, remove, rename, mkdir . unsynced until the directory is synced, file sync or not
 *   crash(choice) ................. a new disk holding what was durable and any part of the rest
 *
 * What an engine on this disk must survive without losing anything acknowledged:
 *  - a power cut at every point, with any subset of unsynced sectors, any state in between that an
 *    overwritten sector went through, garbage in sectors that held nothing before, any size that a file
 *    has had since its sync, any subset of unsynced names; another cut during recovery
 *  - a write that fails with ENOSPC, EIO or stays short, having changed part of its range
 *  - a sync that fails: its sectors are gone for good though reads still see them, and no later sync of
 *    this disk succeeds
 * And must detect, though it cannot repair: lost writes (claimed done), flipped bits.
 *
 * A point is one call that changes or syncs something. The `plan` decides each by its number, which is
 * the same in every run of the same workload. Owner: one test. Everything is deterministic; promises
 * settle in microtasks, syncs when `holdSyncs` allows.
 */
export class SimulatedDisk implements Disk, SimulatedHost {
  readonly #options: SimulatedDiskOptions;
  readonly #latch: FaultLatch = new FaultLatch(false);
  #root = new SimulatedDirectory();
  #changes: NameChange[] = [];
  #changeCount = 0;
  #inodeCount = 0;
  #pointCount = 0;
  #isCut = false;
  #held: (() => void)[] = [];
  #capacityBytes = Infinity;
  /** Decides what happens at each point. Absent: all goes well. */
  plan: ((point: DiskPoint) => PointOutcome) | null = null;
  /** Decides whether a read fails: an error name, or null. */
  planRead: ((path: string, position: number, length: number) => string | null) | null = null;
  /** Syncs begun now wait for `releaseSyncs`. */
  holdSyncs = false;
  /** Descriptors that somebody has borrowed and not given back. */
  borrowed = 0;

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
  }

  get native(): Native {
    return this.#options.native;
  }

  get fault(): DiskFault | null {
    return this.#latch.fault;
  }

  /** Points passed so far; the next one has this number. */
  get points(): number {
    return this.#pointCount;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  get heldSyncs(): number {
    return this.#held.length;
  }

  /** For a file system of limited size; the default has no end. */
  set capacityBytes(bytes: number) {
    this.#capacityBytes = bytes;
  }

  onFault(listener: (fault: DiskFault) => void): Cancel {
    return this.#latch.onFault(listener);
  }

  report(fault: DiskFault): void {
    this.#latch.report(fault);
  }

  // Control

  /** Lets the oldest held syncs go on, all unless told how many. They settle in later microtasks. */
  releaseSyncs(count = this.#held.length): void {
    for (const release of this.#held.splice(0, count)) release();
  }

  /**
   * What would be found if the power went now, whatever becomes of this disk: of one moment every
   * outcome can be asked for, also from inside a `plan`, which is called before its point takes effect.
   */
  crash(choice: CrashChoice): SimulatedDisk {
    const after = new SimulatedDisk(this.#options);
    after.#root = crashTree(this.#root, this.#changes, choice);
    after.#inodeCount = this.#inodeCount;
    after.#changeCount = this.#changeCount;
    after.#capacityBytes = this.#capacityBytes;
    return after;
  }

  /** What would be found if only the process died: everything written. */
  kill(): SimulatedDisk {
    return this.crash({ sector: () => true, size: () => true, name: () => true });
  }

  /** Makes all durable: the start of a test. */
  settle(): void {
    this.#changes = [];
    const settle = (directory: SimulatedDirectory) => {
      directory.durable.clear();
      for (const [name, node] of directory.entries) {
        directory.durable.set(name, node);
        if (node instanceof SimulatedDirectory) settle(node);
        else node.makeDurable();
      }
    };
    settle(this.#root);
  }

  /** Writes a file, with the directories above it, outside of all points and plans, durably. */
  install(path: string, bytes: Uint8Array): void {
    let directory = this.#root;
    const names = namesOf(path);
    const name = names.pop()!;
    for (const parent of names) {
      let node = directory.entries.get(parent);
      if (node === undefined) {
        node = new SimulatedDirectory();
        directory.entries.set(parent, node);
      }
      assert(node instanceof SimulatedDirectory, "a file in the way", path);
      directory.durable.set(parent, node);
      directory = node;
    }
    const inode = this.#newInode();
    inode.install(bytes);
    directory.entries.set(name, inode);
    directory.durable.set(name, inode);
  }

  /** Flips bits of one stored byte. */
  flip(path: string, position: number, mask: number): void {
    const inode = this.#inode(path);
    assert(inode !== null, "no such file", path);
    inode.flip(position, mask);
  }

  /** Reads of the file will wait for the device until they are warmed. */
  chill(path: string): void {
    const inode = this.#inode(path);
    if (inode !== null) inode.isCold = true;
  }

  /** Another process takes the lock, or lets go of it. */
  lockElsewhere(path: string, locked = true): void {
    if (this.#inode(path) === null) this.install(path, new Uint8Array(0));
    this.#inode(path)!.isLocked = locked;
  }

  // Disk

  list(dir: string): string[] {
    return [...this.#directory("list", dir).entries.keys()].sort();
  }

  listEntries(dir: string): DirectoryEntry[] {
    const { entries } = this.#directory("list", dir);
    return this.list(dir).map((name) => ({
      name,
      isDirectory: entries.get(name) instanceof SimulatedDirectory,
    }));
  }

  exists(path: string): boolean {
    return this.find(path) !== null;
  }

  isDirectory(path: string): boolean {
    return this.find(path) instanceof SimulatedDirectory;
  }

  isWritable(dir: string): boolean {
    return this.isDirectory(dir);
  }

  realPath(path: string): string {
    return `/${namesOf(path).join("/")}`;
  }

  makeDirectory(path: string): void {
    this.guard("mkdir", path);
    if (this.isDirectory(path)) return;
    if (this.exists(path)) this.fail("mkdir", path, "EEXIST");
    this.#changeName("make directory", path, [[path, new SimulatedDirectory()]]);
  }

  remove(path: string): boolean {
    this.guard("remove", path);
    const node = this.find(path);
    if (node === null) return false;
    if (node instanceof SimulatedDirectory) this.fail("remove", path, "EISDIR");
    this.#changeName("remove", path, [[path, null]]);
    return true;
  }

  removeTree(path: string): void {
    this.guard("remove", path);
    const node = this.find(path);
    if (node === null) return;
    if (node instanceof SimulatedDirectory) {
      for (const name of [...node.entries.keys()]) this.removeTree(`${path}/${name}`);
    }
    this.#changeName("remove", path, [[path, null]]);
  }

  async removeLater(path: string): Promise<void> {
    this.removeTree(path);
  }

  rename(from: string, to: string): void {
    this.guard("rename", from);
    const node = this.find(from);
    if (node === null) this.fail("rename", from, "ENOENT");
    const target = this.find(to);
    if (target instanceof SimulatedDirectory) {
      if (!(node instanceof SimulatedDirectory)) this.fail("rename", from, "EISDIR");
      if (target.entries.size > 0) this.fail("rename", from, "ENOTEMPTY");
    } else if (target !== null && node instanceof SimulatedDirectory) {
      this.fail("rename", from, "ENOTDIR");
    }
    this.#changeName("rename", to, [[from, null], [to, node]]);
  }

  syncDirectory(dir: string): void {
    this.guard(SYNC_STAGE, dir);
    const directory = this.#directory("open", dir);
    this.#syncPoint("sync directory", dir);
    this.#changes = syncNames(this.#changes, directory);
  }

  async syncDirectoryLater(dir: string): Promise<void> {
    this.guard(SYNC_STAGE, dir);
    await this.whenSyncMayEnd();
    this.syncDirectory(dir);
  }

  readAll(path: string): Uint8Array | null {
    const node = this.find(path);
    if (node === null) return null;
    if (node instanceof SimulatedDirectory) this.fail("read", path, "EISDIR");
    this.checkRead(path, 0, node.size);
    return node.bytes(0, node.size).slice();
  }

  replaceFile(path: string, bytes: Uint8Array): void {
    const temporary = this.#fillTemporary(path, bytes);
    temporary.syncNow();
    temporary.close();
    this.rename(temporary.path, path);
    this.syncDirectory(parentOf(path));
  }

  async replaceFileLater(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = this.#fillTemporary(path, bytes);
    await temporary.sync();
    temporary.close();
    this.rename(temporary.path, path);
    await this.syncDirectoryLater(parentOf(path));
  }

  fileSize(path: string): number {
    return this.#inode(path)?.size ?? -1;
  }

  modifiedMs(path: string): number {
    const inode = this.#inode(path);
    if (inode === null) this.fail("stat", path, "ENOENT");
    return inode.modifiedMs;
  }

  setModifiedMs(path: string, ms: number): void {
    this.guard("utimes", path);
    const inode = this.#inode(path);
    if (inode === null) this.fail("utimes", path, "ENOENT");
    inode.modifiedMs = ms;
  }

  freeBytes(_dir: string): number {
    return Math.max(0, this.#capacityBytes - this.#usedBytes());
  }

  file(path: string): DiskFile {
    return new SimulatedFile(this, path);
  }

  lock(path: string): DiskLock | null {
    this.guard("lock", path);
    const inode = this.#inode(path) ?? this.createFile(path);
    if (inode.isLocked) return null;
    inode.isLocked = true;
    const release = () => {
      inode.isLocked = false;
    };
    return {
      release,
      unlinkAndRelease: () => {
        const mayChange = this.#latch.fault === null && !this.#isCut;
        if (mayChange && this.#inode(path) === inode) this.remove(path);
        release();
      },
    };
  }

  closeIdle(): void {}

  // SimulatedHost

  get lastChange(): number {
    return this.#changeCount;
  }

  nextChange(): number {
    return ++this.#changeCount;
  }

  find(path: string): SimulatedNode | null {
    this.#assertPowered();
    let node: SimulatedNode = this.#root;
    for (const name of namesOf(path)) {
      if (!(node instanceof SimulatedDirectory)) return null;
      const next = node.entries.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  createFile(path: string): SimulatedInode {
    const inode = this.#newInode();
    this.#changeName("create", path, [[path, inode]]);
    return inode;
  }

  guard(stage: string, path: string): void {
    this.#assertPowered();
    this.#latch.guard(stage, path);
  }

  fail(stage: string, path: string, code: string): never {
    this.#latch.failCode(stage, path, code);
  }

  latch(fault: DiskFault): DiskFault {
    return this.#latch.latchIfGrave(fault);
  }

  checkRead(path: string, position: number, length: number): void {
    this.#assertPowered();
    const code = this.planRead?.(path, position, length) ?? null;
    if (code !== null) this.fail("read", path, code);
  }

  /** How many of `bytes` more the file system can hold. */
  room(bytes: number): number {
    return this.#capacityBytes === Infinity ? bytes : Math.min(bytes, this.freeBytes("/"));
  }

  nowMs(): number {
    return this.#options.wallMs?.() ?? 0;
  }

  passPoint(kind: DiskPointKind, path: string): PointOutcome {
    const outcome = this.plan?.({ index: this.#pointCount, kind, path }) ?? "go";
    this.#pointCount++;
    return outcome;
  }

  cut(): never {
    this.#isCut = true;
    throw new PowerCut(this.#pointCount - 1);
  }

  syncInode(inode: SimulatedInode, path: string, upTo: number): void {
    this.#syncPoint("sync", path);
    inode.synced(upTo);
  }

  whenSyncMayEnd(): Promise<void> {
    if (!this.holdSyncs) return Promise.resolve();
    return new Promise((resolve) => this.#held.push(resolve));
  }

  #syncPoint(kind: DiskPointKind, path: string): void {
    this.guard(SYNC_STAGE, path);
    const outcome = this.passPoint(kind, path);
    if (outcome === "go") return;
    if (outcome === "cut") this.cut();
    else this.fail(SYNC_STAGE, path, outcome === "ENOSPC" ? "ENOSPC" : "EIO");
  }

  #changeName(
    kind: NameChangeKind,
    path: string,
    entries: readonly (readonly [path: string, node: SimulatedNode | null])[],
  ): void {
    const change: NameChange = {
      kind,
      path,
      entries: entries.map(([name, node]) => ({
        directory: this.#directory(kind, parentOf(name)),
        name: namesOf(name).pop()!,
        node,
      })),
    };
    const outcome = this.passPoint("name", path);
    if (outcome === "EIO" || outcome === "ENOSPC") this.fail(kind, path, outcome);
    if (outcome !== "lost") {
      applyChange(change);
      this.#changes.push(change);
    }
    if (outcome === "cut") this.cut();
  }

  #fillTemporary(path: string, bytes: Uint8Array): DiskFile {
    const file = this.file(`${path}.tmp`);
    file.create("keep");
    file.truncate(0);
    file.write([bytes], 0);
    return file;
  }

  #newInode(): SimulatedInode {
    const inode = new SimulatedInode(++this.#inodeCount);
    inode.modifiedMs = this.nowMs();
    return inode;
  }

  #inode(path: string): SimulatedInode | null {
    const node = this.find(path);
    return node instanceof SimulatedInode ? node : null;
  }

  #directory(stage: string, path: string): SimulatedDirectory {
    const node = this.find(path);
    if (node === null) this.fail(stage, path, "ENOENT");
    if (node instanceof SimulatedInode) this.fail(stage, path, "ENOTDIR");
    return node;
  }

  #usedBytes(): number {
    const seen = new Set<SimulatedInode>();
    const walk = (directory: SimulatedDirectory) => {
      for (const node of directory.entries.values()) {
        if (node instanceof SimulatedDirectory) walk(node);
        else seen.add(node);
      }
    };
    walk(this.#root);
    let used = 0;
    for (const inode of seen) used += inode.size;
    return used;
  }

  #assertPowered(): void {
    if (this.#isCut) throw new PowerCut(this.#pointCount - 1);
  }
}

export interface SimulatedDiskOptions {
  /** For CRC and scans; no call with a descriptor reaches it. */
  readonly native: Native;
  /** The wall clock that stamps files; without it they say 0. */
  readonly wallMs?: () => number;
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
