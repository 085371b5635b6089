import { crc32 } from "../base/crc32.ts";
import { readInt32, readUint32 } from "../base/int64.ts";
import { CRC_AT, LOG_OVERHEAD_BYTES, MAGIC_AT, MAGIC_V2 } from "../model/record_batch.ts";

/**
 * Message sets of magic 0 and 1 (Kafka before 0.11): offset i64 | size i32 | crc u32 | magic i8 ...
 * with a CRC-32 from the magic on. Millrace does not read them, but tells them from damage: cutting
 * them off as a torn tail would lose good data.
 */
const LEGACY_CRC_AT = LOG_OVERHEAD_BYTES;
const LEGACY_SIZE_MIN = 14;
const LEGACY_SIZE_MAX = 64 * 1024 * 1024;

/** Bytes of the legacy message that may start at `start`, or 0 when none does by its header. */
export function legacySize(bytes: Uint8Array, start: number, end: number): number {
  if (start + CRC_AT > end || bytes[start + MAGIC_AT]! >= MAGIC_V2) return 0;
  const size = readInt32(bytes, start + LOG_OVERHEAD_BYTES - 4);
  if (size < LEGACY_SIZE_MIN || size > LEGACY_SIZE_MAX) return 0;
  return size + LOG_OVERHEAD_BYTES;
}

/** Whether the bytes [start, end) are exactly one undamaged legacy message. */
export function isLegacyMessage(bytes: Uint8Array, start: number, end: number): boolean {
  return readUint32(bytes, start + LEGACY_CRC_AT) === crc32(bytes, start + MAGIC_AT, end);
}
