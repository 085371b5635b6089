import type { DiskFile } from "../io/disk.ts";
import { NO_TIMESTAMP } from "../model/offsets.ts";
import type { Offset } from "../model/offsets.ts";
import { CONTROL_BIT } from "../model/record_batch.ts";
import type { HeaderScanner } from "./header_scanner.ts";
import { OFFSET_ENTRY_BYTES, entryOffset, entryPosition, findOffsetEntry } from "./offset_index.ts";
import type { TimestampOffset } from "./segment.ts";
import type { SegmentFiles } from "./segment_files.ts";
import { TIME_ENTRY_BYTES, entryTimestamp, timeEntryOffset } from "./time_index.ts";
import { TXN_ENTRY_BYTES, decodeTxnEntry, txnIndexInvalidReason } from "./txn_index.ts";

/** What of a segment lies below a snapshot within it, and need not be scanned: batches and entries. */
export interface KeptPart {
  /** Where the first batch at or beyond the snapshot starts, or would. */
  readonly sizeBytes: number;
  readonly nextOffset: Offset;
  readonly largest: TimestampOffset;
  readonly offsetEntries: Uint8Array;
  readonly timeEntries: Uint8Array;
  readonly txnEntries: Uint8Array;
}

/**
 * Takes up a segment at `resumeAt`, the offset of a snapshot at or below the recovery point. Batches and
 * index entries below are on the device; what the index files hold beyond it may be anything. A second
 * look at what is believed: entries ascend, and a walk over headers from the last ones on meets them and
 * arrives exactly there. Null: all must be scanned, as after Kafka, which leaves indexes full of zeros.
 */
export function keptBelow(
  files: SegmentFiles,
  resumeAt: Offset,
  hasTxnIndex: boolean,
  scanner: HeaderScanner,
): KeptPart | null {
  const { baseOffset } = files;
  const fileBytes = files.log.size();
  const offsetEntries = offsetEntriesBelow(readAll(files.offsetIndex), baseOffset, resumeAt);
  const timeEntries = timeEntriesBelow(readAll(files.timeIndex), baseOffset, resumeAt);
  const txnEntries = hasTxnIndex
    ? txnEntriesBelow(readAll(files.txnIndex), baseOffset, resumeAt)
    : new Uint8Array(0);
  if (offsetEntries === null || timeEntries === null || txnEntries === null) return null;
  if (!lastAbortIsThere(files, fileBytes, offsetEntries, txnEntries, scanner)) return null;

  // Batches after the last time entry may have a larger timestamp, so the walk starts no later.
  const count = offsetEntries.length / OFFSET_ENTRY_BYTES;
  const times = timeEntries.length / TIME_ENTRY_BYTES;
  let largest: TimestampOffset = { timestamp: NO_TIMESTAMP, offset: baseOffset };
  if (times > 0) {
    largest = {
      timestamp: entryTimestamp(timeEntries, times - 1),
      offset: timeEntryOffset(timeEntries, times - 1, baseOffset),
    };
  }
  const entry = findOffsetEntry(offsetEntries, count, baseOffset, largest.offset);
  const walkFrom = entry < 0 ? 0 : entryPosition(offsetEntries, entry);
  if (walkFrom > fileBytes) return null;
  scanner.start(files.log, walkFrom, fileBytes);
  let nextOffset = baseOffset;
  let sizeBytes = walkFrom;
  let known = entry + 1;
  while (scanner.next()) {
    if (scanner.baseOffset < nextOffset) return null;
    if (scanner.baseOffset >= resumeAt) break;
    if (scanner.lastOffset >= resumeAt) return null; // it lies between batches
    if (known < count && entryPosition(offsetEntries, known) === scanner.position) {
      if (entryOffset(offsetEntries, known, baseOffset) !== scanner.lastOffset) return null;
      known++;
    }
    if (scanner.maxTimestamp > largest.timestamp) {
      largest = { timestamp: scanner.maxTimestamp, offset: scanner.lastOffset };
    }
    nextOffset = (scanner.lastOffset + 1) as Offset;
    sizeBytes = scanner.nextPosition;
  }
  const arrived = sizeBytes < fileBytes && scanner.position === sizeBytes || nextOffset === resumeAt;
  if (!arrived || known !== count || nextOffset === baseOffset) return null;
  return { sizeBytes, nextOffset, largest, offsetEntries, timeEntries, txnEntries };
}

function offsetEntriesBelow(
  bytes: Uint8Array,
  baseOffset: Offset,
  resumeAt: Offset,
): Uint8Array | null {
  const count = Math.floor(bytes.length / OFFSET_ENTRY_BYTES);
  let offset: number = baseOffset;
  let position = 0; // the first batch has no entry
  for (let entry = 0; entry < count; entry++) {
    const nextOffset = entryOffset(bytes, entry, baseOffset);
    if (nextOffset >= resumeAt) return bytes.subarray(0, entry * OFFSET_ENTRY_BYTES);
    const nextPosition = entryPosition(bytes, entry);
    if (nextOffset <= offset || nextPosition <= position) return null;
    offset = nextOffset;
    position = nextPosition;
  }
  return bytes.subarray(0, count * OFFSET_ENTRY_BYTES);
}

function timeEntriesBelow(
  bytes: Uint8Array,
  baseOffset: Offset,
  resumeAt: Offset,
): Uint8Array | null {
  const count = Math.floor(bytes.length / TIME_ENTRY_BYTES);
  let timestamp: number = NO_TIMESTAMP;
  let offset: number = baseOffset;
  for (let entry = 0; entry < count; entry++) {
    const nextOffset = timeEntryOffset(bytes, entry, baseOffset);
    if (nextOffset >= resumeAt) return bytes.subarray(0, entry * TIME_ENTRY_BYTES);
    const nextTimestamp = entryTimestamp(bytes, entry);
    // Time 0 is what an entry reads as whose bytes never reached the device.
    if (nextTimestamp <= timestamp || nextTimestamp === 0 || nextOffset < offset) return null;
    timestamp = nextTimestamp;
    offset = nextOffset;
  }
  return bytes.subarray(0, count * TIME_ENTRY_BYTES);
}

function txnEntriesBelow(
  bytes: Uint8Array,
  baseOffset: Offset,
  resumeAt: Offset,
): Uint8Array | null {
  const whole = bytes.subarray(0, bytes.length - (bytes.length % TXN_ENTRY_BYTES));
  let end = 0;
  while (end < whole.length && decodeTxnEntry(whole, end).lastOffset < resumeAt) {
    end += TXN_ENTRY_BYTES;
  }
  const below = whole.subarray(0, end);
  return txnIndexInvalidReason(below, baseOffset) === null ? below : null;
}

/** Unsynced entries are the last ones: the last that is kept must lead to its ABORT marker. */
function lastAbortIsThere(
  files: SegmentFiles,
  fileBytes: number,
  offsetEntries: Uint8Array,
  txnEntries: Uint8Array,
  scanner: HeaderScanner,
): boolean {
  if (txnEntries.length === 0) return true;
  const aborted = decodeTxnEntry(txnEntries, txnEntries.length - TXN_ENTRY_BYTES);
  const count = offsetEntries.length / OFFSET_ENTRY_BYTES;
  const entry = findOffsetEntry(offsetEntries, count, files.baseOffset, aborted.lastOffset);
  const position = entry < 0 ? 0 : entryPosition(offsetEntries, entry);
  if (position > fileBytes) return false;
  scanner.start(files.log, position, fileBytes);
  while (scanner.next()) {
    if (scanner.lastOffset < aborted.lastOffset) continue;
    const isControl = (scanner.attributes & CONTROL_BIT) !== 0;
    return isControl && scanner.producerId === aborted.producerId &&
      scanner.lastOffset === aborted.lastOffset;
  }
  return false;
}

/** A copy of its own: the index goes on growing in it. */
function readAll(file: DiskFile): Uint8Array {
  const bytes = new Uint8Array(file.size());
  return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0));
}
