import { assert } from "../base/assert.ts";
import type { Disk } from "../io/disk.ts";
import { NO_TIMESTAMP } from "../model/offsets.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import type { IndexCache, SealedIndexFile } from "./index_cache.ts";
import { OFFSET_ENTRY_BYTES, entryPosition, findOffsetEntry } from "./offset_index.ts";
import type { ReadableSegment, TimestampOffset } from "./segment.ts";
import type { SegmentFiles } from "./segment_files.ts";
import { DELETED_SUFFIX } from "./segment_names.ts";
import {
  TIME_ENTRY_BYTES,
  entryTimestamp,
  findTimeEntry,
  timeEntryOffset,
} from "./time_index.ts";

export interface SealedSegmentOptions {
  readonly files: SegmentFiles;
  readonly cache: IndexCache;
  readonly nextOffset: Offset;
  readonly sizeBytes: number;
  /** False saves looking for a file that is seldom there. */
  readonly hasTxnIndex: boolean;
}

const NOTHING = new Uint8Array(0);

/**
 * SealedSegment: a segment that will never grow again. Its indexes are mapped on first use.
 *
 * Invariants:
 *  S1  nothing of it changes, but for its names when it is deleted
 *  S2  nextOffset is the base of the segment after it
 *
 * Owner: one Log. Opening one costs nothing: sizes are asked for when somebody looks something up.
 */
export class SealedSegment implements ReadableSegment {
  readonly baseOffset: Offset;
  readonly nextOffset: Offset;
  readonly files: SegmentFiles;
  readonly readableBytes: number;
  readonly #cache: IndexCache;
  readonly #hasTxnIndex: boolean;
  #offsetIndex: SealedIndexFile | null = null;
  #timeIndex: SealedIndexFile | null = null;
  #txnBytes: Uint8Array | null = null;
  #largest: TimestampOffset | null = null;

  constructor(options: SealedSegmentOptions) {
    assert(options.nextOffset >= options.files.baseOffset, "segment ends before it starts");
    this.files = options.files;
    this.baseOffset = options.files.baseOffset;
    this.nextOffset = options.nextOffset;
    this.readableBytes = options.sizeBytes;
    this.#cache = options.cache;
    this.#hasTxnIndex = options.hasTxnIndex;
  }

  get readableEnd(): Offset {
    return this.nextOffset;
  }

  get file(): SegmentFiles["log"] {
    return this.files.log;
  }

  positionBefore(offset: Offset): number {
    this.#offsetIndex ??= wholeEntries(this.files.offsetIndex, OFFSET_ENTRY_BYTES);
    const bytes = this.#cache.bytes(this.#offsetIndex);
    const count = bytes.length / OFFSET_ENTRY_BYTES;
    const entry = findOffsetEntry(bytes, count, this.baseOffset, offset);
    if (entry < 0) return 0;
    const position = entryPosition(bytes, entry);
    return position >= 0 && position < this.readableBytes ? position : 0;
  }

  offsetBefore(timestamp: TimestampMs): Offset {
    const bytes = this.#timeBytes();
    const entry = findTimeEntry(bytes, bytes.length / TIME_ENTRY_BYTES, timestamp);
    return entry < 0 ? this.baseOffset : timeEntryOffset(bytes, entry, this.baseOffset);
  }

  largestTimestamp(): TimestampOffset {
    if (this.#largest === null) {
      const bytes = this.#timeBytes();
      const last = bytes.length / TIME_ENTRY_BYTES - 1;
      this.#largest = last < 0
        ? { timestamp: NO_TIMESTAMP, offset: this.baseOffset }
        : {
          timestamp: entryTimestamp(bytes, last),
          offset: timeEntryOffset(bytes, last, this.baseOffset),
        };
    }
    return this.#largest;
  }

  abortedTransactions(): Uint8Array {
    if (!this.#hasTxnIndex) return NOTHING;
    if (this.#txnBytes === null) {
      const file = this.files.txnIndex;
      const bytes = new Uint8Array(file.size());
      const count = file.read(bytes, 0, bytes.length, 0);
      this.#txnBytes = bytes.subarray(0, count);
    }
    return this.#txnBytes;
  }

  /** Gives the files their `.deleted` names; the handles stay good for readers that hold ranges. */
  markDeleted(disk: Disk): void {
    this.unmap();
    for (const file of this.files) {
      if (disk.exists(file.path)) file.renameTo(file.path + DELETED_SUFFIX);
    }
  }

  /** Removes the files for good. */
  remove(): void {
    this.unmap();
    for (const file of this.files) file.remove();
    this.files.close();
  }

  unmap(): void {
    if (this.#offsetIndex !== null) this.#cache.drop(this.#offsetIndex);
    if (this.#timeIndex !== null) this.#cache.drop(this.#timeIndex);
    this.#offsetIndex = null;
    this.#timeIndex = null;
  }

  close(): void {
    this.unmap();
    this.files.close();
  }

  #timeBytes(): Uint8Array {
    this.#timeIndex ??= wholeEntries(this.files.timeIndex, TIME_ENTRY_BYTES);
    return this.#cache.bytes(this.#timeIndex);
  }
}

/** A map over whole entries only: a broken last one is nothing. */
function wholeEntries(file: SegmentFiles["log"], entryBytes: number): SealedIndexFile {
  const size = file.size();
  return { file, sizeBytes: size - (size % entryBytes) };
}
