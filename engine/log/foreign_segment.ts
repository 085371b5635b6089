import type { DiskFile } from "../io/disk.ts";
import { DiskFault } from "../model/errors.ts";
import { NO_TIMESTAMP } from "../model/offsets.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import type { HeaderScanner } from "./header_scanner.ts";
import { OFFSET_ENTRY_BYTES, entryPosition, findOffsetEntry } from "./offset_index.ts";
import type { ReadableSegment, TimestampOffset } from "./segment.ts";
import type { SegmentFiles } from "./segment_files.ts";
import { TIME_ENTRY_BYTES, entryTimestamp, findTimeEntry, timeEntryOffset } from "./time_index.ts";

const NOTHING = new Uint8Array(0);

/**
 * ForeignSegment: a segment that another process may be writing, looked at from outside.
 *
 * Its indexes may be incomplete, or end in zeros that are reserved for entries to come: they only say
 * where to begin. They are read, never mapped: their owner may cut them, and a map of bytes that are
 * gone kills the process.
 *
 * Owner: one ReadOnlyLog, which tells it how far its batches are known to go.
 */
export class ForeignSegment implements ReadableSegment {
  readonly baseOffset: Offset;
  readonly files: SegmentFiles;
  readonly #scanner: HeaderScanner;
  readonly #indexes: LastIndex;
  readableEnd: Offset;
  readableBytes = 0;

  constructor(files: SegmentFiles, scanner: HeaderScanner, indexes: LastIndex) {
    this.files = files;
    this.baseOffset = files.baseOffset;
    this.readableEnd = files.baseOffset;
    this.#scanner = scanner;
    this.#indexes = indexes;
  }

  get file(): DiskFile {
    return this.files.log;
  }

  /** Batches are whole in the first `readableBytes`, and the next one, if any, starts at `readableEnd`. */
  extend(readableBytes: number, readableEnd: Offset): void {
    this.readableBytes = readableBytes;
    this.readableEnd = readableEnd;
  }

  positionBefore(offset: Offset): number {
    const bytes = this.#indexes.entries(this.files.offsetIndex, OFFSET_ENTRY_BYTES);
    const entry = findOffsetEntry(bytes, bytes.length / OFFSET_ENTRY_BYTES, this.baseOffset, offset);
    const position = entry < 0 ? 0 : entryPosition(bytes, entry);
    return position >= 0 && position < this.readableBytes ? position : 0;
  }

  /** Of the last entry that lies in the first `fileBytes` of the log; 0 without one. */
  lastIndexedPosition(fileBytes: number): number {
    const bytes = this.#indexes.entries(this.files.offsetIndex, OFFSET_ENTRY_BYTES);
    for (let entry = bytes.length / OFFSET_ENTRY_BYTES - 1; entry >= 0; entry--) {
      const position = entryPosition(bytes, entry);
      if (position > 0 && position < fileBytes) return position;
    }
    return 0;
  }

  offsetBefore(timestamp: TimestampMs): Offset {
    const bytes = this.#indexes.entries(this.files.timeIndex, TIME_ENTRY_BYTES);
    const entry = findTimeEntry(bytes, bytes.length / TIME_ENTRY_BYTES, timestamp);
    return entry < 0 ? this.baseOffset : timeEntryOffset(bytes, entry, this.baseOffset);
  }

  /** The index may lack the newest batches: their headers are walked. */
  largestTimestamp(): TimestampOffset {
    const bytes = this.#indexes.entries(this.files.timeIndex, TIME_ENTRY_BYTES);
    const entry = bytes.length / TIME_ENTRY_BYTES - 1;
    let largest: TimestampOffset = entry < 0
      ? { timestamp: NO_TIMESTAMP, offset: this.baseOffset }
      : {
        timestamp: entryTimestamp(bytes, entry),
        offset: timeEntryOffset(bytes, entry, this.baseOffset),
      };
    const scanner = this.#scanner;
    scanner.start(this.file, this.positionBefore(largest.offset), this.readableBytes);
    while (scanner.next()) {
      if (scanner.maxTimestamp <= largest.timestamp) continue;
      largest = { timestamp: scanner.maxTimestamp, offset: scanner.lastOffset };
    }
    return largest;
  }

  /** Whoever reads from outside cannot tell open transactions, so that nobody asks. */
  abortedTransactions(): Uint8Array {
    return NOTHING;
  }

  close(): void {
    this.files.close();
  }
}

/**
 * The index that was read last: readers go forward, and stay in one segment for long. An index that grew
 * within reserved space is not read again, and only says less.
 */
export class LastIndex {
  #file: DiskFile | null = null;
  #size = 0;
  #bytes: Uint8Array = NOTHING;

  /** The whole entries of an index file, without the zeros at its end. None when there is no file. */
  entries(file: DiskFile, entryBytes: number): Uint8Array {
    const size = sizeOf(file);
    if (file !== this.#file || size !== this.#size) {
      this.#bytes = readEntries(file, size - (size % entryBytes), entryBytes);
      this.#file = file;
      this.#size = size;
    }
    return this.#bytes;
  }
}

function sizeOf(file: DiskFile): number {
  try {
    return file.size();
  } catch (error) {
    // An active segment's index comes with the first checkpoint.
    if (error instanceof DiskFault && error.systemCode === "ENOENT") return 0;
    throw error;
  }
}

function readEntries(file: DiskFile, size: number, entryBytes: number): Uint8Array {
  if (size === 0) return NOTHING;
  const bytes = new Uint8Array(size);
  let end = file.read(bytes, 0, size, 0);
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, Math.ceil(end / entryBytes) * entryBytes);
}
