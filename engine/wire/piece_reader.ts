import type { Uuid } from "../base/uuid.ts";
import { UUID_BYTES } from "../base/uuid.ts";
import { readInt16, readInt32 } from "../base/int64.ts";
import type { Frame } from "./frame_splitter.ts";
import { internString } from "./string_cache.ts";
import { internUuid } from "./uuid_text.ts";
import { STRING_BYTES_MAX, TAGGED_FIELDS_MAX } from "./wire_limits.ts";
import { WireError } from "./wire_error.ts";
import type { WireErrorCode } from "./wire_error.ts";

/**
 * PieceReader: reads a frame that may lie in several pieces without joining them.
 *
 *   pieces    |---- bytes ------|---- rest[next] ----|---- ... ----|
 *                    at      end ^ nextAt              behind: bytes not in `bytes` yet
 *
 * Small values that straddle two pieces are copied together into a few bytes of their own, which
 * then are the current piece. Record batches are handed out as views of the pieces they lie in.
 *
 * Invariants:
 *  P1  unread are [at, end) of `bytes`, then rest[next] from `nextAt`, then the later pieces
 *  P2  behind + (end - at) is its length
 *
 * Owner: one decode call. Errors: WireError.
 */
export class PieceReader {
  #bytes: Uint8Array;
  #at: number;
  #end: number;
  readonly #rest: readonly Uint8Array[];
  #next = 0;
  #nextAt = 0;
  #behind: number;
  #heapLeft: number;

  /** `at` lies in the frame's first piece. */
  constructor(frame: Frame, at: number, heapBytesMax: number) {
    this.#bytes = frame.bytes;
    this.#at = at;
    this.#end = frame.end;
    this.#rest = frame.rest;
    this.#behind = frame.length - (frame.end - frame.start);
    this.#heapLeft = heapBytesMax;
  }

  int16(field: string): number {
    this.#need(2, field);
    const value = readInt16(this.#bytes, this.#at);
    this.#at += 2;
    return value;
  }

  int32(field: string): number {
    this.#need(4, field);
    const value = readInt32(this.#bytes, this.#at);
    this.#at += 4;
    return value;
  }

  uuid(field: string): Uuid {
    this.#need(UUID_BYTES, field);
    const value = internUuid(this.#bytes, this.#at);
    this.#at += UUID_BYTES;
    return value;
  }

  uvarint(field: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      this.#need(1, field);
      const byte = this.#bytes[this.#at++]!;
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    this.#fail("MALFORMED", field, "varint longer than 32 bits");
  }

  /** Null for a negative length. */
  string(length: number, field: string): string | null {
    if (length < 0) return null;
    if (length > STRING_BYTES_MAX) this.#fail("MALFORMED", field, "string longer than 32767 bytes");
    this.#need(length, field);
    this.#charge(length, field);
    const text = internString(this.#bytes, this.#at, length);
    this.#at += length;
    return text;
  }

  /**
   * The next `length` bytes as views of the pieces they lie in; the first is at least `headBytes`
   * long, or all there is.
   */
  take(length: number, headBytes: number, field: string): Uint8Array[] {
    if (length > this.#end - this.#at + this.#behind) this.#truncated(field);
    this.#need(Math.min(length, headBytes), field);
    const pieces: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#at === this.#end) this.#need(1, field);
      const count = Math.min(missing, this.#end - this.#at);
      pieces.push(this.#bytes.subarray(this.#at, this.#at + count));
      this.#at += count;
      missing -= count;
    }
    return pieces;
  }

  /** As Reader.admitArray, sizes being those of one element. */
  admitArray(count: number, bytesMin: number, heapBytes: number, field: string): void {
    const left = this.#end - this.#at + this.#behind;
    if (count * bytesMin > left) this.#truncated(field);
    this.#charge(count * heapBytes, field);
  }

  /** Skips a tagged section of which no field is known. */
  skipTags(field: string): void {
    const count = this.uvarint(field);
    if (count > TAGGED_FIELDS_MAX) this.#fail("MALFORMED", field, "too many tagged fields");
    let before = -1;
    for (let index = 0; index < count; index++) {
      const tag = this.uvarint(field);
      if (tag <= before) this.#fail("MALFORMED", field, "tagged fields out of order");
      before = tag;
      this.#skip(this.uvarint(field), field);
    }
  }

  unexpectedNull(field: string): never {
    this.#fail("MALFORMED", field, "null in a field that is not nullable");
  }

  #skip(count: number, field: string): void {
    if (count > this.#end - this.#at + this.#behind) this.#truncated(field);
    let missing = count;
    while (missing > 0) {
      if (this.#at === this.#end) this.#need(1, field);
      const step = Math.min(missing, this.#end - this.#at);
      this.#at += step;
      missing -= step;
    }
  }

  #charge(heapBytes: number, field: string): void {
    this.#heapLeft -= heapBytes;
    if (this.#heapLeft < 0) this.#fail("TOO_LARGE", field, "message exceeds its heap budget");
  }

  /** Makes the next `count` bytes lie side by side in the current piece. */
  #need(count: number, field: string): void {
    if (this.#end - this.#at < count) this.#refill(count, field);
  }

  #refill(count: number, field: string): void {
    const available = this.#end - this.#at;
    if (count > available + this.#behind) this.#truncated(field);
    if (available === 0 && count <= this.#rest[this.#next]!.length - this.#nextAt) {
      this.#bytes = this.#rest[this.#next++]!;
      this.#at = this.#nextAt;
      this.#end = this.#bytes.length;
      this.#nextAt = 0;
      this.#behind -= this.#end - this.#at;
      return;
    }
    const gathered = new Uint8Array(count);
    gathered.set(this.#bytes.subarray(this.#at, this.#end));
    for (let filled = available; filled < count; ) {
      const piece = this.#rest[this.#next]!;
      const step = Math.min(count - filled, piece.length - this.#nextAt);
      gathered.set(piece.subarray(this.#nextAt, this.#nextAt + step), filled);
      filled += step;
      this.#nextAt += step;
      if (this.#nextAt === piece.length) {
        this.#next++;
        this.#nextAt = 0;
      }
    }
    this.#behind -= count - available;
    this.#bytes = gathered;
    this.#at = 0;
    this.#end = count;
  }

  #truncated(field: string): never {
    this.#fail("TRUNCATED", field, "bytes end inside the field");
  }

  #fail(code: WireErrorCode, field: string, what: string): never {
    throw new WireError(code, `${field}: ${what}`);
  }
}
