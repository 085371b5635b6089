import type { RunScan } from "../../native/scan.ts";
import { assert } from "../base/assert.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import { CONTROL_BIT } from "../model/record_batch.ts";
import { ActiveSegment, SEGMENT_OFFSET_SPAN_MAX } from "./active_segment.ts";
import type { SegmentSettings } from "./active_segment.ts";
import { endTransactionMarker } from "./control_record.ts";
import { keptBelow } from "./kept_part.ts";
import type { EpochHistory } from "./epoch_history.ts";
import type { LogEnvironment } from "./log_environment.ts";
import { scanLog } from "./log_scan.ts";
import type { BatchVisitor, ScanOutcome } from "./log_scan.ts";
import type { ProducerBatch, ProducerState } from "./producer_state.ts";
import { SegmentFiles } from "./segment_files.ts";
import type { SegmentListing } from "./recovery_files.ts";

/** What a rebuild reads and fills. */
export interface RebuildContext {
  readonly environment: LogEnvironment;
  readonly dir: string;
  readonly settings: SegmentSettings;
  readonly producers: ProducerState;
  readonly epochs: EpochHistory;
  readonly scan: RunScan;
  readonly nowMs: TimestampMs;
}

export interface RebuildOutcome {
  readonly outcome: ScanOutcome;
  /** No offset is missing between its batches or inside them: no compaction went over it. */
  readonly isDense: boolean;
}

/** One row of a scan in the shape that producer state takes; filled again for each. */
class RowBatch implements ProducerBatch {
  producerId = 0;
  producerEpoch = 0;
  baseSequence = 0;
  lastOffsetDelta = 0;
  attributes = 0;

  take(scan: RunScan, row: number): this {
    this.producerId = scan.producerId[row]!;
    this.producerEpoch = scan.producerEpoch[row]!;
    this.baseSequence = scan.baseSequence[row]!;
    this.lastOffsetDelta = scan.lastOffsetDelta[row]!;
    this.attributes = scan.attributes[row]!;
    return this;
  }
}

/** Where a rebuild of a segment starts: behind what is kept of it, or at its front. */
export function startRebuild(
  context: RebuildContext,
  listing: SegmentListing,
  resumeAt: Offset | null,
): ActiveSegment {
  const { disk, scanner, stagePool } = context.environment;
  const files = new SegmentFiles(disk, context.dir, listing.baseOffset);
  const hasIndexes = listing.hasOffsetIndex && listing.hasTimeIndex;
  const kept = resumeAt !== null && hasIndexes
    ? keptBelow(files, resumeAt, listing.hasTxnIndex, scanner)
    : null;
  return ActiveSegment.rebuild(files, context.settings, stagePool, context.nowMs, kept);
}

/**
 * Scans the rest of a segment's log file and builds its indexes, the aborted transactions, producer state
 * and epochs from the batches that are whole, undamaged and in order. Changes no file: what follows the
 * valid part is still there, and is cut by `assumeWritten` once later segments are gone.
 */
export function rebuildSegment(context: RebuildContext, segment: ActiveSegment): RebuildOutcome {
  const { environment, producers, epochs } = context;
  const { files } = segment;
  const batch = new RowBatch();
  let isDense = true;
  const visit: BatchVisitor = (scan, row, position, bytes, start) => {
    const reason = misplacedReason(segment, scan, row);
    if (reason !== null) return reason;
    assert(position === segment.sizeBytes, "a batch is not where the last one ended", position);
    const first = scan.baseOffset[row]! as Offset;
    if (first !== segment.nextOffset || scan.recordsCount[row] !== scan.lastOffsetDelta[row]! + 1) {
      isDense = false;
    }
    const maxTimestamp = scan.maxTimestamp[row]! as TimestampMs;
    segment.account(scan.size[row]!, scan.lastOffset[row]! as Offset, maxTimestamp);
    const epoch = scan.leaderEpoch[row]!;
    if (epoch > epochs.latestEpoch) epochs.assign(epoch as typeof epochs.latestEpoch, first);
    batch.take(scan, row);
    const isControl = (batch.attributes & CONTROL_BIT) !== 0;
    const marker = isControl ? endTransactionMarker(bytes, start, start + scan.size[row]!) : null;
    const aborted = producers.apply(batch, first, maxTimestamp, marker);
    if (aborted !== null) segment.addAborted(aborted);
    return null;
  };
  const from = segment.sizeBytes;
  const outcome = scanLog(environment.disk.native, files.log, context.scan, from, visit);
  return { outcome, isDense };
}

/** Offsets may leave gaps (compaction makes them), but never go back or leave the segment's span. */
function misplacedReason(segment: ActiveSegment, scan: RunScan, row: number): string | null {
  const first = scan.baseOffset[row]!;
  const last = scan.lastOffset[row]!;
  if (first < segment.nextOffset) {
    return `offset ${first} where ${segment.nextOffset} or more was expected`;
  }
  if (last < first) return `last offset ${last} below the first, ${first}`;
  if (last - segment.baseOffset > SEGMENT_OFFSET_SPAN_MAX) {
    return `offset ${last} is too far from the segment's base`;
  }
  return null;
}
