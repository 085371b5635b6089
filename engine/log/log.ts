import type { Uuid } from "../base/uuid.ts";
import type { LogConfig } from "../model/log_config.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../model/offsets.ts";
import type { AppendResult, AppendSource } from "./append_result.ts";
import type { EpochHistory } from "./epoch_history.ts";
import type { LogEnvironment } from "./log_environment.ts";
import type { ProducerState } from "./producer_state.ts";
import type { OutOfRange, ReadPlan } from "./read_plan.ts";
import type { AbortedTransaction } from "./txn_index.ts";

export interface LogOptions {
  readonly environment: LogEnvironment;
  /** `<data directory>/<topic>-<partition>`. Need not exist: it is made at the first append. */
  readonly dir: string;
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  readonly config: LogConfig;
  /** The data directory was closed cleanly, so that nothing needs scanning. */
  readonly cleanStop: boolean;
  /** From the checkpoint files; 0 when they do not name this log. */
  readonly recoveryPoint: Offset;
  readonly logStartOffset: Offset;
}

/** What opening found and did; plain data for the log lines of the caller. */
export interface RecoveryReport {
  readonly scannedSegments: number;
  readonly scannedBytes: number;
  /** Bytes cut off a torn tail, and segments deleted after it. */
  readonly truncatedBytes: number;
  readonly deletedSegments: number;
  readonly rebuiltIndexes: number;
  readonly notes: readonly string[];
}

/** A record found by its time. */
export interface TimestampHit {
  readonly offset: Offset;
  readonly timestamp: TimestampMs;
  /** -1 when unknown. */
  readonly leaderEpoch: LeaderEpoch;
}

export interface SegmentView {
  readonly baseOffset: Offset;
  readonly sizeBytes: number;
  readonly isActive: boolean;
  readonly logPath: string;
}

/** The log of one partition. Skeleton: signatures are final, bodies follow. */
export class Log {
  /** Recovers; synchronous. Throws DiskFault, or DataDirectoryError for a log that cannot be used. */
  static open(_options: LogOptions): Log {
    throw new Error("not yet");
  }

  readonly topic: string = "";
  readonly partition: number = 0;
  readonly topicId: Uuid = "" as Uuid;
  readonly dir: string = "";
  readonly recovery: RecoveryReport | null = null;

  get config(): LogConfig { throw new Error("not yet"); }
  get epochs(): EpochHistory { throw new Error("not yet"); }
  get producers(): ProducerState { throw new Error("not yet"); }

  get logStartOffset(): Offset { throw new Error("not yet"); }
  /** The next offset to hand out. */
  get logEndOffset(): Offset { throw new Error("not yet"); }
  /** Everything below is in the operating system's hands. */
  get writtenOffset(): Offset { throw new Error("not yet"); }
  /** Everything below is on the device. */
  get syncedOffset(): Offset { throw new Error("not yet"); }
  /** For the checkpoint: a scan after an unclean stop starts at the segment that holds it. */
  get recoveryPoint(): Offset { throw new Error("not yet"); }
  /** How far a single replica's high watermark may go: written in mode "os", synced in "commit". */
  get stableOffset(): Offset { throw new Error("not yet"); }
  /** First offset of the oldest transaction that is open, or null. */
  get firstUnstableOffset(): Offset | null { throw new Error("not yet"); }
  get sizeBytes(): number { throw new Error("not yet"); }
  get segments(): readonly SegmentView[] { throw new Error("not yet"); }
  /** False until the first append of a log that has no directory yet. */
  get isOnDisk(): boolean { throw new Error("not yet"); }

  configure(_config: LogConfig): void { throw new Error("not yet"); }

  /** Called after every move of stableOffset (and once when the log goes away). One listener. */
  onStable(_listener: () => void): void { throw new Error("not yet"); }

  /**
   * Checks and appends exactly one batch, given as the pieces it arrived in (the first holds at least
   * the 61-byte header). Offsets are decided when this returns. The bytes are stamped in place; the
   * arrays belong to the log until `settled`.
   */
  appendAsLeader(
    _records: readonly Uint8Array[],
    _leaderEpoch: LeaderEpoch,
    _source: AppendSource,
  ): AppendResult {
    throw new Error("not yet");
  }

  /** Appends one batch with the offsets and epoch that it carries. */
  appendAsFollower(_records: readonly Uint8Array[]): AppendResult {
    throw new Error("not yet");
  }

  /** No IO beyond batch headers near the start. `upTo`: no batch that ends at or beyond it. */
  planRead(
    _from: Offset,
    _upTo: Offset,
    _maxBytes: number,
    _minOneBatch: boolean,
  ): ReadPlan | OutOfRange {
    throw new Error("not yet");
  }

  /** Aborted transactions that overlap [from, upTo). */
  abortedTransactions(_from: Offset, _upTo: Offset): AbortedTransaction[] {
    throw new Error("not yet");
  }

  /** First record whose timestamp is at or after `timestamp`, below `upTo`. A promise when a compressed batch must be unpacked. */
  offsetForTimestamp(
    _timestamp: TimestampMs,
    _upTo: Offset,
  ): TimestampHit | null | Promise<TimestampHit | null> {
    throw new Error("not yet");
  }

  /** The first record among those with the largest timestamp, below `upTo`. */
  offsetOfMaxTimestamp(_upTo: Offset): TimestampHit | null | Promise<TimestampHit | null> {
    throw new Error("not yet");
  }

  /** Moves the log start offset; the disk space follows at the next retention. Returns the new start. */
  deleteRecordsBefore(_offset: Offset): Offset { throw new Error("not yet"); }

  /** Deletes what retention.ms, retention.bytes and the log start offset allow. Returns deleted segments. */
  enforceRetention(_nowMs: TimestampMs, _highWatermark: Offset): number { throw new Error("not yet"); }

  /** Starts a new segment; nothing when the active one is empty. */
  roll(): void { throw new Error("not yet"); }

  /** Everything appended so far is durable when this resolves. */
  flush(): Promise<void> { throw new Error("not yet"); }

  /** Writes the indexes and a snapshot of producers, so that less is lost to an unclean stop. */
  checkpoint(): void { throw new Error("not yet"); }

  /** Sync, trim, snapshot: after this the directory needs no scan. Appends are refused from the call on. */
  close(): Promise<void> { throw new Error("not yet"); }

  /** For a log whose directory is going away: waiting appends are rejected, nothing is written. */
  discard(): void { throw new Error("not yet"); }
}
