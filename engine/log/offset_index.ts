import { assert } from "../base/assert.ts";
import { readInt32, writeInt32 } from "../base/int64.ts";
import type { Offset } from "../model/offsets.ts";
import { GrowingBytes } from "./growing_bytes.ts";

/**
 * Kafka's `.index`: relativeOffset i32 | position i32. An entry names the *last* offset of a batch and
 * the position where that same batch starts. Sparse: one entry per index.interval.bytes of log, and
 * none for the first batch of a segment.
 *
 * The functions search entries wherever they lie: in the memory of an active segment or in the map of
 * a sealed one.
 */
export const OFFSET_ENTRY_BYTES = 8;
const POSITION_AT = 4;

/** Index of the last entry whose offset is at most `target`; -1 when there is none. */
export function findOffsetEntry(
  bytes: Uint8Array,
  count: number,
  baseOffset: Offset,
  target: Offset,
): number {
  const relative = target - baseOffset;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (readInt32(bytes, middle * OFFSET_ENTRY_BYTES) <= relative) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Index of the last entry whose position is at most `position`; -1 when there is none. */
export function findPositionEntry(bytes: Uint8Array, count: number, position: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entryPosition(bytes, middle) <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function entryOffset(bytes: Uint8Array, entry: number, baseOffset: Offset): Offset {
  return (baseOffset + readInt32(bytes, entry * OFFSET_ENTRY_BYTES)) as Offset;
}

export function entryPosition(bytes: Uint8Array, entry: number): number {
  return readInt32(bytes, entry * OFFSET_ENTRY_BYTES + POSITION_AT);
}

/** The offset index of a segment that still grows. */
export class ActiveOffsetIndex {
  readonly baseOffset: Offset;
  readonly entries: GrowingBytes;
  readonly #countMax: number;

  constructor(baseOffset: Offset, indexBytesMax: number, stored: Uint8Array) {
    this.baseOffset = baseOffset;
    this.entries = new GrowingBytes(OFFSET_ENTRY_BYTES, stored);
    this.#countMax = Math.floor(indexBytesMax / OFFSET_ENTRY_BYTES);
  }

  get isFull(): boolean {
    return this.entries.count >= this.#countMax;
  }

  /** Position of the batch that the last entry names; 0 without entries. */
  get lastPosition(): number {
    const { bytes, count } = this.entries;
    return count === 0 ? 0 : entryPosition(bytes, count - 1);
  }

  append(lastOffset: Offset, position: number): void {
    const { entries } = this;
    assert(
      entries.count === 0 ||
        entryOffset(entries.bytes, entries.count - 1, this.baseOffset) < lastOffset,
      "offset index goes back",
      lastOffset,
    );
    const at = entries.push();
    writeInt32(entries.bytes, at, lastOffset - this.baseOffset);
    writeInt32(entries.bytes, at + POSITION_AT, position);
  }
}
