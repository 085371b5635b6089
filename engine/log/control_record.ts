import { readInt16, readInt32 } from "../base/int64.ts";
import { VarintCursor } from "../base/varint.ts";
import { BATCH_HEADER_BYTES } from "../model/record_batch.ts";

/** Control record types that the log itself acts on; others pass through it unread. */
export const CONTROL_ABORT = 0;
export const CONTROL_COMMIT = 1;

/** The end of a transaction, as its coordinator wrote it. */
export interface EndTransactionMarker {
  readonly isAbort: boolean;
  readonly coordinatorEpoch: number;
}

/** Longest marker batch worth reading: one record of a 4-byte key and a 6-byte value is 78 bytes. */
export const MARKER_BATCH_BYTES_MAX = 1024;

/**
 * The marker in the control batch at `start`, or null when its record is of another type or not
 * readable. Key: version i16 | type i16. Value: version i16 | coordinatorEpoch i32. Both may grow at
 * the end in later versions.
 */
export function endTransactionMarker(
  bytes: Uint8Array,
  start: number,
  end: number,
): EndTransactionMarker | null {
  const cursor = new VarintCursor(bytes, start + BATCH_HEADER_BYTES, end);
  cursor.readVarint(); // length of the record
  cursor.at += 1; // attributes
  cursor.readVarlong(); // timestamp delta
  cursor.readVarint(); // offset delta
  const keyLength = cursor.readVarint();
  const keyAt = cursor.at;
  if (cursor.bad || keyLength < 4 || keyAt + keyLength > end) return null;
  const type = readInt16(bytes, keyAt + 2);
  if (type !== CONTROL_ABORT && type !== CONTROL_COMMIT) return null;
  cursor.at = keyAt + keyLength;
  const valueLength = cursor.readVarint();
  if (cursor.bad || valueLength < 6 || cursor.at + valueLength > end) return null;
  return { isAbort: type === CONTROL_ABORT, coordinatorEpoch: readInt32(bytes, cursor.at + 2) };
}
