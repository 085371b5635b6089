import * as fs from "node:fs";
import { errnoName } from "../../native/errno.ts";
import type { MappedFile } from "../../native/mapped_file.ts";
import {
  FADVISE_DONTNEED,
  FALLOCATE_GROW,
  SYNC_FILE_RANGE_WRITE,
} from "../../native/native.ts";
import type { Native } from "../../native/native.ts";
import { assert } from "../base/assert.ts";
import { DiskFault } from "../model/errors.ts";
import { SHORT_WRITE, WriteFault } from "./disk.ts";
import type { DiskFile } from "./disk.ts";
import { DescriptorSlot } from "./disk_descriptors.ts";
import type { DescriptorPool } from "./disk_descriptors.ts";
import { SYNC_STAGE, codeOf } from "./disk_fault.ts";
import type { FaultLatch } from "./disk_fault.ts";

/** A warming read takes steps, so that the thread pool stays open for syncs. */
const WARM_STEP_BYTES = 1 << 20;

/**
 * Bytes after which a file that nobody syncs is written back. Left to the kernel, gigabytes pile up and
 * then stall every writer at once. Off the loop: sync_file_range, which only starts the transfer, still
 * holds its caller up for 0.3 to 8 ms per 8 MiB (bench/micro/disk.bench.ts).
 */
const WRITE_BACK_BYTES = 32 << 20;

/**
 * Up to so many bytes are sent on their way before a thread is woken to sync them: the device works
 * while the thread wakes up, which saves a tenth of a small sync (bench/micro/sync.bench.ts). The caller
 * pays 15 microseconds for it, and more for more.
 */
const EARLY_BYTES_MAX = 16 * 1024;

/** Unless the last sync took longer than this: where requests queue up, starting one more may wait. */
const EARLY_SYNC_MS_MAX = 1;

/** What the files of one NodeDisk share. */
export interface FileContext {
  readonly native: Native;
  readonly descriptors: DescriptorPool;
  readonly latch: FaultLatch;
  readonly scratch: Scratch;
  readonly pace: SyncPace;
  readonly readOnly: boolean;
}

/** How fast the device answers. */
export interface SyncPace {
  /** What the last sync took, from call to answer; Infinity before the first. */
  lastSyncMs: number;
}

/** A file of NodeDisk. See DiskFile. */
export class NodeDiskFile implements DiskFile {
  readonly #context: FileContext;
  readonly #slot: DescriptorSlot;
  readonly #maps = new Set<MappedFile>();
  /** Consecutive writes since the last sync whose write-back was not started yet. */
  #runStart = 0;
  #runEnd = 0;
  #isWritingBack = false;

  constructor(path: string, context: FileContext) {
    this.#context = context;
    this.#slot = new DescriptorSlot(path, context.readOnly);
  }

  get path(): string {
    return this.#slot.path;
  }

  create(ifThere: "refuse" | "keep" = "refuse"): void {
    const { latch, descriptors } = this.#context;
    latch.guard("create", this.path);
    const exclusive = ifThere === "refuse" ? fs.constants.O_EXCL : 0;
    const flags = fs.constants.O_RDWR | fs.constants.O_CREAT | exclusive;
    const fd = latch.run("create", this.path, () =>
      descriptors.withRoom(() => fs.openSync(this.path, flags, 0o644)),
    );
    descriptors.adopt(this.#slot, fd);
  }

  size(): number {
    const fd = this.#use();
    return this.#context.latch.run("stat", this.path, () => fs.fstatSync(fd).size);
  }

  read(target: Uint8Array, targetAt: number, length: number, position: number): number {
    const fd = this.#use();
    const result = this.#context.native.pread(fd, target, targetAt, length, position);
    if (result < 0) this.#fail("read", result);
    return result;
  }

  write(pieces: readonly Uint8Array[], position: number): void {
    const { latch, native } = this.#context;
    latch.guard("write", this.path);
    const fd = this.#use();
    this.#slot.writes++;
    const end = writeWhole(native, latch, { fd, path: this.path, pieces, position });
    if (position !== this.#runEnd) this.#runStart = position;
    this.#runEnd = end;
    if (end - this.#runStart >= WRITE_BACK_BYTES && !this.#isWritingBack) this.#startWriteBack();
  }

  allocate(position: number, length: number): void {
    const { latch, native } = this.#context;
    latch.guard("allocate", this.path);
    const fd = this.#use();
    this.#slot.writes++;
    const result = native.fallocate(fd, FALLOCATE_GROW, position, length);
    if (result < 0) this.#fail("allocate", result);
  }

  truncate(size: number): void {
    const { latch, native } = this.#context;
    this.#assertUnmapped();
    latch.guard("truncate", this.path);
    const fd = this.#use();
    this.#slot.writes++;
    const result = native.ftruncate(fd, size);
    if (result < 0) this.#fail("truncate", result);
  }

  sync(): Promise<void> {
    const { latch, descriptors, pace } = this.#context;
    const slot = this.#slot;
    let fd: number;
    try {
      latch.guard(SYNC_STAGE, this.path);
      fd = this.#pin();
    } catch (error) {
      return Promise.reject(error);
    }
    const covered = slot.writes;
    const startedMs = performance.now();
    this.#startEarly(fd);
    this.#runStart = this.#runEnd;
    return new Promise((resolve, reject) => {
      fs.fdatasync(fd, (error) => {
        pace.lastSyncMs = performance.now() - startedMs;
        if (error === null && covered > slot.syncedWrites) slot.syncedWrites = covered;
        descriptors.unpin(slot);
        settleSync(latch, slot.path, error, resolve, reject);
      });
    });
  }

  /** A help, whose own errors say nothing: the sync behind it reports what went wrong. */
  #startEarly(fd: number): void {
    const { native, pace } = this.#context;
    const bytes = this.#runEnd - this.#runStart;
    if (bytes === 0 || bytes > EARLY_BYTES_MAX || pace.lastSyncMs > EARLY_SYNC_MS_MAX) return;
    native.syncFileRange(fd, this.#runStart, bytes, SYNC_FILE_RANGE_WRITE);
  }

  syncNow(): void {
    const { latch, native } = this.#context;
    latch.guard(SYNC_STAGE, this.path);
    const fd = this.#use();
    const result = native.fdatasync(fd);
    if (result < 0) this.#fail(SYNC_STAGE, result);
    this.#slot.syncedWrites = this.#slot.writes;
    this.#runStart = this.#runEnd;
  }

  dropCache(position: number, length: number): void {
    this.#context.native.fadvise(this.#use(), position, length, FADVISE_DONTNEED);
  }

  isResident(position: number, length: number): boolean {
    return this.#context.native.isResident(this.#use(), position, length) ?? true;
  }

  async warm(position: number, length: number): Promise<void> {
    const { latch, descriptors, scratch } = this.#context;
    const fd = this.#pin();
    try {
      const target = scratch.bytes;
      const end = position + length;
      for (let at = position; at < end; ) {
        const step = Math.min(end - at, WARM_STEP_BYTES);
        const read = { fd, path: this.path, target, length: step, position: at };
        const count = await readLater(latch, read);
        if (count === 0) return;
        at += count;
      }
    } finally {
      descriptors.unpin(this.#slot);
    }
  }

  borrow(): number {
    return this.#pin();
  }

  giveBack(): void {
    this.#context.descriptors.unpin(this.#slot);
  }

  map(length: number): MappedFile {
    const { latch, native } = this.#context;
    for (const map of this.#maps) if (!map.isMapped) this.#maps.delete(map);
    const fd = this.#use();
    const map = latch.run("map", this.path, () => native.mapFile(fd, length));
    this.#maps.add(map);
    return map;
  }

  renameTo(path: string): void {
    this.#assertUnmapped();
    const { latch } = this.#context;
    latch.guard("rename", this.path);
    latch.run("rename", this.path, () => fs.renameSync(this.path, path));
    this.#slot.path = path;
  }

  moved(path: string): void {
    this.#slot.path = path;
  }

  remove(): void {
    this.#assertUnmapped();
    const { latch } = this.#context;
    latch.guard("remove", this.path);
    this.#holdOpen();
    latch.run("remove", this.path, () => unlinkIfThere(this.path));
    this.#slot.isUnlinked = true;
    this.close();
  }

  close(): void {
    this.#context.descriptors.drop(this.#slot);
  }

  /** The write itself went well: when this fails, whoever comes next meets the latch. */
  #startWriteBack(): void {
    this.#isWritingBack = true;
    const done = (): void => {
      this.#isWritingBack = false;
    };
    this.sync().then(done, done);
  }

  /** While a descriptor is open, unlinking frees nothing: the pool closes this one off the loop. */
  #holdOpen(): void {
    try {
      this.#use();
    } catch (error) {
      if (!(error instanceof DiskFault)) throw error; // not there, or no descriptor left to hold it
    }
  }

  #use(): number {
    const slot = this.#slot;
    if (slot.fd >= 0) return this.#context.descriptors.use(slot);
    return this.#context.latch.run("open", slot.path, () => this.#context.descriptors.use(slot));
  }

  #pin(): number {
    const slot = this.#slot;
    return this.#context.latch.run("open", slot.path, () => this.#context.descriptors.pin(slot));
  }

  #fail(stage: string, result: number): never {
    this.#context.latch.failCode(stage, this.path, errnoName(result));
  }

  #assertUnmapped(): void {
    for (const map of this.#maps) assert(!map.isMapped, "file changed under a map", this.path);
  }
}

/** Where warming reads put what nobody looks at; many of them may share it. */
export class Scratch {
  #bytes: Uint8Array | null = null;

  get bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(WARM_STEP_BYTES);
    return this.#bytes;
  }
}

/** True: removed. False: there was nothing. */
export function unlinkIfThere(path: string): boolean {
  try {
    fs.unlinkSync(path);
    return true;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return false;
  }
}

/** fsync off the loop of a descriptor that the caller keeps open. */
export function syncLater(latch: FaultLatch, fd: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fsync(fd, (error) => settleSync(latch, path, error, resolve, reject));
  });
}

/**
 * A sync that succeeded beside one that failed proves nothing: the kernel reports a lost page to one
 * of them only. So every sync that ends after the latch fails.
 */
function settleSync(
  latch: FaultLatch,
  path: string,
  error: unknown,
  resolve: () => void,
  reject: (fault: unknown) => void,
): void {
  if (error != null) latch.capture(SYNC_STAGE, path, error);
  if (latch.fault !== null) reject(latch.fault);
  else resolve();
}

interface WholeWrite {
  readonly fd: number;
  readonly path: string;
  readonly pieces: readonly Uint8Array[];
  readonly position: number;
}

/** Writes everything and returns where it ends, or throws a WriteFault. See DiskFile.write. */
export function writeWhole(native: Native, latch: FaultLatch, write: WholeWrite): number {
  const { fd, path, pieces, position } = write;
  let total = 0;
  for (const piece of pieces) total += piece.length;
  let written = writePieces(native, fd, pieces, position);
  if (written === total) return position + total;
  let code = errnoName(written);
  if (written >= 0) {
    const more = writePieces(native, fd, piecesAfter(pieces, written), position + written);
    if (written + more === total) return position + total;
    code = more < 0 ? errnoName(more) : SHORT_WRITE;
    if (more > 0) written += more;
  }
  throw latch.latchIfGrave(new WriteFault(path, code, Math.max(written, 0)));
}

function writePieces(
  native: Native,
  fd: number,
  pieces: readonly Uint8Array[],
  position: number,
): number {
  if (pieces.length !== 1) return native.pwritev(fd, pieces, position);
  const piece = pieces[0]!;
  return native.pwrite(fd, piece, 0, piece.length, position);
}

/** What is left of `pieces` behind their first `count` bytes. */
function piecesAfter(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skip = count;
  for (const piece of pieces) {
    if (skip < piece.length) rest.push(piece.subarray(skip));
    skip = Math.max(0, skip - piece.length);
  }
  return rest;
}

interface LaterRead {
  readonly fd: number;
  readonly path: string;
  readonly target: Uint8Array;
  readonly length: number;
  readonly position: number;
}

function readLater(latch: FaultLatch, read: LaterRead): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(read.fd, read.target, 0, read.length, read.position, (error, count) => {
      if (error !== null) reject(latch.capture("read", read.path, error));
      else resolve(count);
    });
  });
}
