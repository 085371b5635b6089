import { assert } from "../base/assert.ts";
import { readInt32, readInt64, writeInt32, writeInt64 } from "../base/int64.ts";
import { NO_TIMESTAMP } from "../model/offsets.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import { GrowingBytes } from "./growing_bytes.ts";

/**
 * Kafka's `.timeindex`: timestamp i64 | relativeOffset i32. An entry says: up to this offset no batch of
 * the segment has a larger timestamp; the offset is the last one of the batch that carries it. Entries
 * come together with those of the offset index, but only when the timestamp grew; a last one when the
 * segment is closed, for which a slot stays reserved.
 */
export const TIME_ENTRY_BYTES = 12;
const RELATIVE_OFFSET_AT = 8;

/** Index of the last entry whose timestamp is at most `target`; -1 when there is none. */
export function findTimeEntry(bytes: Uint8Array, count: number, target: TimestampMs): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entryTimestamp(bytes, middle) <= target) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function entryTimestamp(bytes: Uint8Array, entry: number): TimestampMs {
  return readInt64(bytes, entry * TIME_ENTRY_BYTES) as TimestampMs;
}

export function timeEntryOffset(bytes: Uint8Array, entry: number, baseOffset: Offset): Offset {
  return (baseOffset + readInt32(bytes, entry * TIME_ENTRY_BYTES + RELATIVE_OFFSET_AT)) as Offset;
}

/** The time index of a segment that still grows. */
export class ActiveTimeIndex {
  readonly baseOffset: Offset;
  readonly entries: GrowingBytes;
  readonly #countMax: number;

  constructor(baseOffset: Offset, indexBytesMax: number, stored: Uint8Array) {
    this.baseOffset = baseOffset;
    this.entries = new GrowingBytes(TIME_ENTRY_BYTES, stored);
    this.#countMax = Math.floor(indexBytesMax / TIME_ENTRY_BYTES);
  }

  /** One slot is kept for the entry at the close. */
  get isFull(): boolean {
    return this.entries.count >= this.#countMax - 1;
  }

  get lastTimestamp(): TimestampMs {
    const { bytes, count } = this.entries;
    return count === 0 ? NO_TIMESTAMP : entryTimestamp(bytes, count - 1);
  }

  get lastOffset(): Offset {
    const { bytes, count } = this.entries;
    return count === 0 ? this.baseOffset : timeEntryOffset(bytes, count - 1, this.baseOffset);
  }

  /** Adds an entry when `timestamp` is larger than the last one's. */
  appendIfLater(timestamp: TimestampMs, offset: Offset): void {
    if (timestamp <= this.lastTimestamp) return;
    assert(offset >= this.lastOffset, "time index goes back", offset, this.lastOffset);
    const { entries } = this;
    const at = entries.push();
    writeInt64(entries.bytes, at, timestamp);
    writeInt32(entries.bytes, at + RELATIVE_OFFSET_AT, offset - this.baseOffset);
  }
}
