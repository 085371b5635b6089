import type { Offset, TimestampMs } from "./offsets.ts";
import * as batch from "./record_batch.ts";
import { assert } from "../base/assert.ts";
import { writeInt16, writeInt32, writeInt64 } from "../base/int64.ts";
import {
  VarintCursor,
  sizeOfUvarint,
  sizeOfVarint,
  sizeOfVarlong,
  writeVarint,
  writeVarlong,
} from "../base/varint.ts";

/**
 * Records inside a batch: what the embedded API, the command line and the metadata log write and
 * read. The broker never comes here: it passes batches on as they are.
 *
 *   length varint | attributes 1 | timestampDelta varlong | offsetDelta varint | keyLength varint
 *   | key | valueLength varint | value | headersCount varint | { keyLength, key, valueLength, value }
 */
export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface RecordInput {
  readonly key?: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since 1970. Absent: the time of the append. */
  readonly timestamp?: number;
}

/** Views reach into the bytes that were read: copy what must outlive them. */
export interface StoredRecord {
  readonly offset: Offset;
  readonly timestamp: TimestampMs;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/** The records region of a batch before compression, and what the header must say of it. */
export interface RecordsRegion {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly baseTimestamp: TimestampMs;
  readonly maxTimestamp: TimestampMs;
}

export type Crc32c = (bytes: Uint8Array, start: number, end: number) => number;

const EMPTY_HEADERS: readonly RecordHeader[] = [];
const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

/** Encodes at least one record. Offset deltas are 0, 1, 2 ... */
export function encodeRecords(records: readonly RecordInput[], nowMs: TimestampMs): RecordsRegion {
  const { baseTimestamp, maxTimestamp, ...plan } = planRecords(records, nowMs);
  const bytes = new Uint8Array(plan.sizeBytes);
  writeRecords(bytes, 0, records, plan.headers, nowMs);
  return { bytes, count: records.length, baseTimestamp, maxTimestamp };
}

export interface BatchFields {
  /** The records as they will be stored: compressed with the codec in `attributes`. */
  readonly packed: Uint8Array;
  readonly attributes: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** One whole batch, at offset 0 and with no leader epoch: the log stamps both. */
export function sealBatch(region: RecordsRegion, fields: BatchFields, crc32c: Crc32c): Uint8Array {
  const bytes = new Uint8Array(batch.BATCH_HEADER_BYTES + fields.packed.length);
  bytes.set(fields.packed, batch.RECORDS_AT);
  writeHeader(bytes, region, fields, crc32c);
  return bytes;
}

/**
 * A batch of at least one record without compression or producer, encoded where it stays: half the time
 * that encodeRecords and sealBatch take for a single record (bench/micro/embed.bench.ts).
 */
export function plainBatch(
  records: readonly RecordInput[],
  nowMs: TimestampMs,
  crc32c: Crc32c,
  attributes = 0,
): Uint8Array {
  const plan = planRecords(records, nowMs);
  const bytes = new Uint8Array(batch.BATCH_HEADER_BYTES + plan.sizeBytes);
  writeRecords(bytes, batch.RECORDS_AT, records, plan.headers, nowMs);
  const { baseTimestamp, maxTimestamp } = plan;
  const about = { count: records.length, baseTimestamp, maxTimestamp };
  writeHeader(bytes, about, attributes === 0 ? PLAIN_FIELDS : { ...PLAIN_FIELDS, attributes }, crc32c);
  return bytes;
}

const PLAIN_FIELDS: Omit<BatchFields, "packed"> = {
  attributes: 0,
  producerId: batch.NO_PRODUCER_ID,
  producerEpoch: batch.NO_PRODUCER_EPOCH,
  baseSequence: batch.NO_SEQUENCE,
};

/** What the records will take, and what the header must say of them. */
interface RecordsPlan {
  readonly sizeBytes: number;
  readonly baseTimestamp: TimestampMs;
  readonly maxTimestamp: TimestampMs;
  /** Encoded headers of each record; null when none has any, as is usual. */
  readonly headers: readonly Uint8Array[] | null;
}

function planRecords(records: readonly RecordInput[], nowMs: TimestampMs): RecordsPlan {
  assert(records.length > 0, "a batch needs at least one record");
  const baseTimestamp = (records[0]!.timestamp ?? nowMs) as TimestampMs;
  let maxTimestamp = baseTimestamp;
  let headers: Uint8Array[] | null = null;
  let sizeBytes = 0;
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!;
    const timestamp = (record.timestamp ?? nowMs) as TimestampMs;
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    if (record.headers !== undefined && record.headers.length > 0) {
      headers ??= new Array<Uint8Array>(records.length).fill(NO_HEADERS_ENCODED);
      headers[index] = encodeHeaders(record.headers);
    }
    const headerBytes = headers === null ? 1 : headers[index]!.length;
    const body = bodyBytes(record, index, timestamp - baseTimestamp, headerBytes);
    sizeBytes += sizeOfVarint(body) + body;
  }
  return { sizeBytes, baseTimestamp, maxTimestamp, headers };
}

/** Bytes of a record behind its length. */
function bodyBytes(
  record: RecordInput,
  index: number,
  timestampDelta: number,
  headerBytes: number,
): number {
  return 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(index) +
    sizeOfField(record.key) + sizeOfField(record.value) + headerBytes;
}

/** Writes what was planned from `start` to the end of `bytes`. */
function writeRecords(
  bytes: Uint8Array,
  start: number,
  records: readonly RecordInput[],
  headers: readonly Uint8Array[] | null,
  nowMs: TimestampMs,
): void {
  const baseTimestamp = records[0]!.timestamp ?? nowMs;
  let at = start;
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!;
    const timestampDelta = (record.timestamp ?? nowMs) - baseTimestamp;
    const headerBytes = headers === null ? 1 : headers[index]!.length;
    at = writeVarint(bytes, at, bodyBytes(record, index, timestampDelta, headerBytes));
    bytes[at++] = 0;
    at = writeVarlong(bytes, at, timestampDelta);
    at = writeVarint(bytes, at, index);
    at = writeField(bytes, at, record.key);
    at = writeField(bytes, at, record.value);
    if (headers === null) {
      bytes[at++] = 0;
    } else {
      bytes.set(headers[index]!, at);
      at += headerBytes;
    }
  }
  assert(at === bytes.length, "records of another size than planned", at, bytes.length);
}

/** The header of a batch that fills `bytes`, whose records stand there already. */
function writeHeader(
  bytes: Uint8Array,
  about: Omit<RecordsRegion, "bytes">,
  fields: Omit<BatchFields, "packed">,
  crc32c: Crc32c,
): void {
  const size = bytes.length;
  writeInt64(bytes, batch.BASE_OFFSET_AT, 0);
  writeInt32(bytes, batch.BATCH_LENGTH_AT, size - batch.LOG_OVERHEAD_BYTES);
  writeInt32(bytes, batch.LEADER_EPOCH_AT, -1);
  bytes[batch.MAGIC_AT] = batch.MAGIC_V2;
  writeInt16(bytes, batch.ATTRIBUTES_AT, fields.attributes);
  writeInt32(bytes, batch.LAST_OFFSET_DELTA_AT, about.count - 1);
  writeInt64(bytes, batch.BASE_TIMESTAMP_AT, about.baseTimestamp);
  writeInt64(bytes, batch.MAX_TIMESTAMP_AT, about.maxTimestamp);
  writeInt64(bytes, batch.PRODUCER_ID_AT, fields.producerId);
  writeInt16(bytes, batch.PRODUCER_EPOCH_AT, fields.producerEpoch);
  writeInt32(bytes, batch.BASE_SEQUENCE_AT, fields.baseSequence);
  writeInt32(bytes, batch.RECORDS_COUNT_AT, about.count);
  writeInt32(bytes, batch.CRC_AT, crc32c(bytes, batch.ATTRIBUTES_AT, size));
}

/** What a damaged records region raises; never anything else. */
export class RecordsError extends Error {
  override readonly name = "RecordsError";
  readonly code = "CORRUPT";
}

/**
 * The records of the batch whose header stands at `start` of `header`; `unpacked` is its records
 * region after decompression. Stops at the first damage with a RecordsError.
 */
export function* readRecords(
  header: Uint8Array,
  start: number,
  unpacked: Uint8Array,
): Generator<StoredRecord, void, undefined> {
  const attributes = batch.attributesOf(header, start);
  const logAppendTime = (attributes & batch.TIMESTAMP_TYPE_BIT) !== 0;
  const baseOffset = batch.baseOffsetOf(header, start);
  const baseTimestamp = batch.baseTimestampOf(header, start);
  const maxTimestamp = batch.maxTimestampOf(header, start);
  const count = batch.recordsCountOf(header, start);
  const cursor = new VarintCursor(unpacked, 0, unpacked.length);
  for (let index = 0; index < count; index++) {
    const length = cursor.readVarint();
    const end = cursor.at + length;
    if (cursor.bad || length < 1 || end > unpacked.length) throw damaged("length", index);
    cursor.end = end;
    cursor.at++; // attributes: unused in every version
    const timestampDelta = cursor.readVarlong();
    const offsetDelta = cursor.readVarint();
    const key = readField(cursor);
    const value = readField(cursor);
    const headers = readHeaders(cursor);
    if (cursor.bad || cursor.at !== end) throw damaged("fields", index);
    cursor.end = unpacked.length;
    const timestamp = logAppendTime ? maxTimestamp : baseTimestamp + timestampDelta;
    yield {
      offset: (baseOffset + offsetDelta) as Offset,
      timestamp: timestamp as TimestampMs,
      key,
      value,
      headers,
    };
  }
  if (cursor.at !== unpacked.length) throw damaged("bytes left over after", count);
}

function damaged(what: string, index: number): RecordsError {
  return new RecordsError(`record ${index} of its batch is damaged: ${what}`);
}

function readField(cursor: VarintCursor): Uint8Array | null {
  const length = cursor.readVarint();
  if (length < 0) {
    if (length !== -1) cursor.bad = true;
    return null;
  }
  const start = cursor.at;
  if (cursor.bad || start + length > cursor.end) {
    cursor.bad = true;
    return null;
  }
  cursor.at = start + length;
  return cursor.bytes.subarray(start, start + length);
}

function readHeaders(cursor: VarintCursor): readonly RecordHeader[] {
  const count = cursor.readVarint();
  if (count === 0) return EMPTY_HEADERS;
  // A header takes at least two bytes; more than that cannot be there.
  if (cursor.bad || count < 0 || count * 2 > cursor.end - cursor.at) {
    cursor.bad = true;
    return EMPTY_HEADERS;
  }
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count && !cursor.bad; index++) {
    const key = readField(cursor);
    if (key === null) cursor.bad = true;
    else headers.push({ key: fromUtf8.decode(key), value: readField(cursor) });
  }
  return headers;
}

function sizeOfField(field: Uint8Array | null | undefined): number {
  return field == null ? 1 : sizeOfVarint(field.length) + field.length;
}

function writeField(bytes: Uint8Array, at: number, field: Uint8Array | null | undefined): number {
  if (field == null) return writeVarint(bytes, at, -1);
  const start = writeVarint(bytes, at, field.length);
  bytes.set(field, start);
  return start + field.length;
}

const NO_HEADERS_ENCODED = Uint8Array.of(0);

function encodeHeaders(headers: readonly RecordHeader[] | undefined): Uint8Array {
  if (headers === undefined || headers.length === 0) return NO_HEADERS_ENCODED;
  const keys = headers.map((header) => utf8.encode(header.key));
  let size = sizeOfUvarint(headers.length * 2);
  headers.forEach((header, index) => {
    size += sizeOfField(keys[index]) + sizeOfField(header.value);
  });
  const bytes = new Uint8Array(size);
  let at = writeVarint(bytes, 0, headers.length);
  headers.forEach((header, index) => {
    at = writeField(bytes, at, keys[index]);
    at = writeField(bytes, at, header.value);
  });
  return bytes;
}
