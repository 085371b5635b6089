import type { LeaderEpoch, Offset, TimestampMs } from "./offsets.ts";
import {
  readInt16,
  readInt32,
  readInt64,
  readUint32,
  writeInt32,
  writeInt64,
} from "../base/int64.ts";
import { assert } from "../base/assert.ts";

/**
 * Record batch v2 (magic 2), the unit in which everything is produced, stored and fetched. Never an
 * object: functions over `(bytes, start)`.
 *
 *   baseOffset 8 | batchLength 4 | leaderEpoch 4 | magic 1 | crc 4 | attributes 2 | lastOffsetDelta 4
 *   | baseTimestamp 8 | maxTimestamp 8 | producerId 8 | producerEpoch 2 | baseSequence 4
 *   | recordsCount 4 | records ...
 *
 * The CRC-32C covers everything from `attributes` on: baseOffset and leaderEpoch may be stamped in place.
 */
export const BASE_OFFSET_AT = 0;
export const BATCH_LENGTH_AT = BASE_OFFSET_AT + 8;
export const LEADER_EPOCH_AT = BATCH_LENGTH_AT + 4;
export const MAGIC_AT = LEADER_EPOCH_AT + 4;
export const CRC_AT = MAGIC_AT + 1;
export const ATTRIBUTES_AT = CRC_AT + 4;
export const LAST_OFFSET_DELTA_AT = ATTRIBUTES_AT + 2;
export const BASE_TIMESTAMP_AT = LAST_OFFSET_DELTA_AT + 4;
export const MAX_TIMESTAMP_AT = BASE_TIMESTAMP_AT + 8;
export const PRODUCER_ID_AT = MAX_TIMESTAMP_AT + 8;
export const PRODUCER_EPOCH_AT = PRODUCER_ID_AT + 8;
export const BASE_SEQUENCE_AT = PRODUCER_EPOCH_AT + 2;
export const RECORDS_COUNT_AT = BASE_SEQUENCE_AT + 4;
export const RECORDS_AT = RECORDS_COUNT_AT + 4;

/** Bytes of a batch before its records. */
export const BATCH_HEADER_BYTES = RECORDS_AT;
/** Bytes that `batchLength` does not count: baseOffset and itself. */
export const LOG_OVERHEAD_BYTES = LEADER_EPOCH_AT;
/** The smallest legal `batchLength`. */
export const BATCH_LENGTH_MIN = BATCH_HEADER_BYTES - LOG_OVERHEAD_BYTES;
export const MAGIC_V2 = 2;

assert(BATCH_HEADER_BYTES === 61, "the v2 batch header is 61 bytes", BATCH_HEADER_BYTES);

export const CODEC_MASK = 0x07;
export const TIMESTAMP_TYPE_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
export const DELETE_HORIZON_BIT = 0x40;
/** Bits 7-15 of the attributes mean nothing in any released format. */
export const RESERVED_ATTRIBUTE_BITS = 0xff80;

export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;

export function baseOffsetOf(bytes: Uint8Array, start: number): Offset {
  return readInt64(bytes, start + BASE_OFFSET_AT) as Offset;
}

/** Bytes of the whole batch, overhead included, as its header declares them. */
export function batchBytesOf(bytes: Uint8Array, start: number): number {
  return readInt32(bytes, start + BATCH_LENGTH_AT) + LOG_OVERHEAD_BYTES;
}

export function leaderEpochOf(bytes: Uint8Array, start: number): LeaderEpoch {
  return readInt32(bytes, start + LEADER_EPOCH_AT) as LeaderEpoch;
}

export function magicOf(bytes: Uint8Array, start: number): number {
  return bytes[start + MAGIC_AT]!;
}

export function crcOf(bytes: Uint8Array, start: number): number {
  return readUint32(bytes, start + CRC_AT);
}

export function attributesOf(bytes: Uint8Array, start: number): number {
  return readInt16(bytes, start + ATTRIBUTES_AT);
}

export function lastOffsetDeltaOf(bytes: Uint8Array, start: number): number {
  return readInt32(bytes, start + LAST_OFFSET_DELTA_AT);
}

export function lastOffsetOf(bytes: Uint8Array, start: number): Offset {
  return (baseOffsetOf(bytes, start) + lastOffsetDeltaOf(bytes, start)) as Offset;
}

export function nextOffsetOf(bytes: Uint8Array, start: number): Offset {
  return (lastOffsetOf(bytes, start) + 1) as Offset;
}

export function baseTimestampOf(bytes: Uint8Array, start: number): TimestampMs {
  return readInt64(bytes, start + BASE_TIMESTAMP_AT) as TimestampMs;
}

export function maxTimestampOf(bytes: Uint8Array, start: number): TimestampMs {
  return readInt64(bytes, start + MAX_TIMESTAMP_AT) as TimestampMs;
}

export function producerIdOf(bytes: Uint8Array, start: number): number {
  return readInt64(bytes, start + PRODUCER_ID_AT);
}

export function producerEpochOf(bytes: Uint8Array, start: number): number {
  return readInt16(bytes, start + PRODUCER_EPOCH_AT);
}

export function baseSequenceOf(bytes: Uint8Array, start: number): number {
  return readInt32(bytes, start + BASE_SEQUENCE_AT);
}

export function recordsCountOf(bytes: Uint8Array, start: number): number {
  return readInt32(bytes, start + RECORDS_COUNT_AT);
}

/** Stamps what the leader decides: both fields lie outside the CRC. */
export function stampBatch(
  bytes: Uint8Array,
  start: number,
  baseOffset: Offset,
  leaderEpoch: LeaderEpoch,
): void {
  writeInt64(bytes, start + BASE_OFFSET_AT, baseOffset);
  writeInt32(bytes, start + LEADER_EPOCH_AT, leaderEpoch);
}
