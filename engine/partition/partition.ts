import type { Uuid } from "../base/uuid.ts";
import type { Cancel } from "../io/clock.ts";
import type { AppendResult, AppendSource } from "../log/append_result.ts";
import type { Log } from "../log/log.ts";
import type { FileRange } from "../log/read_plan.ts";
import type { ErrorCode } from "../model/error_code.ts";
import type { LeaderEpoch, Offset } from "../model/offsets.ts";

export type Isolation = "uncommitted" | "committed";

/** What one partition contributes to a fetch answer. */
export interface FetchPlan {
  readonly errorCode: ErrorCode;
  readonly ranges: readonly FileRange[];
  readonly byteCount: number;
  readonly highWatermark: Offset;
  readonly lastStableOffset: Offset;
  readonly logStartOffset: Offset;
  /** Null unless isolation is "committed". */
  readonly abortedTransactions: readonly AbortedProducer[] | null;
}

export interface AbortedProducer {
  readonly producerId: number;
  readonly firstOffset: Offset;
}

export interface PartitionWaiter {
  /** The high watermark moved, or the partition went away. */
  onProgress(): void;
}

export class Partition {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly index: number;
  readonly log: Log;

  /** `leaderEpoch` as the metadata says. */
  constructor(log: Log, _leaderEpoch: LeaderEpoch) {
    this.log = log;
    this.topic = log.topic;
    this.topicId = log.topicId;
    this.index = log.partition;
  }

  get leaderEpoch(): LeaderEpoch { throw new Error("not yet"); }
  get highWatermark(): Offset { throw new Error("not yet"); }
  get lastStableOffset(): Offset { throw new Error("not yet"); }
  /** Deleted, or its log was closed: every call answers NOT_LEADER_OR_FOLLOWER. */
  get isGone(): boolean { throw new Error("not yet"); }

  /** A newer epoch from the metadata; recorded in the epoch history. */
  becomeLeader(_leaderEpoch: LeaderEpoch): void { throw new Error("not yet"); }

  append(_records: readonly Uint8Array[], _source: AppendSource): AppendResult {
    throw new Error("not yet");
  }

  /** `maxBytes` 0 or more; with `minOneBatch` the first batch comes whole even when larger. */
  planRead(
    _from: Offset,
    _maxBytes: number,
    _isolation: Isolation,
    _minOneBatch: boolean,
  ): FetchPlan {
    throw new Error("not yet");
  }

  wait(_waiter: PartitionWaiter): Cancel { throw new Error("not yet"); }

  /** Wakes every waiter for the last time. The log is closed or discarded by the caller. */
  retire(): void { throw new Error("not yet"); }
}
