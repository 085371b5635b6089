import { readInt32 } from "../engine/base/int64.ts";
import { VarintCursor } from "../engine/base/varint.ts";
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  BATCH_LENGTH_MIN,
  CODEC_MASK,
  LOG_OVERHEAD_BYTES,
  MAGIC_AT,
  MAGIC_V2,
  attributesOf,
  baseOffsetOf,
  baseSequenceOf,
  baseTimestampOf,
  batchBytesOf,
  crcOf,
  lastOffsetDeltaOf,
  leaderEpochOf,
  maxTimestampOf,
  producerEpochOf,
  producerIdOf,
  recordsCountOf,
} from "../engine/model/record_batch.ts";
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
  if (size < BATCH_HEADER_BYTES) return SCAN_TOO_SHORT;
  if (readInt32(bytes, BATCH_LENGTH_AT) < BATCH_LENGTH_MIN) return SCAN_LENGTH_TOO_SMALL;
  if (batchBytesOf(bytes, 0) !== size) return SCAN_LENGTH_MISMATCH;
  const walk = new Walk();
  const reason = checkBatch(bytes, 0, size, flags, walk);
  out.leaderEpoch = leaderEpochOf(bytes, 0);
  out.attributes = attributesOf(bytes, 0);
  out.codec = out.attributes & CODEC_MASK;
  out.baseOffset = baseOffsetOf(bytes, 0);
  out.lastOffsetDelta = lastOffsetDeltaOf(bytes, 0);
  out.baseTimestamp = baseTimestampOf(bytes, 0);
  out.maxTimestamp = maxTimestampOf(bytes, 0);
  out.producerId = producerIdOf(bytes, 0);
  out.producerEpoch = producerEpochOf(bytes, 0);
  out.baseSequence = baseSequenceOf(bytes, 0);
  out.recordsCount = recordsCountOf(bytes, 0);
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
    if (reason === SCAN_PARTIAL && available >= LOG_OVERHEAD_BYTES) {
      needed = batchBytesOf(bytes, position);
    }
    if (reason !== SCAN_OK) break;
    const size = batchBytesOf(bytes, position);
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
  if (available < LOG_OVERHEAD_BYTES) return SCAN_PARTIAL;
  const batchLength = readInt32(bytes, position + BATCH_LENGTH_AT);
  if (batchLength < BATCH_LENGTH_MIN) return SCAN_LENGTH_TOO_SMALL;
  // A wrong magic is told before a missing tail: the length of another format means nothing here.
  if (available > MAGIC_AT && bytes[position + MAGIC_AT] !== MAGIC_V2) return SCAN_BAD_MAGIC;
  return batchBytesOf(bytes, position) > available ? SCAN_PARTIAL : SCAN_OK;
}

function fillRow(out: RunScan, row: number, bytes: Uint8Array, at: number, size: number): void {
  const baseOffset = baseOffsetOf(bytes, at);
  const lastOffsetDelta = lastOffsetDeltaOf(bytes, at);
  out.baseOffset[row] = baseOffset;
  out.lastOffset[row] = baseOffset + lastOffsetDelta;
  out.position[row] = at;
  out.baseTimestamp[row] = baseTimestampOf(bytes, at);
  out.maxTimestamp[row] = maxTimestampOf(bytes, at);
  out.producerId[row] = producerIdOf(bytes, at);
  out.size[row] = size;
  out.leaderEpoch[row] = leaderEpochOf(bytes, at);
  out.attributes[row] = attributesOf(bytes, at);
  out.lastOffsetDelta[row] = lastOffsetDelta;
  out.producerEpoch[row] = producerEpochOf(bytes, at);
  out.baseSequence[row] = baseSequenceOf(bytes, at);
  out.recordsCount[row] = recordsCountOf(bytes, at);
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
  if (bytes[start + MAGIC_AT] !== MAGIC_V2) return SCAN_BAD_MAGIC;
  const crc = crc32c(bytes, start + ATTRIBUTES_AT, start + size);
  if (crc !== crcOf(bytes, start)) return SCAN_BAD_CRC;
  const count = recordsCountOf(bytes, start);
  const lastDelta = lastOffsetDeltaOf(bytes, start);
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
  const count = recordsCountOf(bytes, start);
  const lastDelta = lastOffsetDeltaOf(bytes, start);
  const baseTimestamp = baseTimestampOf(bytes, start);
  const cursor = new VarintCursor(bytes, start + BATCH_HEADER_BYTES, end);
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
