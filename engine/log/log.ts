import { assert } from "../base/assert.ts";
import { INT64_MAX, writeInt16, writeInt32, writeInt64 } from "../base/int64.ts";
import type { Uuid } from "../base/uuid.ts";
import type { Cancel } from "../io/clock.ts";
import { CompressionError } from "../model/compression.ts";
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
import { RecordsError } from "../model/records.ts";
import { planAppend, refuseByHeader, refusal } from "./append_plan.ts";
import type { AppendPlan, AppendRefusal } from "./append_plan.ts";
import type { AppendRefused, AppendResult, AppendSource } from "./append_result.ts";
import { preparationOf, prepareBatch } from "./batch_preparation.ts";
import type { Prepared } from "./batch_preparation.ts";
import { endTransactionMarker } from "./control_record.ts";
import type { EndTransactionMarker } from "./control_record.ts";
import { EPOCH_CHECKPOINT_FILE, formatEpochCheckpoint } from "./epoch_checkpoint.ts";
import type { EpochHistory } from "./epoch_history.ts";
import { GroupCommit, WriteGroup } from "./group_commit.ts";
import type { LogEnvironment } from "./log_environment.ts";
import { PARTITION_METADATA_FILE, formatPartitionMetadata } from "./partition_metadata.ts";
import type { DuplicateBatch, ProducerRefusal, ProducerState } from "./producer_state.ts";
import { LogSegments, segmentSettings } from "./log_segments.ts";
import type { SegmentView } from "./log_segments.ts";
import { OUT_OF_RANGE } from "./read_plan.ts";
import type { OutOfRange, ReadPlan } from "./read_plan.ts";
import { floorIndex, planRead } from "./read_planner.ts";
import type { KnownPosition } from "./read_planner.ts";
import { recoverLog } from "./recovery.ts";
import type { RecoveredLog, RecoveryReport } from "./recovery.ts";
import { countExpired } from "./retention.ts";
import { STAGE_BYTES_MAX } from "./stage_pool.ts";
import { findMaxTimestamp, findTimestamp } from "./timestamp_lookup.ts";
import type { TimestampHit } from "./timestamp_lookup.ts";
import { collectAborted } from "./txn_index.ts";
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

const RESOLVED = Promise.resolve();
const NO_PIECES: readonly Uint8Array[] = [];
const NOWHERE: KnownPosition = { offset: -1 as Offset, file: null, position: 0 };

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

  #logStartOffset: Offset;
  #logEndOffset: Offset;
  /** Mode "os" may have shown what a change to "commit" must not hide again. */
  #stableFloor: Offset;
  #lastStable: Offset;
  /** The appends that the end of this tick settles or sends to be synced. */
  #group: WriteGroup | null = null;
  #isRegistered = false;
  /** Epochs as of the last write. */
  #writtenEpochs: EpochHistory["entries"];
  /** Where recent written offsets lie, oldest first: the stable offset will be one of them. */
  #marks: KnownPosition[] = [];
  #known: KnownPosition = NOWHERE;
  #listener: (() => void) | null = null;
  #state: "open" | "closing" | "closed" = "open";
  /** Since opening, something was appended, rolled or rebuilt: a stop has something to write. */
  #isChanged = false;
  #flushTimer: Cancel | null = null;

  private constructor(options: LogOptions, recovered: RecoveredLog) {
    this.#environment = options.environment;
    this.dir = options.dir;
    this.topic = options.topic;
    this.partition = options.partition;
    this.topicId = options.topicId;
    this.#config = options.config;
    this.recovery = recovered.report;
    this.#producers = recovered.producers;
    this.#epochs = recovered.epochs;
    this.#writtenEpochs = recovered.epochs.entries;
    this.#logStartOffset = recovered.logStartOffset;
    this.#logEndOffset = recovered.logEndOffset;
    const isClean = options.cleanStop && recovered.scannedLogs.length === 0;
    const recoveryPoint = isClean
      ? recovered.logEndOffset
      : Math.max(recovered.logStartOffset, Math.min(options.recoveryPoint, recovered.logEndOffset));
    this.#commit = new GroupCommit(
      options.environment.syncer,
      recovered.logEndOffset,
      recoveryPoint as Offset,
      () => this.#stableMayHaveMoved(),
    );
    this.#segments = new LogSegments({ ...recovered, ...options, commit: this.#commit });
    this.#finishRecovery(recovered);
    this.#stableFloor = this.#config.flushMode === "commit"
      ? this.#commit.syncedOffset
      : this.#commit.writtenOffset;
    this.#lastStable = this.stableOffset;
    this.#producers.onHighWatermark(this.#lastStable);
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
    return this.#logEndOffset;
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
    if (this.#config.flushMode === "os") return this.#commit.writtenOffset;
    return Math.max(this.#commit.syncedOffset, this.#stableFloor) as Offset;
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
    const before = this.stableOffset;
    this.#config = config;
    if (before > this.#stableFloor) this.#stableFloor = before;
    this.#segments.configure(config);
    this.#stableMayHaveMoved();
  }

  /** Called after every move of stableOffset, and once when the log goes away. One listener. */
  onStable(listener: () => void): void {
    assert(this.#listener === null, "a log has one listener", this.dir);
    this.#listener = listener;
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
    const { clock, disk } = this.#environment;
    const { scan } = this.#environment;
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
    const baseOffset = this.#logEndOffset;
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
    const { clock, disk } = this.#environment;
    const { scan } = this.#environment;
    const batchBytes = totalBytes(records);
    const rules = { config: this.#config, source: "raft" as const, nowMs: clock.wallMs() };
    const reason = disk.native.scanBatch(records, scan, 0);
    const plan = planAppend(reason, scan, records[0]![MAGIC_AT] ?? -1, batchBytes, rules);
    if (!plan.ok) return this.#refuse(plan);
    if (scan.baseOffset < this.#logEndOffset) {
      return this.#refuse(refusal(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `batch at ${scan.baseOffset}, the log ends at ${this.#logEndOffset}`,
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
      settled: this.#settledOnce((duplicate.lastOffset + 1) as Offset),
    };
  }

  #settledOnce(endOffset: Offset): Promise<void> {
    if (endOffset <= this.#commit.syncedOffset) return RESOLVED;
    const waiting = this.#commit.groupCovering(endOffset);
    if (waiting !== null) return waiting.promise;
    if (this.#group !== null) return this.#group.promise;
    if (this.#config.flushMode === "os") return RESOLVED;
    return this.#commit.flush();
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
      if (segments.active === null) this.#materialize(baseOffset);
      else if (segments.mustRoll(batchBytes, lastOffset, maxTimestamp, this.#config, nowMs)) {
        this.#rollTo(baseOffset);
      }
      if (leaderEpoch > this.#epochs.latestEpoch) this.#assignEpoch(leaderEpoch, baseOffset);
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

  /** The batch in `#scan` is accepted: account for it, then stage or write it. */
  #store(
    records: readonly Uint8Array[],
    batchBytes: number,
    baseOffset: Offset,
    plan: AppendPlan,
    marker: EndTransactionMarker | null,
  ): AppendResult {
    const active = this.#segments.active!;
    const lastOffset = (baseOffset + this.#environment.scan.lastOffsetDelta) as Offset;
    active.account(batchBytes, lastOffset, plan.maxTimestamp);
    const aborted = this.#producers.apply(this.#environment.scan, baseOffset, plan.maxTimestamp, marker);
    if (aborted !== null) active.addAborted(aborted);
    this.#logEndOffset = (lastOffset + 1) as Offset;
    this.#isChanged = true;
    const isStaged = batchBytes < STAGE_BYTES_MAX && active.stage(records, batchBytes);
    if (!isStaged) {
      const fault = this.#write(records);
      if (fault !== null) return this.#refuse(refusedByDisk(fault));
    }
    return {
      ok: true,
      baseOffset,
      lastOffset,
      logAppendTimeMs: plan.logAppendTimeMs,
      logStartOffset: this.#logStartOffset,
      duplicate: false,
      settled: this.#settles(isStaged),
    };
  }

  /** The promise of what was just appended: written already in mode "os", or with this tick's group. */
  #settles(isStaged: boolean): Promise<void> {
    if (!isStaged && this.#group === null && !this.#wantsSync) return RESOLVED;
    this.#group ??= new WriteGroup();
    if (!this.#isRegistered) {
      this.#isRegistered = true;
      this.#environment.tailWriter.writeAtEndOfTick(this);
    }
    return this.#group.promise;
  }

  /** Called by the tail writer, once for each time that this log asked. */
  endTick(): void {
    this.#isRegistered = false;
    this.writeStaged();
  }

  /**
   * Writes the stage and settles the group: at the end of the tick, or earlier for whoever will not wait
   * for that. The tail writer comes all the same: a thousand early writes in one tick ask it once.
   */
  writeStaged(): void {
    if (this.#state === "closed") return;
    if (this.#segments.active?.hasStaged === true && this.#write(NO_PIECES) !== null) return;
    const group = this.#group;
    if (group === null) return;
    this.#group = null;
    if (this.#wantsSync) {
      group.endOffset = this.#commit.writtenOffset;
      this.#commit.wait(group);
    } else {
      group.resolve();
    }
  }

  /** Whether what is written must be synced before it is acknowledged. */
  get #wantsSync(): boolean {
    if (this.#config.flushMode === "commit") return true;
    const unsynced = this.#commit.writtenOffset - this.#commit.syncedOffset;
    return unsynced >= this.#config.flushMessages;
  }

  /** Writes the stage and `pieces`. On a fault everything unwritten is undone, and its group rejected. */
  #write(pieces: readonly Uint8Array[]): DiskFault | null {
    const active = this.#segments.active!;
    try {
      active.write(pieces);
    } catch (error) {
      this.#rollback(error);
      if (error instanceof DiskFault) return error;
      throw error;
    }
    this.#producers.settle();
    this.#writtenEpochs = this.#epochs.entries;
    this.#commit.wrote(active.file, this.#logEndOffset);
    if (active.hasTxnIndex) this.#commit.touchFile(active.files.txnIndex);
    if (this.#config.flushMode === "os") {
      this.#stableMayHaveMoved();
      this.#flushLater();
    } else {
      const mark = { offset: this.#logEndOffset, file: active.file, position: active.readableBytes };
      this.#marks.push(mark);
    }
    return null;
  }

  /** Back to the last written byte (L4). */
  #rollback(cause: unknown): void {
    const group = this.#group;
    this.#group = null;
    this.#logEndOffset = this.#commit.writtenOffset;
    this.#producers.rollback();
    this.#epochs.restore(this.#writtenEpochs);
    group?.reject(cause instanceof Error ? cause : new Error(String(cause)));
    try {
      this.#segments.active!.rollback();
    } catch (error) {
      // The cut itself failed: then the disk has latched, and nothing will be written after it.
      if (!(error instanceof DiskFault)) throw error;
    }
  }

  #stableMayHaveMoved(): void {
    const stable = this.stableOffset;
    if (stable <= this.#lastStable) return;
    this.#lastStable = stable;
    while (this.#marks.length > 0 && this.#marks[0]!.offset <= stable) {
      this.#known = this.#marks.shift()!;
    }
    this.#producers.onHighWatermark(stable);
    this.#listener?.();
  }

  /** flush.ms: what mode "os" wrote is on the device at most so much later. */
  #flushLater(): void {
    const { flushMs } = this.#config;
    if (flushMs >= INT64_MAX || this.#flushTimer !== null) return;
    this.#flushTimer = this.#environment.clock.after(flushMs, () => {
      this.#flushTimer = null;
      if (this.#state === "open") this.#commit.flush().catch(ignore);
    });
  }

  // Segments

  /** Makes directory, metadata and first segment: a partition takes no space before. */
  #materialize(baseOffset: Offset): void {
    const { disk } = this.#environment;
    if (!disk.isDirectory(this.dir)) {
      disk.makeDirectory(this.dir);
      this.#commit.touchDirectory(parentOf(this.dir));
    }
    const metadata = disk.file(`${this.dir}/${PARTITION_METADATA_FILE}`);
    if (!disk.exists(metadata.path)) {
      metadata.create();
      metadata.write([formatPartitionMetadata({ topicId: this.topicId })], 0);
      this.#commit.touchFile(metadata);
    }
    this.#segments.start(baseOffset, this.#config);
  }

  /** Starts a new segment; nothing when the active one is empty. Throws DiskFault. */
  roll(): void {
    assert(this.#state === "open", "rolling a log that is closed", this.dir);
    const { active } = this.#segments;
    if (active !== null && active.sizeBytes > 0) this.#rollTo(this.#logEndOffset);
  }

  #rollTo(baseOffset: Offset): void {
    if (this.#segments.active!.hasStaged) {
      const fault = this.#write(NO_PIECES);
      if (fault !== null) throw fault;
    }
    this.#isChanged = true;
    this.#segments.roll(baseOffset, this.#config, this.#producers);
    // Nobody may be waiting, but the recovery point should move on.
    if (this.#config.flushMode === "os") this.#commit.flush().catch(ignore);
  }

  #assignEpoch(epoch: LeaderEpoch, startOffset: Offset): void {
    const before = this.#epochs.entries;
    if (!this.#epochs.assign(epoch, startOffset)) return;
    try {
      this.#storeEpochs(before.length > 0);
    } catch (error) {
      this.#epochs.restore(before);
      throw error;
    }
  }

  /**
   * `safely`: there is a history that a crash must not lose. A first entry needs no sync of its own: it
   * goes down with the batch that it came with.
   */
  #storeEpochs(safely: boolean): void {
    const { disk } = this.#environment;
    const path = `${this.dir}/${EPOCH_CHECKPOINT_FILE}`;
    const bytes = formatEpochCheckpoint(this.#epochs.entries);
    if (safely || disk.exists(path)) {
      disk.replaceFile(path, bytes);
      return;
    }
    const file = disk.file(path);
    file.create();
    file.write([bytes], 0);
    this.#commit.touchFile(file);
    this.#commit.touchDirectory(this.dir);
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
    if (from < this.#logStartOffset || from > this.#logEndOffset) return OUT_OF_RANGE;
    const bound = Math.min(upTo, this.#commit.writtenOffset) as Offset;
    if (from >= bound) return { ranges: [], byteCount: 0, startOffset: from };
    return planRead(this.#segments.all, this.#environment.scanner, {
      from,
      upTo: bound,
      maxBytes,
      minOneBatch,
      known: this.#known,
    });
  }

  /** Aborted transactions that overlap [from, upTo). */
  abortedTransactions(from: Offset, upTo: Offset): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    const segments = this.#segments.all;
    for (let index = floorIndex(segments, from); index < segments.length; index++) {
      if (collectAborted(segments[index]!.abortedTransactions(), from, upTo, found)) break;
    }
    return found;
  }

  /**
   * The first record below `upTo` whose timestamp is at or after `timestamp`. A promise when its batch
   * is compressed and must be unpacked.
   */
  offsetForTimestamp(
    timestamp: TimestampMs,
    upTo: Offset,
  ): TimestampHit | null | Promise<TimestampHit | null> {
    return readable(() => findTimestamp({ ...this.#timeBounds(upTo), timestamp }));
  }

  /** The first record below `upTo` among those with the largest timestamp. */
  offsetOfMaxTimestamp(upTo: Offset): TimestampHit | null | Promise<TimestampHit | null> {
    return readable(() => findMaxTimestamp(this.#timeBounds(upTo)));
  }

  #timeBounds(upTo: Offset) {
    return {
      segments: () => this.#segments.all,
      scanner: this.#environment.scanner,
      from: this.#logStartOffset,
      upTo: Math.min(upTo, this.#commit.writtenOffset) as Offset,
      codecs: this.#environment.codecs,
    };
  }

  // Deleting

  /**
   * Moves the log start offset up to `offset`, which the caller keeps at or below the high watermark; the
   * disk space follows with the next retention. Returns the log start offset.
   */
  deleteRecordsBefore(offset: Offset): Offset {
    assert(offset <= this.stableOffset, "records beyond the high watermark deleted", offset);
    if (offset > this.#logStartOffset) this.#moveStart(offset);
    return this.#logStartOffset;
  }

  /** Deletes whole segments as retention.ms, retention.bytes and the log start say. Returns how many. */
  enforceRetention(nowMs: TimestampMs, highWatermark: Offset): number {
    if (this.#state !== "open" || this.#segments.active === null) return 0;
    const count = countExpired(this.#segments.retained(this.#logEndOffset), {
      config: this.#config,
      logStartOffset: this.#logStartOffset,
      highWatermark,
      nowMs,
    });
    if (count === 0) return 0;
    if (count === this.#segments.all.length) this.#rollTo(this.#logEndOffset);
    this.#isChanged = true;
    this.#segments.deleteOldest(count, this.#config.fileDeleteDelayMs);
    const start = this.#segments.all[0]!.baseOffset;
    if (start > this.#logStartOffset) this.#moveStart(start);
    return count;
  }

  #moveStart(offset: Offset): void {
    this.#logStartOffset = offset;
    if (this.#epochs.truncateFromStart(offset)) this.#storeEpochs(true);
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
    this.#flushTimer?.();
    this.#group?.reject(reason);
    this.#group = null;
    this.#commit.fail(reason);
    this.#segments.close();
    const listener = this.#listener;
    this.#listener = null;
    listener?.();
  }

  /** What recovery kept must be on the device before anybody reads it in mode "commit". */
  #finishRecovery(recovered: RecoveredLog): void {
    const { disk } = this.#environment;
    const hasScanned = recovered.scannedLogs.length > 0;
    for (const file of recovered.writtenFiles) this.#commit.touchFile(file);
    if (recovered.namesChanged) this.#commit.touchDirectory(this.dir);
    if (hasScanned) this.#isChanged = true;
    if (recovered.epochsChanged && disk.isDirectory(this.dir)) {
      disk.replaceFile(
        `${this.dir}/${EPOCH_CHECKPOINT_FILE}`,
        formatEpochCheckpoint(this.#epochs.entries),
      );
    }
    if (this.#config.flushMode === "commit") {
      for (const file of recovered.scannedLogs) file.syncNow();
      if (hasScanned) {
        disk.syncDirectory(this.dir);
        disk.syncDirectory(parentOf(this.dir));
      }
      this.#commit.assumeSynced();
    } else if (hasScanned) {
      for (const file of recovered.scannedLogs) this.#commit.touchFile(file);
      this.#commit.touchDirectory(parentOf(this.dir));
    }
  }
}

function refusedByDisk(fault: DiskFault): AppendRefusal {
  return refusal(ErrorCode.KAFKA_STORAGE_ERROR, fault.message);
}

function totalBytes(pieces: readonly Uint8Array[]): number {
  if (pieces.length === 1) return pieces[0]!.length;
  let total = 0;
  for (const piece of pieces) total += piece.length;
  return total;
}

/** Control batches are small and whole in the first piece, but for a chopped-up frame. */
function joined(pieces: readonly Uint8Array[], total: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Damage found while unpacking is an error of the stored data. */
function readable<Value>(find: () => Value | Promise<Value>): Value | Promise<Value> {
  try {
    const found = find();
    return found instanceof Promise ? found.catch(asDamage) : found;
  } catch (error) {
    return asDamage(error);
  }
}

function asDamage(error: unknown): never {
  if (error instanceof CompressionError || error instanceof RecordsError) {
    throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, error.message, error);
  }
  throw error;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function ignore(): void {}
