import { readInt16, readInt64, writeInt16, writeInt64 } from "../base/int64.ts";
import type { Offset } from "../model/offsets.ts";

/** A transaction that was aborted: what a read_committed consumer must skip. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: Offset;
  /** Offset of the ABORT marker. */
  readonly lastOffset: Offset;
  /** The last stable offset once the marker was written. */
  readonly lastStableOffset: Offset;
}

/**
 * Kafka's `.txnindex`: the aborted transactions whose marker lies in a segment, by marker offset.
 *
 *   version i16 = 0 | producerId i64 | firstOffset i64 | lastOffset i64 | lastStableOffset i64
 */
const PRODUCER_ID_AT = 2;
const FIRST_OFFSET_AT = PRODUCER_ID_AT + 8;
const LAST_OFFSET_AT = FIRST_OFFSET_AT + 8;
const LAST_STABLE_OFFSET_AT = LAST_OFFSET_AT + 8;
export const TXN_ENTRY_BYTES = LAST_STABLE_OFFSET_AT + 8;
const VERSION = 0;

export function encodeTxnEntry(aborted: AbortedTransaction): Uint8Array {
  const bytes = new Uint8Array(TXN_ENTRY_BYTES);
  writeInt16(bytes, 0, VERSION);
  writeInt64(bytes, PRODUCER_ID_AT, aborted.producerId);
  writeInt64(bytes, FIRST_OFFSET_AT, aborted.firstOffset);
  writeInt64(bytes, LAST_OFFSET_AT, aborted.lastOffset);
  writeInt64(bytes, LAST_STABLE_OFFSET_AT, aborted.lastStableOffset);
  return bytes;
}

export function decodeTxnEntry(bytes: Uint8Array, at: number): AbortedTransaction {
  return {
    producerId: readInt64(bytes, at + PRODUCER_ID_AT),
    firstOffset: readInt64(bytes, at + FIRST_OFFSET_AT) as Offset,
    lastOffset: readInt64(bytes, at + LAST_OFFSET_AT) as Offset,
    lastStableOffset: readInt64(bytes, at + LAST_STABLE_OFFSET_AT) as Offset,
  };
}

/**
 * Why the bytes are no transaction index of a segment that starts at `baseOffset`, or null: whole
 * entries of a known version, marker offsets that grow and none below the base.
 */
export function txnIndexInvalidReason(bytes: Uint8Array, baseOffset: Offset): string | null {
  if (bytes.length % TXN_ENTRY_BYTES !== 0) return `${bytes.length} bytes are not whole entries`;
  let before = baseOffset - 1;
  for (let at = 0; at < bytes.length; at += TXN_ENTRY_BYTES) {
    const version = readInt16(bytes, at);
    if (version !== VERSION) return `entry at ${at} is of unknown version ${version}`;
    const entry = decodeTxnEntry(bytes, at);
    if (entry.lastOffset <= before) return `entry at ${at} goes back to ${entry.lastOffset}`;
    if (entry.firstOffset >= entry.lastOffset) return `entry at ${at} ends before it starts`;
    before = entry.lastOffset;
  }
  return null;
}

/**
 * Adds to `found` the aborted transactions of one index that overlap [from, upTo). True: later segments
 * hold no more of them, because by then everything below `upTo` was decided.
 */
export function collectAborted(
  bytes: Uint8Array,
  from: Offset,
  upTo: Offset,
  found: AbortedTransaction[],
): boolean {
  for (let at = 0; at + TXN_ENTRY_BYTES <= bytes.length; at += TXN_ENTRY_BYTES) {
    const entry = decodeTxnEntry(bytes, at);
    if (entry.lastOffset >= from && entry.firstOffset < upTo) found.push(entry);
    if (entry.lastStableOffset >= upTo) return true;
  }
  return false;
}
