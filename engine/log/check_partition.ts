import type { BatchScan } from "../../native/scan.ts";
import type { Disk, DiskFile } from "../io/disk.ts";
import { DiskFault } from "../model/errors.ts";
import * as batch from "../model/record_batch.ts";
import type { Offset } from "../model/offsets.ts";
import { frameReason, walkBatches } from "./check_batches.ts";
import type { BatchTools, CheckedBatch, Damage } from "./check_batches.ts";
import type { CheckReport } from "./check_report.ts";
import { SegmentIndexes } from "./check_segment_indexes.ts";
import { LogContinuity } from "./check_state.ts";
import { FileWindow } from "./check_window.ts";
import { endTransactionMarker } from "./control_record.ts";
import {
  EPOCH_CHECKPOINT_FILE,
  formatEpochCheckpoint,
  parseEpochCheckpoint,
} from "./epoch_checkpoint.ts";
import type { EpochLine } from "./epoch_checkpoint.ts";
import { parseProducerSnapshot } from "./producer_snapshot.ts";
import type { ProducerSnapshotEntry } from "./producer_snapshot.ts";
import { LOG_SUFFIX, SNAPSHOT_SUFFIX, parseSegmentFileName, segmentPath } from "./segment_names.ts";
import type { SegmentFileName } from "./segment_names.ts";

export interface PartitionCheck {
  readonly disk: Disk;
  readonly dir: string;
  readonly tools: BatchTools;
  readonly report: CheckReport;
  /** The last stop was clean, and nothing has written since: then everything must be in its place. */
  readonly isClean: boolean;
  /** Everything below was synced: damage there is loss, damage beyond is what recovery cuts away. */
  readonly recoveryPoint: Offset;
  /** Null: where the first segment starts. */
  readonly logStart: Offset | null;
  /** The log was compacted: batches and offsets may be missing between others. */
  readonly mayHaveGaps: boolean;
  /** Whether the sequences of producers must run on without gaps. */
  readonly checkSequences: boolean;
  /** Names of other files that belong there, checked by somebody else. */
  readonly isKnownFile: (name: string) => boolean;
}

/** What the partition turned out to hold, for the checkpoint files. */
export interface PartitionExtent {
  readonly firstBase: Offset;
  readonly logEnd: Offset;
}

/**
 * Checks one partition's directory. `sizes` of files are taken first and nothing beyond is looked at,
 * so that a log may be written to meanwhile. Null: it has no segments.
 */
export function checkPartitionFiles(check: PartitionCheck): PartitionExtent | null {
  return new PartitionChecker(check).run();
}

interface Snapshot {
  readonly path: string;
  readonly offset: Offset;
  readonly entries: readonly ProducerSnapshotEntry[];
}

class PartitionChecker {
  readonly #check: PartitionCheck;
  readonly #report: CheckReport;
  readonly #bases: Offset[] = [];
  readonly #sizes = new Map<Offset, number>();
  readonly #names: SegmentFileName[] = [];
  #snapshots: Snapshot[] = [];
  #epochs: readonly EpochLine[] | null = null;
  #continuity!: LogContinuity;
  /** The next snapshot that the walk has not reached. */
  #nextSnapshot = 0;

  constructor(check: PartitionCheck) {
    this.#check = check;
    this.#report = check.report;
  }

  run(): PartitionExtent | null {
    this.#readNames();
    this.#checkOrphans();
    this.#readEpochs();
    this.#readSnapshots();
    const firstBase = this.#bases[0];
    if (firstBase === undefined) return null;
    const { mayHaveGaps } = this.#check;
    const start = this.#logStart(firstBase);
    this.#continuity = new LogContinuity({ epochs: this.#epochs, mayHaveGaps, logStart: start });
    let end = firstBase;
    let before: Offset | null = null;
    this.#bases.forEach((base, index) => {
      before = this.#readSegment(base, index === this.#bases.length - 1, before);
      end = before ?? end;
    });
    this.#passSnapshots(end);
    this.#checkEnd(start, end);
    return { firstBase, logEnd: end };
  }

  #logStart(firstBase: Offset): Offset {
    const { logStart, isClean } = this.#check;
    const known = Math.max(firstBase, logStart ?? 0) as Offset;
    // DeleteRecords trims the epochs at once; the log start follows with the next checkpoint.
    const firstEpochStart = this.#epochs?.[0]?.startOffset ?? known;
    return isClean || firstEpochStart < known ? known : firstEpochStart;
  }

  #readNames(): void {
    const { disk, dir, isKnownFile } = this.#check;
    for (const name of disk.list(dir)) {
      const path = `${dir}/${name}`;
      const file = parseSegmentFileName(name);
      if (file === null) {
        if (!isKnownFile(name) && name !== EPOCH_CHECKPOINT_FILE) {
          this.#report.warning(path, "no file of this name belongs here");
        }
      } else if (file.state !== "") {
        this.#checkLeftover(path, file);
      } else {
        this.#names.push(file);
        if (file.kind !== LOG_SUFFIX) continue;
        this.#bases.push(file.baseOffset);
        this.#sizes.set(file.baseOffset, Math.max(0, disk.fileSize(path)));
      }
    }
  }

  /** `.deleted` is ordinary: its removal is delayed. The others are halves of a compaction. */
  #checkLeftover(path: string, file: SegmentFileName): void {
    if (file.state === ".deleted" && !this.#check.isClean) return;
    this.#report.warning(path, `left over: ${file.state.slice(1)} files are settled by the next start`);
  }

  #checkOrphans(): void {
    for (const { kind, baseOffset } of this.#names) {
      if (kind === LOG_SUFFIX || kind === SNAPSHOT_SUFFIX || this.#sizes.has(baseOffset)) continue;
      const path = segmentPath(this.#check.dir, baseOffset, kind);
      if (this.#check.disk.exists(path)) this.#report.warning(path, "index without its log");
    }
  }

  #readEpochs(): void {
    const path = `${this.#check.dir}/${EPOCH_CHECKPOINT_FILE}`;
    const bytes = this.#check.disk.readAll(path);
    if (bytes === null) {
      const hasData = [...this.#sizes.values()].some((size) => size > 0);
      if (hasData) this.#report.warning(path, "missing: leader epochs cannot be checked");
      return;
    }
    const parsed = parseEpochCheckpoint(bytes);
    if (!parsed.ok) {
      this.#report.error(path, parsed.reason, parsed.start, parsed.end);
      return;
    }
    // Perhaps never synced: the next start makes it anew.
    if (bytes.length === 0 && !this.#check.isClean) return;
    this.#epochs = parsed.value;
    if (bytes.length === 0) return; // holds no lines, as Kafka reads it
    const at = firstDifference(bytes, formatEpochCheckpoint(parsed.value));
    if (at >= 0) this.#report.warning(path, "not written the way Kafka does", at, at + 1);
  }

  #readSnapshots(): void {
    const { disk, dir, tools } = this.#check;
    for (const { kind, baseOffset } of this.#names) {
      if (kind !== SNAPSHOT_SUFFIX) continue;
      const path = segmentPath(dir, baseOffset, SNAPSHOT_SUFFIX);
      const bytes = disk.readAll(path);
      if (bytes === null) continue; // gone since it was listed
      const crc32c = (data: Uint8Array, start: number, end: number) =>
        tools.native.crc32c(data, start, end);
      const parsed = parseProducerSnapshot(bytes, crc32c);
      // One beyond the recovery point of an unclean stop was perhaps never synced: the next start removes it.
      const isDoubted = !this.#check.isClean && baseOffset > this.#check.recoveryPoint;
      const severity = isDoubted ? "warning" : "error";
      if (!parsed.ok) this.#report.add(severity, path, parsed.reason, parsed.start, parsed.end);
      else this.#snapshots.push({ path, offset: baseOffset, entries: parsed.value });
    }
    this.#snapshots.sort((one, other) => one.offset - other.offset);
  }

  /** The offset after the segment; null when that cannot be told. */
  #readSegment(base: Offset, isLast: boolean, before: Offset | null): Offset | null {
    try {
      return this.#checkSegment(base, isLast, before);
    } catch (error) {
      if (!(error instanceof DiskFault)) throw error;
      // Retention may delete a segment under the eyes of a check.
      const isGone = error.systemCode === "ENOENT" && !this.#check.disk.exists(error.path);
      if (!isGone) this.#report.error(error.path, `cannot be read: ${error.systemCode}`);
      return null;
    }
  }

  /** `before`: where the segment before ended, if that is known. */
  #checkSegment(base: Offset, isLast: boolean, before: Offset | null): Offset | null {
    const { disk, dir, tools, mayHaveGaps } = this.#check;
    const path = segmentPath(dir, base, LOG_SUFFIX);
    if (before !== null && (before > base || (before < base && !mayHaveGaps))) {
      this.#report.error(path, `segment starts at ${base}, the one before ends at ${before}`);
    }
    this.#continuity.begin(base);
    const mayHaveTail = isLast && !this.#check.isClean;
    const isRebuilt = !this.#check.isClean && (isLast || this.#baseAfter(base) > this.#check.recoveryPoint);
    const indexes = new SegmentIndexes(this.#check, base, mayHaveTail, isRebuilt);
    const file = disk.file(path);
    let end = base;
    let isEndKnown = true;
    try {
      const window = new FileWindow(file, this.#sizes.get(base)!);
      const damages: Damage[] = [];
      walkBatches(window, window.size, tools,
        (checked) => {
          end = this.#checkBatch(path, base, checked, indexes);
          this.#report.advance(path, checked.size);
        },
        (damage) => {
          damages.push(damage);
          this.#continuity.skipDamage();
          indexes.stop();
          this.#report.advance(path, damage.end - damage.start);
        },
      );
      isEndKnown = damages.at(-1)?.end !== window.size;
      for (const damage of damages) {
        const isTail = mayHaveTail && damage.end === window.size;
        if (isTail) this.#checkTail(file, window, damage, end);
        else this.#report.error(path, damage.message, damage.start, damage.end);
      }
    } finally {
      file.close();
    }
    indexes.end();
    return isEndKnown || isLast ? end : null;
  }

  #baseAfter(base: Offset): Offset {
    return this.#bases[this.#bases.indexOf(base) + 1]!;
  }

  /** What stands behind the last whole batch of a log that may be written to, or was when it died. */
  #checkTail(file: DiskFile, window: FileWindow, damage: Damage, end: Offset): void {
    const { path } = file;
    if (this.#isUnwritten(window, damage.start)) return;
    // A batch that was being written when we came by is whole by now, wherever it ends.
    const sizeNow = Math.max(window.size, file.size());
    const again = new FileWindow(file, sizeNow);
    if (frameReason(again, damage.start, sizeNow, this.#check.tools.native) === null) return;
    // Beyond the recovery point nothing was promised to survive an unclean stop.
    if (end < this.#check.recoveryPoint) {
      this.#report.error(path, damage.message, damage.start, damage.end);
      return;
    }
    const message = `unfinished tail, cut away by the next start (${damage.message})`;
    this.#report.warning(path, message, damage.start, damage.end);
  }

  /** Zeros to the end: space that was reserved and not used. */
  #isUnwritten(window: FileWindow, from: number): boolean {
    window.forget();
    const step = 1 << 16;
    for (let at = from; at < window.size; at += step) {
      const length = Math.min(step, window.size - at);
      if (!window.load(at, length)) return true; // trimmed meanwhile
      for (let byte = window.at; byte < window.at + length; byte++) {
        if (window.bytes[byte] !== 0) return false;
      }
    }
    return true;
  }

  /** The offset after the batch. */
  #checkBatch(
    path: string,
    base: Offset,
    checked: CheckedBatch,
    indexes: SegmentIndexes,
  ): Offset {
    const { scan, position, size } = checked;
    this.#passSnapshots(scan.baseOffset as Offset);
    if (checked.wrong !== null) this.#report.error(path, checked.wrong, position, position + size);
    const offsets = this.#continuity.offsetReason(scan);
    if (offsets !== null) this.#report.error(path, offsets, position, position + 8);
    const last = (scan.baseOffset + scan.lastOffsetDelta) as Offset;
    if (last - base > OFFSETS_PER_SEGMENT_MAX) {
      const message = `offset ${last} is too far from the segment's base`;
      this.#report.error(path, message, position, position + 8);
    }
    const epoch = this.#epochReason(scan);
    if (epoch !== null) {
      const at = position + batch.LEADER_EPOCH_AT;
      this.#report.error(path, epoch, at, at + 4);
    }
    for (const line of this.#continuity.misplacedLines(scan)) {
      const epochPath = `${this.#check.dir}/${EPOCH_CHECKPOINT_FILE}`;
      this.#report.error(epochPath, `epoch ${line.epoch} starts at ${line.startOffset}, inside a batch`);
    }
    this.#checkProducer(path, checked, indexes);
    const maxTimestamp = scan.maxTimestamp;
    indexes.see({ position, lastOffset: last, maxTimestamp });
    return this.#continuity.expected ?? ((last + 1) as Offset);
  }

  #epochReason(scan: BatchScan): string | null {
    const reason = this.#continuity.epochReason(scan);
    if (reason === null || this.#check.isClean) return reason;
    // Perhaps the batch is younger than our copy of the epochs, or its line is gone by now.
    const bytes = this.#check.disk.readAll(`${this.#check.dir}/${EPOCH_CHECKPOINT_FILE}`);
    const parsed = bytes === null ? null : parseEpochCheckpoint(bytes);
    if (parsed === null || !parsed.ok) return reason;
    this.#continuity.renewEpochs(parsed.value);
    return this.#continuity.epochReason(scan);
  }

  #checkProducer(path: string, checked: CheckedBatch, indexes: SegmentIndexes): void {
    const { scan, position, size, bytes, start } = checked;
    if ((scan.attributes & batch.CONTROL_BIT) === 0) {
      const odd = this.#continuity.sequenceReason(scan);
      if (odd === null || !this.#check.checkSequences) return;
      this.#report.warning(path, odd, position, position + size);
      return;
    }
    if ((scan.attributes & batch.TRANSACTIONAL_BIT) === 0 || scan.recordsCount === 0) return;
    const marker = endTransactionMarker(bytes, start, start + size);
    if (marker === null) {
      this.#report.error(path, "control batch without a readable marker", position, position + size);
      return;
    }
    const aborted = this.#continuity.endTransaction(scan, marker.isAbort);
    if (aborted !== null) indexes.seeAborted(aborted);
  }

  /** Compares the snapshots up to `offset` with what the log has shown until there. */
  #passSnapshots(offset: Offset): void {
    for (; this.#nextSnapshot < this.#snapshots.length; this.#nextSnapshot++) {
      const snapshot = this.#snapshots[this.#nextSnapshot]!;
      if (snapshot.offset > offset) return;
      for (const entry of snapshot.entries) {
        const beyond = entry.lastOffset >= snapshot.offset
          ? `producer ${entry.producerId} has written ${entry.lastOffset} already`
          : null;
        const reason = beyond ?? this.#continuity.snapshotReason(entry);
        if (reason !== null) this.#report.error(snapshot.path, reason);
      }
    }
  }

  #checkEnd(start: Offset, end: Offset): void {
    const { dir, isClean, disk } = this.#check;
    for (const snapshot of this.#snapshots.slice(this.#nextSnapshot)) {
      if (isClean) this.#report.error(snapshot.path, `the log ends before it, at ${end}`);
    }
    const last = this.#epochs?.at(-1);
    if (isClean && last !== undefined && last.startOffset > end) {
      const path = `${dir}/${EPOCH_CHECKPOINT_FILE}`;
      const message = `epoch ${last.epoch} starts at ${last.startOffset}, the log ends at ${end}`;
      this.#report.error(path, message);
    }
    const first = this.#epochs?.[0];
    // Retention leaves the file to the next checkpoint.
    if (isClean && first !== undefined && first.startOffset < start && !this.#check.mayHaveGaps) {
      const path = `${dir}/${EPOCH_CHECKPOINT_FILE}`;
      const message = `epoch ${first.epoch} starts at ${first.startOffset}, the log at ${start}`;
      this.#report.warning(path, message);
    }
    if (!isClean || end <= start) return;
    const path = segmentPath(dir, end, SNAPSHOT_SUFFIX);
    if (!disk.exists(path)) {
      this.#report.warning(path, "missing after a clean stop: Kafka would forget all producers");
    }
  }
}

/** Relative offsets are 32-bit, signed. */
const OFFSETS_PER_SEGMENT_MAX = 2 ** 31 - 1;

/** Where two byte strings part; -1 when they are equal. */
export function firstDifference(one: Uint8Array, other: Uint8Array): number {
  const length = Math.max(one.length, other.length);
  for (let at = 0; at < length; at++) if (one[at] !== other[at]) return at;
  return -1;
}
