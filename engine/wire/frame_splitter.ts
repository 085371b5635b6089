import { assert } from "../base/assert.ts";
import {
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  FRAME_PIECE_BYTES_MAX,
  FRAME_PIECE_BYTES_MIN,
  FRAME_PREFIX_BYTES,
} from "./wire_limits.ts";
import { WireError } from "./wire_error.ts";

/**
 * One request or response, without its length prefix: bytes [start, end) of `bytes`, then all of
 * each array in `rest`. Nearly always `rest` is empty; a large produce request stays in the pieces
 * in which it came.
 */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly rest: readonly Uint8Array[];
  readonly length: number;
}

const NO_PIECES: readonly Uint8Array[] = [];

/**
 * FrameSplitter: chunks of a byte stream in, whole frames out.
 *
 *     stream   | length | frame ............ | length | frame ... | len
 *     chunks   |---- 1 ----|---- 2 ----|---- 3 ----|
 *
 * A frame that lies within one chunk is handed out where it lies, without a copy or a view. One
 * that spans chunks is kept in pieces: large pieces as they came, small ones gathered by copying
 * (FRAME_PIECE_BYTES_MIN), so that memory follows the bytes that arrived, not the declared length,
 * and a byte-by-byte sender costs no more than its bytes.
 *
 * Invariants:
 *  F1  the sum of `pieces` is the part of the current frame received in earlier chunks
 *  F2  the first piece holds FRAME_HEAD_BYTES or all of the frame received so far
 *  F3  nothing is allocated for a frame longer than `lengthMax`
 *
 * Owner: one connection. Concurrency: none; frames may be used after the next `push`.
 * Errors: WireError "TOO_LARGE" or "MALFORMED" for a bad length, again on every later `next`.
 */
export class FrameSplitter {
  /** May change between frames: authentication widens it. */
  lengthMax: number;
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  /** Of the current frame; -1 while its prefix is incomplete. */
  #length = -1;
  #prefix = 0;
  #prefixBytes = 0;
  #pieces: Uint8Array[] = [];
  #received = 0;
  /** The last piece when it is a gathered one, with room behind `#gatheredBytes`. */
  #gathered: Uint8Array | null = null;
  #gatheredBytes = 0;
  #failure: WireError | null = null;

  constructor(lengthMax = FRAME_BYTES_MAX) {
    this.lengthMax = lengthMax;
  }

  /** Bytes held for a frame that is not complete, after `next` returned null. */
  get heldBytes(): number {
    return this.#received;
  }

  /** Bytes that the current frame still lacks, after `next` returned null; 0 when its length is unknown. */
  get missingBytes(): number {
    return this.#length < 0 ? 0 : this.#length - this.#received;
  }

  /** Gives the next chunk, once `next` has returned null. The splitter keeps views of it. */
  push(chunk: Uint8Array): void {
    assert(this.#at === this.#chunk.length, "frames are left in the last chunk", this.#at);
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next whole frame, or null when more bytes are needed. */
  next(): Frame | null {
    if (this.#failure !== null) throw this.#failure;
    if (this.#length < 0 && !this.#readPrefix()) return null;
    const available = this.#chunk.length - this.#at;
    const missing = this.#length - this.#received;
    if (available < missing) {
      if (available > 0) this.#keep(available);
      this.#dropChunk();
      return null;
    }
    return this.#received === 0 ? this.#whole() : this.#assembled(missing);
  }

  #whole(): Frame {
    const start = this.#at;
    const end = start + this.#length;
    const frame = { bytes: this.#chunk, start, end, rest: NO_PIECES, length: this.#length };
    this.#at = end;
    this.#length = -1;
    return frame;
  }

  #assembled(missing: number): Frame {
    if (missing > 0) this.#keep(missing);
    this.#closeGathered();
    const [first, ...rest] = this.#pieces;
    assert(first !== undefined, "a frame without a piece", this.#length);
    const frame = { bytes: first, start: 0, end: first.length, rest, length: this.#length };
    this.#pieces = [];
    this.#received = 0;
    this.#length = -1;
    return frame;
  }

  /** Reads the length, which may come byte by byte. False when it is not complete. */
  #readPrefix(): boolean {
    while (this.#prefixBytes < FRAME_PREFIX_BYTES) {
      if (this.#at === this.#chunk.length) {
        this.#dropChunk();
        return false;
      }
      this.#prefix = (this.#prefix << 8) | this.#chunk[this.#at++]!;
      this.#prefixBytes++;
    }
    const length = this.#prefix;
    this.#prefix = 0;
    this.#prefixBytes = 0;
    if (length < 0) this.#fail("MALFORMED", `frame of ${length} bytes`);
    if (length > this.lengthMax) this.#fail("TOO_LARGE", `frame of ${length} bytes`);
    this.#length = length;
    return true;
  }

  #fail(code: "MALFORMED" | "TOO_LARGE", message: string): never {
    this.#failure = new WireError(code, `${message}, at most ${this.lengthMax} allowed`);
    this.#dropChunk();
    throw this.#failure;
  }

  #dropChunk(): void {
    this.#chunk = EMPTY;
    this.#at = 0;
  }

  /** Moves `count` bytes of the chunk into the pieces of the current frame. */
  #keep(count: number): void {
    // A head that comes in parts is copied together, so that what follows can stay as it came (F2).
    const missing = FRAME_HEAD_BYTES - this.#received;
    const isHeadWhole = missing <= 0 || (this.#received === 0 && count >= missing);
    const head = isHeadWhole ? 0 : Math.min(count, missing);
    if (head > 0) this.#gather(head);
    const left = count - head;
    if (left >= FRAME_PIECE_BYTES_MIN) this.#keepPiece(left);
    else if (left > 0) this.#gather(left);
  }

  #keepPiece(count: number): void {
    this.#closeGathered();
    this.#pieces.push(this.#chunk.subarray(this.#at, this.#at + count));
    this.#at += count;
    this.#received += count;
  }

  /** Copies `count` bytes, a head or less, into a piece that grows by doubling. */
  #gather(count: number): void {
    if (this.#gatheredBytes + count > FRAME_PIECE_BYTES_MAX) this.#closeGathered();
    const needed = this.#gatheredBytes + count;
    if (this.#gathered === null || this.#gathered.length < needed) this.#growGathered(needed);
    this.#gathered!.set(this.#chunk.subarray(this.#at, this.#at + count), this.#gatheredBytes);
    this.#gatheredBytes = needed;
    this.#at += count;
    this.#received += count;
  }

  #growGathered(needed: number): void {
    const missing = this.#length - (this.#received - this.#gatheredBytes);
    const wanted = Math.max(needed * 2, GATHERED_BYTES_FIRST);
    const size = Math.min(missing, FRAME_PIECE_BYTES_MAX, wanted);
    const grown = new Uint8Array(size);
    if (this.#gathered !== null) grown.set(this.#gathered.subarray(0, this.#gatheredBytes));
    this.#gathered = grown;
  }

  #closeGathered(): void {
    if (this.#gathered === null) return;
    this.#pieces.push(this.#gathered.subarray(0, this.#gatheredBytes));
    this.#gathered = null;
    this.#gatheredBytes = 0;
  }
}

/** The first gathered piece of a frame takes this much, if the frame is that long. */
const GATHERED_BYTES_FIRST = 256;
const EMPTY = new Uint8Array(0);

/** The frame in one array: itself if it is in one already, otherwise a copy. */
export function joinFrame(frame: Frame): Frame {
  if (frame.rest.length === 0) return frame;
  const bytes = new Uint8Array(frame.length);
  bytes.set(frame.bytes.subarray(frame.start, frame.end));
  let at = frame.end - frame.start;
  for (const piece of frame.rest) {
    bytes.set(piece, at);
    at += piece.length;
  }
  assert(at === frame.length, "pieces are not the frame", at, frame.length);
  return { bytes, start: 0, end: at, rest: NO_PIECES, length: at };
}
