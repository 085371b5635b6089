import { readInt16, readInt32, readInt64, readUint32 } from "../engine/base/int64.ts";
import { VarintCursor } from "../engine/base/varint.ts";
import { assert } from "../engine/base/assert.ts";
import { crc32c } from "./crc32c.ts";
import {
  type BatchScan,
  type RunScan,
  SCAN_BAD_COUNT,
  SCAN_BAD_CRC,
  SCAN_BAD_HEADERS,
  SCAN_BAD_KEY,
  SCAN_BAD_MAGIC,
  SCAN_BAD_OFFSET_DELTA,
  SCAN_BAD_RECORD_LENGTH,
  SCAN_BAD_TIMESTAMP,
  SCAN_BAD_VALUE,
  SCAN_BATCH_LEFT_OVER,
  SCAN_DENSE,
  SCAN_FULL,
  SCAN_LENGTH_MISMATCH,
  SCAN_LENGTH_TOO_SMALL,
  SCAN_OK,
  SCAN_PARTIAL,
  SCAN_RECORD_LEFT_OVER,
  SCAN_RECORDS,
  SCAN_TOO_SHORT,
} from "./scan.ts";

/**
 * The scans of record batches without native code: the twin of batch_scan.c, check by check in the same
 * order, held together by a property test. See native.ts for what they promise.
 */
const BATCH_LENGTH_AT = 8;
const LEADER_EPOCH_AT = BATCH_LENGTH_AT + 4;
const MAGIC_AT = LEADER_EPOCH_AT + 4;
const CRC_AT = MAGIC_AT + 1;
const ATTRIBUTES_AT = CRC_AT + 4;
const LAST_OFFSET_DELTA_AT = ATTRIBUTES_AT + 2;
const BASE_TIMESTAMP_AT = LAST_OFFSET_DELTA_AT + 4;
const MAX_TIMESTAMP_AT = BASE_TIMESTAMP_AT + 8;
const PRODUCER_ID_AT = MAX_TIMESTAMP_AT + 8;
const PRODUCER_EPOCH_AT = PRODUCER_ID_AT + 8;
const BASE_SEQUENCE_AT = PRODUCER_EPOCH_AT + 2;
const RECORDS_COUNT_AT = BASE_SEQUENCE_AT + 4;
const HEADER_BYTES = RECORDS_COUNT_AT + 4;
const OVERHEAD_BYTES = LEADER_EPOCH_AT;
const BATCH_LENGTH_MIN = HEADER_BYTES - OVERHEAD_BYTES;
const CODEC_MASK = 7;

assert(HEADER_BYTES === 61, "the v2 batch header is 61 bytes", HEADER_BYTES);

/** What the walk over the records of one batch found. */
class Walk {
  maxTimestamp = -1;
  minTimestamp = -1;
  maxTimestampOffsetDelta = -1;
  firstNullKey = -1;
  badRecord = -1;
  previousDelta = -1;

  clear(): void {
    this.maxTimestamp = this.minTimestamp = this.maxTimestampOffsetDelta = -1;
    this.firstNullKey = this.badRecord = this.previousDelta = -1;
  }
}

export function scanBatch(pieces: readonly Uint8Array[], out: BatchScan, flags: number): number {
  const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  const size = bytes.length;
  clearScan(out, size);
  if (size < HEADER_BYTES) return SCAN_TOO_SHORT;
  const batchLength = readInt32(bytes, BATCH_LENGTH_AT);
  if (batchLength < BATCH_LENGTH_MIN) return SCAN_LENGTH_TOO_SMALL;
  if (batchLength + OVERHEAD_BYTES !== size) return SCAN_LENGTH_MISMATCH;
  const walk = new Walk();
  const reason = checkBatch(bytes, 0, size, flags, walk);
  out.leaderEpoch = readInt32(bytes, LEADER_EPOCH_AT);
  out.attributes = readInt16(bytes, ATTRIBUTES_AT);
  out.codec = out.attributes & CODEC_MASK;
  out.baseOffset = readInt64(bytes, 0);
  out.lastOffsetDelta = readInt32(bytes, LAST_OFFSET_DELTA_AT);
  out.baseTimestamp = readInt64(bytes, BASE_TIMESTAMP_AT);
  out.maxTimestamp = readInt64(bytes, MAX_TIMESTAMP_AT);
  out.producerId = readInt64(bytes, PRODUCER_ID_AT);
  out.producerEpoch = readInt16(bytes, PRODUCER_EPOCH_AT);
  out.baseSequence = readInt32(bytes, BASE_SEQUENCE_AT);
  out.recordsCount = readInt32(bytes, RECORDS_COUNT_AT);
  out.badRecord = walk.badRecord;
  if (reason === SCAN_OK && (flags & SCAN_RECORDS) !== 0 && out.codec === 0) {
    out.walked = true;
    out.walkedMaxTimestamp = walk.maxTimestamp;
    out.walkedMinTimestamp = walk.minTimestamp;
    out.maxTimestampOffsetDelta = walk.maxTimestampOffsetDelta;
    out.firstNullKey = walk.firstNullKey;
    out.hasNullKey = walk.firstNullKey >= 0;
  }
  return reason;
}

/** Sets what is not set again for every batch. */
export function clearScan(out: BatchScan, sizeBytes: number): void {
  out.sizeBytes = sizeBytes;
  out.walked = false;
  out.walkedMaxTimestamp = -1;
  out.walkedMinTimestamp = -1;
  out.maxTimestampOffsetDelta = -1;
  out.hasNullKey = false;
  out.firstNullKey = -1;
  out.badRecord = -1;
}

export function scanRun(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: RunScan,
  flags: number,
): number {
  const walk = new Walk();
  let position = start;
  let row = 0;
  let needed = 0;
  let reason = SCAN_OK;
  while (position < end) {
    if (row === out.capacity) {
      reason = SCAN_FULL;
      break;
    }
    const available = end - position;
    walk.badRecord = -1;
    reason = framingReason(bytes, position, available);
    if (reason === SCAN_PARTIAL && available >= OVERHEAD_BYTES) {
      needed = readInt32(bytes, position + BATCH_LENGTH_AT) + OVERHEAD_BYTES;
    }
    if (reason !== SCAN_OK) break;
    const size = readInt32(bytes, position + BATCH_LENGTH_AT) + OVERHEAD_BYTES;
    reason = checkBatch(bytes, position, size, flags, walk);
    if (reason !== SCAN_OK) break;
    fillRow(out, row, bytes, position, size);
    row++;
    position += size;
  }
  out.head[0] = row;
  out.head[1] = position;
  out.head[2] = needed;
  out.head[3] = walk.badRecord;
  return reason;
}

function framingReason(bytes: Uint8Array, position: number, available: number): number {
  if (available < OVERHEAD_BYTES) return SCAN_PARTIAL;
  const batchLength = readInt32(bytes, position + BATCH_LENGTH_AT);
  if (batchLength < BATCH_LENGTH_MIN) return SCAN_LENGTH_TOO_SMALL;
  // A wrong magic is told before a missing tail: the length of another format means nothing here.
  if (available > MAGIC_AT && bytes[position + MAGIC_AT] !== 2) return SCAN_BAD_MAGIC;
  return batchLength + OVERHEAD_BYTES > available ? SCAN_PARTIAL : SCAN_OK;
}

function fillRow(out: RunScan, row: number, bytes: Uint8Array, at: number, size: number): void {
  const baseOffset = readInt64(bytes, at);
  const lastOffsetDelta = readInt32(bytes, at + LAST_OFFSET_DELTA_AT);
  out.baseOffset[row] = baseOffset;
  out.lastOffset[row] = baseOffset + lastOffsetDelta;
  out.position[row] = at;
  out.baseTimestamp[row] = readInt64(bytes, at + BASE_TIMESTAMP_AT);
  out.maxTimestamp[row] = readInt64(bytes, at + MAX_TIMESTAMP_AT);
  out.producerId[row] = readInt64(bytes, at + PRODUCER_ID_AT);
  out.size[row] = size;
  out.leaderEpoch[row] = readInt32(bytes, at + LEADER_EPOCH_AT);
  out.attributes[row] = readInt16(bytes, at + ATTRIBUTES_AT);
  out.lastOffsetDelta[row] = lastOffsetDelta;
  out.producerEpoch[row] = readInt16(bytes, at + PRODUCER_EPOCH_AT);
  out.baseSequence[row] = readInt32(bytes, at + BASE_SEQUENCE_AT);
  out.recordsCount[row] = readInt32(bytes, at + RECORDS_COUNT_AT);
}

/** Everything after the length. A wrong CRC outranks whatever the walk found, since it explains it. */
function checkBatch(
  bytes: Uint8Array,
  start: number,
  size: number,
  flags: number,
  walk: Walk,
): number {
  walk.clear();
  if (bytes[start + MAGIC_AT] !== 2) return SCAN_BAD_MAGIC;
  const crc = crc32c(bytes, start + ATTRIBUTES_AT, start + size);
  if (crc !== readUint32(bytes, start + CRC_AT)) return SCAN_BAD_CRC;
  const count = readInt32(bytes, start + RECORDS_COUNT_AT);
  const lastDelta = readInt32(bytes, start + LAST_OFFSET_DELTA_AT);
  const dense = (flags & SCAN_DENSE) !== 0;
  if (count < 0 || lastDelta < 0 || count > lastDelta + 1) return SCAN_BAD_COUNT;
  if (dense && count !== lastDelta + 1) return SCAN_BAD_COUNT;
  const codec = bytes[start + ATTRIBUTES_AT + 1]! & CODEC_MASK;
  if ((flags & SCAN_RECORDS) === 0 || codec !== 0) return SCAN_OK;
  return walkRecords(bytes, start, start + size, dense, walk);
}

function walkRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  dense: boolean,
  walk: Walk,
): number {
  const count = readInt32(bytes, start + RECORDS_COUNT_AT);
  const lastDelta = readInt32(bytes, start + LAST_OFFSET_DELTA_AT);
  const baseTimestamp = readInt64(bytes, start + BASE_TIMESTAMP_AT);
  const cursor = new VarintCursor(bytes, start + HEADER_BYTES, end);
  for (let index = 0; index < count; index++) {
    walk.badRecord = index;
    cursor.end = end;
    const length = cursor.readVarint();
    if (cursor.bad || length < 0 || length > end - cursor.at) return SCAN_BAD_RECORD_LENGTH;
    cursor.end = cursor.at + length;
    if (length === 0) return SCAN_BAD_RECORD_LENGTH;
    cursor.at++; // attributes: unused, not judged
    const timestamp = baseTimestamp + cursor.readVarlong();
    if (cursor.bad) return SCAN_BAD_TIMESTAMP;
    const delta = cursor.readVarint();
    if (cursor.bad || delta <= walk.previousDelta || delta > lastDelta) return SCAN_BAD_OFFSET_DELTA;
    if (dense && delta !== index) return SCAN_BAD_OFFSET_DELTA;
    walk.previousDelta = delta;
    const reason = walkFields(cursor, index, walk);
    if (reason !== SCAN_OK) return reason;
    if (index === 0 || timestamp > walk.maxTimestamp) {
      walk.maxTimestamp = timestamp;
      walk.maxTimestampOffsetDelta = delta;
    }
    if (index === 0 || timestamp < walk.minTimestamp) walk.minTimestamp = timestamp;
  }
  walk.badRecord = -1;
  return cursor.at === end ? SCAN_OK : SCAN_BATCH_LEFT_OVER;
}

/** Key, value and headers; the cursor ends at the record's end. */
function walkFields(cursor: VarintCursor, index: number, walk: Walk): number {
  const keySize = cursor.readVarint();
  if (!skipSized(cursor, keySize, -1)) return SCAN_BAD_KEY;
  if (keySize < 0 && walk.firstNullKey < 0) walk.firstNullKey = index;
  if (!skipSized(cursor, cursor.readVarint(), -1)) return SCAN_BAD_VALUE;
  const headers = cursor.readVarint();
  if (cursor.bad || headers < 0 || headers > cursor.end - cursor.at) return SCAN_BAD_HEADERS;
  for (let header = 0; header < headers; header++) {
    if (!skipSized(cursor, cursor.readVarint(), 0)) return SCAN_BAD_HEADERS;
    if (!skipSized(cursor, cursor.readVarint(), -1)) return SCAN_BAD_HEADERS;
  }
  return cursor.at === cursor.end ? SCAN_OK : SCAN_RECORD_LEFT_OVER;
}

function skipSized(cursor: VarintCursor, size: number, sizeMin: number): boolean {
  if (cursor.bad || size < sizeMin || size > cursor.end - cursor.at) return false;
  if (size > 0) cursor.at += size;
  return true;
}
