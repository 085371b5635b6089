import type { Uuid } from "../base/uuid.ts";
import { assert } from "../base/assert.ts";
import type { Cancel } from "../io/clock.ts";
import type { AppendResult, AppendSource } from "../log/append_result.ts";
import type { EpochEnd } from "../log/epoch_history.ts";
import type { Log } from "../log/log.ts";
import { isOutOfRange } from "../log/read_plan.ts";
import type { FileRange } from "../log/read_plan.ts";
import type { TimestampHit } from "../log/timestamp_lookup.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError } from "../model/errors.ts";
import { NO_OFFSET } from "../model/offsets.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../model/offsets.ts";

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
  /** The high watermark or the last stable offset moved, or the partition went away. */
  onProgress(): void;
}

const NO_RANGES: readonly FileRange[] = [];

/**
 * Partition: a log, who leads it, and who waits for it. With a single replica the high watermark is the
 * log's stable offset: nothing is read that could still vanish.
 *
 * Invariants:
 *  P1  logStartOffset <= lastStableOffset <= highWatermark <= logEndOffset, unless records were deleted
 *      up to the high watermark below an open transaction
 *  P2  a waiter hears of every move of the high watermark, before the append that moved it is settled
 *
 * Owner: the store. The log is opened and closed by others; `retire` is the end of the partition.
 */
export class Partition {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly index: number;
  readonly log: Log;
  #leaderEpoch: LeaderEpoch;
  #isGone = false;
  readonly #waiters = new Set<PartitionWaiter>();
  /** Appends that are being prepared, in order: later ones queue behind. */
  #preparing: Promise<unknown> | null = null;

  /** `leaderEpoch` as the metadata says. */
  constructor(log: Log, leaderEpoch: LeaderEpoch) {
    this.log = log;
    this.topic = log.topic;
    this.topicId = log.topicId;
    this.index = log.partition;
    this.#leaderEpoch = leaderEpoch;
    log.onStable(() => this.#wake());
  }

  get leaderEpoch(): LeaderEpoch {
    return this.#leaderEpoch;
  }

  get highWatermark(): Offset {
    return this.log.stableOffset;
  }

  /** Where read_committed readers end: below the first transaction whose outcome they cannot see. */
  get lastStableOffset(): Offset {
    const highWatermark = this.log.stableOffset;
    const unstable = this.log.firstUnstableOffset;
    return unstable !== null && unstable < highWatermark ? unstable : highWatermark;
  }

  /** Deleted, or its log was closed: every call answers NOT_LEADER_OR_FOLLOWER. */
  get isGone(): boolean {
    return this.#isGone || !this.log.isOpen;
  }

  /**
   * A newer epoch from the metadata. It enters the epoch history with the first batch written under it,
   * so that a restart of ten thousand partitions writes nothing.
   */
  becomeLeader(leaderEpoch: LeaderEpoch): void {
    assert(leaderEpoch >= this.#leaderEpoch, "leader epoch goes back", leaderEpoch);
    this.#leaderEpoch = leaderEpoch;
  }

  /** Synchronous: offsets are decided when it returns. See Log.appendAsLeader. */
  append(records: readonly Uint8Array[], source: AppendSource): AppendResult {
    if (this.#isGone) return this.#refuseGone();
    return this.log.appendAsLeader(records, this.#leaderEpoch, source);
  }

  /**
   * For batches of clients: like `append`, but on topics whose rules need the inside of compressed
   * batches (or another codec) the batch is unpacked off the loop first. Appends to one partition keep
   * the order of the calls, whichever of them had to wait.
   */
  appendInOrder(records: readonly Uint8Array[]): AppendResult | Promise<AppendResult> {
    if (this.#preparing === null && !this.log.needsPreparation(records)) {
      return this.append(records, "client");
    }
    const before = this.#preparing;
    const result = this.#prepareAndAppend(records, before);
    const settled = result.then(ignore, ignore);
    this.#preparing = settled;
    void settled.then(() => {
      if (this.#preparing === settled) this.#preparing = null;
    });
    return result;
  }

  async #prepareAndAppend(
    records: readonly Uint8Array[],
    before: Promise<unknown> | null,
  ): Promise<AppendResult> {
    const prepared = await this.log.prepare(records);
    await before;
    if (!prepared.ok) return { ...prepared, logStartOffset: this.log.logStartOffset };
    return this.append(prepared.records, "client");
  }

  /** `maxBytes` 0 or more; with `minOneBatch` the first batch comes whole even when larger. */
  planRead(
    from: Offset,
    maxBytes: number,
    isolation: Isolation,
    minOneBatch: boolean,
  ): FetchPlan {
    if (this.isGone) return this.#refusedPlan(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const { highWatermark, lastStableOffset, log } = this;
    const upTo = isolation === "committed" ? lastStableOffset : highWatermark;
    try {
      const plan = log.planRead(from, upTo, maxBytes, minOneBatch);
      if (isOutOfRange(plan)) return this.#refusedPlan(ErrorCode.OFFSET_OUT_OF_RANGE);
      return {
        errorCode: ErrorCode.NONE,
        ranges: plan.ranges,
        byteCount: plan.byteCount,
        highWatermark,
        lastStableOffset,
        logStartOffset: log.logStartOffset,
        abortedTransactions: isolation === "committed"
          ? this.#abortedIn(plan.startOffset, upTo, plan.byteCount)
          : null,
      };
    } catch (error) {
      if (error instanceof KafkaError) return this.#refusedPlan(error.errorCode);
      throw error;
    }
  }

  /** Where `epoch` ends; the current epoch, even before anything was written under it, ends the log. */
  endOffsetFor(epoch: LeaderEpoch): EpochEnd | null {
    if (epoch === this.#leaderEpoch) return { epoch, endOffset: this.log.logEndOffset };
    return this.log.epochs.endOffsetFor(epoch, this.log.logEndOffset);
  }

  offsetForTimestamp(
    timestamp: TimestampMs,
    isolation: Isolation,
  ): TimestampHit | null | Promise<TimestampHit | null> {
    return this.log.offsetForTimestamp(timestamp, this.#bound(isolation));
  }

  offsetOfMaxTimestamp(isolation: Isolation): TimestampHit | null | Promise<TimestampHit | null> {
    return this.log.offsetOfMaxTimestamp(this.#bound(isolation));
  }

  /** Offset -1 stands for the high watermark. Null: beyond it. Else the new log start offset. */
  deleteRecordsBefore(offset: Offset): Offset | null {
    const { highWatermark } = this;
    const target = offset === NO_OFFSET ? highWatermark : offset;
    if (target < 0 || target > highWatermark) return null;
    return this.log.deleteRecordsBefore(target);
  }

  /** Called after every progress from now on, until cancelled; once more when the partition goes. */
  wait(waiter: PartitionWaiter): Cancel {
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  /** The end: wakes every waiter for the last time. Closing or discarding the log is the caller's. */
  retire(): void {
    this.#isGone = true;
    this.#wake();
    this.#waiters.clear();
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter.onProgress();
  }

  #bound(isolation: Isolation): Offset {
    return isolation === "committed" ? this.lastStableOffset : this.highWatermark;
  }

  #abortedIn(from: Offset, upTo: Offset, byteCount: number): AbortedProducer[] {
    if (byteCount === 0) return [];
    return this.log.abortedTransactions(from, upTo)
      .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
  }

  #refusedPlan(errorCode: ErrorCode): FetchPlan {
    const { highWatermark, lastStableOffset, log } = this;
    return {
      errorCode,
      ranges: NO_RANGES,
      byteCount: 0,
      highWatermark,
      lastStableOffset,
      logStartOffset: log.logStartOffset,
      abortedTransactions: null,
    };
  }

  #refuseGone(): AppendResult {
    return {
      ok: false,
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      message: `${this.topic}-${this.index} is not here any more`,
      logStartOffset: this.log.logStartOffset,
    };
  }
}

function ignore(): void {}
