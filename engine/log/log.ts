import { assert } from "../base/assert.ts";
import { writeInt16, writeInt32, writeInt64 } from "../base/int64.ts";
import type { Uuid } from "../base/uuid.ts";
import { ErrorCode } from "../model/error_code.ts";
import { DiskFault, KafkaError } from "../model/errors.ts";
import { isCompacted } from "../model/log_config.ts";
import type { LogConfig } from "../model/log_config.ts";
import { NO_TIMESTAMP } from "../model/offsets.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../model/offsets.ts";
import {
  ATTRIBUTES_AT,
  CONTROL_BIT,
  CRC_AT,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  stampBatch,
} from "../model/record_batch.ts";
import { planAppend, refuseByHeader, refusal } from "./append_plan.ts";
import type { AppendPlan, AppendRefusal } from "./append_plan.ts";
import type { AppendRefused, AppendResult, AppendSource } from "./append_result.ts";
import { preparationOf, prepareBatch } from "./batch_preparation.ts";
import type { Prepared } from "./batch_preparation.ts";
import { endTransactionMarker } from "./control_record.ts";
import type { EndTransactionMarker } from "./control_record.ts";
import type { EpochHistory } from "./epoch_history.ts";
import { GroupCommit } from "./group_commit.ts";
import type { LogEnvironment } from "./log_environment.ts";
import { abortedTransactions, recordByTime } from "./log_reader.ts";
import { LogSegments, segmentSettings } from "./log_segments.ts";
import type { SegmentView } from "./log_segments.ts";
import { LogTail } from "./log_tail.ts";
import { PartitionFiles } from "./partition_files.ts";
import { joined, totalBytes } from "./pieces.ts";
import type { DuplicateBatch, ProducerRefusal, ProducerState } from "./producer_state.ts";
import { OUT_OF_RANGE } from "./read_plan.ts";
import type { OutOfRange, ReadPlan } from "./read_plan.ts";
import { planRead } from "./read_planner.ts";
import { recoverLog } from "./recovery.ts";
import type { RecoveredLog, RecoveryReport } from "./recovery.ts";
import { countExpired } from "./retention.ts";
import type { TimestampHit } from "./timestamp_lookup.ts";
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

/**
 * Log: the records of one partition on one disk.
 *
 *   segments   | sealed | sealed |        active        | stage |
 *   offsets    logStartOffset    syncedOffset  writtenOffset  logEndOffset
 *                 readable up to stableOffset ^ (commit) or ^ (os)
 *
 * Invariants:
 *  L1  logStartOffset <= syncedOffset <= writtenOffset <= logEndOffset
 *  L2  offsets are decided, and producers checked, in the order of the calls, before anything is awaited
 *  L3  an append is settled only when written (os) or synced (commit), the stable offset having moved
 *  L4  after a failed write the log is as if what was not written had never been appended
 *  L5  the recovery point never passes the synced offset, whatever the mode
 *  L6  segments follow each other: each starts where the one before ends
 *
 * Owner: one per partition and process. Concurrency: everything is synchronous but settling, flushing and
 * closing. Errors: appends are refused with a code; DiskFault and KafkaError from reading and flushing.
 */
export class Log {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  readonly dir: string;
  /** What opening found and did. */
  readonly recovery: RecoveryReport;

  readonly #environment: LogEnvironment;
  #config: LogConfig;
  readonly #commit: GroupCommit;
  readonly #producers: ProducerState;
  readonly #epochs: EpochHistory;
  readonly #segments: LogSegments;
  readonly #files: PartitionFiles;
  readonly #tail: LogTail;
  #logStartOffset: Offset;
  #state: "open" | "closing" | "closed" = "open";
  /** Since opening, something was appended, rolled or rebuilt: a stop has something to write. */
  #isChanged = false;
  /** Retention moved the log start past epochs that the checkpoint file still names. */
  #epochsFileLags = false;
  #hasListener = false;

  private constructor(options: LogOptions, recovered: RecoveredLog) {
    const { config, dir, environment } = options;
    this.#environment = environment;
    this.#config = config;
    this.dir = dir;
    this.topic = options.topic;
    this.partition = options.partition;
    this.topicId = options.topicId;
    this.recovery = recovered.report;
    this.#producers = recovered.producers;
    this.#epochs = recovered.epochs;
    this.#logStartOffset = recovered.logStartOffset;
    const endOffset = recovered.logEndOffset;
    const isClean = options.cleanStop && recovered.scannedLogs.length === 0;
    const recoveryPoint = isClean
      ? endOffset
      : Math.max(recovered.logStartOffset, Math.min(options.recoveryPoint, endOffset)) as Offset;
    const onSynced = () => this.#tail.stableMayHaveMoved();
    this.#commit = new GroupCommit(environment.syncer, endOffset, recoveryPoint, onSynced);
    this.#segments = new LogSegments({ ...recovered, ...options, commit: this.#commit });
    this.#files = new PartitionFiles(environment.disk, dir, this.topicId, this.#commit);
    this.#finishRecovery(recovered, options.recoveryPoint);
    this.#tail = new LogTail({
      environment,
      config,
      segments: this.#segments,
      commit: this.#commit,
      producers: this.#producers,
      epochs: this.#epochs,
      endOffset,
    });
  }

  /**
   * Opens and recovers; synchronous. Throws DiskFault, or DataDirectoryError for a log in a format that
   * is not read.
   */
  static open(options: LogOptions): Log {
    const settings = segmentSettings(options.config);
    const compacted = isCompacted(options.config);
    return new Log(options, recoverLog({ ...options, settings, isCompacted: compacted }));
  }

  // State

  get config(): LogConfig {
    return this.#config;
  }

  get epochs(): EpochHistory {
    return this.#epochs;
  }

  get producers(): ProducerState {
    return this.#producers;
  }

  get logStartOffset(): Offset {
    return this.#logStartOffset;
  }

  /** The next offset to hand out. */
  get logEndOffset(): Offset {
    return this.#tail.endOffset;
  }

  /** Everything below is in the operating system's hands. */
  get writtenOffset(): Offset {
    return this.#commit.writtenOffset;
  }

  /** Everything below is on the device. */
  get syncedOffset(): Offset {
    return this.#commit.syncedOffset;
  }

  /** For the checkpoint: a scan after an unclean stop starts at the segment that holds it. */
  get recoveryPoint(): Offset {
    return Math.max(this.#commit.recoveryPoint, this.#logStartOffset) as Offset;
  }

  /** How far a single replica's high watermark may go: written in mode "os", synced in "commit". */
  get stableOffset(): Offset {
    return this.#tail.stableOffset;
  }

  /** First offset of the oldest transaction whose end readers cannot see yet, or null. */
  get firstUnstableOffset(): Offset | null {
    return this.#producers.firstUnstableOffset;
  }

  get sizeBytes(): number {
    return this.#segments.sizeBytes;
  }

  get segments(): readonly SegmentView[] {
    return this.#segments.views;
  }

  /** False until the first append of a log that has no files yet. */
  get isOnDisk(): boolean {
    return this.#segments.active !== null;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  configure(config: LogConfig): void {
    this.#config = config;
    this.#segments.configure(config);
    this.#tail.configure(config);
  }

  /** Called after every move of stableOffset, and once when the log goes away. One listener. */
  onStable(listener: () => void): void {
    assert(!this.#hasListener, "a log has one listener", this.dir);
    this.#hasListener = true;
    this.#tail.listener = listener;
  }

  // Appending

  /**
   * Whether the batch must go through `prepare` before it is appended, because its topic has rules about
   * what is inside compressed batches, or wants another codec.
   */
  needsPreparation(records: readonly Uint8Array[]): boolean {
    return preparationOf(this.#config, records[0]!) !== "none";
  }

  /** Off the loop: unpacks, judges, packs anew. What it returns is for `appendAsLeader`. */
  async prepare(records: readonly Uint8Array[]): Promise<Prepared> {
    const preparation = preparationOf(this.#config, records[0]!);
    if (preparation === "none") return { ok: true, records };
    const { clock, codecs, disk } = this.#environment;
    const rules = { config: this.#config, source: "client" as const, nowMs: clock.wallMs() };
    return prepareBatch(records, preparation, rules, disk.native, codecs);
  }

  /**
   * Checks and appends exactly one batch, given as the pieces it arrived in (the first holds at least
   * the 61-byte header, when there are so many). Offsets are decided when this returns. The bytes are
   * stamped in place; the arrays belong to the log until `settled`.
   */
  appendAsLeader(
    records: readonly Uint8Array[],
    leaderEpoch: LeaderEpoch,
    source: AppendSource,
  ): AppendResult {
    const unavailable = this.#refuseNow(source);
    if (unavailable !== null) return this.#refuse(unavailable);
    const { clock, disk, scan } = this.#environment;
    const head = records[0]!;
    const batchBytes = totalBytes(records);
    const rules = { config: this.#config, source, nowMs: clock.wallMs() };
    const early = refuseByHeader(head, batchBytes, rules);
    if (early !== null) return this.#refuse(early);
    const reason = disk.native.scanBatch(records, scan);
    const plan = planAppend(reason, scan, head[MAGIC_AT] ?? -1, batchBytes, rules);
    if (!plan.ok) return this.#refuse(plan);
    let marker: EndTransactionMarker | null = null;
    if (scan.producerId >= 0) {
      if ((scan.attributes & CONTROL_BIT) !== 0) {
        marker = endTransactionMarker(joined(records, batchBytes), 0, batchBytes);
      }
      const verdict = this.#checkProducer(source, marker);
      if (verdict?.kind === "duplicate") return this.#answerDuplicate(verdict);
      if (verdict?.kind === "refused") {
        return this.#refuse(refusal(verdict.errorCode, verdict.message));
      }
    }
    const baseOffset = this.logEndOffset;
    const fault = this.#makeRoom(batchBytes, baseOffset, plan.maxTimestamp, leaderEpoch);
    if (fault !== null) return this.#refuse(refusedByDisk(fault));
    stampBatch(head, 0, baseOffset, leaderEpoch);
    if (plan.rewritesHeader) this.#rewriteHeader(records, plan);
    return this.#store(records, batchBytes, baseOffset, plan, marker);
  }

  /**
   * Appends one batch with the offsets and epoch that it carries. Its offsets may leave a gap, as
   * compaction does, but not go back.
   */
  appendAsFollower(records: readonly Uint8Array[]): AppendResult {
    const unavailable = this.#refuseNow("raft");
    if (unavailable !== null) return this.#refuse(unavailable);
    const { clock, disk, scan } = this.#environment;
    const batchBytes = totalBytes(records);
    const rules = { config: this.#config, source: "raft" as const, nowMs: clock.wallMs() };
    const reason = disk.native.scanBatch(records, scan, 0);
    const plan = planAppend(reason, scan, records[0]![MAGIC_AT] ?? -1, batchBytes, rules);
    if (!plan.ok) return this.#refuse(plan);
    if (scan.baseOffset < this.logEndOffset) {
      return this.#refuse(refusal(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `batch at ${scan.baseOffset}, the log ends at ${this.logEndOffset}`,
      ));
    }
    const isControl = (scan.attributes & CONTROL_BIT) !== 0;
    const marker = isControl
      ? endTransactionMarker(joined(records, batchBytes), 0, batchBytes)
      : null;
    const baseOffset = scan.baseOffset as Offset;
    const epoch = scan.leaderEpoch as LeaderEpoch;
    const fault = this.#makeRoom(batchBytes, baseOffset, plan.maxTimestamp, epoch);
    if (fault !== null) return this.#refuse(refusedByDisk(fault));
    return this.#store(records, batchBytes, baseOffset, plan, marker);
  }

  #refuseNow(source: AppendSource): AppendRefusal | null {
    if (this.#state !== "open") {
      return refusal(ErrorCode.NOT_LEADER_OR_FOLLOWER, `the log ${this.dir} is closed`);
    }
    const fault = this.#environment.disk.fault ?? this.#commit.failure;
    if (fault !== null) return refusal(ErrorCode.KAFKA_STORAGE_ERROR, fault.message);
    const { reason } = this.#environment.gate;
    if (reason !== null && source === "client") return refusal(ErrorCode.KAFKA_STORAGE_ERROR, reason);
    return null;
  }

  #refuse(refused: AppendRefusal): AppendRefused {
    return { ...refused, logStartOffset: this.#logStartOffset };
  }

  #checkProducer(
    source: AppendSource,
    marker: EndTransactionMarker | null,
  ): DuplicateBatch | ProducerRefusal | null {
    if (marker !== null) return this.#producers.checkMarker(this.#environment.scan, marker);
    if (source === "client") return this.#producers.checkClient(this.#environment.scan);
    return this.#producers.checkEpoch(this.#environment.scan);
  }

  /** The answer to the first time, and not before the first time was settled. */
  #answerDuplicate(duplicate: DuplicateBatch): AppendResult {
    const isStamped = this.#config.messageTimestampType === "LogAppendTime";
    return {
      ok: true,
      baseOffset: duplicate.baseOffset,
      lastOffset: duplicate.lastOffset,
      logAppendTimeMs: isStamped ? duplicate.timestamp : NO_TIMESTAMP,
      logStartOffset: this.#logStartOffset,
      duplicate: true,
      settled: this.#tail.settledOnce((duplicate.lastOffset + 1) as Offset),
    };
  }

  /** Directory, segment and epoch for a batch that starts at `baseOffset`. A fault leaves no trace. */
  #makeRoom(
    batchBytes: number,
    baseOffset: Offset,
    maxTimestamp: TimestampMs,
    leaderEpoch: LeaderEpoch,
  ): DiskFault | null {
    const segments = this.#segments;
    const nowMs = this.#environment.clock.wallMs();
    const lastOffset = (baseOffset + this.#environment.scan.lastOffsetDelta) as Offset;
    try {
      const isNew = segments.active === null;
      if (isNew) {
        this.#files.materialize();
        segments.start(baseOffset, this.#config);
      } else if (segments.mustRoll(batchBytes, lastOffset, maxTimestamp, this.#config, nowMs)) {
        this.#rollTo(baseOffset);
      }
      if (leaderEpoch > this.#epochs.latestEpoch) this.#assignEpoch(leaderEpoch, baseOffset);
      // Once a partition, whatever the mode: Kafka does not start on a directory that lost its topic's id.
      if (isNew && this.#config.flushMode === "os") this.#commit.flush().catch(ignore);
      return null;
    } catch (error) {
      if (error instanceof DiskFault) return error;
      throw error;
    }
  }

  #rewriteHeader(records: readonly Uint8Array[], plan: AppendPlan): void {
    const head = records[0]!;
    writeInt16(head, ATTRIBUTES_AT, plan.attributes);
    writeInt64(head, MAX_TIMESTAMP_AT, plan.maxTimestamp);
    const covered = [head.subarray(ATTRIBUTES_AT), ...records.slice(1)];
    writeInt32(head, CRC_AT, this.#environment.disk.native.crc32cPieces(covered));
  }

  /** The batch in the scan result is accepted: it goes to the tail. */
  #store(
    records: readonly Uint8Array[],
    batchBytes: number,
    baseOffset: Offset,
    plan: AppendPlan,
    marker: EndTransactionMarker | null,
  ): AppendResult {
    const producer = this.#environment.scan;
    const { maxTimestamp } = plan;
    this.#isChanged = true;
    const lastOffset = (baseOffset + producer.lastOffsetDelta) as Offset;
    const batch = { records, batchBytes, baseOffset, maxTimestamp, producer, marker };
    const settled = this.#tail.append(batch);
    if (settled instanceof DiskFault) return this.#refuse(refusedByDisk(settled));
    return {
      ok: true,
      baseOffset,
      lastOffset,
      logAppendTimeMs: plan.logAppendTimeMs,
      logStartOffset: this.#logStartOffset,
      duplicate: false,
      settled,
    };
  }

  /** Writes what is staged now instead of at the end of the tick. */
  writeStaged(): void {
    this.#tail.writeStaged();
  }

  // Segments

  /** Starts a new segment; nothing when the active one is empty. Throws DiskFault. */
  roll(): void {
    assert(this.#state === "open", "rolling a log that is closed", this.dir);
    const { active } = this.#segments;
    if (active !== null && active.sizeBytes > 0) this.#rollTo(this.logEndOffset);
  }

  #rollTo(baseOffset: Offset): void {
    const fault = this.#tail.writeForRoll();
    if (fault !== null) throw fault;
    this.#isChanged = true;
    this.#segments.roll(baseOffset, this.#config, this.#producers);
    // Nobody may be waiting, but the recovery point should move on.
    if (this.#config.flushMode === "os") this.#commit.flush().catch(ignore);
  }

  #assignEpoch(epoch: LeaderEpoch, startOffset: Offset): void {
    const before = this.#epochs.entries;
    if (!this.#epochs.assign(epoch, startOffset)) return;
    try {
      this.#files.storeEpochs(this.#epochs.entries);
    } catch (error) {
      this.#epochs.restore(before);
      throw error;
    }
  }

  // Reading

  /**
   * The bytes for a fetch at `from`: no batch that ends at or beyond `upTo`. Reads no more than batch
   * headers near both ends. Throws DiskFault, KafkaError (damage).
   */
  planRead(
    from: Offset,
    upTo: Offset,
    maxBytes: number,
    minOneBatch: boolean,
  ): ReadPlan | OutOfRange {
    if (from < this.#logStartOffset || from > this.logEndOffset) return OUT_OF_RANGE;
    const bound = Math.min(upTo, this.#commit.writtenOffset) as Offset;
    if (from >= bound) return { ranges: [], byteCount: 0, startOffset: from };
    return planRead(this.#segments.all, this.#environment.scanner, {
      from,
      upTo: bound,
      maxBytes,
      minOneBatch,
      known: this.#tail.stablePosition,
    });
  }

  /** Aborted transactions that overlap [from, upTo). */
  abortedTransactions(from: Offset, upTo: Offset): AbortedTransaction[] {
    return abortedTransactions(this.#segments, from, upTo);
  }

  /**
   * The first record below `upTo` whose timestamp is at or after `timestamp`. A promise when its batch
   * is compressed and must be unpacked.
   */
  offsetForTimestamp(
    timestamp: TimestampMs,
    upTo: Offset,
  ): TimestampHit | null | Promise<TimestampHit | null> {
    return this.#recordByTime(upTo, timestamp);
  }

  /** The first record below `upTo` among those with the largest timestamp. */
  offsetOfMaxTimestamp(upTo: Offset): TimestampHit | null | Promise<TimestampHit | null> {
    return this.#recordByTime(upTo, "largest");
  }

  #recordByTime(
    upTo: Offset,
    timestamp: TimestampMs | "largest",
  ): TimestampHit | null | Promise<TimestampHit | null> {
    const bound = Math.min(upTo, this.#commit.writtenOffset) as Offset;
    const from = this.#logStartOffset;
    return recordByTime(this.#environment, this.#segments, from, bound, timestamp);
  }

  // Deleting

  /**
   * Moves the log start offset up to `offset`, which the caller keeps at or below the high watermark; the
   * disk space follows with the next retention. Returns the log start offset.
   */
  deleteRecordsBefore(offset: Offset): Offset {
    assert(offset <= this.stableOffset, "records beyond the high watermark deleted", offset);
    if (offset > this.#logStartOffset && this.#moveStart(offset)) this.#storeEpochs();
    return this.#logStartOffset;
  }

  /** Deletes whole segments as retention.ms, retention.bytes and the log start say. Returns how many. */
  enforceRetention(nowMs: TimestampMs, highWatermark: Offset): number {
    if (this.#state !== "open" || this.#segments.active === null) return 0;
    const count = countExpired(this.#segments.retained(this.logEndOffset), {
      config: this.#config,
      logStartOffset: this.#logStartOffset,
      highWatermark,
      nowMs,
    });
    if (count === 0) return 0;
    if (count === this.#segments.all.length) this.#rollTo(this.logEndOffset);
    this.#isChanged = true;
    this.#segments.deleteOldest(count, this.#config.fileDeleteDelayMs);
    const start = this.#segments.all[0]!.baseOffset;
    // An older history with the same epochs is not wrong, only longer: its file need not follow at once,
    // on the time of those who append.
    if (start > this.#logStartOffset && this.#moveStart(start)) this.#epochsFileLags = true;
    return count;
  }

  /** Returns whether the epochs changed with it. */
  #moveStart(offset: Offset): boolean {
    this.#logStartOffset = offset;
    this.#tail.writeStaged(); // an undone write must not bring old epochs back
    if (!this.#epochs.truncateFromStart(offset)) return false;
    this.#tail.epochsMoved();
    return true;
  }

  #storeEpochs(): void {
    this.#files.storeEpochs(this.#epochs.entries);
    this.#epochsFileLags = false;
  }

  /** Forgets producers that were idle for longer than producer.id.expiration.ms. Returns how many. */
  expireProducers(nowMs: TimestampMs): number {
    return this.#producers.expire(nowMs);
  }

  // Durability and the end

  /** Everything appended so far is durable when this resolves. Rejects with a DiskFault. */
  flush(): Promise<void> {
    this.writeStaged();
    return this.#commit.flush();
  }

  /**
   * Writes what exists in memory only, index entries and producers, so that a scan after an unclean stop
   * starts here and not at the front of the active segment. Its syncs run aside: nobody waits for them.
   * Throws DiskFault.
   */
  checkpoint(): void {
    if (this.#state !== "open") return;
    this.writeStaged();
    if (this.#epochsFileLags) this.#storeEpochs();
    this.#segments.checkpoint(this.#producers, this.#logStartOffset);
  }

  /**
   * Sync, trim, snapshot: after this the directory needs no scan. Appends are refused from the call on.
   * Rejects with the DiskFault that prevented it; the log is closed all the same.
   */
  async close(): Promise<void> {
    assert(this.#state === "open", "closing a log that is closed", this.dir);
    this.writeStaged();
    this.#state = "closing";
    try {
      if (this.#epochsFileLags) this.#storeEpochs();
      await this.#commit.flush();
      if (this.#isChanged && this.#segments.active !== null) {
        this.#segments.finish();
        await this.#commit.flush();
        this.#segments.finishProducers(this.#producers, this.#logStartOffset);
        await this.#commit.flush();
      }
    } finally {
      this.#release(new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${this.dir} was closed`));
    }
  }

  /**
   * For a log whose directory is going away: what waits is rejected, nothing is written any more. Ranges
   * handed out stay readable as long as their descriptors are borrowed.
   */
  discard(): void {
    if (this.#state === "closed") return;
    this.#release(new KafkaError(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `${this.topic}-${this.partition} was deleted`,
    ));
  }

  #release(reason: KafkaError): void {
    this.#state = "closed";
    this.#commit.fail(reason);
    this.#segments.close();
    this.#tail.close(reason);
  }

  /**
   * What recovery kept must be on the device before anybody reads it in mode "commit". What lies below the
   * recovery point is: most logs of a large directory end there, and need no sync.
   */
  #finishRecovery(recovered: RecoveredLog, recoveryPoint: Offset): void {
    const hasScanned = recovered.scannedLogs.length > 0;
    for (const file of recovered.writtenFiles) this.#commit.touchFile(file);
    if (recovered.namesChanged) this.#commit.touchDirectory(this.dir);
    if (hasScanned) this.#isChanged = true;
    if (recovered.epochsChanged && this.#environment.disk.isDirectory(this.dir)) {
      this.#files.storeEpochs(this.#epochs.entries);
    }
    if (this.#config.flushMode === "commit") {
      if (hasScanned && recovered.logEndOffset > recoveryPoint) {
        for (const file of recovered.scannedLogs) file.syncNow();
        this.#files.syncNames();
      }
      this.#commit.assumeSynced();
    } else if (hasScanned) {
      for (const file of recovered.scannedLogs) this.#commit.touchFile(file);
      this.#files.touchNames();
    }
  }
}

function refusedByDisk(fault: DiskFault): AppendRefusal {
  return refusal(ErrorCode.KAFKA_STORAGE_ERROR, fault.message);
}

/** A failed flush has latched the disk: everybody who appends hears of it. */
function ignore(): void {}
