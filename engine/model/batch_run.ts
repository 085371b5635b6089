import type { Offset } from "./offsets.ts";
import * as batch from "./record_batch.ts";
import { readRecords } from "./records.ts";
import type { StoredRecord } from "./records.ts";
import type { Codec, Codecs } from "./compression.ts";
import { CompressionError, codecName } from "./compression.ts";

/**
 * What one batch of a reader may unpack to. A reader must bound it, because a few kilobytes can unpack
 * to gigabytes; a batch of Kafka's largest common size (1 MiB) at a ratio of 256 still fits.
 */
export const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;

/** The place of one whole batch in `bytes`: [start, end). */
export interface BatchSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * The whole batches that stand one after the other in [start, end) of `bytes`, as in the answer to a
 * fetch. A last batch that is cut off is left out: answers are allowed to end inside one.
 */
export function* batchesIn(
  bytes: Uint8Array,
  start: number,
  end: number,
): Generator<BatchSpan, void, undefined> {
  let at = start;
  while (end - at >= batch.BATCH_HEADER_BYTES) {
    const size = batch.batchBytesOf(bytes, at);
    // A size that cannot be: the caller sees no further batch and asks again from its last offset.
    if (size < batch.BATCH_HEADER_BYTES || at + size > end) return;
    yield { start: at, end: at + size };
    at += size;
  }
}

/** The records region of a batch, as it is stored. */
export interface PackedRecords {
  readonly codec: Codec;
  readonly bytes: Uint8Array;
}

/**
 * What is to be unpacked of the batch at `span`. Null: it holds no records for a reader, because it is a
 * control batch, whose records are the log's own, or one that compaction emptied. Throws CompressionError
 * for a codec that does not exist.
 */
export function packedRecordsOf(bytes: Uint8Array, span: BatchSpan): PackedRecords | null {
  const attributes = batch.attributesOf(bytes, span.start);
  if ((attributes & batch.CONTROL_BIT) !== 0) return null;
  const codec = attributes & batch.CODEC_MASK;
  if (codecName(codec) === null) throw new CompressionError("CORRUPT", `no such codec: ${codec}`);
  if (batch.recordsCountOf(bytes, span.start) === 0) return null;
  return { codec: codec as Codec, bytes: bytes.subarray(span.start + batch.RECORDS_AT, span.end) };
}

/**
 * The records at or above `from` of the batch at `span`, unpacked on the caller's time. Throws
 * CompressionError or RecordsError for a damaged batch.
 */
export function* recordsOfBatch(
  bytes: Uint8Array,
  span: BatchSpan,
  from: Offset,
  codecs: Codecs,
): Generator<StoredRecord, void, undefined> {
  const packed = packedRecordsOf(bytes, span);
  if (packed === null) return;
  const unpacked = codecs.decompressNow(packed.codec, packed.bytes, UNPACKED_BYTES_MAX);
  for (const record of readRecords(bytes, span.start, unpacked)) {
    if (record.offset >= from) yield record;
  }
}
