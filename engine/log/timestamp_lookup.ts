import { assert } from "../base/assert.ts";
import { Codec } from "../model/compression.ts";
import type { Codecs } from "../model/compression.ts";
import { NO_TIMESTAMP } from "../model/offsets.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../model/offsets.ts";
import { BATCH_HEADER_BYTES, CODEC_MASK, TIMESTAMP_TYPE_BIT } from "../model/record_batch.ts";
import { readRecords } from "../model/records.ts";
import type { HeaderScanner } from "./header_scanner.ts";
import type { ReadableSegment } from "./segment.ts";
import { positionOf } from "./segment_lookup.ts";

/** A record found by its time. */
export interface TimestampHit {
  readonly offset: Offset;
  readonly timestamp: TimestampMs;
  /** -1 when unknown. */
  readonly leaderEpoch: LeaderEpoch;
}

/**
 * Unpacked records of one batch: what a lookup by time may cost in memory. A batch of 1 MiB, the usual
 * limit, would have to pack a hundredfold to pass it.
 */
const UNPACKED_BYTES_MAX = 128 * 1024 * 1024;

export interface TimestampQuery {
  /** The segments of this moment, by offset: asked for again after every wait. */
  readonly segments: () => readonly ReadableSegment[];
  readonly scanner: HeaderScanner;
  readonly timestamp: TimestampMs;
  /** Records outside [from, upTo) do not count. */
  readonly from: Offset;
  readonly upTo: Offset;
  readonly codecs: Codecs;
}

/**
 * The first record in [from, upTo) whose timestamp is at or after the one asked for. Headers are walked
 * from where the time index points; only the batch that may hold it is read. A promise only when that
 * batch is compressed.
 */
export function findTimestamp(
  query: TimestampQuery,
): TimestampHit | null | Promise<TimestampHit | null> {
  const { scanner, from } = query;
  for (const segment of query.segments()) {
    if (segment.baseOffset >= query.upTo) return null;
    if (segment.readableEnd <= from) continue;
    if (segment.largestTimestamp().timestamp < query.timestamp) continue;
    const near = Math.max(segment.offsetBefore(query.timestamp), from) as Offset;
    if (positionOf(segment, near, scanner) < 0) continue;
    do {
      if (scanner.baseOffset >= query.upTo) return null;
      if (scanner.maxTimestamp < query.timestamp) continue;
      const batch = readBatch(segment, scanner);
      const after = (scanner.lastOffset + 1) as Offset;
      const found = findInBatch(batch, query);
      if (found instanceof Promise) {
        // The header's largest timestamp is the producer's word: no record may live up to it.
        return found.then((hit) => hit ?? findTimestamp({ ...query, from: after }));
      }
      if (found !== null) return found;
    } while (scanner.next());
  }
  return null;
}

/**
 * The first of the records with the largest timestamp in [from, upTo). A promise when a batch that must
 * be looked into is compressed. `upTo` lies between batches, `from` may lie inside one.
 */
export function findMaxTimestamp(
  bounds: Omit<TimestampQuery, "timestamp">,
): TimestampHit | null | Promise<TimestampHit | null> {
  const { scanner, from, upTo } = bounds;
  let timestamp = NO_TIMESTAMP;
  let batch: BatchBytes | null = null;
  /** The batch that the log start cuts in two: its header tells of more than what is left of it. */
  let cut: BatchBytes | null = null;
  for (const segment of bounds.segments()) {
    if (segment.readableEnd <= from || segment.baseOffset >= upTo) continue;
    const largest = segment.largestTimestamp();
    if (largest.timestamp <= timestamp) continue;
    // The index knows it for a whole segment; at the bounds headers must be walked.
    const isWhole = segment.baseOffset >= from && segment.readableEnd <= upTo &&
      largest.offset < segment.readableEnd;
    const start = isWhole ? largest.offset : Math.max(segment.baseOffset, from) as Offset;
    if (positionOf(segment, start, scanner) < 0) continue;
    do {
      if (scanner.baseOffset >= upTo) break;
      if (scanner.baseOffset < from) {
        cut = readBatch(segment, scanner);
      } else if (scanner.maxTimestamp > timestamp) {
        timestamp = scanner.maxTimestamp;
        batch = readBatch(segment, scanner);
      }
    } while (!isWhole && scanner.next());
  }
  const whole = batch === null ? null : findInBatch(batch, { ...bounds, timestamp });
  if (cut === null || cut.maxTimestamp < timestamp) return whole;
  return laterOf(largestInBatch(cut, bounds), whole);
}

/** The one with the larger timestamp; `one` when they are equal. */
function laterOf(
  one: TimestampHit | null | Promise<TimestampHit | null>,
  other: TimestampHit | null | Promise<TimestampHit | null>,
): TimestampHit | null | Promise<TimestampHit | null> {
  if (one instanceof Promise || other instanceof Promise) {
    return Promise.all([one, other]).then(([first, second]) => laterOf(first, second));
  }
  if (one === null || other === null) return one ?? other;
  return other.timestamp > one.timestamp ? other : one;
}

interface BatchBytes {
  readonly bytes: Uint8Array;
  readonly attributes: number;
  readonly baseOffset: Offset;
  readonly maxTimestamp: TimestampMs;
  readonly leaderEpoch: LeaderEpoch;
}

function readBatch(segment: ReadableSegment, scanner: HeaderScanner): BatchBytes {
  const bytes = new Uint8Array(scanner.sizeBytes);
  const count = segment.file.read(bytes, 0, bytes.length, scanner.position);
  assert(count === bytes.length, "log file shrank while read", segment.file.path);
  return {
    bytes,
    attributes: scanner.attributes,
    baseOffset: scanner.baseOffset,
    maxTimestamp: scanner.maxTimestamp,
    leaderEpoch: scanner.leaderEpoch,
  };
}

function findInBatch(
  batch: BatchBytes,
  query: TimestampQuery,
): TimestampHit | null | Promise<TimestampHit | null> {
  return inBatch(batch, query, (records) => {
    for (const hit of records) if (hit.timestamp >= query.timestamp) return hit;
    return null;
  });
}

function largestInBatch(
  batch: BatchBytes,
  bounds: Omit<TimestampQuery, "timestamp">,
): TimestampHit | null | Promise<TimestampHit | null> {
  return inBatch(batch, bounds, (records) => {
    let largest: TimestampHit | null = null;
    for (const hit of records) {
      if (largest === null || hit.timestamp > largest.timestamp) largest = hit;
    }
    return largest;
  });
}

/** Looks through the batch's records within the bounds, unpacking them off the loop when need be. */
function inBatch(
  batch: BatchBytes,
  bounds: Omit<TimestampQuery, "timestamp">,
  look: (records: Iterable<TimestampHit>) => TimestampHit | null,
): TimestampHit | null | Promise<TimestampHit | null> {
  // Stamped by the broker: all records carry the batch's time.
  if ((batch.attributes & TIMESTAMP_TYPE_BIT) !== 0) {
    const offset = Math.max(batch.baseOffset, bounds.from) as Offset;
    if (offset >= bounds.upTo) return null;
    return look([{ offset, timestamp: batch.maxTimestamp, leaderEpoch: batch.leaderEpoch }]);
  }
  const packed = batch.bytes.subarray(BATCH_HEADER_BYTES);
  const codec = (batch.attributes & CODEC_MASK) as Codec;
  if (codec === Codec.none) return look(hitsIn(batch, packed, bounds));
  return bounds.codecs.decompress(codec, packed, UNPACKED_BYTES_MAX)
    .then((unpacked) => look(hitsIn(batch, unpacked, bounds)));
}

function* hitsIn(
  batch: BatchBytes,
  unpacked: Uint8Array,
  bounds: Omit<TimestampQuery, "timestamp">,
): Generator<TimestampHit, void, undefined> {
  const { leaderEpoch } = batch;
  for (const { offset, timestamp } of readRecords(batch.bytes, 0, unpacked)) {
    if (offset >= bounds.upTo) return;
    if (offset >= bounds.from) yield { offset, timestamp, leaderEpoch };
  }
}
