import { assert } from "../base/assert.ts";
import { INT64_MAX } from "../base/int64.ts";
import type { Cancel } from "../io/clock.ts";
import { isCompacted } from "../model/log_config.ts";
import type { LogConfig } from "../model/log_config.ts";
import { DiskFault } from "../model/errors.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import { ActiveSegment, SEGMENT_OFFSET_SPAN_MAX } from "./active_segment.ts";
import type { SegmentSettings } from "./active_segment.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { LogEnvironment } from "./log_environment.ts";
import type { ProducerSnapshots } from "./producer_snapshots.ts";
import type { ProducerState } from "./producer_state.ts";
import type { RetainedSegment } from "./retention.ts";
import type { SealedSegment } from "./sealed_segment.ts";
import type { ReadableSegment } from "./segment.ts";

export interface SegmentView {
  readonly baseOffset: Offset;
  readonly sizeBytes: number;
  readonly isActive: boolean;
  readonly logPath: string;
}

export interface LogSegmentsOptions {
  readonly environment: LogEnvironment;
  readonly dir: string;
  readonly sealed: readonly SealedSegment[];
  readonly active: ActiveSegment | null;
  readonly snapshots: ProducerSnapshots;
  readonly commit: GroupCommit;
}

/** What of a topic's configs a segment needs. */
export function segmentSettings(config: LogConfig): SegmentSettings {
  const { flushMode, indexIntervalBytes, preallocate, segmentBytes, segmentIndexBytes } = config;
  const reserve = preallocate ? "segment" : flushMode === "commit" ? "steps" : "nothing";
  const zeroesAhead = flushMode === "commit";
  return { indexIntervalBytes, segmentBytes, segmentIndexBytes, reserve, zeroesAhead };
}

/**
 * LogSegments: the files of one log, and the changes to their set: the first one, rolls, deletion.
 *
 *   all   | sealed | sealed | sealed | active |
 *
 * Invariants:
 *  G1  each segment starts where the one before ends
 *  G2  every file and name made or changed here is touched at the group commit
 *
 * Owner: one Log, which decides when. Errors: DiskFault; a roll that fails leaves the active segment.
 */
export class LogSegments {
  readonly #environment: LogEnvironment;
  readonly #dir: string;
  readonly #commit: GroupCommit;
  readonly #snapshots: ProducerSnapshots;
  #sealed: readonly SealedSegment[];
  #active: ActiveSegment | null;
  /** For reading; replaced when the set changes. */
  #all: readonly ReadableSegment[];
  #rollJitterMs = 0;
  #isCheckpointing = false;
  #isClosed = false;
  /** Segments that have their `.deleted` names and wait to be removed. */
  readonly #deletions = new Map<() => void, Cancel>();

  constructor(options: LogSegmentsOptions) {
    this.#environment = options.environment;
    this.#dir = options.dir;
    this.#commit = options.commit;
    this.#snapshots = options.snapshots;
    this.#sealed = options.sealed;
    this.#active = options.active;
    this.#all = this.#list();
  }

  /** Null before the first append of a log that has no files yet. */
  get active(): ActiveSegment | null {
    return this.#active;
  }

  get all(): readonly ReadableSegment[] {
    return this.#all;
  }

  /** With what is staged. */
  get sizeBytes(): number {
    let bytes = this.#active?.sizeBytes ?? 0;
    for (const segment of this.#sealed) bytes += segment.readableBytes;
    return bytes;
  }

  get views(): SegmentView[] {
    return this.#all.map((segment) => ({
      baseOffset: segment.baseOffset,
      sizeBytes: segment.readableBytes,
      isActive: segment === this.#active,
      logPath: segment.file.path,
    }));
  }

  configure(config: LogConfig): void {
    this.#active?.configure(segmentSettings(config));
  }

  start(baseOffset: Offset, config: LogConfig): void {
    const { clock, disk, random, stagePool } = this.#environment;
    this.#active = ActiveSegment.create(
      disk,
      this.#dir,
      baseOffset,
      segmentSettings(config),
      stagePool,
      clock.wallMs(),
    );
    this.#all = this.#list();
    const jitter = Math.min(config.segmentJitterMs, config.segmentMs);
    this.#rollJitterMs = jitter > 0 ? random.below(jitter) : 0;
    this.#commit.touchFile(this.#active.file);
    this.#commit.touchDirectory(this.#dir);
  }

  /** Kafka's rules, judged only when something is appended. */
  mustRoll(
    batchBytes: number,
    lastOffset: Offset,
    maxTimestamp: TimestampMs,
    config: LogConfig,
    nowMs: TimestampMs,
  ): boolean {
    const active = this.#active!;
    if (lastOffset - active.baseOffset > SEGMENT_OFFSET_SPAN_MAX) return true;
    if (active.sizeBytes === 0) return false;
    if (active.sizeBytes > config.segmentBytes - batchBytes) return true;
    if (active.indexesAreFull) return true;
    const limitMs = isCompacted(config)
      ? Math.min(config.segmentMs, config.maxCompactionLagMs)
      : config.segmentMs;
    if (limitMs >= INT64_MAX) return false;
    return active.timeWaitedMs(nowMs, maxTimestamp) > limitMs - this.#rollJitterMs;
  }

  /**
   * Seals the active segment and starts one at `baseOffset`. Until the next sync covers both files and
   * the directory, nothing appended from here on is acknowledged in mode "commit".
   */
  roll(baseOffset: Offset, config: LogConfig, producers: ProducerState): void {
    const active = this.#active!;
    assert(!active.hasStaged, "rolled with staged batches", this.#dir);
    if (active.sizeBytes === 0) {
      this.#replaceEmpty(active, baseOffset, config);
      return;
    }
    const sealed = active.seal(this.#environment.indexCache);
    const snapshot = this.#snapshots.take(producers);
    const before = this.#sealed;
    this.#sealed = [...before, sealed];
    try {
      this.start(baseOffset, config);
    } catch (error) {
      this.#sealed = before;
      throw error;
    }
    this.#commit.touchFile(sealed.files.log);
    this.#commit.touchFile(sealed.files.offsetIndex);
    this.#commit.touchFile(sealed.files.timeIndex);
    if (snapshot !== null) this.#commit.touchFile(snapshot);
  }

  /** An empty segment gives way to one with another base. */
  #replaceEmpty(active: ActiveSegment, baseOffset: Offset, config: LogConfig): void {
    if (active.baseOffset === baseOffset) return;
    this.start(baseOffset, config);
    for (const file of active.files) {
      this.#commit.forgetFile(file);
      file.remove();
    }
    active.close();
  }

  /**
   * Writes index entries, syncs them off the loop, and only then the producers: a snapshot within the
   * active segment says that the entries below it are on the device.
   */
  checkpoint(producers: ProducerState, logStartOffset: Offset): void {
    const active = this.#active;
    if (active === null || active.hasStaged || this.#isCheckpointing) return;
    const snapshot = this.#snapshots.encode(producers);
    if (snapshot === null || snapshot.offset <= Math.max(logStartOffset, active.baseOffset)) return;
    active.persistIndexes();
    this.#isCheckpointing = true;
    const { offsetIndex, timeIndex } = active.files;
    const job = { files: [offsetIndex, timeIndex], directories: [this.#dir] };
    this.#environment.syncer.sync(job).then(() => {
      this.#isCheckpointing = false;
      if (this.#active === active && !this.#isClosed) this.#snapshots.checkpoint(snapshot);
    }).catch((error: unknown) => {
      this.#isCheckpointing = false;
      // A failed sync has latched the disk, and a full one does without: the next scan is longer.
      if (!(error instanceof DiskFault)) throw error;
    });
  }

  /** The files as a clean stop leaves them, but for `finishProducers`, which comes once they are synced. */
  finish(): void {
    const active = this.#active!;
    active.finish();
    this.#commit.touchFile(active.file);
    this.#commit.touchFile(active.files.offsetIndex);
    this.#commit.touchFile(active.files.timeIndex);
    this.#commit.touchDirectory(this.#dir);
    for (const [remove, cancel] of [...this.#deletions]) {
      cancel();
      remove();
    }
  }

  finishProducers(producers: ProducerState, logStartOffset: Offset): void {
    if (producers.endOffset <= logStartOffset) return;
    const snapshot = this.#snapshots.take(producers);
    if (snapshot === null) return;
    this.#commit.touchFile(snapshot);
    this.#commit.touchDirectory(this.#dir);
  }

  retained(logEndOffset: Offset): RetainedSegment[] {
    const { disk } = this.#environment;
    return this.#all.map((segment) => {
      const isLast = segment === this.#active;
      return {
        endOffset: isLast ? logEndOffset : segment.readableEnd,
        sizeBytes: isLast ? this.#active!.sizeBytes : segment.readableBytes,
        isLast,
        newestMs: () => {
          const { timestamp } = segment.largestTimestamp();
          return timestamp >= 0 ? timestamp : disk.modifiedMs(segment.file.path) as TimestampMs;
        },
      };
    });
  }

  /**
   * Takes the `count` oldest sealed segments out; their files are renamed now and removed after
   * `delayMs`. Oldest first, each durably before the next, so that no crash leaves a gap.
   */
  deleteOldest(count: number, delayMs: number): void {
    assert(count <= this.#sealed.length, "the active segment deleted", count);
    const { clock, disk } = this.#environment;
    const gone = this.#sealed.slice(0, count);
    this.#sealed = this.#sealed.slice(count);
    this.#all = this.#list();
    for (const [index, segment] of gone.entries()) {
      if (index > 0) disk.syncDirectory(this.#dir);
      for (const file of segment.files) this.#commit.forgetFile(file);
      const unsynced = this.#snapshots.writtenFile(segment.baseOffset);
      if (unsynced !== undefined) this.#commit.forgetFile(unsynced);
      segment.markDeleted(disk);
      const snapshot = this.#snapshots.markDeleted(segment.baseOffset);
      const remove = () => {
        this.#deletions.delete(remove);
        if (disk.fault !== null) return; // the next start removes it
        segment.remove();
        if (snapshot !== null) disk.remove(snapshot);
      };
      this.#deletions.set(remove, clock.after(delayMs, remove));
    }
    this.#commit.touchDirectory(this.#dir);
  }

  /** Lets go of descriptors and maps; what waits to be removed is left to the next start. */
  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#deletions.values()) cancel();
    this.#deletions.clear();
    for (const segment of this.#sealed) segment.close();
    this.#active?.close();
  }

  #list(): readonly ReadableSegment[] {
    return this.#active === null ? this.#sealed : [...this.#sealed, this.#active];
  }
}
