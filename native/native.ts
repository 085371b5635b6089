import { assert } from "../engine/base/assert.ts";
import type { MappedFile } from "./mapped_file.ts";
import { PortableNative } from "./portable_native.ts";
import type { BatchScan, RunScan } from "./scan.ts";
import { loadCompiledShim, loadTinyccShim, ShimUnavailable } from "./shim_build.ts";
import { ShimNative } from "./shim_native.ts";

/**
 * The whole native surface: what Bun lacks, or does at a higher price. JavaScript decides, native code
 * executes: few, coarse calls, arguments asserted here, never in C.
 *
 * Results: a call returns its count (or 0) when it succeeded, and `-errno` (Linux numbers on every
 * platform, see errno.ts) when the world refused; only `lockFile` and `mapFile` throw NativeError.
 * EINTR is retried inside.
 *
 * Ownership: a buffer is lent for the duration of one call and never kept. `pieces` are one logical
 * run of bytes that happens to lie in several arrays. Positions and lengths are integers from 0 to
 * 2^53 - 1.
 *
 * Three implementations behind one contract (test/native/contract.test.ts): C built by the system's
 * compiler, the same C built by Bun's embedded TinyCC, and TypeScript over node:fs. What one lacks is a
 * flag in `capabilities`; the call then returns -ENOSYS.
 */
export interface Native {
  readonly build: NativeBuild;
  readonly capabilities: NativeCapabilities;

  // Files

  /** Bytes read into target[targetAt, targetAt + length); fewer only at the end of the file. */
  pread(
    fd: number,
    target: Uint8Array,
    targetAt: number,
    length: number,
    position: number,
  ): number;
  /** Bytes written; fewer when the disk filled up on the way. */
  pwrite(
    fd: number,
    source: Uint8Array,
    sourceAt: number,
    length: number,
    position: number,
  ): number;
  /** Bytes written, all pieces in order; one system call up to 16 pieces. Fewer: a short write. */
  pwritev(fd: number, pieces: readonly Uint8Array[], position: number): number;
  fdatasync(fd: number): number;
  fsync(fd: number): number;
  /** Writes back the whole file system that `fd` lives on. */
  syncfs(fd: number): number;
  ftruncate(fd: number, size: number): number;
  /** `mode`: FALLOCATE_GROW (extends the size) or a combination of FALLOC_FL_*. */
  fallocate(fd: number, mode: number, position: number, length: number): number;
  /** `advice`: FADVISE_*. Length 0 means to the end. */
  fadvise(fd: number, position: number, length: number, advice: number): number;
  /** `flags`: SYNC_FILE_RANGE_*. Starts (or waits for) write-back; makes nothing durable. */
  syncFileRange(fd: number, position: number, length: number, flags: number): number;
  /**
   * Pages of the range in the page cache (Linux 6.5). Counts pages still being read: after a warming
   * read it is exact, after fadvise(WILLNEED) it promises too much.
   */
  cachestat(fd: number, position: number, length: number): number;
  /**
   * The same question where cachestat is missing: 1 when the whole range can be read without waiting
   * (preadv2 RWF_NOWAIT; costs a copy of it), else 0.
   */
  residentNowait(fd: number, position: number, length: number): number;
  /**
   * Whether the whole range, which lies within the file, would be read without waiting for the disk:
   * cachestat, else residentNowait; undefined when neither can tell.
   */
  isResident(fd: number, position: number, length: number): boolean | undefined;
  /**
   * Maps the first `length` > 0 bytes, read only, shared. Unmap before the file is truncated, renamed
   * or deleted: a page beyond the end of the file kills the process when touched. Throws NativeError.
   */
  mapFile(fd: number, length: number): MappedFile;
  /**
   * Takes the OFD write lock over the whole file without waiting; the fd is open for writing. False:
   * somebody else holds it. Without `capabilities.ofdLock` always true. Throws NativeError.
   */
  lockFile(fd: number): boolean;
  unlockFile(fd: number): void;

  // Sockets: -EAGAIN when nothing could move. Only sendfile waits, and only on a blocking socket

  /** Bytes sent from the file, short on a full socket. 0: the file ends at `position`. */
  sendfile(socketFd: number, fileFd: number, position: number, length: number): number;
  /**
   * head[0, headLength), then the file range, in as few segments as it takes. Returns all bytes sent,
   * head included; -errno only when nothing was sent. Short: full socket, or the file ended (sendfile
   * then answers 0 for the rest: close the connection, its length is already out).
   */
  sendHeadAndFile(
    socketFd: number,
    head: Uint8Array,
    headLength: number,
    fileFd: number,
    position: number,
    length: number,
  ): number;
  send(socketFd: number, bytes: Uint8Array, at: number, length: number): number;
  /** Bytes received; 0 when the peer closed. */
  recv(socketFd: number, target: Uint8Array, at: number, length: number): number;
  /** Drops up to `length` received bytes without copying them. 0 when the peer closed. */
  recvDiscard(socketFd: number, length: number): number;
  /** SO_SNDBUF; the kernel doubles what it is told. */
  setSendBuffer(socketFd: number, bytes: number): number;
  setReceiveBuffer(socketFd: number, bytes: number): number;
  /** What the kernel made of it. */
  getSendBuffer(socketFd: number): number;
  getReceiveBuffer(socketFd: number): number;
  setNoDelay(socketFd: number, on: boolean): number;
  /** A second descriptor for the same file or socket, closed on exec. */
  dup(fd: number): number;
  /** Closes a descriptor that `dup` returned. */
  close(fd: number): number;
  /** `how`: SHUTDOWN_*. */
  shutdownSocket(socketFd: number, how: number): number;

  // Bytes

  /** CRC-32C of bytes[start, end), unsigned. `seed`: the CRC of what comes before, 0 for nothing. */
  crc32c(bytes: Uint8Array, start: number, end: number, seed?: number): number;
  crc32cPieces(pieces: readonly Uint8Array[], seed?: number): number;
  /**
   * Validates exactly one record batch, spread over the pieces, in one pass with its CRC. Returns
   * SCAN_OK or a reason (scan.ts). `flags`: SCAN_PRODUCE unless told otherwise.
   */
  scanBatch(pieces: readonly Uint8Array[], out: BatchScan, flags?: number): number;
  /**
   * Walks consecutive batches in bytes[start, end) and fills `out` with the valid ones. Returns SCAN_OK
   * when it reached `end` exactly, else why it stopped at `out.stoppedAt`: SCAN_FULL, SCAN_PARTIAL, or
   * what is wrong with the batch there. `flags`: none (header and CRC) unless told otherwise.
   */
  scanRun(bytes: Uint8Array, start: number, end: number, out: RunScan, flags?: number): number;
}

/** cc: system compiler at -O3; tcc: Bun's embedded TinyCC; off: TypeScript over node:fs. */
export type NativeBuild = "cc" | "tcc" | "off";

export interface NativeCapabilities {
  /** sendfile, send, recv and socket options work on descriptors. */
  readonly sendfile: boolean;
  /** cachestat answers (probed at load). isResident may know without it. */
  readonly cachestat: boolean;
  /** mapFile maps; otherwise it reads the whole file into memory. */
  readonly mmap: boolean;
  readonly ofdLock: boolean;
  /** fallocate reserves blocks; otherwise it can only set the size. */
  readonly fallocate: boolean;
  /** CRC-32C folds with wide carry-less multiplication. */
  readonly wideCrc: boolean;
  /** pwritev is one system call for many pieces. */
  readonly vectoredWrite: boolean;
  /** How CRC-32C is computed: "folding", "instruction", "table" or "javascript". */
  readonly crc: string;
}

export const FALLOCATE_GROW = 0;
export const FALLOC_FL_KEEP_SIZE = 1;
export const FALLOC_FL_PUNCH_HOLE = 2;

export const FADVISE_NORMAL = 0;
export const FADVISE_RANDOM = 1;
export const FADVISE_SEQUENTIAL = 2;
export const FADVISE_WILLNEED = 3;
export const FADVISE_DONTNEED = 4;

export const SYNC_FILE_RANGE_WAIT_BEFORE = 1;
export const SYNC_FILE_RANGE_WRITE = 2;
export const SYNC_FILE_RANGE_WAIT_AFTER = 4;

export const SHUTDOWN_READ = 0;
export const SHUTDOWN_WRITE = 1;
export const SHUTDOWN_BOTH = 2;

const loaded = new Map<NativeBuild, Native>();
const failures = new Map<NativeBuild, string>();

/**
 * The native functions of this process, loaded once per build. Without `choice` the environment's
 * MILLRACE_NATIVE (cc, tcc or off) decides, else the best that works here. A build that was asked for
 * and cannot be had throws ShimUnavailable, saying why.
 */
export function loadNative(choice: NativeBuild | undefined = choiceOfEnvironment()): Native {
  if (choice !== undefined) return load(choice);
  for (const build of ["cc", "tcc"] as const) {
    if (failures.has(build)) continue;
    try {
      return load(build);
    } catch (error) {
      if (!(error instanceof ShimUnavailable)) throw error;
      failures.set(build, error.message);
    }
  }
  return load("off");
}

/** Why loadNative passed over better builds: one line for each, for the log. */
export function nativeFailures(): string[] {
  return [...failures].map(([build, why]) => `native build ${build} passed over: ${why}`);
}

function choiceOfEnvironment(): NativeBuild | undefined {
  const text = process.env["MILLRACE_NATIVE"];
  if (text === undefined || text === "") return undefined;
  if (text === "cc" || text === "tcc" || text === "off") return text;
  throw new ShimUnavailable(`MILLRACE_NATIVE is "${text}": give cc, tcc or off`);
}

function load(build: NativeBuild): Native {
  let native = loaded.get(build);
  if (native === undefined) {
    if (build === "cc") native = new ShimNative(loadCompiledShim(), "cc");
    else if (build === "tcc") native = new ShimNative(loadTinyccShim(), "tcc");
    else native = new PortableNative();
    assert(native.build === build, "loaded another build", native.build, build);
    loaded.set(build, native);
  }
  return native;
}
