import type { MappedFile } from "../../native/mapped_file.ts";
import type { Native } from "../../native/native.ts";
import { DiskFault } from "../model/errors.ts";
import type { Cancel } from "./clock.ts";

/**
 * Disk: every access to files goes through here. One Disk serves one data directory.
 *
 * Three implementations behind one contract (test/io/disk_contract.ts): NodeDisk over the native shim,
 * NodeDisk over its portable build, and SimulatedDisk, in memory, which can lose what was not synced.
 *
 * Invariants:
 *  K1  after the first latched fault every call that would change or sync anything throws that very
 *      fault, the same object; reads go on. A failed sync is never retried.
 *  K2  what latches: EIO and its kin from any call, and a sync that failed for whatever reason. What
 *      never latches: ENOSPC and EDQUOT of a write, and everything about descriptors or names.
 *  K3  a new, renamed or removed name is durable after its directory was synced, bytes and size of a
 *      file after the file was: neither implies the other.
 *
 * Concurrency: everything is synchronous, except what returns a Promise. Errors: DiskFault only.
 */
export interface Disk {
  /** For io/net: sendfile and its kind. */
  readonly native: Native;
  /** The first latched fault of this data directory (K1). */
  readonly fault: DiskFault | null;
  /** Called once, when a fault latches; at once when that has already happened. */
  onFault(listener: (fault: DiskFault) => void): Cancel;
  /** For what failed past this interface, such as a sendfile that met EIO: latches as K2 says. */
  report(fault: DiskFault): void;

  /** Names in a directory, sorted. */
  list(dir: string): string[];
  /** The same, with what each name is: saves a stat for each. */
  listEntries(dir: string): DirectoryEntry[];
  exists(path: string): boolean;
  /** False when there is nothing, too. */
  isDirectory(path: string): boolean;
  /** Whether this process could create files there: asks, writes nothing. */
  isWritable(dir: string): boolean;
  /** The one path among all names of this file or directory; itself where nothing is. */
  realPath(path: string): string;
  /** Parents must exist; a directory that is there already is left as it is. */
  makeDirectory(path: string): void;
  /** Removes a file. Nothing there: false. */
  remove(path: string): boolean;
  /** Removes a file or a directory with all that is in it. Nothing there: no error. */
  removeTree(path: string): void;
  /** removeTree off the loop: freeing a large file takes tens of milliseconds. */
  removeLater(path: string): Promise<void>;
  /** Atomic; replaces a file at `to`. DiskFiles inside a renamed directory follow by `renameTo`. */
  rename(from: string, to: string): void;
  /** Makes the names in a directory durable, on the caller's time. */
  syncDirectory(dir: string): void;
  /** The same off the loop. */
  syncDirectoryLater(dir: string): Promise<void>;
  /** The whole file; null when there is none. */
  readAll(path: string): Uint8Array | null;
  /**
   * `path` holds either its old bytes or the new ones, whatever happens: temporary file
   * (`path` + ".tmp"), sync, rename, directory sync. Kafka's discipline for checkpoints.
   */
  replaceFile(path: string, bytes: Uint8Array): void;
  /**
   * The same with its syncs off the loop: beside a busy writer a sync of a small file waits for the
   * file system's journal. One at a time per path.
   */
  replaceFileLater(path: string, bytes: Uint8Array): Promise<void>;
  /** -1 when there is no such file. */
  fileSize(path: string): number;
  /** Last change by the wall clock. */
  modifiedMs(path: string): number;
  setModifiedMs(path: string, ms: number): void;
  /** Bytes that this process may still take on the file system of `dir`. */
  freeBytes(dir: string): number;
  /** A handle; touches nothing, and needs no descriptor until it is used. */
  file(path: string): DiskFile;
  /**
   * Takes the lock that Kafka takes (an fcntl lock on the file, created if absent), without waiting.
   * Null: another process holds it. The descriptor's inode is compared with the path's, because a
   * clean stop unlinks the file.
   */
  lock(path: string): DiskLock | null;
  /** Gives back every descriptor that nobody has borrowed. Files stay usable. */
  closeIdle(): void;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/**
 * DiskFile: one file, by inode where that can be told: a handle outlives `renameTo` and, while its
 * descriptor is borrowed or a promise of its own is pending, `remove`.
 *
 * Owner: whoever asked for it; two handles on one path know nothing of each other. A handle holds no
 * descriptor but borrows one from a bounded pool for each call.
 */
export interface DiskFile {
  readonly path: string;
  /** Makes the empty file. "refuse": EEXIST when it is there; "keep": then nothing is done. */
  create(ifThere?: "refuse" | "keep"): void;
  size(): number;
  /** Bytes read; fewer than `length` only at the end of the file. */
  read(target: Uint8Array, targetAt: number, length: number, position: number): number;
  /**
   * Writes all pieces in order, or throws a WriteFault that says how many bytes made it: the rest of a
   * short write is tried once. The writer truncates back before it writes again. An array may be
   * reused as soon as this returns. A long run of writes is started on its way to the device in between,
   * so that dirty pages stay few; only a sync makes it durable.
   */
  write(pieces: readonly Uint8Array[], position: number): void;
  /** Reserves blocks; the file is at least position + length long afterwards, zeros where new. */
  allocate(position: number, length: number): void;
  truncate(size: number): void;
  /** fdatasync off the loop: covers what was written before the call. */
  sync(): Promise<void>;
  syncNow(): void;
  /** Drops the range from the page cache as far as it is clean: for benchmarks and cold tests. */
  dropCache(position: number, length: number): void;
  /** Whether reading the range would not wait for the disk. True where that cannot be told. */
  isResident(position: number, length: number): boolean;
  /** Reads the range into the page cache, off the loop. */
  warm(position: number, length: number): Promise<void>;
  /** The descriptor, pinned until `giveBack`: for sendfile. Pairs may nest. */
  borrow(): number;
  giveBack(): void;
  /** The first `length` > 0 bytes as memory. Unmap before truncating, renaming or removing the file. */
  map(length: number): MappedFile;
  /** Renames on disk; the handle follows. */
  renameTo(path: string): void;
  /** The directory above was renamed: the handle learns its new path, nothing happens on disk. */
  moved(path: string): void;
  /** Unlinks; what the file took is freed off the loop. Nothing there: no error. */
  remove(): void;
  /** Lets the descriptor go (after pending promises and borrows). The handle must not be used again. */
  close(): void;
}

export interface DiskLock {
  /** Unlinks the lock file while the lock is held, then lets go: a clean stop. */
  unlinkAndRelease(): void;
  /** Lets go and leaves the file. */
  release(): void;
}

/** A write that did not make it whole. Bytes [position, position + bytesWritten) may be on disk. */
export class WriteFault extends DiskFault {
  readonly bytesWritten: number;

  constructor(path: string, systemCode: string, bytesWritten: number, cause?: unknown) {
    super("write", path, systemCode, cause);
    this.bytesWritten = bytesWritten;
  }
}

/** What DiskFault.systemCode says when a write stayed short twice without an error number. */
export const SHORT_WRITE = "SHORT_WRITE";
