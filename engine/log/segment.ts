import type { DiskFile } from "../io/disk.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";

/** A batch's largest timestamp and that batch's last offset. */
export interface TimestampOffset {
  readonly timestamp: TimestampMs;
  readonly offset: Offset;
}

/** What lookups need of a segment, whether it still grows or is sealed. */
export interface ReadableSegment {
  readonly baseOffset: Offset;
  /** One past the last offset that can be read here; for a sealed one, where the next one starts. */
  readonly readableEnd: Offset;
  /** Bytes of the log file that hold batches and are written. */
  readonly readableBytes: number;
  readonly file: DiskFile;
  /** Where a walk that looks for `offset` may start: a batch boundary at or before it. */
  positionBefore(offset: Offset): number;
  /** The last time index entry at or below `timestamp`, as an offset to start from. */
  offsetBefore(timestamp: TimestampMs): Offset;
  /** The largest timestamp; when there is none, -1 at the base offset. */
  largestTimestamp(): TimestampOffset;
  /** The bytes of its transaction index. */
  abortedTransactions(): Uint8Array;
}
