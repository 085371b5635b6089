import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { errnoName } from "../../native/errno.ts";
import type { Native } from "../../native/native.ts";
import type { DiskFault } from "../model/errors.ts";
import type { Cancel } from "./clock.ts";
import type { DirectoryEntry, Disk, DiskFile, DiskLock } from "./disk.ts";
import type { DescriptorPool } from "./disk_descriptors.ts";
import { FaultLatch, SYNC_STAGE, codeOf } from "./disk_fault.ts";
import { NodeDiskFile, Scratch, syncLater, unlinkIfThere, writeWhole } from "./disk_node_file.ts";

export interface NodeDiskOptions {
  readonly native: Native;
  /** The pool of the process. */
  readonly descriptors: DescriptorPool;
  /** Opens nothing for writing; what would change anything throws EROFS. */
  readonly readOnly: boolean;
}

/** The disk of this machine: data through the native shim, names through node:fs. See Disk. */
export class NodeDisk implements Disk {
  readonly native: Native;
  readonly #descriptors: DescriptorPool;
  readonly #readOnly: boolean;
  readonly #latch: FaultLatch;
  readonly #scratch = new Scratch();
  readonly #pace = { lastSyncMs: Infinity };

  constructor(options: NodeDiskOptions) {
    this.native = options.native;
    this.#descriptors = options.descriptors;
    this.#readOnly = options.readOnly;
    this.#latch = new FaultLatch(options.readOnly);
  }

  get fault(): DiskFault | null {
    return this.#latch.fault;
  }

  onFault(listener: (fault: DiskFault) => void): Cancel {
    return this.#latch.onFault(listener);
  }

  report(fault: DiskFault): void {
    this.#latch.report(fault);
  }

  list(dir: string): string[] {
    return this.#latch.run("list", dir, () => fs.readdirSync(dir)).sort();
  }

  listEntries(dir: string): DirectoryEntry[] {
    const found = this.#latch.run("list", dir, () => fs.readdirSync(dir, { withFileTypes: true }));
    return found
      .map((entry) => ({
        name: entry.name,
        isDirectory: entry.isSymbolicLink()
          ? this.isDirectory(join(dir, entry.name))
          : entry.isDirectory(),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  exists(path: string): boolean {
    return this.#stat(path) !== null;
  }

  isDirectory(path: string): boolean {
    return this.#stat(path)?.isDirectory() ?? false;
  }

  isWritable(dir: string): boolean {
    if (this.#readOnly) return false;
    try {
      fs.accessSync(dir, fs.constants.W_OK | fs.constants.X_OK);
      return true;
    } catch {
      return false; // whatever the reason: no file could be made there
    }
  }

  realPath(path: string): string {
    if (!this.exists(path)) return path;
    return this.#latch.run("resolve", path, () => fs.realpathSync(path));
  }

  makeDirectory(path: string): void {
    this.#latch.guard("mkdir", path);
    this.#latch.run("mkdir", path, () => {
      try {
        fs.mkdirSync(path);
      } catch (error) {
        if (codeOf(error) !== "EEXIST" || !this.isDirectory(path)) throw error;
      }
    });
  }

  remove(path: string): boolean {
    this.#latch.guard("remove", path);
    return this.#latch.run("remove", path, () => unlinkIfThere(path));
  }

  removeTree(path: string): void {
    this.#latch.guard("remove", path);
    this.#latch.run("remove", path, () => fs.rmSync(path, { recursive: true, force: true }));
  }

  async removeLater(path: string): Promise<void> {
    this.#latch.guard("remove", path);
    try {
      await fs.promises.rm(path, { recursive: true, force: true });
    } catch (error) {
      throw this.#latch.capture("remove", path, error);
    }
  }

  rename(from: string, to: string): void {
    this.#latch.guard("rename", from);
    this.#latch.run("rename", from, () => fs.renameSync(from, to));
  }

  syncDirectory(dir: string): void {
    this.#latch.guard(SYNC_STAGE, dir);
    const fd = this.#openDirectory(dir);
    try {
      const result = this.native.fsync(fd);
      if (result < 0) this.#latch.failCode(SYNC_STAGE, dir, errnoName(result));
    } finally {
      fs.closeSync(fd);
    }
  }

  async syncDirectoryLater(dir: string): Promise<void> {
    this.#latch.guard(SYNC_STAGE, dir);
    const fd = this.#openDirectory(dir);
    try {
      await syncLater(this.#latch, fd, dir);
    } finally {
      fs.closeSync(fd);
    }
  }

  readAll(path: string): Uint8Array | null {
    return this.#latch.run("read", path, () => {
      try {
        return this.#descriptors.withRoom(() => fs.readFileSync(path));
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error;
        return null;
      }
    });
  }

  replaceFile(path: string, bytes: Uint8Array): void {
    this.#latch.guard("write", path);
    const temporary = path + TEMPORARY_SUFFIX;
    const fd = this.#createTemporary(temporary);
    try {
      this.#fill(fd, temporary, bytes);
      const result = this.native.fsync(fd);
      if (result < 0) this.#latch.failCode(SYNC_STAGE, temporary, errnoName(result));
    } catch (error) {
      removeQuietly(temporary);
      throw error;
    } finally {
      fs.closeSync(fd);
    }
    this.rename(temporary, path);
    this.syncDirectory(dirname(path));
  }

  async replaceFileLater(path: string, bytes: Uint8Array): Promise<void> {
    this.#latch.guard("write", path);
    const temporary = path + TEMPORARY_SUFFIX;
    const fd = this.#createTemporary(temporary);
    try {
      this.#fill(fd, temporary, bytes);
      await syncLater(this.#latch, fd, temporary);
    } catch (error) {
      removeQuietly(temporary);
      throw error;
    } finally {
      fs.closeSync(fd);
    }
    this.rename(temporary, path);
    await this.syncDirectoryLater(dirname(path));
  }

  fileSize(path: string): number {
    return this.#stat(path)?.size ?? -1;
  }

  modifiedMs(path: string): number {
    return this.#latch.run("stat", path, () => Math.floor(fs.statSync(path).mtimeMs));
  }

  setModifiedMs(path: string, ms: number): void {
    this.#latch.guard("utimes", path);
    this.#latch.run("utimes", path, () => fs.utimesSync(path, ms / 1000, ms / 1000));
  }

  freeBytes(dir: string): number {
    return this.#latch.run("statfs", dir, () => {
      const stat = fs.statfsSync(dir);
      return stat.bavail * stat.bsize;
    });
  }

  file(path: string): DiskFile {
    return new NodeDiskFile(path, {
      native: this.native,
      descriptors: this.#descriptors,
      latch: this.#latch,
      scratch: this.#scratch,
      pace: this.#pace,
      readOnly: this.#readOnly,
    });
  }

  lock(path: string): DiskLock | null {
    this.#latch.guard("lock", path);
    for (;;) {
      const fd = this.#latch.run("lock", path, () =>
        this.#descriptors.withRoom(() =>
          fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644),
        ),
      );
      try {
        if (!this.#latch.run("lock", path, () => this.native.lockFile(fd))) {
          fs.closeSync(fd);
          return null;
        }
        if (isSameFile(fd, path)) return new NodeDiskLock(fd, path);
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
      // Its owner unlinked the file between our open and our lock: that lock holds nothing.
      fs.closeSync(fd);
    }
  }

  closeIdle(): void {
    this.#descriptors.closeIdle();
  }

  #stat(path: string): fs.Stats | null {
    return this.#latch.run(
      "stat",
      path,
      () => fs.statSync(path, { throwIfNoEntry: false }) ?? null,
    );
  }

  #openDirectory(dir: string): number {
    return this.#latch.run("open", dir, () =>
      this.#descriptors.withRoom(() => fs.openSync(dir, fs.constants.O_RDONLY)),
    );
  }

  #createTemporary(path: string): number {
    const flags = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC;
    return this.#latch.run("create", path, () =>
      this.#descriptors.withRoom(() => fs.openSync(path, flags, 0o644)),
    );
  }

  #fill(fd: number, path: string, bytes: Uint8Array): void {
    writeWhole(this.native, this.#latch, { fd, path, pieces: [bytes], position: 0 });
  }
}

/** What Kafka calls the file that becomes a checkpoint. */
export const TEMPORARY_SUFFIX = ".tmp";

class NodeDiskLock implements DiskLock {
  #fd: number;
  readonly #path: string;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  unlinkAndRelease(): void {
    // While the lock is held, or the file of the next owner might be the one that goes.
    removeQuietly(this.#path);
    this.release();
  }

  release(): void {
    if (this.#fd < 0) return;
    fs.closeSync(this.#fd); // the lock belongs to the open file: it goes with its only descriptor
    this.#fd = -1;
  }
}

/** Whether `fd` is (still) the file that `path` names. */
function isSameFile(fd: number, path: string): boolean {
  const held = fs.fstatSync(fd);
  const named = fs.statSync(path, { throwIfNoEntry: false });
  return named !== undefined && named.ino === held.ino && named.dev === held.dev;
}

/** For clearing up after an error that is already on its way: that one matters, not this one. */
function removeQuietly(path: string): void {
  try {
    fs.unlinkSync(path);
  } catch {
    // The file stays; every reader of the directory ignores it.
  }
}
