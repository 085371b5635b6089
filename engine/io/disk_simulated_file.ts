import type { MappedFile } from "../../native/mapped_file.ts";
import { assert } from "../base/assert.ts";
import type { DiskFault } from "../model/errors.ts";
import { SHORT_WRITE, WriteFault } from "./disk.ts";
import type { DiskFile } from "./disk.ts";
import { SYNC_STAGE } from "./disk_fault.ts";
import type { DiskPointKind, PointOutcome } from "./disk_simulated_point.ts";
import { SimulatedInode } from "./disk_simulated_tree.ts";
import type { SimulatedNode } from "./disk_simulated_tree.ts";

/** What a file needs of the disk it is on. */
export interface SimulatedHost {
  borrowed: number;
  /** The number of the latest change to any file. */
  readonly lastChange: number;
  nextChange(): number;
  nowMs(): number;
  exists(path: string): boolean;
  find(path: string): SimulatedNode | null;
  createFile(path: string): SimulatedInode;
  rename(from: string, to: string): void;
  remove(path: string): boolean;
  guard(stage: string, path: string): void;
  fail(stage: string, path: string, code: string): never;
  /** Latches a grave fault, and returns it. */
  latch(fault: DiskFault): DiskFault;
  checkRead(path: string, position: number, length: number): void;
  /** How many of `bytes` more the file system can hold. */
  room(bytes: number): number;
  /** Counts a point and says what happens there; a "cut" is up to the caller to make, with `cut`. */
  passPoint(kind: DiskPointKind, path: string): PointOutcome;
  cut(): never;
  /** Passes a sync point and makes the changes up to `upTo` durable. */
  syncInode(inode: SimulatedInode, path: string, upTo: number): void;
  whenSyncMayEnd(): Promise<void>;
}

/** A file of SimulatedDisk. See DiskFile. */
export class SimulatedFile implements DiskFile {
  readonly #disk: SimulatedHost;
  #path: string;
  /** Set while a descriptor would be held: borrowed, or a promise pending. */
  #pinned: SimulatedInode | null = null;
  #pins = 0;
  #isClosed = false;
  readonly #maps = new Set<SimulatedMap>();

  constructor(disk: SimulatedHost, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  create(ifThere: "refuse" | "keep" = "refuse"): void {
    this.#disk.guard("create", this.#path);
    if (this.#disk.exists(this.#path)) {
      if (ifThere === "refuse") this.#disk.fail("create", this.#path, "EEXIST");
      return;
    }
    this.#disk.createFile(this.#path);
  }

  size(): number {
    return this.#inode().size;
  }

  read(target: Uint8Array, targetAt: number, length: number, position: number): number {
    const inode = this.#inode();
    assert(targetAt + length <= target.length, "read beyond its target", targetAt, length);
    this.#disk.checkRead(this.#path, position, length);
    const bytes = inode.bytes(position, position + length);
    target.set(bytes, targetAt);
    return bytes.length;
  }

  write(pieces: readonly Uint8Array[], position: number): void {
    this.#disk.guard("write", this.#path);
    const inode = this.#inode();
    const bytes = joined(pieces);
    const outcome = this.#disk.passPoint("write", this.#path);
    if (outcome === "lost") return;
    const growth = Math.max(0, position + bytes.length - inode.size);
    const missing = growth - this.#disk.room(growth);
    let count = bytes.length - missing;
    let code: string | null = missing > 0 ? "ENOSPC" : null;
    if (outcome === "EIO" || outcome === "ENOSPC" || outcome === "short") {
      count = Math.min(count, Math.floor(bytes.length / 2));
      code = outcome === "short" ? SHORT_WRITE : outcome;
    }
    inode.write(bytes.subarray(0, count), position, this.#disk.nextChange());
    inode.modifiedMs = this.#disk.nowMs();
    if (outcome === "cut") this.#disk.cut();
    if (code !== null) throw this.#disk.latch(new WriteFault(this.#path, code, count));
  }

  allocate(position: number, length: number): void {
    this.#disk.guard("allocate", this.#path);
    const inode = this.#inode();
    const end = position + length;
    const growth = Math.max(0, end - inode.size);
    if (this.#disk.room(growth) < growth) this.#disk.fail("allocate", this.#path, "ENOSPC");
    this.#change("allocate", () => {
      if (end > inode.size) inode.resize(end, this.#disk.nextChange());
    });
  }

  truncate(size: number): void {
    this.#assertUnmapped();
    this.#disk.guard("truncate", this.#path);
    const inode = this.#inode();
    this.#change("truncate", () => inode.resize(size, this.#disk.nextChange()));
  }

  async sync(): Promise<void> {
    this.#disk.guard(SYNC_STAGE, this.#path);
    const inode = this.#pin();
    const upTo = this.#disk.lastChange;
    try {
      await this.#disk.whenSyncMayEnd();
      this.#disk.syncInode(inode, this.#path, upTo);
    } finally {
      this.#unpin();
    }
  }

  syncNow(): void {
    this.#disk.guard(SYNC_STAGE, this.#path);
    this.#disk.syncInode(this.#inode(), this.#path, this.#disk.lastChange);
  }

  dropCache(_position: number, _length: number): void {
    this.#inode().isCold = true;
  }

  isResident(_position: number, _length: number): boolean {
    return !this.#inode().isCold;
  }

  async warm(position: number, length: number): Promise<void> {
    const inode = this.#pin();
    try {
      await Promise.resolve();
      this.#disk.checkRead(this.#path, position, length);
      inode.isCold = false;
    } finally {
      this.#unpin();
    }
  }

  borrow(): number {
    const inode = this.#pin();
    this.#disk.borrowed++;
    return FAKE_DESCRIPTORS_FROM + inode.number;
  }

  giveBack(): void {
    this.#disk.borrowed--;
    this.#unpin();
  }

  map(length: number): MappedFile {
    const inode = this.#inode();
    if (length > inode.size) this.#disk.fail("map", this.#path, "EINVAL");
    for (const map of this.#maps) if (!map.isMapped) this.#maps.delete(map);
    const map = new SimulatedMap(inode.bytes(0, length));
    this.#maps.add(map);
    return map;
  }

  renameTo(path: string): void {
    this.#assertUnmapped();
    this.#disk.rename(this.#path, path);
    this.#path = path;
  }

  moved(path: string): void {
    this.#path = path;
  }

  remove(): void {
    this.#assertUnmapped();
    this.#disk.remove(this.#path);
    this.close();
  }

  close(): void {
    this.#isClosed = true;
  }

  #inode(): SimulatedInode {
    if (this.#pinned !== null) return this.#pinned;
    assert(!this.#isClosed, "file used after close", this.#path);
    const node = this.#disk.find(this.#path);
    if (node === null) this.#disk.fail("open", this.#path, "ENOENT");
    if (!(node instanceof SimulatedInode)) this.#disk.fail("open", this.#path, "EISDIR");
    return node;
  }

  #pin(): SimulatedInode {
    const inode = this.#inode();
    this.#pinned = inode;
    this.#pins++;
    return inode;
  }

  #unpin(): void {
    assert(this.#pins > 0, "unpinned more often than pinned", this.#path);
    if (--this.#pins === 0) this.#pinned = null;
  }

  #change(kind: DiskPointKind, apply: () => void): void {
    const outcome = this.#disk.passPoint(kind, this.#path);
    if (outcome === "EIO" || outcome === "ENOSPC") this.#disk.fail(kind, this.#path, outcome);
    if (outcome !== "lost") apply();
    if (outcome === "cut") this.#disk.cut();
  }

  #assertUnmapped(): void {
    for (const map of this.#maps) assert(!map.isMapped, "file changed under a map", this.#path);
  }
}

/** No descriptor of a real process is this large: using one by mistake answers EBADF. */
const FAKE_DESCRIPTORS_FROM = 1 << 30;

const UNMAPPED = new Uint8Array(0);

class SimulatedMap implements MappedFile {
  readonly length: number;
  #bytes: Uint8Array | null;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.length = bytes.length;
  }

  get isMapped(): boolean {
    return this.#bytes !== null;
  }

  bytes(): Uint8Array {
    assert(this.#bytes !== null, "map used after unmap");
    return this.#bytes ?? UNMAPPED;
  }

  unmap(): void {
    this.#bytes = null;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  let total = 0;
  for (const piece of pieces) total += piece.length;
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
