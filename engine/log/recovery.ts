import { RunScan } from "../../native/scan.ts";
import { assert } from "../base/assert.ts";
import type { DiskFile } from "../io/disk.ts";
import { DataDirectoryError } from "../model/errors.ts";
import type { Offset } from "../model/offsets.ts";
import { ActiveSegment } from "./active_segment.ts";
import type { SegmentSettings } from "./active_segment.ts";
import { EPOCH_CHECKPOINT_FILE, parseEpochCheckpoint } from "./epoch_checkpoint.ts";
import { EpochHistory } from "./epoch_history.ts";
import type { LogEnvironment } from "./log_environment.ts";
import type { ScanOutcome } from "./log_scan.ts";
import { OFFSET_ENTRY_BYTES, entryPosition } from "./offset_index.ts";
import { replayProducers } from "./producer_replay.ts";
import { ProducerSnapshots } from "./producer_snapshots.ts";
import { ProducerState } from "./producer_state.ts";
import { settleFiles } from "./recovery_files.ts";
import type { LogListing, SegmentListing } from "./recovery_files.ts";
import type { ReadableSegment } from "./segment.ts";
import { SealedSegment } from "./sealed_segment.ts";
import { SegmentFiles } from "./segment_files.ts";
import { LOG_SUFFIX, segmentPath } from "./segment_names.ts";
import { rebuildSegment, startRebuild } from "./segment_recovery.ts";

export interface RecoveryOptions {
  readonly environment: LogEnvironment;
  readonly dir: string;
  readonly settings: SegmentSettings;
  /** Compaction leaves gaps between offsets; elsewhere a gap is a loss. */
  readonly isCompacted: boolean;
  /** The data directory was closed cleanly, so that nothing needs scanning. */
  readonly cleanStop: boolean;
  readonly recoveryPoint: Offset;
  readonly logStartOffset: Offset;
}

/** What opening found and did; plain data for the log lines of the caller. */
export interface RecoveryReport {
  /** The last stop was not clean: offsets may be handed out again (mode "os"). */
  readonly wasUnclean: boolean;
  readonly scannedSegments: number;
  readonly scannedBytes: number;
  /** Bytes of batches cut off a torn tail; space reserved and never written does not count. */
  readonly truncatedBytes: number;
  readonly deletedSegments: number;
  readonly notes: readonly string[];
}

export interface RecoveredLog {
  readonly sealed: SealedSegment[];
  /** Null: there is no segment; the first append makes one at `logEndOffset`. */
  readonly active: ActiveSegment | null;
  readonly logStartOffset: Offset;
  readonly logEndOffset: Offset;
  readonly producers: ProducerState;
  readonly snapshots: ProducerSnapshots;
  readonly epochs: EpochHistory;
  /** The epochs differ from their file. */
  readonly epochsChanged: boolean;
  /** Log files that were scanned: their end may not be on the device. */
  readonly scannedLogs: readonly DiskFile[];
  /** Indexes of sealed segments and snapshots that recovery wrote. */
  readonly writtenFiles: readonly DiskFile[];
  readonly namesChanged: boolean;
  readonly report: RecoveryReport;
}

/**
 * Opens the files of one log. After a clean stop nothing is read but the end of the last segment and the
 * newest snapshot. After any other stop:
 *
 *   segments   | 0 | 1 | 2 | 3 |
 *                     s ^ recovery point: 0 is taken as it is, 2 and 3 are scanned, and 1 from s on:
 *                     ` the newest snapshot within it, below which its indexes are on the device
 *
 * A segment whose index is missing or not to be believed is scanned wholly, too. At the first batch that
 * is not whole, undamaged and in order the log ends: later segments are removed, durably, and only then
 * is the file cut, so that a crash in between leaves nothing that looks whole with a hole in it. Every
 * step may be repeated.
 *
 * Throws DiskFault, or DataDirectoryError for a log in a format that is not read.
 */
export function recoverLog(options: RecoveryOptions): RecoveredLog {
  return new LogRecovery(options).run();
}

class LogRecovery {
  readonly #options: RecoveryOptions;
  readonly #listing: LogListing;
  readonly #producers: ProducerState;
  readonly #snapshots: ProducerSnapshots;
  readonly #epochs: EpochHistory;
  readonly #storedEpochs: EpochHistory["entries"];
  readonly #notes: string[] = [];
  readonly #sealed: SealedSegment[] = [];
  #active: ActiveSegment | null = null;
  #scan: RunScan | null = null;
  readonly #scannedLogs: DiskFile[] = [];
  readonly #writtenFiles: DiskFile[] = [];
  #namesChanged: boolean;
  #isEpochFileDamaged = false;
  #scannedBytes = 0;
  #truncatedBytes = 0;
  #deletedSegments = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    const { disk, producerExpirationMs } = options.environment;
    this.#listing = settleFiles(disk, options.dir);
    this.#notes.push(...this.#listing.notes);
    this.#namesChanged = this.#listing.changed;
    this.#producers = new ProducerState(producerExpirationMs);
    this.#snapshots = new ProducerSnapshots(
      disk,
      options.dir,
      this.#listing.snapshotOffsets,
      (bytes, start, end) => disk.native.crc32c(bytes, start, end),
    );
    this.#epochs = this.#loadEpochs();
    this.#storedEpochs = this.#epochs.entries;
  }

  run(): RecoveredLog {
    this.#loadSegments();
    const { logStartOffset, logEndOffset } = this.#settleBounds();
    this.#settleProducers(logStartOffset, logEndOffset);
    this.#epochs.truncateFromEnd(logEndOffset);
    this.#epochs.truncateFromStart(logStartOffset);
    this.#reachBack(logStartOffset);
    return {
      sealed: this.#sealed,
      active: this.#active,
      logStartOffset,
      logEndOffset,
      producers: this.#producers,
      snapshots: this.#snapshots,
      epochs: this.#epochs,
      epochsChanged: this.#isEpochFileDamaged || this.#epochs.entries !== this.#storedEpochs,
      scannedLogs: this.#scannedLogs,
      writtenFiles: this.#writtenFiles,
      namesChanged: this.#namesChanged,
      report: {
        wasUnclean: !this.#options.cleanStop,
        scannedSegments: this.#scannedLogs.length,
        scannedBytes: this.#scannedBytes,
        truncatedBytes: this.#truncatedBytes,
        deletedSegments: this.#deletedSegments,
        notes: this.#notes,
      },
    };
  }

  /** A history that begins after the log does is led back to its first batch. */
  #reachBack(logStartOffset: Offset): void {
    const first = this.#epochs.entries[0];
    const segment = this.#sealed[0] ?? this.#active;
    if (first === undefined || first.startOffset <= logStartOffset || segment == null) return;
    const { scanner } = this.#options.environment;
    scanner.start(segment.file, 0, segment.file.size());
    while (scanner.next()) {
      if (scanner.lastOffset < logStartOffset) continue;
      this.#epochs.reachBack(scanner.leaderEpoch, logStartOffset);
      return;
    }
  }

  get #firstBase(): Offset {
    return this.#listing.segments[0]?.baseOffset ?? this.#options.logStartOffset;
  }

  #loadSegments(): void {
    const { segments } = this.#listing;
    const scanFrom = this.#options.cleanStop ? Infinity : this.#floorIndex();
    for (let index = 0; index < segments.length; index++) {
      const listing = segments[index]!;
      const next = segments[index + 1];
      const hasIndexes = listing.hasOffsetIndex && listing.hasTimeIndex;
      if (!hasIndexes) this.#notes.push(`${this.#logPath(listing)}: an index was missing`);
      if (index < scanFrom && hasIndexes) {
        if (next !== undefined) {
          this.#sealed.push(this.#takeSealed(listing, next.baseOffset));
          continue;
        }
        this.#active = this.#takeActive(listing);
        if (this.#active !== null) return;
      }
      if (!this.#rebuild(listing, next?.baseOffset ?? null)) {
        this.#deletedSegments = segments.length - index - 1;
        return;
      }
    }
  }

  /** The segment that holds the recovery point, or the last one below it. */
  #floorIndex(): number {
    const { segments } = this.#listing;
    let index = segments.length - 1;
    while (index > 0 && segments[index]!.baseOffset > this.#options.recoveryPoint) index--;
    return index;
  }

  #takeSealed(listing: SegmentListing, nextOffset: Offset): SealedSegment {
    const { disk, indexCache } = this.#options.environment;
    const files = new SegmentFiles(disk, this.#options.dir, listing.baseOffset);
    return new SealedSegment({
      files,
      cache: indexCache,
      nextOffset,
      sizeBytes: disk.fileSize(files.log.path),
      hasTxnIndex: listing.hasTxnIndex,
    });
  }

  /** The last segment after a clean stop; null when its end is not what a clean stop leaves. */
  #takeActive(listing: SegmentListing): ActiveSegment | null {
    const { environment, dir, settings } = this.#options;
    const files = new SegmentFiles(environment.disk, dir, listing.baseOffset);
    const sizeBytes = files.log.size();
    const nextOffset = this.#readEnd(files, sizeBytes);
    if (nextOffset === null) {
      this.#notes.push(`${files.log.path}: does not end as a clean stop leaves it, so it is scanned`);
      return null;
    }
    const stored = { sizeBytes, nextOffset, hasTxnIndex: listing.hasTxnIndex };
    const nowMs = environment.clock.wallMs();
    return ActiveSegment.reopen(files, settings, environment.stagePool, nowMs, stored);
  }

  /** The offset after the last batch, found from the last index entry on; null when that is damaged. */
  #readEnd(files: SegmentFiles, sizeBytes: number): Offset | null {
    if (sizeBytes === 0) return files.baseOffset;
    const indexBytes = files.offsetIndex.size();
    if (indexBytes % OFFSET_ENTRY_BYTES !== 0) return null;
    let position = 0;
    if (indexBytes > 0) {
      const entry = new Uint8Array(OFFSET_ENTRY_BYTES);
      files.offsetIndex.read(entry, 0, entry.length, indexBytes - entry.length);
      position = entryPosition(entry, 0);
      if (position <= 0 || position >= sizeBytes) return null;
    }
    const { scanner } = this.#options.environment;
    scanner.start(files.log, position, sizeBytes);
    let nextOffset: Offset | null = null;
    while (scanner.next()) nextOffset = (scanner.lastOffset + 1) as Offset;
    if (scanner.ended === "legacy") {
      throw new DataDirectoryError(
        "FOREIGN",
        `${files.log.path} holds messages in a format older than Kafka 0.11`,
      );
    }
    return scanner.ended === "end" && nextOffset !== null && nextOffset > files.baseOffset
      ? nextOffset
      : null;
  }

  /**
   * Scans a segment and builds everything anew. False: the log ends here, because its bytes do or, where
   * offsets may not be missing, because the next segment (null: none) does not follow on.
   */
  #rebuild(listing: SegmentListing, nextBase: Offset | null): boolean {
    const { cleanStop, dir, environment, recoveryPoint, settings } = this.#options;
    this.#scan ??= new RunScan();
    const context = {
      environment,
      dir,
      settings,
      producers: this.#producers,
      epochs: this.#epochs,
      scan: this.#scan,
      nowMs: environment.clock.wallMs(),
    };
    const isFirst = !cleanStop && this.#scannedLogs.length === 0;
    const resumeAt = isFirst
      ? this.#snapshots.newestReadable(listing.baseOffset, recoveryPoint)
      : null;
    let segment = startRebuild(context, listing, resumeAt);
    if (!this.#placeProducers(segment)) {
      segment = startRebuild(context, listing, null);
      this.#placeProducers(segment);
    }
    const from = segment.sizeBytes;
    const { outcome, isDense } = rebuildSegment(context, segment);
    this.#scannedLogs.push(segment.files.log);
    this.#scannedBytes += outcome.validBytes - from;
    let endsHere = outcome.reason !== null;
    if (outcome.reason !== null) {
      this.#noteTruncation(segment, outcome, outcome.reason, nextBase === null);
    } else if (nextBase !== null && isDense && this.#isLoss(segment.nextOffset, nextBase)) {
      endsHere = true;
      this.#notes.push(`${segment.file.path}: offsets ${segment.nextOffset} to ${nextBase} are lost`);
    }
    if (endsHere) this.#removeSegmentsAfter(listing.baseOffset);
    const changed = segment.assumeWritten(outcome.fileBytes, listing.hasTxnIndex);
    this.#namesChanged ||= changed.length > 0;
    if (nextBase === null || endsHere) {
      this.#active = segment;
    } else {
      this.#writtenFiles.push(...changed);
      this.#sealed.push(segment.seal(environment.indexCache));
    }
    return !endsHere;
  }

  /** A hole above the recovery point: a file reached the device, and the one before it did not. */
  #isLoss(endOffset: Offset, nextBase: Offset): boolean {
    const { isCompacted, recoveryPoint } = this.#options;
    return endOffset < nextBase && endOffset >= recoveryPoint && !isCompacted;
  }

  /** Producer state as it was where the scan of `segment` goes on. False: its kept part is damaged. */
  #placeProducers(segment: ActiveSegment): boolean {
    const logStart = this.#startOffset();
    const upTo = segment.nextOffset;
    let isWhole = true;
    if (this.#scannedLogs.length > 0 && this.#producers.endOffset <= upTo) {
      this.#producers.advanceTo(upTo);
    } else {
      // What a crash left above may tell of batches that are gone.
      if (!this.#options.cleanStop) this.#snapshots.doubtAbove(upTo);
      isWhole = this.#loadProducers(logStart, upTo, [...this.#sealed, segment]);
    }
    if (segment.baseOffset === upTo && upTo > logStart) this.#takeSnapshot();
    return isWhole || upTo === segment.baseOffset;
  }

  /** False: damage hid some batches from the state. */
  #loadProducers(from: Offset, upTo: Offset, segments: readonly ReadableSegment[]): boolean {
    const { clock, scanner } = this.#options.environment;
    this.#notes.push(...this.#snapshots.load(this.#producers, from, upTo, clock.wallMs()));
    const isWhole = replayProducers(this.#producers, segments, scanner, upTo);
    if (!isWhole) this.#notes.push(`${this.#options.dir}: damage hid batches from producer state`);
    this.#producers.settle();
    return isWhole;
  }

  #kept(): ReadableSegment[] {
    return this.#active === null ? this.#sealed : [...this.#sealed, this.#active];
  }

  #takeSnapshot(): void {
    const file = this.#snapshots.take(this.#producers);
    if (file === null) return;
    this.#writtenFiles.push(file);
    this.#namesChanged = true;
  }

  #noteTruncation(
    segment: ActiveSegment,
    outcome: ScanOutcome,
    reason: string,
    isLast: boolean,
  ): void {
    const { path } = segment.file;
    const { validBytes, fileBytes } = outcome;
    if (isLast && isZero(segment.file, validBytes, fileBytes)) {
      this.#notes.push(`${path}: ${fileBytes - validBytes} reserved bytes cut, never written`);
      return;
    }
    this.#truncatedBytes += fileBytes - validBytes;
    this.#notes.push(
      `${path}: cut at byte ${validBytes} of ${fileBytes}, next offset ${segment.nextOffset}: ${reason}`,
    );
  }

  /** Durably, before the caller cuts the file that they would no longer follow on. */
  #removeSegmentsAfter(baseOffset: Offset): void {
    const { environment, dir } = this.#options;
    const later = this.#listing.segments.filter((each) => each.baseOffset > baseOffset);
    if (later.length === 0) return;
    for (const listing of later) {
      for (const file of new SegmentFiles(environment.disk, dir, listing.baseOffset)) file.remove();
      this.#notes.push(`${this.#logPath(listing)} removed: the log ends before it`);
    }
    environment.disk.syncDirectory(dir);
  }

  #startOffset(): Offset {
    return Math.max(this.#options.logStartOffset, this.#firstBase) as Offset;
  }

  /** A log that ends below its start holds nothing that may be read: it starts over, empty. */
  #settleBounds(): { logStartOffset: Offset; logEndOffset: Offset } {
    const logStartOffset = this.#startOffset();
    const logEndOffset = this.#active?.nextOffset ?? logStartOffset;
    if (logEndOffset >= logStartOffset) return { logStartOffset, logEndOffset };
    this.#notes.push(
      `${this.#options.dir}: ends at ${logEndOffset}, below its start ${logStartOffset}: emptied`,
    );
    const segments = [...this.#sealed, this.#active!];
    this.#deletedSegments += segments.length;
    for (const segment of segments.toReversed()) {
      segment.close();
      for (const file of new SegmentFiles(
        this.#options.environment.disk,
        this.#options.dir,
        segment.baseOffset,
      )) file.remove();
    }
    this.#sealed.length = 0;
    this.#active = null;
    this.#scannedLogs.length = 0;
    this.#writtenFiles.length = 0;
    this.#namesChanged = true;
    this.#snapshots.removeAbove(0 as Offset);
    return { logStartOffset, logEndOffset: logStartOffset };
  }

  #settleProducers(logStartOffset: Offset, logEndOffset: Offset): void {
    this.#snapshots.removeAbove(logEndOffset);
    this.#snapshots.removeUpTo(logStartOffset);
    const bases = this.#kept().map((segment) => segment.baseOffset);
    this.#snapshots.removeStrays(new Set(bases), bases.at(-1) ?? logStartOffset);
    const scannedToEnd = this.#scannedLogs.length > 0 && this.#producers.endOffset === logEndOffset;
    if (!scannedToEnd) this.#loadProducers(logStartOffset, logEndOffset, this.#kept());
    this.#producers.settle();
    assert(this.#producers.endOffset === logEndOffset, "producer state of another end");
    // None at the end: within the active segment a snapshot vouches for the index, which is not synced.
    this.#snapshots.removeDoubted();
  }

  #loadEpochs(): EpochHistory {
    const path = `${this.#options.dir}/${EPOCH_CHECKPOINT_FILE}`;
    const bytes = this.#options.environment.disk.readAll(path);
    if (bytes === null) return new EpochHistory([]);
    const stored = parseEpochCheckpoint(bytes);
    if (stored.ok) return new EpochHistory(stored.value);
    this.#notes.push(`${path} ignored: ${stored.reason}`);
    // Even when no record is left to name an epoch: Kafka would not start on such a file.
    this.#isEpochFileDamaged = true;
    return new EpochHistory([]);
  }

  #logPath(listing: SegmentListing): string {
    return segmentPath(this.#options.dir, listing.baseOffset, LOG_SUFFIX);
  }
}

const ZERO_CHUNK_BYTES = 64 * 1024;

/** Whether bytes [start, end) are all zero: reserved for batches that were never written. */
function isZero(file: DiskFile, start: number, end: number): boolean {
  const chunk = new Uint8Array(Math.min(ZERO_CHUNK_BYTES, end - start));
  for (let at = start; at < end; ) {
    const count = file.read(chunk, 0, Math.min(chunk.length, end - at), at);
    for (let index = 0; index < count; index++) if (chunk[index] !== 0) return false;
    if (count === 0) return true;
    at += count;
  }
  return true;
}
