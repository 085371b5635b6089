import type { Cancel } from "../io/clock.ts";
import type { FileRange } from "../log/read_plan.ts";
import type { TimestampHit } from "../log/timestamp_lookup.ts";
import type { ErrorCode } from "../model/error_code.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import type { AbortedProducer, Isolation, PartitionWaiter } from "../partition/partition.ts";

/** Where records are, or why there are none to be had. */
export interface RecordsPlan {
  readonly errorCode: ErrorCode;
  readonly ranges: readonly FileRange[];
  readonly byteCount: number;
  readonly abortedTransactions: readonly AbortedProducer[] | null;
}

/** What a reader needs of a partition, whether this process serves it or only looks at its files. */
export interface ReadableLog {
  readonly topic: string;
  readonly index: number;
  readonly log: { readonly logStartOffset: Offset; readonly logEndOffset: Offset };
  readonly highWatermark: Offset;
  readonly lastStableOffset: Offset;
  readonly isGone: boolean;
  planRead(from: Offset, maxBytes: number, isolation: Isolation, minOneBatch: boolean): RecordsPlan;
  offsetForTimestamp(
    timestamp: TimestampMs,
    isolation: Isolation,
  ): TimestampHit | null | Promise<TimestampHit | null>;
  /** Calls `onProgress` when there may be more to read, until cancelled. */
  wait(waiter: PartitionWaiter): Cancel;
}
