import { RunScan, SCAN_FULL, SCAN_OK, SCAN_PARTIAL } from "../../native/scan.ts";
import type { Uuid } from "../base/uuid.ts";
import type { Disk } from "../io/disk.ts";
import type { Codecs } from "../model/compression.ts";
import { DiskFault } from "../model/errors.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import { LOG_START_FILE, parseOffsetCheckpoint } from "./checkpoint_file.ts";
import { partitionDirectoryName } from "./directory_names.ts";
import { ForeignSegment, LastIndex } from "./foreign_segment.ts";
import { HeaderScanner } from "./header_scanner.ts";
import { PARTITION_METADATA_FILE, parsePartitionMetadata } from "./partition_metadata.ts";
import { OUT_OF_RANGE } from "./read_plan.ts";
import type { OutOfRange, ReadPlan } from "./read_plan.ts";
import { planRead } from "./read_planner.ts";
import type { KnownPosition } from "./read_planner.ts";
import { SegmentFiles } from "./segment_files.ts";
import { LOG_SUFFIX, parseSegmentFileName } from "./segment_names.ts";
import { findTimestamp } from "./timestamp_lookup.ts";
import type { TimestampHit } from "./timestamp_lookup.ts";

export interface ReadOnlyLogOptions {
  readonly disk: Disk;
  readonly codecs: Codecs;
  /** The data directory. */
  readonly dir: string;
  readonly topic: string;
  readonly partition: number;
  /** A directory of another id belongs to a topic that was deleted. */
  readonly topicId: Uuid;
}

/** Read at a time from the tail; a larger batch makes the buffer grow to its size. */
const TAIL_CHUNK_BYTES = 256 * 1024;

const NOWHERE: KnownPosition = { offset: -1 as Offset, file: null, position: 0 };

/**
 * ReadOnlyLog: one partition's files, which another process may be writing, as they are found.
 *
 *   segments   | sealed | sealed |        tail           | zeros, or half a batch
 *                                | as named | CRC checked ^ logEndOffset
 *
 * Takes no lock, changes nothing, and shares nothing with the writer: `refresh` looks at the directory
 * again. Ends at the last whole batch, acknowledged or not; a batch that the writer took back after a
 * failed write may have been seen.
 *
 * Owner: whoever opened it. Concurrency: synchronous. Errors: DiskFault, KafkaError (damage).
 */
export class ReadOnlyLog {
  readonly dir: string;
  readonly #options: ReadOnlyLogOptions;
  readonly #scanner = new HeaderScanner();
  readonly #indexes = new LastIndex();
  readonly #scan = new RunScan();
  #chunk = new Uint8Array(TAIL_CHUNK_BYTES);
  #segments: ForeignSegment[] = [];
  #logStartOffset = 0 as Offset;
  /** It had a directory, and has it no more. */
  #isGone = false;

  constructor(options: ReadOnlyLogOptions) {
    this.#options = options;
    this.dir = `${options.dir}/${partitionDirectoryName(options.topic, options.partition)}`;
    this.refresh();
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get logStartOffset(): Offset {
    return this.#logStartOffset;
  }

  /** Behind the last whole batch that the last `refresh` found. */
  get logEndOffset(): Offset {
    return this.#segments.at(-1)?.readableEnd ?? this.#logStartOffset;
  }

  /** Looks for what has changed. */
  refresh(): void {
    if (this.#isGone) return;
    const bases = this.#listBases();
    if (bases === null) {
      this.#isGone = this.#segments.length > 0;
      return;
    }
    const isSame = bases.length === this.#segments.length &&
      bases.every((base, index) => this.#segments[index]!.baseOffset === base);
    if (!isSame) this.#follow(bases);
    const tail = this.#segments.at(-1);
    if (tail !== undefined) this.#extendTail(tail);
  }

  /** As Log.planRead. */
  planRead(from: Offset, maxBytes: number, minOneBatch: boolean): ReadPlan | OutOfRange {
    const upTo = this.logEndOffset;
    if (from < this.#logStartOffset || from > upTo) return OUT_OF_RANGE;
    if (from === upTo) return { ranges: [], byteCount: 0, startOffset: from };
    const request = { from, upTo, maxBytes, minOneBatch, known: NOWHERE };
    return planRead(this.#segments, this.#scanner, request);
  }

  /** The first record whose timestamp is at or after `timestamp`. */
  offsetForTimestamp(timestamp: TimestampMs): TimestampHit | null | Promise<TimestampHit | null> {
    return findTimestamp({
      segments: () => this.#segments,
      scanner: this.#scanner,
      timestamp,
      from: this.#logStartOffset,
      upTo: this.logEndOffset,
      codecs: this.#options.codecs,
    });
  }

  close(): void {
    for (const segment of this.#segments) segment.close();
    this.#segments = [];
    this.#isGone = true;
  }

  /** Base offsets of the segments, ascending; null when there is no directory of this topic. */
  #listBases(): Offset[] | null {
    const { disk, topicId } = this.#options;
    try {
      const stored = disk.readAll(`${this.dir}/${PARTITION_METADATA_FILE}`);
      const metadata = stored === null ? null : parsePartitionMetadata(stored);
      if (metadata?.ok === true && metadata.value.topicId !== topicId) return null;
      const names = disk.list(this.dir).map(parseSegmentFileName);
      return names
        .filter((name) => name !== null && name.kind === LOG_SUFFIX && name.state === "")
        .map((name) => name!.baseOffset)
        .sort((one, other) => one - other);
    } catch (error) {
      if (error instanceof DiskFault && error.systemCode === "ENOENT") return null;
      throw error;
    }
  }

  /** Segments were rolled or deleted. */
  #follow(bases: readonly Offset[]): void {
    const { disk } = this.#options;
    const known = new Map(this.#segments.map((segment) => [segment.baseOffset, segment]));
    this.#segments = bases.map((base) => {
      const segment = known.get(base);
      known.delete(base);
      if (segment !== undefined) return segment;
      return new ForeignSegment(new SegmentFiles(disk, this.dir, base), this.#scanner, this.#indexes);
    });
    for (const segment of known.values()) segment.close();
    this.#segments.forEach((segment, index) => {
      const next = this.#segments[index + 1];
      // Trimmed before the next one was made.
      if (next !== undefined) segment.extend(segment.file.size(), next.baseOffset);
    });
    this.#logStartOffset = this.#readLogStart(bases[0]);
  }

  /** The checkpoint is written now and then only: what was deleted since may still be read. */
  #readLogStart(firstBase: Offset | undefined): Offset {
    const { disk, dir, partition, topic } = this.#options;
    const bytes = disk.readAll(`${dir}/${LOG_START_FILE}`);
    const checkpoint = bytes === null ? null : parseOffsetCheckpoint(bytes);
    const stored = checkpoint?.ok === true ? checkpoint.value.get(topic, partition) ?? 0 : 0;
    return Math.max(stored, firstBase ?? 0) as Offset;
  }

  /** Takes in the whole batches that follow the known ones. */
  #extendTail(tail: ForeignSegment): void {
    const { disk } = this.#options;
    const fileBytes = tail.file.size();
    // Cut below what was read: the writer took a failed write back, or recovered.
    if (fileBytes < tail.readableBytes) tail.extend(0, tail.baseOffset);
    let position = tail.readableBytes;
    let end = tail.readableEnd;
    if (position === 0) {
      position = tail.lastIndexedPosition(fileBytes);
      this.#scanner.start(tail.file, position, fileBytes);
      const isBatch = this.#scanner.next() && this.#scanner.baseOffset >= tail.baseOffset;
      if (isBatch) end = this.#scanner.baseOffset;
      else position = 0;
    }
    while (position < fileBytes) {
      const wanted = Math.min(this.#chunk.length, fileBytes - position);
      const count = tail.file.read(this.#chunk, 0, wanted, position);
      const result = disk.native.scanRun(this.#chunk, 0, count, this.#scan);
      for (let row = 0; row < this.#scan.count; row++) {
        if (this.#scan.baseOffset[row]! < end) return;
        end = (this.#scan.lastOffset[row]! + 1) as Offset;
        position += this.#scan.size[row]!;
        tail.extend(position, end);
      }
      if (result === SCAN_OK || result === SCAN_FULL) continue;
      const needed = this.#scan.neededBytes;
      if (result !== SCAN_PARTIAL || count < wanted || needed > fileBytes - position) return;
      if (needed > this.#chunk.length) this.#chunk = new Uint8Array(needed);
      else if (this.#scan.count === 0) return;
    }
  }
}
