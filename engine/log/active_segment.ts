import { assert } from "../base/assert.ts";
import type { Disk } from "../io/disk.ts";
import { DiskFault } from "../model/errors.ts";
import { NO_TIMESTAMP } from "../model/offsets.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import { BATCH_HEADER_BYTES, maxTimestampOf } from "../model/record_batch.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import type { IndexCache } from "./index_cache.ts";
import {
  ActiveOffsetIndex,
  OFFSET_ENTRY_BYTES,
  entryPosition,
  findOffsetEntry,
} from "./offset_index.ts";
import type { KeptPart } from "./kept_part.ts";
import { SealedSegment } from "./sealed_segment.ts";
import type { ReadableSegment, TimestampOffset } from "./segment.ts";
import { SegmentFiles } from "./segment_files.ts";
import type { StagePool } from "./stage_pool.ts";
import { STAGE_BUFFER_BYTES } from "./stage_pool.ts";
import { ActiveTimeIndex, TIME_ENTRY_BYTES, findTimeEntry, timeEntryOffset } from "./time_index.ts";
import { TXN_ENTRY_BYTES, encodeTxnEntry } from "./txn_index.ts";
import type { AbortedTransaction } from "./txn_index.ts";
import { ZerosAhead } from "./zeros_ahead.ts";

export const SEGMENT_OFFSET_SPAN_MAX = 2 ** 31 - 1;

/**
 * Bytes reserved ahead of the writes in mode "commit", so that a sync need not write a new file size: a
 * third is saved, whatever the step (bench/micro/log_sync.bench.ts). As much again as the file holds,
 * within these bounds: ten thousand small partitions reserve little, a busy one seldom asks.
 */
const RESERVE_BYTES_MIN = 64 * 1024;
const RESERVE_BYTES_MAX = 4 * 1024 * 1024;

export interface SegmentSettings {
  readonly indexIntervalBytes: number;
  readonly segmentBytes: number;
  readonly segmentIndexBytes: number;
  /** What the file is given before it is written: all it may hold, a step at a time, or nothing. */
  readonly reserve: "segment" | "steps" | "nothing";
  /** Whether every write is synced before it is acknowledged: then some of what is reserved is zeroed. */
  readonly zeroesAhead: boolean;
}

/** What is known of a segment that is opened, not created. */
export interface StoredSegment {
  readonly sizeBytes: number;
  readonly nextOffset: Offset;
  readonly hasTxnIndex: boolean;
}

const EMPTY: StoredSegment = { sizeBytes: 0, nextOffset: -1 as Offset, hasTxnIndex: false };
const NOTHING = new Uint8Array(0);

/**
 * ActiveSegment: the tail of one log, the only file that grows.
 *
 *   offset    baseOffset                    written           nextOffset
 *   file      0 |-- batch --|-- batch --| readableBytes         |  ... zeros, allocated
 *   stage                               |-- batch --|-- batch --| sizeBytes
 *
 * Invariants:
 *  A1  0 <= readableBytes <= sizeBytes; they differ by what is staged
 *  A2  nextOffset is baseOffset exactly when sizeBytes is 0
 *  A3  the file holds batches in [0, readableBytes) and nothing but zeros beyond
 *  A4  index entries name batches below sizeBytes; files hold entries of written batches only
 *
 * Owner: one Log. Concurrency: synchronous. Errors: DiskFault from writing, after which `rollback` comes
 * back to A1 with nothing staged.
 */
export class ActiveSegment implements ReadableSegment {
  readonly baseOffset: Offset;
  readonly files: SegmentFiles;
  readonly createdMs: TimestampMs;
  #settings: SegmentSettings;
  readonly #pool: StagePool;

  #offsetIndex: ActiveOffsetIndex | null = null;
  #timeIndex: ActiveTimeIndex | null = null;
  #txnIndex: GrowingBytes | null;

  #nextOffset: Offset;
  #sizeBytes: number;
  #largest: TimestampOffset;
  #bytesSinceEntry = 0;
  /** The first batch's largest timestamp; null: not read yet. */
  #firstTimestamp: TimestampMs | null;

  #readableBytes: number;
  #allocatedBytes: number;
  #zeros: ZerosAhead | null = null;
  #stage: Uint8Array | null = null;
  #settled: SettledTail;

  private constructor(
    files: SegmentFiles,
    settings: SegmentSettings,
    pool: StagePool,
    createdMs: TimestampMs,
    stored: StoredSegment,
  ) {
    this.files = files;
    this.baseOffset = files.baseOffset;
    this.createdMs = createdMs;
    this.#settings = settings;
    this.#pool = pool;
    this.#nextOffset = stored.sizeBytes === 0 ? files.baseOffset : stored.nextOffset;
    this.#sizeBytes = stored.sizeBytes;
    this.#readableBytes = stored.sizeBytes;
    this.#allocatedBytes = stored.sizeBytes;
    this.#largest = { timestamp: NO_TIMESTAMP, offset: files.baseOffset };
    this.#firstTimestamp = stored.sizeBytes === 0 ? NO_TIMESTAMP : null;
    this.#txnIndex = stored.hasTxnIndex ? null : new GrowingBytes(TXN_ENTRY_BYTES, NOTHING);
    this.#settled = { ...UNSETTLED };
    if (stored.sizeBytes === 0) {
      this.#offsetIndex = new ActiveOffsetIndex(this.baseOffset, settings.segmentIndexBytes, NOTHING);
      this.#timeIndex = new ActiveTimeIndex(this.baseOffset, settings.segmentIndexBytes, NOTHING);
    }
    this.#remember();
  }

  /** Makes the empty log file. An empty one that is there already is taken over. */
  static create(
    disk: Disk,
    dir: string,
    baseOffset: Offset,
    settings: SegmentSettings,
    pool: StagePool,
    nowMs: TimestampMs,
  ): ActiveSegment {
    const files = new SegmentFiles(disk, dir, baseOffset);
    files.log.create("keep");
    assert(files.log.size() === 0, "a new segment's file holds something", baseOffset);
    return new ActiveSegment(files, settings, pool, nowMs, EMPTY);
  }

  /** Takes up a segment whose file ends after whole batches. Its indexes are read when needed. */
  static reopen(
    files: SegmentFiles,
    settings: SegmentSettings,
    pool: StagePool,
    nowMs: TimestampMs,
    stored: StoredSegment,
  ): ActiveSegment {
    return new ActiveSegment(files, settings, pool, nowMs, stored);
  }

  /**
   * Starts over, behind what is kept, for a file whose batches will be accounted one by one as they are
   * scanned; `assumeWritten` then says that they are there.
   */
  static rebuild(
    files: SegmentFiles,
    settings: SegmentSettings,
    pool: StagePool,
    nowMs: TimestampMs,
    kept: KeptPart | null,
  ): ActiveSegment {
    if (kept === null) return new ActiveSegment(files, settings, pool, nowMs, EMPTY);
    const segment = new ActiveSegment(files, settings, pool, nowMs, { ...kept, hasTxnIndex: false });
    segment.#takeIndexes(kept.offsetEntries, kept.timeEntries);
    segment.#txnIndex = new GrowingBytes(TXN_ENTRY_BYTES, kept.txnEntries);
    segment.#largest = kept.largest;
    segment.#remember();
    return segment;
  }

  get nextOffset(): Offset {
    return this.#nextOffset;
  }

  /** With what is staged. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get readableBytes(): number {
    return this.#readableBytes;
  }

  get readableEnd(): Offset {
    return this.#settled.nextOffset;
  }

  get file(): SegmentFiles["log"] {
    return this.files.log;
  }

  get hasStaged(): boolean {
    return this.#sizeBytes > this.#readableBytes;
  }

  get indexesAreFull(): boolean {
    return this.#offsets.isFull || this.#times.isFull;
  }

  get hasTxnIndex(): boolean {
    return this.#txnIndex === null || this.#txnIndex.count > 0;
  }

  /** Applies to what is written from now on. */
  configure(settings: SegmentSettings): void {
    this.#settings = settings;
  }

  /** How long the segment has been filling: by event time, or by the clock when batches carry none. */
  timeWaitedMs(nowMs: TimestampMs, incomingTimestamp: TimestampMs): number {
    const first = this.#readFirstTimestamp();
    return first >= 0 ? incomingTimestamp - first : nowMs - this.createdMs;
  }

  // Appending

  /** Takes a batch into the accounts: it will start at `sizeBytes`. Then `stage` or `write` it. */
  account(batchBytes: number, lastOffset: Offset, maxTimestamp: TimestampMs): void {
    assert(lastOffset >= this.#nextOffset, "offset goes back", lastOffset, this.#nextOffset);
    assert(lastOffset - this.baseOffset <= SEGMENT_OFFSET_SPAN_MAX, "offset too far", lastOffset);
    if (this.#sizeBytes === 0) this.#firstTimestamp = maxTimestamp;
    if (maxTimestamp > this.#latest.timestamp) {
      this.#largest = { timestamp: maxTimestamp, offset: lastOffset };
    }
    if (this.#bytesSinceEntry > this.#settings.indexIntervalBytes) {
      this.#offsets.append(lastOffset, this.#sizeBytes);
      this.#times.appendIfLater(this.#largest.timestamp, this.#largest.offset);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += batchBytes;
    this.#sizeBytes += batchBytes;
    this.#nextOffset = (lastOffset + 1) as Offset;
  }

  /** Goes to the file with the next write. */
  addAborted(aborted: AbortedTransaction): void {
    const index = this.#aborted;
    const at = index.push();
    index.bytes.set(encodeTxnEntry(aborted), at);
  }

  /** Copies an accounted batch into the stage. False: it does not fit, so `write` it. */
  stage(pieces: readonly Uint8Array[], batchBytes: number): boolean {
    const at = this.#sizeBytes - batchBytes - this.#readableBytes;
    if (at + batchBytes > STAGE_BUFFER_BYTES) return false;
    this.#stage ??= this.#pool.take();
    if (this.#stage === null) return false;
    let to = at;
    for (const piece of pieces) {
      this.#stage.set(piece, to);
      to += piece.length;
    }
    assert(to === at + batchBytes, "pieces of another size than accounted", to - at, batchBytes);
    return true;
  }

  /** Writes what is staged, then `pieces`: everything accounted. Throws DiskFault: then `rollback`. */
  write(pieces: readonly Uint8Array[]): void {
    let stagedBytes = this.#sizeBytes - this.#readableBytes;
    for (const piece of pieces) stagedBytes -= piece.length;
    assert(stagedBytes >= 0, "more written than accounted", stagedBytes);
    if (this.#txnIndex !== null) this.#persist(this.#txnIndex, this.files.txnIndex);
    this.#allocate();
    const all = stagedBytes === 0 ? pieces : [this.#stage!.subarray(0, stagedBytes), ...pieces];
    if (this.#settings.zeroesAhead) this.#writeZeroed(all);
    else this.files.log.write(all, this.#readableBytes);
    this.#readableBytes = this.#sizeBytes;
    if (this.#allocatedBytes < this.#sizeBytes) this.#allocatedBytes = this.#sizeBytes;
    this.#giveStage();
    this.#remember();
  }

  /**
   * Forgets what is accounted but not written, and cuts off what a failed write may have left. The cut
   * is part of the fault's handling: when it fails too, the disk is latched and nothing follows.
   */
  rollback(): void {
    this.#giveStage();
    const settled = this.#settled;
    this.#sizeBytes = this.#readableBytes;
    this.#nextOffset = settled.nextOffset;
    this.#largest = settled.largest;
    this.#firstTimestamp = settled.firstTimestamp;
    this.#bytesSinceEntry = settled.bytesSinceEntry;
    this.#offsetIndex?.entries.truncate(settled.offsetEntries);
    this.#timeIndex?.entries.truncate(settled.timeEntries);
    if (this.#txnIndex !== null && this.#txnIndex.count > settled.txnEntries) {
      this.#txnIndex.truncate(settled.txnEntries);
      this.files.txnIndex.truncate(settled.txnEntries * TXN_ENTRY_BYTES);
    }
    this.#cut();
  }

  /**
   * What was accounted is in the file already: the end of a rebuild. Cuts what follows it, and makes
   * the index files say what memory says. Returns the files that had to be changed.
   */
  assumeWritten(fileBytes: number, hadTxnIndex: boolean): SegmentFiles["log"][] {
    assert(fileBytes >= this.#sizeBytes, "a file shorter than its batches", fileBytes);
    assert(this.#stage === null, "staged while rebuilt");
    this.#readableBytes = this.#sizeBytes;
    this.#allocatedBytes = fileBytes;
    this.#times.appendIfLater(this.#largest.timestamp, this.#largest.offset);
    const { offsetIndex, timeIndex, txnIndex } = this.files;
    const changed = [offsetIndex, timeIndex].filter((file) =>
      replaceEntries(file, file === offsetIndex ? this.#offsets.entries : this.#times.entries)
    );
    const aborted = this.#aborted;
    if ((aborted.count > 0 || hadTxnIndex) && replaceEntries(txnIndex, aborted)) {
      changed.push(txnIndex);
    }
    this.#trim();
    this.#remember();
    return changed;
  }

  /** Writes the index entries that their files lack; makes the files when there are none. */
  persistIndexes(): void {
    assert(!this.hasStaged, "indexes of staged batches persisted");
    if (this.#offsetIndex === null || this.#timeIndex === null) return; // never loaded: as stored
    this.files.offsetIndex.create("keep");
    this.files.timeIndex.create("keep");
    this.#persist(this.#offsetIndex.entries, this.files.offsetIndex);
    this.#persist(this.#timeIndex.entries, this.files.timeIndex);
  }

  /** The files as a stop or a roll leaves them: final time entry, indexes complete, log trimmed. */
  finish(): void {
    assert(!this.hasStaged, "finished with staged batches");
    if (this.#offsetIndex !== null && this.#timeIndex !== null) {
      this.#timeIndex.appendIfLater(this.#largest.timestamp, this.#largest.offset);
      this.#settled.timeEntries = this.#timeIndex.entries.count;
      this.persistIndexes();
    }
    this.#trim();
  }

  /** Finishes the files; from here on it is only read. */
  seal(cache: IndexCache): SealedSegment {
    this.finish();
    return new SealedSegment({
      files: this.files,
      cache,
      nextOffset: this.#nextOffset,
      sizeBytes: this.#readableBytes,
      hasTxnIndex: this.hasTxnIndex,
    });
  }

  // Reading

  positionBefore(offset: Offset): number {
    const { bytes, count } = this.#offsets.entries;
    const entry = findOffsetEntry(bytes, count, this.baseOffset, offset);
    return entry < 0 ? 0 : entryPosition(bytes, entry);
  }

  offsetBefore(timestamp: TimestampMs): Offset {
    const { bytes, count } = this.#times.entries;
    const entry = findTimeEntry(bytes, count, timestamp);
    return entry < 0 ? this.baseOffset : timeEntryOffset(bytes, entry, this.baseOffset);
  }

  largestTimestamp(): TimestampOffset {
    return this.#latest;
  }

  abortedTransactions(): Uint8Array {
    const { bytes, count } = this.#aborted;
    return bytes.subarray(0, count * TXN_ENTRY_BYTES);
  }

  close(): void {
    this.#giveStage();
    this.files.close();
  }

  // What is loaded when first needed

  get #offsets(): ActiveOffsetIndex {
    if (this.#offsetIndex === null) this.#loadIndexes();
    return this.#offsetIndex!;
  }

  get #times(): ActiveTimeIndex {
    if (this.#timeIndex === null) this.#loadIndexes();
    return this.#timeIndex!;
  }

  get #latest(): TimestampOffset {
    if (this.#timeIndex === null) this.#loadIndexes();
    return this.#largest;
  }

  get #aborted(): GrowingBytes {
    this.#txnIndex ??= new GrowingBytes(
      TXN_ENTRY_BYTES,
      readWhole(this.files.txnIndex, TXN_ENTRY_BYTES),
    );
    return this.#txnIndex;
  }

  /** A clean stop left both index files complete, with the largest timestamp in the last entry. */
  #loadIndexes(): void {
    const offsets = readWhole(this.files.offsetIndex, OFFSET_ENTRY_BYTES);
    this.#takeIndexes(offsets, readWhole(this.files.timeIndex, TIME_ENTRY_BYTES));
    this.#remember();
  }

  #takeIndexes(offsetEntries: Uint8Array, timeEntries: Uint8Array): void {
    const { segmentIndexBytes } = this.#settings;
    const offsets = new ActiveOffsetIndex(this.baseOffset, segmentIndexBytes, offsetEntries);
    const times = new ActiveTimeIndex(this.baseOffset, segmentIndexBytes, timeEntries);
    this.#offsetIndex = offsets;
    this.#timeIndex = times;
    this.#largest = { timestamp: times.lastTimestamp, offset: times.lastOffset };
    this.#bytesSinceEntry = this.#sizeBytes - offsets.lastPosition;
  }

  #readFirstTimestamp(): TimestampMs {
    if (this.#firstTimestamp === null) {
      const header = new Uint8Array(BATCH_HEADER_BYTES);
      this.file.read(header, 0, header.length, 0);
      this.#firstTimestamp = maxTimestampOf(header, 0);
    }
    return this.#firstTimestamp;
  }

  // Files

  #persist(entries: GrowingBytes, file: SegmentFiles["log"]): void {
    if (entries.persistedCount === entries.count) return;
    if (entries.persistedCount === 0) file.create("keep");
    file.write([entries.unpersisted()], entries.persistedCount * entries.entryBytes);
    entries.markPersisted();
  }

  /** Gives back what was reserved and not written. */
  #trim(): void {
    if (this.#allocatedBytes > this.#readableBytes) this.#cut();
  }

  #cut(): void {
    this.files.log.truncate(this.#readableBytes);
    this.#allocatedBytes = this.#readableBytes;
    this.#zeros = null;
  }

  /** The batches and, now and then, zeros behind them. */
  #writeZeroed(pieces: readonly Uint8Array[]): void {
    this.#zeros ??= new ZerosAhead(this.#readableBytes);
    const ahead = this.#zeros.behind(this.#readableBytes, this.#sizeBytes, this.#allocatedBytes);
    this.files.log.write(ahead.length > 0 ? [...pieces, ahead] : pieces, this.#readableBytes);
    this.#zeros.wrote(this.#sizeBytes + ahead.length);
  }

  /** Reserves blocks ahead: a sync of a file that does not grow costs less. */
  #allocate(): void {
    const { reserve, segmentBytes } = this.#settings;
    if (reserve === "nothing" || this.#sizeBytes <= this.#allocatedBytes) return;
    const step = Math.min(RESERVE_BYTES_MAX, Math.max(RESERVE_BYTES_MIN, this.#sizeBytes));
    const wanted = reserve === "segment" ? segmentBytes : Math.min(this.#sizeBytes + step, segmentBytes);
    const end = Math.max(this.#sizeBytes, wanted);
    try {
      this.files.log.allocate(this.#allocatedBytes, end - this.#allocatedBytes);
      this.#allocatedBytes = end;
    } catch (error) {
      // Reserving is a help, not a need: a nearly full disk may still hold the batch itself.
      if (!(error instanceof DiskFault)) throw error;
    }
  }

  #giveStage(): void {
    if (this.#stage === null) return;
    this.#pool.give(this.#stage);
    this.#stage = null;
  }

  /** What `rollback` comes back to. */
  #remember(): void {
    const settled = this.#settled;
    settled.nextOffset = this.#nextOffset;
    settled.largest = this.#largest;
    settled.firstTimestamp = this.#firstTimestamp;
    settled.bytesSinceEntry = this.#bytesSinceEntry;
    settled.offsetEntries = this.#offsetIndex?.entries.count ?? 0;
    settled.timeEntries = this.#timeIndex?.entries.count ?? 0;
    settled.txnEntries = this.#txnIndex?.count ?? 0;
  }
}

/** The accounts at the last write. */
interface SettledTail {
  nextOffset: Offset;
  largest: TimestampOffset;
  firstTimestamp: TimestampMs | null;
  bytesSinceEntry: number;
  offsetEntries: number;
  timeEntries: number;
  txnEntries: number;
}

const UNSETTLED: SettledTail = {
  nextOffset: -1 as Offset,
  largest: { timestamp: NO_TIMESTAMP, offset: -1 as Offset },
  firstTimestamp: null,
  bytesSinceEntry: 0,
  offsetEntries: 0,
  timeEntries: 0,
  txnEntries: 0,
};

/** Makes the file hold exactly these entries. False: it did already. */
function replaceEntries(file: SegmentFiles["log"], entries: GrowingBytes): boolean {
  file.create("keep");
  const bytes = entries.bytes.subarray(0, entries.count * entries.entryBytes);
  const stored = readWhole(file, 1);
  entries.markPersisted();
  if (Buffer.compare(stored, bytes) === 0) return false;
  // Not cut to nothing first: some file systems write such a file back as soon as it is closed.
  if (bytes.length > 0) file.write([bytes], 0);
  if (stored.length > bytes.length) file.truncate(bytes.length);
  return true;
}

function readWhole(file: SegmentFiles["log"], entryBytes: number): Uint8Array {
  const size = file.size();
  const bytes = new Uint8Array(size - (size % entryBytes));
  const count = file.read(bytes, 0, bytes.length, 0);
  assert(count === bytes.length, "index file shrank while read", file.path);
  return bytes;
}
