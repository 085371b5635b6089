import type { ErrorCode } from "../model/error_code.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";

/**
 * Who sends the records: "client" is checked in full; "coordinator" (the broker's own group and
 * transaction state, transaction markers) and "raft" (the metadata log) may write control batches and
 * are not held to a producer's sequence.
 */
export type AppendSource = "client" | "coordinator" | "raft";

export type AppendResult = Appended | AppendRefused;

export interface Appended {
  readonly ok: true;
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  /** The stamped time on LogAppendTime topics, else -1. */
  readonly logAppendTimeMs: TimestampMs;
  readonly logStartOffset: Offset;
  /** The batch was here already; offsets are those of the first time. */
  readonly duplicate: boolean;
  /**
   * Resolves when the batch may be acknowledged: written (mode "os") or on the device (mode
   * "commit"). By then the stable offset has moved. Rejects with a DiskFault when the write or the sync
   * failed, or a KafkaError when the log went away. Shared by the appends of one write.
   */
  readonly settled: Promise<void>;
}

export interface AppendRefused {
  readonly ok: false;
  readonly errorCode: ErrorCode;
  readonly message: string;
  /** Which records are to blame, when it is records (Produce 8 and later say so). */
  readonly recordErrors?: readonly RecordError[];
  readonly logStartOffset: Offset;
}

export interface RecordError {
  /** Index of the record in its batch. */
  readonly batchIndex: number;
  readonly message: string;
}
