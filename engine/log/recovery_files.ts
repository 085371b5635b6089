import type { Disk } from "../io/disk.ts";
import type { Offset } from "../model/offsets.ts";
import { HeaderScanner } from "./header_scanner.ts";
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  SNAPSHOT_SUFFIX,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
  parseSegmentFileName,
  segmentPath,
} from "./segment_names.ts";
import type { SegmentFileKind, SegmentFileName } from "./segment_names.ts";

/** One segment as its files' names tell of it. */
export interface SegmentListing {
  readonly baseOffset: Offset;
  readonly hasOffsetIndex: boolean;
  readonly hasTimeIndex: boolean;
  readonly hasTxnIndex: boolean;
}

export interface LogListing {
  /** By base offset, ascending. */
  readonly segments: readonly SegmentListing[];
  readonly snapshotOffsets: readonly Offset[];
  /** Names changed: the directory needs a sync. */
  readonly changed: boolean;
  readonly notes: readonly string[];
}

interface NamedFile extends SegmentFileName {
  readonly name: string;
}

/**
 * Settles what an interrupted deletion or compaction left behind, and lists what is there:
 *
 *  A  `.deleted`: removed
 *  B  `.cleaned`: an unfinished replacement, removed; so is every `.swap` at or above the smallest of
 *     them, which belongs to the same unfinished split
 *  C  `.swap`: a finished replacement; the segments in its range are removed, then it takes its name
 *  D  an index without its log: removed
 */
export function settleFiles(disk: Disk, dir: string): LogListing {
  if (!disk.isDirectory(dir)) {
    return { segments: [], snapshotOffsets: [], changed: false, notes: [] };
  }
  const found = listFiles(disk, dir);
  const notes: string[] = [];
  let changed = false;
  const remove = (file: NamedFile, why: string) => {
    disk.remove(`${dir}/${file.name}`);
    notes.push(`${dir}/${file.name} removed: ${why}`);
    changed = true;
  };
  const inState = (state: string) => found.filter((file) => file.state === state);
  for (const file of inState(DELETED_SUFFIX)) remove(file, "its deletion was under way"); // A
  const cleaned = inState(CLEANED_SUFFIX);
  const cleanedFrom = Math.min(...cleaned.map((file) => file.baseOffset));
  for (const file of cleaned) remove(file, "its compaction was under way"); // B
  const swaps: NamedFile[] = [];
  for (const file of inState(SWAP_SUFFIX)) {
    if (file.baseOffset >= cleanedFrom) remove(file, "its compaction was under way"); // B
    else swaps.push(file);
  }
  let files = inState("");
  if (swaps.length > 0) {
    for (const file of replacedBy(disk, dir, swaps, files)) remove(file, "it was compacted"); // C
    for (const file of swaps) {
      disk.rename(`${dir}/${file.name}`, segmentPath(dir, file.baseOffset, file.kind));
    }
    notes.push(`${dir}: a compaction was completed`);
    changed = true;
    files = listFiles(disk, dir).filter((file) => file.state === "");
  }
  const logs = new Set(ofKind(files, LOG_SUFFIX));
  for (const file of files) {
    if (file.kind === SNAPSHOT_SUFFIX || logs.has(file.baseOffset)) continue;
    remove(file, "there is no log file with it"); // D
  }
  return { ...listing(files), changed, notes };
}

/** What is there, with nothing changed. */
function listing(files: readonly NamedFile[]): Pick<LogListing, "segments" | "snapshotOffsets"> {
  const offsetIndexes = new Set(ofKind(files, OFFSET_INDEX_SUFFIX));
  const timeIndexes = new Set(ofKind(files, TIME_INDEX_SUFFIX));
  const txnIndexes = new Set(ofKind(files, TXN_INDEX_SUFFIX));
  const segments = ofKind(files, LOG_SUFFIX)
    .sort((one, other) => one - other)
    .map((baseOffset) => ({
      baseOffset,
      hasOffsetIndex: offsetIndexes.has(baseOffset),
      hasTimeIndex: timeIndexes.has(baseOffset),
      hasTxnIndex: txnIndexes.has(baseOffset),
    }));
  return { segments, snapshotOffsets: ofKind(files, SNAPSHOT_SUFFIX) };
}

function listFiles(disk: Disk, dir: string): NamedFile[] {
  const found: NamedFile[] = [];
  for (const name of disk.list(dir)) {
    const parsed = parseSegmentFileName(name);
    if (parsed !== null) found.push({ ...parsed, name });
  }
  return found;
}

function ofKind(files: readonly NamedFile[], kind: SegmentFileKind): Offset[] {
  return files.filter((file) => file.kind === kind).map((file) => file.baseOffset);
}

/** The files in use whose segments the swapped ones replace: bases in [first base, end of the last). */
function replacedBy(
  disk: Disk,
  dir: string,
  swaps: readonly NamedFile[],
  files: readonly NamedFile[],
): NamedFile[] {
  const logs = swaps.filter((file) => file.kind === LOG_SUFFIX);
  if (logs.length === 0) return []; // only the indexes were left to be renamed
  const from = Math.min(...logs.map((file) => file.baseOffset));
  let upTo = from;
  const scanner = new HeaderScanner();
  for (const log of logs) {
    const file = disk.file(`${dir}/${log.name}`);
    scanner.start(file, 0, file.size());
    while (scanner.next()) upTo = Math.max(upTo, scanner.lastOffset + 1);
    file.close();
  }
  return files.filter((file) =>
    file.kind !== SNAPSHOT_SUFFIX && file.baseOffset >= from && file.baseOffset < upTo
  );
}
