import {
  readInt16,
  readInt32,
  readInt64,
  readUint32,
  writeInt16,
  writeInt32,
  writeInt64,
} from "../base/int64.ts";
import { assert } from "../base/assert.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import type { Crc32c } from "../model/records.ts";
import { malformed, parsed } from "./parsed.ts";
import type { Parsed } from "./parsed.ts";

/**
 * `<offset>.snapshot`: what a log knew about its producers up to that offset, exclusive.
 *
 *   version 2 (1) | crc 4 | count 4 | entry ...      the CRC-32C covers everything behind itself
 *   entry: producerId 8 | producerEpoch 2 | lastSequence 4 | lastOffset 8 | offsetDelta 4
 *     | timestamp 8 | coordinatorEpoch 4 | currentTxnFirstOffset 8
 */
const VERSION_AT = 0;
const CRC_AT = VERSION_AT + 2;
const COUNT_AT = CRC_AT + 4;
const ENTRIES_AT = COUNT_AT + 4;

const PRODUCER_ID_AT = 0;
const PRODUCER_EPOCH_AT = PRODUCER_ID_AT + 8;
const LAST_SEQUENCE_AT = PRODUCER_EPOCH_AT + 2;
const LAST_OFFSET_AT = LAST_SEQUENCE_AT + 4;
const OFFSET_DELTA_AT = LAST_OFFSET_AT + 8;
const TIMESTAMP_AT = OFFSET_DELTA_AT + 4;
const COORDINATOR_EPOCH_AT = TIMESTAMP_AT + 8;
const TXN_FIRST_OFFSET_AT = COORDINATOR_EPOCH_AT + 4;
const ENTRY_BYTES = TXN_FIRST_OFFSET_AT + 8;

assert(ENTRY_BYTES === 46, "a snapshot entry is 46 bytes", ENTRY_BYTES);

const VERSION = 1;

export interface ProducerSnapshotEntry {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Sequence of the last record of the producer's last batch; -1 when it has none. */
  readonly lastSequence: number;
  /** Offset of that record; -1 when there is none. */
  readonly lastOffset: Offset;
  /** Last minus first offset of that batch. */
  readonly offsetDelta: number;
  readonly timestamp: TimestampMs;
  /** Of the last transaction marker; -1 when there was none. */
  readonly coordinatorEpoch: number;
  /** First offset of the open transaction; -1 when none is open. */
  readonly currentTxnFirstOffset: Offset;
}

export function encodeProducerSnapshot(
  entries: readonly ProducerSnapshotEntry[],
  crc32c: Crc32c,
): Uint8Array {
  const bytes = new Uint8Array(ENTRIES_AT + entries.length * ENTRY_BYTES);
  writeInt16(bytes, VERSION_AT, VERSION);
  writeInt32(bytes, COUNT_AT, entries.length);
  let at = ENTRIES_AT;
  for (const entry of entries) {
    writeInt64(bytes, at + PRODUCER_ID_AT, entry.producerId);
    writeInt16(bytes, at + PRODUCER_EPOCH_AT, entry.producerEpoch);
    writeInt32(bytes, at + LAST_SEQUENCE_AT, entry.lastSequence);
    writeInt64(bytes, at + LAST_OFFSET_AT, entry.lastOffset);
    writeInt32(bytes, at + OFFSET_DELTA_AT, entry.offsetDelta);
    writeInt64(bytes, at + TIMESTAMP_AT, entry.timestamp);
    writeInt32(bytes, at + COORDINATOR_EPOCH_AT, entry.coordinatorEpoch);
    writeInt64(bytes, at + TXN_FIRST_OFFSET_AT, entry.currentTxnFirstOffset);
    at += ENTRY_BYTES;
  }
  writeInt32(bytes, CRC_AT, crc32c(bytes, COUNT_AT, bytes.length));
  return bytes;
}

export function parseProducerSnapshot(
  bytes: Uint8Array,
  crc32c: Crc32c,
): Parsed<ProducerSnapshotEntry[]> {
  if (bytes.length < ENTRIES_AT) return malformed("shorter than its header", 0, bytes.length);
  const version = readInt16(bytes, VERSION_AT);
  if (version !== VERSION) return malformed(`unknown version ${version}`, VERSION_AT, CRC_AT);
  if (readUint32(bytes, CRC_AT) !== crc32c(bytes, COUNT_AT, bytes.length)) {
    return malformed("CRC-32C does not match", CRC_AT, bytes.length);
  }
  const count = readInt32(bytes, COUNT_AT);
  if (ENTRIES_AT + count * ENTRY_BYTES !== bytes.length) {
    return malformed(`${count} entries do not fill the file`, COUNT_AT, ENTRIES_AT);
  }
  const entries: ProducerSnapshotEntry[] = [];
  for (let at = ENTRIES_AT; at < bytes.length; at += ENTRY_BYTES) {
    entries.push({
      producerId: readInt64(bytes, at + PRODUCER_ID_AT),
      producerEpoch: readInt16(bytes, at + PRODUCER_EPOCH_AT),
      lastSequence: readInt32(bytes, at + LAST_SEQUENCE_AT),
      lastOffset: readInt64(bytes, at + LAST_OFFSET_AT) as Offset,
      offsetDelta: readInt32(bytes, at + OFFSET_DELTA_AT),
      timestamp: readInt64(bytes, at + TIMESTAMP_AT) as TimestampMs,
      coordinatorEpoch: readInt32(bytes, at + COORDINATOR_EPOCH_AT),
      currentTxnFirstOffset: readInt64(bytes, at + TXN_FIRST_OFFSET_AT) as Offset,
    });
  }
  return parsed(entries);
}
