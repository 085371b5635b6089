import { assert } from "../base/assert.ts";
import { writeInt32 } from "../base/int64.ts";
import type { Uuid } from "../base/uuid.ts";
import { UUID_BYTES } from "../base/uuid.ts";
import { sizeOfUvarint, writeUvarint } from "../base/varint.ts";
import { FRAME_PREFIX_BYTES, STRING_BYTES_MAX } from "./wire_limits.ts";
import { writeUuid } from "./uuid_text.ts";
import { WireError } from "./wire_error.ts";

/** Encodes one value at the writer's position. */
export type Encoder = (writer: Writer, value: unknown) => void;

/** Records that will not pass through memory: so many bytes are sent from a file at this place. */
export class RecordsHole {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }
}

/** What a connection sends, in order: bytes, and holes to be filled from files. */
export type Segment = Uint8Array | RecordsHole;

/**
 * Slabs double up to this size: the writer of a single message stays small, a busy one gets slabs
 * that take hundreds of answers. A slab is never written twice (see `take`).
 */
const SLAB_BYTES_MAX = 64 * 1024;
const SLAB_BYTES_FIRST = 512;
const UVARINT_BYTES_MAX = 5;
/** A UTF-16 unit takes at most three bytes in UTF-8. */
const UTF8_BYTES_MAX = 3;
/** Up to here a loop over characters beats the built-in encoder (bench/micro/wire.bench.ts). */
const ASCII_LOOP_LENGTH_MAX = 24;

/**
 * Writer: grows as messages are encoded into it.
 *
 *   bytes   |-- taken already --|-- written --|-- room --|
 *                               start         at
 *   holes   places in [start, at] where bytes of a file are to be sent in between
 *
 * Invariants:
 *  W1  start <= at <= bytes.length
 *  W2  bytes before `start` are never touched again: views that `take` gave out stay valid for ever
 *  W3  `holes` are in order of their place
 *
 * Owner: one connection (or one call). Concurrency: none, encoding is synchronous. Errors:
 * WireError when a value cannot be expressed; `encodeInto` then leaves the writer as it was.
 */
export class Writer {
  bytes: Uint8Array;
  at = 0;
  #start = 0;
  /** The same memory as `bytes`, once text needed it. */
  #buffer: Buffer | null = null;
  #holes: { place: number; readonly hole: RecordsHole }[] = [];
  #holeBytes = 0;
  #frameAt = -1;
  #frameHoleBytes = 0;

  constructor(capacity = SLAB_BYTES_FIRST) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Bytes written since the last `take`, holes not counted. */
  get length(): number {
    return this.at - this.#start;
  }

  /** Makes room for `count` more bytes. `bytes` and `at` may change. */
  reserve(count: number): void {
    if (this.bytes.length - this.at >= count) return;
    const length = this.length;
    const slab = Math.min(this.bytes.length * 2, SLAB_BYTES_MAX);
    const grown = new Uint8Array(Math.max(slab, (length + count) * 2));
    grown.set(this.bytes.subarray(this.#start, this.at));
    this.bytes = grown;
    this.#buffer = null;
    this.#start = 0;
    this.at = length;
  }

  /** Everything written since the last `take`, which must contain no hole. */
  take(): Uint8Array {
    assert(this.#holes.length === 0, "holes need takeSegments", this.#holes.length);
    const taken = this.bytes.subarray(this.#start, this.at);
    this.#start = this.at;
    return taken;
  }

  takeSegments(): Segment[] {
    const segments: Segment[] = [];
    const end = this.length;
    let from = 0;
    for (const { place, hole } of this.#holes) {
      if (place > from) segments.push(this.#run(from, place));
      segments.push(hole);
      from = place;
    }
    if (end > from) segments.push(this.#run(from, end));
    this.#start = this.at;
    this.#holes = [];
    this.#holeBytes = 0;
    return segments;
  }

  #run(from: number, to: number): Uint8Array {
    return this.bytes.subarray(this.#start + from, this.#start + to);
  }

  /** Undoes what was written since `length` and `holeCount` were these. */
  rollBack(length: number, holeCount: number): void {
    assert(length <= this.length, "rolling forward", length, this.length);
    this.at = this.#start + length;
    if (this.#frameAt >= length) this.#frameAt = -1;
    while (this.#holes.length > holeCount) this.#holeBytes -= this.#holes.pop()!.hole.length;
  }

  get holeCount(): number {
    return this.#holes.length;
  }

  /** Leaves room for a frame's length; `endFrame` fills it in. Frames do not nest. */
  beginFrame(): void {
    assert(this.#frameAt < 0, "frames do not nest", this.#frameAt);
    this.reserve(FRAME_PREFIX_BYTES);
    this.#frameAt = this.length;
    this.#frameHoleBytes = this.#holeBytes;
    this.at += FRAME_PREFIX_BYTES;
  }

  /** Writes the length of the frame that began last, holes included. */
  endFrame(): void {
    assert(this.#frameAt >= 0, "no frame was begun");
    const holeBytes = this.#holeBytes - this.#frameHoleBytes;
    const length = this.length - this.#frameAt - FRAME_PREFIX_BYTES + holeBytes;
    writeInt32(this.bytes, this.#start + this.#frameAt, length);
    this.#frameAt = -1;
  }

  uvarint(value: number): void {
    this.reserve(UVARINT_BYTES_MAX);
    this.at = writeUvarint(this.bytes, this.at, value);
  }

  int32(value: number): void {
    this.reserve(4);
    writeInt32(this.bytes, this.at, value);
    this.at += 4;
  }

  float64(value: number): void {
    this.reserve(8);
    new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 8).setFloat64(0, value);
    this.at += 8;
  }

  uuid(value: Uuid): void {
    this.reserve(UUID_BYTES);
    writeUuid(value, this.bytes, this.at);
    this.at += UUID_BYTES;
  }

  /** Old encoding: int16 length. */
  string(text: string, field: string): void {
    assert(typeof text === "string", "not a string", field, text);
    this.reserve(2 + text.length * UTF8_BYTES_MAX);
    const lengthAt = this.at;
    this.at += 2;
    const length = this.#text(text, field);
    this.bytes[lengthAt] = length >> 8;
    this.bytes[lengthAt + 1] = length;
  }

  /** Flexible encoding: varint of length + 1. */
  compactString(text: string, field: string): void {
    assert(typeof text === "string", "not a string", field, text);
    this.reserve(UVARINT_BYTES_MAX + text.length * UTF8_BYTES_MAX);
    const start = this.at;
    // Nearly all text is ASCII: write it behind the length that it then has.
    this.at = writeUvarint(this.bytes, start, text.length + 1);
    const length = this.#text(text, field);
    if (length === text.length) return;
    this.at = writeUvarint(this.bytes, start, length + 1);
    this.#text(text, field);
  }

  /** Writes the characters; there is room. Returns the number of bytes. */
  #text(text: string, field: string): number {
    const { bytes, at } = this;
    const length = text.length;
    if (length <= ASCII_LOOP_LENGTH_MAX) {
      let index = 0;
      for (; index < length; index++) {
        const character = text.charCodeAt(index);
        if (character >= 0x80) break;
        bytes[at + index] = character;
      }
      if (index === length) {
        this.at = at + length;
        return length;
      }
    }
    this.#buffer ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const written = this.#buffer.write(text, at);
    if (written > STRING_BYTES_MAX) {
      throw new WireError("UNSUPPORTED_FIELD", `${field}: text longer than 32767 bytes`);
    }
    this.at = at + written;
    return written;
  }

  /** Bytes without a length. */
  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.at);
    this.at += source.length;
  }

  blob(source: Uint8Array, isCompact: boolean, field: string): void {
    assert(source instanceof Uint8Array, "not bytes", field, source);
    this.#blobLength(source.length, isCompact);
    this.raw(source);
  }

  /** Record batches: one array, pieces of one run, or a hole. */
  records(source: Uint8Array | readonly Uint8Array[] | RecordsHole, isCompact: boolean): void {
    if (source instanceof RecordsHole) {
      this.#blobLength(source.length, isCompact);
      if (source.length === 0) return;
      this.#holes.push({ place: this.length, hole: source });
      this.#holeBytes += source.length;
      return;
    }
    const pieces = source instanceof Uint8Array ? [source] : source;
    let length = 0;
    for (const piece of pieces) length += piece.length;
    this.#blobLength(length, isCompact);
    for (const piece of pieces) this.raw(piece);
  }

  #blobLength(length: number, isCompact: boolean): void {
    if (isCompact) this.uvarint(length + 1);
    else this.int32(length);
  }

  /** Begins a tagged field whose size is not known yet. Give the result to `closeTag`. */
  openTag(tag: number): number {
    this.uvarint(tag);
    this.reserve(1);
    this.at += 1;
    return this.length;
  }

  /**
   * Writes the size of the tagged field whose data began at `mark`, moving it when it needs the
   * room.
   */
  closeTag(mark: number): void {
    const size = this.length - mark;
    const extra = sizeOfUvarint(size) - 1;
    this.reserve(extra);
    const dataAt = this.#start + mark;
    if (extra > 0) this.bytes.copyWithin(dataAt + extra, dataAt, this.at);
    writeUvarint(this.bytes, dataAt - 1, size);
    this.at += extra;
  }
}
