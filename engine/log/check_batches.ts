import { CompressionError } from "../model/compression.ts";
import type { Codec, Codecs } from "../model/compression.ts";
import { codecName } from "../model/compression.ts";
import * as batch from "../model/record_batch.ts";
import { writeInt16, writeInt32 } from "../base/int64.ts";
import type { Native } from "../../native/native.ts";
import {
  BatchScan,
  SCAN_BAD_COUNT,
  SCAN_OK,
  SCAN_RECORDS,
  scanReasonText,
} from "../../native/scan.ts";
import { FileWindow } from "./check_window.ts";

/** A batch in a window of its file: `bytes[start, end)` is where it lies now. */
export interface CheckedBatch {
  readonly position: number;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly scan: BatchScan;
  /** Why its content is wrong although its frame holds; null when all is well. */
  readonly wrong: string | null;
}

/** Bytes that are no batch: [start, end). */
export interface Damage {
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

export interface BatchTools {
  readonly native: Native;
  readonly codecs: Codecs;
}

/** No honest batch unpacks to more; a bomb in a stored batch must not take the checker down. */
const UNPACKED_BYTES_MAX = 1 << 30;

/**
 * Walks the batches of a file up to `to`. Between batches that hold, damage is reported once with the
 * range it covers: the walk goes on at the next position where a whole batch with a right CRC starts.
 */
export function walkBatches(
  window: FileWindow,
  to: number,
  tools: BatchTools,
  onBatch: (checked: CheckedBatch) => void,
  onDamage: (damage: Damage) => void,
): void {
  const scan = new BatchScan();
  for (let position = 0; position < to; ) {
    const reason = frameReason(window, position, to, tools.native);
    if (reason !== null) {
      const next = nextBatch(window, position + 1, to, tools.native);
      onDamage({ start: position, end: next, message: reason });
      position = next;
      continue;
    }
    const start = window.at;
    const size = batch.batchBytesOf(window.bytes, start);
    const wrong = contentReason(window.bytes.subarray(start, start + size), tools, scan);
    onBatch({ position, size, bytes: window.bytes, start, scan, wrong });
    position += size;
  }
}

/** Why no batch starts at `position`, or null. The window then holds all of it. */
export function frameReason(
  window: FileWindow,
  position: number,
  to: number,
  native: Native,
): string | null {
  const left = to - position;
  if (left < batch.BATCH_HEADER_BYTES) return `${left} bytes are too few for a batch`;
  if (!window.load(position, batch.BATCH_HEADER_BYTES)) return "the file became shorter";
  const magic = batch.magicOf(window.bytes, window.at);
  if (magic < batch.MAGIC_V2) return `message format ${magic} is too old to be checked`;
  if (magic > batch.MAGIC_V2) return `magic is ${magic}, not 2`;
  const size = batch.batchBytesOf(window.bytes, window.at);
  if (size < batch.BATCH_HEADER_BYTES) return `a batch cannot have ${size} bytes`;
  if (size > left) return `a batch of ${size} bytes does not fit into the ${left} that are left`;
  if (!window.load(position, size)) return "the file became shorter";
  const start = window.at;
  const crc = native.crc32c(window.bytes, start + batch.ATTRIBUTES_AT, start + size);
  return crc === batch.crcOf(window.bytes, start) ? null : "CRC-32C of the batch does not match";
}

/** Where the next whole batch with a right CRC starts at or after `from`; `to` when there is none. */
function nextBatch(window: FileWindow, from: number, to: number, native: Native): number {
  for (let at = from; at + batch.BATCH_HEADER_BYTES <= to; at++) {
    if (!window.load(at, batch.BATCH_HEADER_BYTES)) return to;
    if (!looksLikeHeader(window.bytes, window.at)) continue;
    if (frameReason(window, at, to, native) === null) return at;
  }
  return to;
}

/** Cheap, and wrong for nearly every position: the CRC of a gigabyte is not computed for a whim. */
function looksLikeHeader(bytes: Uint8Array, at: number): boolean {
  if (bytes[at + batch.MAGIC_AT] !== batch.MAGIC_V2) return false;
  if ((batch.attributesOf(bytes, at) & batch.RESERVED_ATTRIBUTE_BITS) !== 0) return false;
  const baseOffset = batch.baseOffsetOf(bytes, at);
  if (baseOffset < 0 || baseOffset > Number.MAX_SAFE_INTEGER) return false;
  const count = batch.recordsCountOf(bytes, at);
  return count >= 0 && count <= batch.lastOffsetDeltaOf(bytes, at) + 1;
}

/** Fills `scan` and says what is wrong inside a batch whose CRC is right. */
function contentReason(bytes: Uint8Array, tools: BatchTools, scan: BatchScan): string | null {
  const reason = tools.native.scanBatch([bytes], scan, SCAN_RECORDS);
  if (reason !== SCAN_OK) return scanReasonText(reason);
  if ((scan.attributes & batch.RESERVED_ATTRIBUTE_BITS) !== 0) return "reserved attribute bits are set";
  if (scan.lastOffsetDelta < 0) return `last offset delta is ${scan.lastOffsetDelta}`;
  if (scan.recordsCount < 0 || scan.recordsCount > scan.lastOffsetDelta + 1) {
    return scanReasonText(SCAN_BAD_COUNT);
  }
  const codec = scan.attributes & batch.CODEC_MASK;
  if (codecName(codec) === null) return `codec ${codec} does not exist`;
  if (codec !== 0) return packedReason(bytes, codec as Codec, tools, scan);
  return timestampReason(scan, scan.walkedMaxTimestamp);
}

/** Unpacks the records, puts them behind a header that says "not compressed", and scans that. */
function packedReason(
  bytes: Uint8Array,
  codec: Codec,
  tools: BatchTools,
  scan: BatchScan,
): string | null {
  let unpacked: Uint8Array;
  try {
    const packed = bytes.subarray(batch.RECORDS_AT);
    unpacked = tools.codecs.decompressNow(codec, packed, UNPACKED_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    return `records do not unpack (${codecName(codec)}): ${error.message}`;
  }
  const header = bytes.slice(0, batch.BATCH_HEADER_BYTES);
  const size = batch.BATCH_HEADER_BYTES + unpacked.length;
  writeInt32(header, batch.BATCH_LENGTH_AT, size - batch.LOG_OVERHEAD_BYTES);
  writeInt16(header, batch.ATTRIBUTES_AT, scan.attributes & ~batch.CODEC_MASK);
  const fixed = header.subarray(batch.ATTRIBUTES_AT);
  writeInt32(header, batch.CRC_AT, tools.native.crc32cPieces([fixed, unpacked]));
  const inner = new BatchScan();
  const reason = tools.native.scanBatch([header, unpacked], inner, SCAN_RECORDS);
  if (reason !== SCAN_OK) return `in the unpacked records: ${scanReasonText(reason)}`;
  return timestampReason(scan, inner.walkedMaxTimestamp);
}

function timestampReason(scan: BatchScan, walkedMax: number): string | null {
  const byAppend = (scan.attributes & batch.TIMESTAMP_TYPE_BIT) !== 0;
  if (byAppend || scan.recordsCount === 0 || walkedMax === scan.maxTimestamp) return null;
  return `maxTimestamp is ${scan.maxTimestamp}, but the records' largest is ${walkedMax}`;
}
