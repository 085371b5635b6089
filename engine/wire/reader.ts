import { assert } from "../base/assert.ts";
import type { Uuid } from "../base/uuid.ts";
import { STRING_BYTES_MAX, TAGGED_FIELDS_MAX } from "./wire_limits.ts";
import { internString } from "./string_cache.ts";
import { internUuid } from "./uuid_text.ts";
import type { WireErrorCode } from "./wire_error.ts";
import { WireError } from "./wire_error.ts";

/** Decodes one message from where the reader stands. */
export type Decoder = (reader: Reader) => unknown;

/** What a string costs beside its characters, as the heap budget counts it. */
const STRING_HEAP_BYTES = 32;

/**
 * Reader: a place in the bytes of one message, with what is left of its heap budget.
 *
 * Compiled decoders keep the position in a local variable and hand it to the helpers here, which
 * check bounds against `end` and leave the position behind what they read in `at`. Every failure is
 * a WireError that names the field.
 *
 * Owner: one decode call, synchronous; nothing keeps a reader.
 */
export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
  heapLeft: number;

  constructor(bytes: Uint8Array, start: number, end: number, heapBytesMax: number) {
    assert(start >= 0 && start <= end, "a message that ends before it starts", start, end);
    assert(end <= bytes.length, "a message beyond its bytes", end, bytes.length);
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.heapLeft = heapBytesMax;
  }

  /** At most five bytes, below 2^32. */
  uvarint(at: number, field: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= this.end) this.truncated(field);
      const byte = this.bytes[at++]!;
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value >>> 0;
      }
    }
    this.fail("MALFORMED", field, "varint longer than 32 bits");
  }

  string(at: number, length: number, field: string): string {
    if (length > this.end - at) this.truncated(field);
    if (length > STRING_BYTES_MAX) this.fail("MALFORMED", field, "string longer than 32767 bytes");
    this.charge(STRING_HEAP_BYTES + length, field);
    return internString(this.bytes, at, length);
  }

  view(at: number, length: number, field: string): Uint8Array {
    if (length > this.end - at) this.truncated(field);
    return this.bytes.subarray(at, at + length);
  }

  uuid(at: number): Uuid {
    return internUuid(this.bytes, at);
  }

  float64(at: number): number {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + at, 8).getFloat64(0);
  }

  /**
   * Admits an array that takes at least `bytesMin` bytes in all, which must be there, and
   * `heapBytes`, which must be left in the budget. Called before anything is allocated.
   */
  admitArray(at: number, bytesMin: number, heapBytes: number, field: string): void {
    if (bytesMin > this.end - at) this.truncated(field);
    this.charge(heapBytes, field);
  }

  charge(heapBytes: number, field: string): void {
    this.heapLeft -= heapBytes;
    if (this.heapLeft < 0) this.fail("TOO_LARGE", field, "message exceeds its heap budget");
  }

  /** Reads the number of tagged fields at `at`. */
  tagCount(at: number, field: string): number {
    const count = this.uvarint(at, field);
    if (count > TAGGED_FIELDS_MAX) this.fail("MALFORMED", field, "too many tagged fields");
    return count;
  }

  /** Reads a tag, which must be above the one before it. */
  tag(at: number, tagBefore: number, field: string): number {
    const tag = this.uvarint(at, field);
    if (tag <= tagBefore) this.fail("MALFORMED", field, "tagged fields out of order");
    return tag;
  }

  /** Reads the size of a tagged field; returns where its data ends. `at` is left at its start. */
  tagEnd(at: number, field: string): number {
    const size = this.uvarint(at, field);
    if (size > this.end - this.at) this.truncated(field);
    return this.at + size;
  }

  /** Skips a whole tagged section of which no field is known; returns the position behind it. */
  skipTags(at: number, field: string): number {
    const count = this.tagCount(at, field);
    let tag = -1;
    for (let index = 0; index < count; index++) {
      tag = this.tag(this.at, tag, field);
      this.at = this.tagEnd(this.at, field);
    }
    return this.at;
  }

  truncated(field: string): never {
    this.fail("TRUNCATED", field, "bytes end inside the field");
  }

  wrongTagSize(field: string): never {
    this.fail("MALFORMED", field, "tagged field has another size than declared");
  }

  unexpectedNull(field: string): never {
    this.fail("MALFORMED", field, "null in a field that is not nullable");
  }

  fail(code: WireErrorCode, field: string, what: string): never {
    throw new WireError(code, `${field}: ${what}`);
  }
}
