import { INT64_MAX } from "../base/int64.ts";
import type { Cancel } from "../io/clock.ts";
import { DiskFault } from "../model/errors.ts";
import type { LogConfig } from "../model/log_config.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import type { EndTransactionMarker } from "./control_record.ts";
import type { EpochHistory } from "./epoch_history.ts";
import { WriteGroup } from "./group_commit.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { LogEnvironment } from "./log_environment.ts";
import type { LogSegments } from "./log_segments.ts";
import type { ProducerBatch, ProducerState } from "./producer_state.ts";
import type { KnownPosition } from "./read_planner.ts";
import { STAGE_BYTES_MAX } from "./stage_pool.ts";
import type { StagedTail } from "./tail_writer.ts";

const RESOLVED = Promise.resolve();
const NO_PIECES: readonly Uint8Array[] = [];
const NOWHERE: KnownPosition = { offset: -1 as Offset, file: null, position: 0 };

export interface LogTailOptions {
  readonly environment: LogEnvironment;
  readonly config: LogConfig;
  readonly segments: LogSegments;
  readonly commit: GroupCommit;
  readonly producers: ProducerState;
  readonly epochs: EpochHistory;
  readonly endOffset: Offset;
}

/** A batch that was accepted, with its offsets decided. */
export interface AcceptedBatch {
  readonly records: readonly Uint8Array[];
  readonly batchBytes: number;
  readonly baseOffset: Offset;
  readonly maxTimestamp: TimestampMs;
  readonly producer: ProducerBatch;
  readonly marker: EndTransactionMarker | null;
}

/**
 * LogTail: the writing end of a log: batches are staged, written, settled or undone here.
 *
 *   accepted -> staged -- end of the tick --> written -> settled (os)
 *            `-> large: written at once         `-> synced -> settled (commit)
 *
 * Invariants:
 *  T1  what is appended in one tick is one group: it is settled together, or rejected together
 *  T2  the stable offset has moved, and the listener has heard of it, when a group is resolved
 *  T3  after a failed write, producers, epochs, segments and endOffset are as at the write before
 *  T4  the stable offset never goes back, whatever happens to the configuration
 *
 * Owner: one Log. Concurrency: synchronous, but for the promises. Errors: DiskFault as a value.
 */
export class LogTail implements StagedTail {
  readonly #environment: LogEnvironment;
  readonly #segments: LogSegments;
  readonly #commit: GroupCommit;
  readonly #producers: ProducerState;
  readonly #epochs: EpochHistory;
  #config: LogConfig;
  #endOffset: Offset;
  /** Epochs as of the last write. */
  #writtenEpochs: EpochHistory["entries"];
  /** Mode "os" may have shown what a change to "commit" must not hide again (T4). */
  #stableFloor: Offset;
  #lastStable: Offset;
  /** The appends that the end of this tick settles or sends to be synced (T1). */
  #group: WriteGroup | null = null;
  #isRegistered = false;
  #isClosed = false;
  /** Where recent written offsets lie, oldest first: the stable offset will be one of them. */
  #marks: KnownPosition[] = [];
  #known: KnownPosition = NOWHERE;
  #listener: (() => void) | null = null;
  #flushTimer: Cancel | null = null;

  constructor(options: LogTailOptions) {
    this.#environment = options.environment;
    this.#config = options.config;
    this.#segments = options.segments;
    this.#commit = options.commit;
    this.#producers = options.producers;
    this.#epochs = options.epochs;
    this.#writtenEpochs = options.epochs.entries;
    this.#endOffset = options.endOffset;
    this.#stableFloor = options.commit.syncedOffset;
    this.#lastStable = this.stableOffset;
    this.#producers.onHighWatermark(this.#lastStable);
  }

  get endOffset(): Offset {
    return this.#endOffset;
  }

  get stableOffset(): Offset {
    if (this.#config.flushMode === "os") return this.#commit.writtenOffset;
    return Math.max(this.#commit.syncedOffset, this.#stableFloor) as Offset;
  }

  /** Where the stable offset lies, when that is known. */
  get stablePosition(): KnownPosition {
    return this.#known;
  }

  set listener(listener: (() => void) | null) {
    this.#listener = listener;
  }

  configure(config: LogConfig): void {
    const before = this.stableOffset;
    this.#config = config;
    if (before > this.#stableFloor) this.#stableFloor = before;
    this.stableMayHaveMoved();
  }

  /** Takes the batch in: stages it, or writes it with all that is staged. Returns when it settles. */
  append(batch: AcceptedBatch): Promise<void> | DiskFault {
    const active = this.#segments.active!;
    const { batchBytes, maxTimestamp, records } = batch;
    const lastOffset = (batch.baseOffset + batch.producer.lastOffsetDelta) as Offset;
    active.account(batchBytes, lastOffset, maxTimestamp);
    const { producer, marker } = batch;
    const aborted = this.#producers.apply(producer, batch.baseOffset, maxTimestamp, marker);
    if (aborted !== null) active.addAborted(aborted);
    this.#endOffset = (lastOffset + 1) as Offset;
    const isStaged = batchBytes < STAGE_BYTES_MAX && active.stage(records, batchBytes);
    if (!isStaged) {
      const fault = this.#write(records);
      if (fault !== null) return fault;
      if (this.#group === null && !this.#wantsSync) return RESOLVED;
    }
    this.#group ??= new WriteGroup();
    if (!this.#isRegistered) {
      this.#isRegistered = true;
      this.#environment.tailWriter.writeAtEndOfTick(this);
    }
    return this.#group.promise;
  }

  /** When the batch that ends before `endOffset`, appended earlier, is settled. */
  settledOnce(endOffset: Offset): Promise<void> {
    if (endOffset <= this.#commit.syncedOffset) return RESOLVED;
    const waiting = this.#commit.groupCovering(endOffset);
    if (waiting !== null) return waiting.promise;
    if (this.#group !== null) return this.#group.promise;
    if (this.#config.flushMode === "os") return RESOLVED;
    return this.#commit.flush();
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
    if (this.#isClosed || this.writeForRoll() !== null) return;
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

  /** Writes the stage and leaves the group open: its last batches may lie in the next segment. */
  writeForRoll(): DiskFault | null {
    return this.#segments.active?.hasStaged === true ? this.#write(NO_PIECES) : null;
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
    this.#commit.wrote(active.file, this.#endOffset);
    if (active.hasTxnIndex) this.#commit.touchFile(active.files.txnIndex);
    if (this.#config.flushMode === "os") {
      this.stableMayHaveMoved();
      this.#flushLater();
    } else {
      const mark = { offset: this.#endOffset, file: active.file, position: active.readableBytes };
      this.#marks.push(mark);
    }
    return null;
  }

  /** Back to the last written byte (T3). */
  #rollback(cause: unknown): void {
    const group = this.#group;
    this.#group = null;
    this.#endOffset = this.#commit.writtenOffset;
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

  stableMayHaveMoved(): void {
    const stable = this.stableOffset;
    if (stable <= this.#lastStable) return;
    this.#lastStable = stable;
    while (this.#marks.length > 0 && this.#marks[0]!.offset <= stable) {
      this.#known = this.#marks.shift()!;
    }
    this.#producers.onHighWatermark(stable);
    this.#listener?.();
  }

  /** The epochs that an undone write comes back to: those of now, as the log's start moved. */
  epochsMoved(): void {
    this.#writtenEpochs = this.#epochs.entries;
  }

  /** Rejects what waits for its write. The listener hears of it as of the last thing. */
  close(reason: Error): void {
    this.#isClosed = true;
    this.#flushTimer?.();
    this.#group?.reject(reason);
    this.#group = null;
    const listener = this.#listener;
    this.#listener = null;
    listener?.();
  }

  /** flush.ms: what mode "os" wrote is on the device at most so much later. */
  #flushLater(): void {
    const { flushMs } = this.#config;
    if (flushMs >= INT64_MAX || this.#flushTimer !== null) return;
    this.#flushTimer = this.#environment.clock.after(flushMs, () => {
      this.#flushTimer = null;
      if (!this.#isClosed) this.#commit.flush().catch(ignore);
    });
  }
}

/** A failed flush has latched the disk: everybody who appends hears of it. */
function ignore(): void {}
