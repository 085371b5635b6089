import type { Disk } from "../io/disk.ts";
import type { Offset } from "../model/offsets.ts";
import { BATCH_HEADER_BYTES } from "../model/record_batch.ts";
import { OffsetIndexCheck, TimeIndexCheck, TxnIndexCheck } from "./check_indexes.ts";
import type { IndexFile, IndexedBatch } from "./check_indexes.ts";
import type { CheckReport, Severity } from "./check_report.ts";
import type { SeenAbort } from "./check_state.ts";
import {
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
  segmentPath,
} from "./segment_names.ts";
import type { SegmentFileKind } from "./segment_names.ts";
import { TXN_ENTRY_BYTES } from "./txn_index.ts";

export interface SegmentSource {
  readonly disk: Disk;
  readonly dir: string;
  readonly report: CheckReport;
  readonly mayHaveGaps: boolean;
}

/** The three indexes of one segment, fed batch by batch. */
export class SegmentIndexes {
  readonly #offsets: OffsetIndexCheck | null;
  readonly #times: TimeIndexCheck | null;
  readonly #aborted: TxnIndexCheck | null;
  readonly #check: SegmentSource;
  readonly #txnPath: string;
  #isStopped = false;

  /**
   * `mayHaveTail`: the segment was, or is, written to. `isRebuilt`: it ends beyond the recovery point of an
   * unclean stop, so that the next start makes its indexes anew, whatever they hold.
   */
  constructor(check: SegmentSource, base: Offset, mayHaveTail: boolean, isRebuilt: boolean) {
    this.#check = check;
    const severity: Severity = isRebuilt ? "warning" : "error";
    const read = (kind: SegmentFileKind) => {
      const path = segmentPath(check.dir, base, kind);
      const bytes = mayHaveTail
        ? readAtMost(check.disk, path, largestIndex(check.disk, check.dir, base))
        : check.disk.readAll(path);
      if (bytes !== null) {
        return { path, bytes, baseOffset: base, severity, mayHaveTail } satisfies IndexFile;
      }
      // A txnindex is there only when something was aborted; an active index may be in memory alone; and
      // retention may just have taken the whole segment away.
      const isWanted = kind !== TXN_INDEX_SUFFIX && !mayHaveTail;
      if (isWanted && check.disk.exists(segmentPath(check.dir, base, LOG_SUFFIX))) {
        check.report.add(severity, path, "missing");
      }
      return null;
    };
    const offsets = read(OFFSET_INDEX_SUFFIX);
    const times = read(TIME_INDEX_SUFFIX);
    const aborted = read(TXN_INDEX_SUFFIX);
    this.#txnPath = segmentPath(check.dir, base, TXN_INDEX_SUFFIX);
    this.#offsets = offsets === null ? null : new OffsetIndexCheck(offsets, check.report);
    this.#times = times === null ? null : new TimeIndexCheck(times, !mayHaveTail, check.report);
    // What compaction leaves of aborted transactions is its own affair.
    this.#aborted = aborted === null || check.mayHaveGaps ? null : new TxnIndexCheck(aborted, check.report);
  }

  /** Damage in the log: entries for what lies there, and behind it, say nothing any more. */
  stop(): void {
    this.#isStopped = true;
  }

  see(batch: IndexedBatch): void {
    if (this.#isStopped) return;
    this.#offsets?.see(batch);
    this.#times?.see(batch);
  }

  seeAborted(aborted: SeenAbort): void {
    if (this.#isStopped) return;
    if (this.#aborted !== null) this.#aborted.see(aborted);
    else if (!this.#check.mayHaveGaps && aborted.firstOffset !== null) {
      this.#check.report.error(this.#txnPath, `no entry for the marker at ${aborted.lastOffset}`);
    }
  }

  end(): void {
    if (this.#isStopped) return;
    this.#offsets?.end();
    this.#times?.end();
    this.#aborted?.end();
  }
}

/** Kafka pre-sizes active indexes to 10 MiB: more than an entry a batch cannot be real. */
function largestIndex(disk: Disk, dir: string, base: Offset): number {
  const logBytes = disk.fileSize(segmentPath(dir, base, LOG_SUFFIX));
  return (Math.floor(Math.max(0, logBytes) / BATCH_HEADER_BYTES) + 1) * TXN_ENTRY_BYTES;
}

function readAtMost(disk: Disk, path: string, bytesMax: number): Uint8Array | null {
  const size = disk.fileSize(path);
  if (size < 0) return null;
  const bytes = new Uint8Array(Math.min(size, bytesMax));
  const file = disk.file(path);
  try {
    return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0));
  } finally {
    file.close();
  }
}
