import { type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { assert } from "../engine/base/assert.ts";
import { CODEC_MASK } from "../engine/model/record_batch.ts";
import { clearScan } from "./batch_scan.ts";
import { EACCES, EAGAIN, ENOSYS, EPERM, NativeError } from "./errno.ts";
import { type BatchScan, type RunScan, SCAN_OK, SCAN_PRODUCE, SCAN_RECORDS } from "./scan.ts";
import type { ShimSymbols } from "./symbols.ts";

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

/** The most pieces that the kernel takes in one pwritev (IOV_MAX). */
const PIECES_MAX = 1024;
/** What one scan writes: OUT_* in batch_scan.c. */
const SCAN_WORDS = 16;
/** What cachestat counts. On aarch64 a page may have 4, 16 or 64 KiB: there residency is probed. */
const PAGE_BYTES = 4096;
const PAGE_BYTES_KNOWN = process.arch === "x64";

const CRC_KINDS = ["", "table", "instruction", "folding"];
const CRC_FOLDING = 3;

/**
 * ShimNative: the native surface over the C shim, whichever compiler built it. Asserts every argument,
 * because C checks none; see native.ts for the contract of each call.
 *
 * Memory handed to C: views that the caller passes, for the length of the call; and two long-lived
 * tables allocated here in one piece of more than 4 KiB, which never moves.
 *
 * Concurrency: one per thread; the library's only state is tables written once by mr_open.
 */
export class ShimNative {
  readonly build: "cc" | "tcc";
  readonly capabilities: {
    readonly sendfile: boolean;
    readonly cachestat: boolean;
    readonly mmap: boolean;
    readonly ofdLock: boolean;
    readonly fallocate: boolean;
    readonly wideCrc: boolean;
    readonly vectoredWrite: boolean;
    readonly crc: string;
  };
  readonly #c: ShimSymbols;
  /** Address and size of each piece, two doubles each; filled right before a call. */
  readonly #table = new Float64Array(PIECES_MAX * 2);
  readonly #scanOut = new Float64Array(new ArrayBuffer(4096), 0, SCAN_WORDS);

  constructor(symbols: ShimSymbols, build: "cc" | "tcc") {
    this.#c = symbols;
    this.build = build;
    const kind = symbols.mr_crc_kind(0);
    const cachestat = symbols.mr_cachestat(-1, 0, 1); // EBADF where the call exists
    this.capabilities = {
      sendfile: true,
      cachestat: cachestat !== -ENOSYS && cachestat !== -EPERM,
      mmap: true,
      ofdLock: true,
      fallocate: true,
      wideCrc: kind === CRC_FOLDING,
      vectoredWrite: true,
      crc: CRC_KINDS[kind]!,
    };
  }

  pread(
    fd: number,
    target: Uint8Array,
    targetAt: number,
    length: number,
    position: number,
  ): number {
    assertFd(fd);
    assertRange(target, targetAt, length);
    assertCount(position);
    return this.#c.mr_pread(fd, target, targetAt, length, position);
  }

  pwrite(
    fd: number,
    source: Uint8Array,
    sourceAt: number,
    length: number,
    position: number,
  ): number {
    assertFd(fd);
    assertRange(source, sourceAt, length);
    assertCount(position);
    return this.#c.mr_pwrite(fd, source, sourceAt, length, position);
  }

  pwritev(fd: number, pieces: readonly Uint8Array[], position: number): number {
    assertFd(fd);
    assertCount(position);
    if (pieces.length === 1) return this.pwrite(fd, pieces[0]!, 0, pieces[0]!.length, position);
    let written = 0;
    for (let from = 0; from < pieces.length; from += PIECES_MAX) {
      const count = this.#fillTable(pieces, from);
      const bytes = this.#tableBytes(count);
      const result = this.#c.mr_pwritev(fd, this.#table, count, position + written);
      if (result < 0) return written > 0 ? written : result;
      written += result;
      if (result < bytes) return written;
    }
    return written;
  }

  fdatasync(fd: number): number {
    assertFd(fd);
    return this.#c.mr_fdatasync(fd);
  }

  fsync(fd: number): number {
    assertFd(fd);
    return this.#c.mr_fsync(fd);
  }

  syncfs(fd: number): number {
    assertFd(fd);
    return this.#c.mr_syncfs(fd);
  }

  ftruncate(fd: number, size: number): number {
    assertFd(fd);
    assertCount(size);
    return this.#c.mr_ftruncate(fd, size);
  }

  fallocate(fd: number, mode: number, position: number, length: number): number {
    assertFd(fd);
    assertCount(position);
    assertCount(length);
    return this.#c.mr_fallocate(fd, mode, position, length);
  }

  fadvise(fd: number, position: number, length: number, advice: number): number {
    assertFd(fd);
    assertCount(position);
    assertCount(length);
    return this.#c.mr_fadvise(fd, position, length, advice);
  }

  syncFileRange(fd: number, position: number, length: number, flags: number): number {
    assertFd(fd);
    assertCount(position);
    assertCount(length);
    return this.#c.mr_sync_file_range(fd, position, length, flags);
  }

  cachestat(fd: number, position: number, length: number): number {
    assertFd(fd);
    assertCount(position);
    assertCount(length);
    if (length === 0) return 0; // the kernel takes 0 for "to the end of the file"
    return this.#c.mr_cachestat(fd, position, length);
  }

  residentNowait(fd: number, position: number, length: number): number {
    assertFd(fd);
    assertCount(position);
    assertCount(length);
    return this.#c.mr_resident_nowait(fd, position, length);
  }

  isResident(fd: number, position: number, length: number): boolean | undefined {
    if (length === 0) return true;
    if (this.capabilities.cachestat && PAGE_BYTES_KNOWN) {
      const pages = this.cachestat(fd, position, length);
      if (pages >= 0) return pages >= pagesOf(position, length);
    }
    const answer = this.residentNowait(fd, position, length);
    return answer < 0 ? undefined : answer === 1;
  }

  mapFile(fd: number, length: number): ShimMappedFile {
    assertFd(fd);
    assert(length > 0 && Number.isSafeInteger(length), "bad length of a map", length);
    const address = this.#c.mr_mmap(fd, length);
    if (address < 0) throw new NativeError("mmap", address);
    return new ShimMappedFile(this.#c, address, length);
  }

  lockFile(fd: number): boolean {
    assertFd(fd);
    const result = this.#c.mr_lock(fd, 1);
    if (result === -EAGAIN || result === -EACCES) return false;
    if (result < 0) throw new NativeError("fcntl(F_OFD_SETLK)", result);
    return true;
  }

  unlockFile(fd: number): void {
    assertFd(fd);
    const result = this.#c.mr_lock(fd, 0);
    if (result < 0) throw new NativeError("fcntl(F_OFD_SETLK)", result);
  }

  sendfile(socketFd: number, fileFd: number, position: number, length: number): number {
    assertFd(socketFd);
    assertFd(fileFd);
    assertCount(position);
    assertCount(length);
    return this.#c.mr_sendfile(socketFd, fileFd, position, length);
  }

  sendHeadAndFile(
    socketFd: number,
    head: Uint8Array,
    headLength: number,
    fileFd: number,
    position: number,
    length: number,
  ): number {
    assertFd(socketFd);
    assertFd(fileFd);
    assertRange(head, 0, headLength);
    assertCount(position);
    assertCount(length);
    return this.#c.mr_send_head_and_file(socketFd, head, headLength, fileFd, position, length);
  }

  send(socketFd: number, bytes: Uint8Array, at: number, length: number): number {
    assertFd(socketFd);
    assertRange(bytes, at, length);
    return this.#c.mr_send(socketFd, bytes, at, length);
  }

  recv(socketFd: number, target: Uint8Array, at: number, length: number): number {
    assertFd(socketFd);
    assertRange(target, at, length);
    return this.#c.mr_recv(socketFd, target, at, length);
  }

  recvDiscard(socketFd: number, length: number): number {
    assertFd(socketFd);
    assertCount(length);
    return this.#c.mr_recv_discard(socketFd, length);
  }

  setSendBuffer(socketFd: number, bytes: number): number {
    return this.#setOption(socketFd, SOL_SOCKET, SO_SNDBUF, bytes);
  }

  setReceiveBuffer(socketFd: number, bytes: number): number {
    return this.#setOption(socketFd, SOL_SOCKET, SO_RCVBUF, bytes);
  }

  getSendBuffer(socketFd: number): number {
    assertFd(socketFd);
    return this.#c.mr_get_option(socketFd, SOL_SOCKET, SO_SNDBUF);
  }

  getReceiveBuffer(socketFd: number): number {
    assertFd(socketFd);
    return this.#c.mr_get_option(socketFd, SOL_SOCKET, SO_RCVBUF);
  }

  setNoDelay(socketFd: number, on: boolean): number {
    return this.#setOption(socketFd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
  }

  dup(fd: number): number {
    assertFd(fd);
    return this.#c.mr_dup(fd);
  }

  close(fd: number): number {
    assertFd(fd);
    return this.#c.mr_close(fd);
  }

  shutdownSocket(socketFd: number, how: number): number {
    assertFd(socketFd);
    return this.#c.mr_shutdown(socketFd, how);
  }

  crc32c(bytes: Uint8Array, start: number, end: number, seed = 0): number {
    assertRange(bytes, start, end - start);
    return this.#c.mr_crc32c(bytes, start, end, seed);
  }

  crc32cPieces(pieces: readonly Uint8Array[], seed = 0): number {
    if (pieces.length === 1) return this.crc32c(pieces[0]!, 0, pieces[0]!.length, seed);
    let crc = seed;
    for (let from = 0; from < pieces.length; from += PIECES_MAX) {
      crc = this.#c.mr_crc32c_pieces(this.#table, this.#fillTable(pieces, from), crc);
    }
    return crc;
  }

  scanBatch(pieces: readonly Uint8Array[], out: BatchScan, flags = SCAN_PRODUCE): number {
    const words = this.#scanOut;
    let reason: number;
    if (pieces.length === 1) {
      reason = this.#c.mr_scan_batch(words, flags, pieces[0]!, pieces[0]!.length);
    } else {
      const list = pieces.length > PIECES_MAX ? [Buffer.concat(pieces)] : pieces;
      const count = this.#fillTable(list, 0);
      reason = this.#c.mr_scan_batch_pieces(words, flags, this.#table, count);
    }
    takeScan(words, out, reason, flags);
    return reason;
  }

  scanRun(bytes: Uint8Array, start: number, end: number, out: RunScan, flags = 0): number {
    assertRange(bytes, start, end - start);
    return this.#c.mr_scan_run(bytes, start, end, out.memory, out.capacity, flags);
  }

  #setOption(socketFd: number, level: number, name: number, value: number): number {
    assertFd(socketFd);
    assert(Number.isInteger(value) && value >= 0, "bad socket option value", value);
    return this.#c.mr_set_option(socketFd, level, name, value);
  }

  /**
   * Puts address and size of up to PIECES_MAX non-empty pieces into the table and returns how many.
   * The addresses hold because nothing runs between here and the call (and the collector moves nothing).
   */
  #fillTable(pieces: readonly Uint8Array[], from: number): number {
    const end = Math.min(pieces.length, from + PIECES_MAX);
    let count = 0;
    for (let i = from; i < end; i++) {
      const piece = pieces[i]!;
      if (piece.length === 0) continue;
      this.#table[count * 2] = ptr(piece);
      this.#table[count * 2 + 1] = piece.length;
      count++;
    }
    return count;
  }

  #tableBytes(count: number): number {
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += this.#table[i * 2 + 1]!;
    return bytes;
  }
}

/** A map made by mmap. Its ArrayBuffer is foreign memory that the collector does not free. */
export class ShimMappedFile {
  readonly length: number;
  readonly #c: ShimSymbols;
  readonly #address: number;
  #bytes: Uint8Array<ArrayBuffer> | null;

  constructor(symbols: ShimSymbols, address: number, length: number) {
    this.#c = symbols;
    this.#address = address;
    this.length = length;
    this.#bytes = new Uint8Array(toArrayBuffer(address as Pointer, 0, length));
  }

  get isMapped(): boolean {
    return this.#bytes !== null;
  }

  bytes(): Uint8Array {
    assert(this.#bytes !== null, "used after unmap");
    return this.#bytes;
  }

  unmap(): void {
    if (this.#bytes === null) return;
    // Detached first: every view of it, wherever it was handed, has length 0 from here on.
    this.#bytes.buffer.transfer(0);
    this.#bytes = null;
    const result = this.#c.mr_munmap(this.#address, this.length);
    assert(result === 0, "munmap refused", result);
  }
}

/** From the words that C wrote (OUT_* in batch_scan.c) to the caller's object. */
function takeScan(words: Float64Array, out: BatchScan, reason: number, flags: number): void {
  clearScan(out, words[0]!);
  out.badRecord = words[15]!;
  out.leaderEpoch = words[1]!;
  out.attributes = words[2]!;
  out.codec = out.attributes & CODEC_MASK;
  out.baseOffset = words[3]!;
  out.lastOffsetDelta = words[4]!;
  out.baseTimestamp = words[5]!;
  out.maxTimestamp = words[6]!;
  out.producerId = words[7]!;
  out.producerEpoch = words[8]!;
  out.baseSequence = words[9]!;
  out.recordsCount = words[10]!;
  if (reason !== SCAN_OK || out.codec !== 0 || (flags & SCAN_RECORDS) === 0) return;
  out.walked = true;
  out.walkedMaxTimestamp = words[11]!;
  out.walkedMinTimestamp = words[12]!;
  out.maxTimestampOffsetDelta = words[13]!;
  out.firstNullKey = words[14]!;
  out.hasNullKey = out.firstNullKey >= 0;
}

function pagesOf(position: number, length: number): number {
  return Math.floor((position + length - 1) / PAGE_BYTES) - Math.floor(position / PAGE_BYTES) + 1;
}

function assertFd(fd: number): void {
  assert(fd >= 0, "bad descriptor", fd);
}

function assertCount(value: number): void {
  assert(value >= 0 && value <= Number.MAX_SAFE_INTEGER, "not a position or length", value);
}

function assertRange(bytes: Uint8Array, at: number, length: number): void {
  assert(at >= 0 && length >= 0, "negative range", at, length);
  assert(at + length <= bytes.length, "range beyond its bytes", at + length, bytes.length);
}
