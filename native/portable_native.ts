import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  readSync,
  writeSync,
  writevSync,
} from "node:fs";
import { assert } from "../engine/base/assert.ts";
import { scanBatch, scanRun } from "./batch_scan.ts";
import { crc32c, crc32cPieces } from "./crc32c.ts";
import { ENOSYS, NativeError, errnoOf } from "./errno.ts";
import { type BatchScan, type RunScan, SCAN_PRODUCE } from "./scan.ts";

/** The most pieces of one writev: Linux's IOV_MAX, and macOS's. */
const PIECES_MAX = 1024;

/**
 * PortableNative: the native surface over node:fs, for platforms and machines where the shim cannot be
 * built. What node:fs cannot do answers -ENOSYS and shows in `capabilities`; see native.ts for the rest.
 */
export class PortableNative {
  readonly build = "off";
  readonly capabilities = {
    sendfile: false,
    cachestat: false,
    mmap: false,
    ofdLock: false,
    fallocate: false,
    wideCrc: false,
    vectoredWrite: true,
    crc: "javascript",
  } as const;

  pread(
    fd: number,
    target: Uint8Array,
    targetAt: number,
    length: number,
    position: number,
  ): number {
    assert(targetAt + length <= target.length, "range beyond its bytes", targetAt, length);
    return attempt(() => readSync(fd, target, targetAt, length, position));
  }

  pwrite(
    fd: number,
    source: Uint8Array,
    sourceAt: number,
    length: number,
    position: number,
  ): number {
    assert(sourceAt + length <= source.length, "range beyond its bytes", sourceAt, length);
    return attempt(() => writeSync(fd, source, sourceAt, length, position));
  }

  pwritev(fd: number, pieces: readonly Uint8Array[], position: number): number {
    let written = 0;
    for (let from = 0; from < pieces.length; from += PIECES_MAX) {
      const group = pieces.slice(from, from + PIECES_MAX).filter((piece) => piece.length > 0);
      if (group.length === 0) continue;
      const bytes = group.reduce((sum, piece) => sum + piece.length, 0);
      const result = attempt(() => writevSync(fd, group, position + written));
      if (result < 0) return written > 0 ? written : result;
      written += result;
      if (result < bytes) return written;
    }
    return written;
  }

  fdatasync(fd: number): number {
    return attempt(() => fdatasyncSync(fd));
  }

  fsync(fd: number): number {
    return attempt(() => fsyncSync(fd));
  }

  syncfs(_fd: number): number {
    return -ENOSYS;
  }

  ftruncate(fd: number, size: number): number {
    return attempt(() => ftruncateSync(fd, size));
  }

  /** Mode 0 sets the size as it must, without reserving blocks; other modes cannot be done. */
  fallocate(fd: number, mode: number, position: number, length: number): number {
    if (mode !== 0) return -ENOSYS;
    return attempt(() => {
      if (fstatSync(fd).size < position + length) ftruncateSync(fd, position + length);
    });
  }

  fadvise(_fd: number, _position: number, _length: number, _advice: number): number {
    return -ENOSYS;
  }

  syncFileRange(_fd: number, _position: number, _length: number, _flags: number): number {
    return -ENOSYS;
  }

  cachestat(_fd: number, _position: number, _length: number): number {
    return -ENOSYS;
  }

  residentNowait(_fd: number, _position: number, _length: number): number {
    return -ENOSYS;
  }

  isResident(_fd: number, _position: number, length: number): boolean | undefined {
    return length === 0 ? true : undefined;
  }

  mapFile(fd: number, length: number): PortableMappedFile {
    assert(length > 0 && Number.isSafeInteger(length), "bad length of a map", length);
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const result = this.pread(fd, bytes, at, length - at, at);
      if (result < 0) throw new NativeError("read for a map", result);
      if (result === 0) break; // like a map, zeros to the end of the last page
      at += result;
    }
    return new PortableMappedFile(bytes);
  }

  /** Nothing to lock with: the caller reads `capabilities.ofdLock`. */
  lockFile(_fd: number): boolean {
    return true;
  }

  unlockFile(_fd: number): void {}

  sendfile(_socketFd: number, _fileFd: number, _position: number, _length: number): number {
    return -ENOSYS;
  }

  sendHeadAndFile(
    _socketFd: number,
    _head: Uint8Array,
    _headLength: number,
    _fileFd: number,
    _position: number,
    _length: number,
  ): number {
    return -ENOSYS;
  }

  send(_socketFd: number, _bytes: Uint8Array, _at: number, _length: number): number {
    return -ENOSYS;
  }

  recv(_socketFd: number, _target: Uint8Array, _at: number, _length: number): number {
    return -ENOSYS;
  }

  recvDiscard(_socketFd: number, _length: number): number {
    return -ENOSYS;
  }

  setSendBuffer(_socketFd: number, _bytes: number): number {
    return -ENOSYS;
  }

  setReceiveBuffer(_socketFd: number, _bytes: number): number {
    return -ENOSYS;
  }

  getSendBuffer(_socketFd: number): number {
    return -ENOSYS;
  }

  getReceiveBuffer(_socketFd: number): number {
    return -ENOSYS;
  }

  setNoDelay(_socketFd: number, _on: boolean): number {
    return -ENOSYS;
  }

  dup(_fd: number): number {
    return -ENOSYS;
  }

  close(fd: number): number {
    return attempt(() => closeSync(fd));
  }

  shutdownSocket(_socketFd: number, _how: number): number {
    return -ENOSYS;
  }

  crc32c(bytes: Uint8Array, start: number, end: number, seed = 0): number {
    assert(start >= 0 && start <= end && end <= bytes.length, "bad range", start, end);
    return crc32c(bytes, start, end, seed);
  }

  crc32cPieces(pieces: readonly Uint8Array[], seed = 0): number {
    return crc32cPieces(pieces, seed);
  }

  scanBatch(pieces: readonly Uint8Array[], out: BatchScan, flags = SCAN_PRODUCE): number {
    return scanBatch(pieces, out, flags);
  }

  scanRun(bytes: Uint8Array, start: number, end: number, out: RunScan, flags = 0): number {
    assert(start >= 0 && start <= end && end <= bytes.length, "bad range", start, end);
    return scanRun(bytes, start, end, out, flags);
  }
}

/** A copy of the file's bytes that behaves like a map. */
export class PortableMappedFile {
  readonly length: number;
  #bytes: Uint8Array<ArrayBuffer> | null;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.length = bytes.length;
  }

  get isMapped(): boolean {
    return this.#bytes !== null;
  }

  bytes(): Uint8Array {
    assert(this.#bytes !== null, "used after unmap");
    return this.#bytes;
  }

  unmap(): void {
    this.#bytes?.buffer.transfer(0);
    this.#bytes = null;
  }
}

/** The result of a node:fs call in the terms of the surface: a count or 0, or -errno. */
function attempt(action: () => number | void): number {
  try {
    return action() ?? 0;
  } catch (error) {
    return errnoOf(error);
  }
}
