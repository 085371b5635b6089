import { readInt16, readUint32, writeInt16 } from "../base/int64.ts";
import { DataDirectoryError } from "../model/errors.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../model/offsets.ts";
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  CODEC_MASK,
  CONTROL_BIT,
  CRC_AT,
  MAGIC_V2,
  attributesOf,
  baseOffsetOf,
  batchBytesOf,
  lastOffsetOf,
  leaderEpochOf,
  magicOf,
  maxTimestampOf,
  stampBatch,
} from "../model/record_batch.ts";
import type { Crc32c, RecordInput } from "../model/records.ts";
import { plainBatch, readRecords } from "../model/records.ts";
import {
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
} from "../wire/records/control_records.ts";
import { interpretEncode } from "./record_interpreter.ts";
import type { MetadataRecord } from "./records.ts";
import { decodeMetadataRecord, encodeMetadataRecord } from "./records.ts";

/**
 * Batches of the metadata log and of its snapshots: metadata records as values without keys, or the
 * control records of Raft, whose key is version i16 (0) | type i16.
 */
export const ControlType = {
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const;

/** A control record whose value is kept as it came. */
export interface ControlRecord {
  readonly type: number;
  readonly value: Uint8Array;
}

/** One batch as it was read. Exactly one of the two lists is filled. */
export interface RaftBatch {
  readonly sizeBytes: number;
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  readonly epoch: LeaderEpoch;
  readonly timestamp: TimestampMs;
  readonly records: readonly MetadataRecord[];
  readonly controls: readonly ControlRecord[];
}

/** One atomic batch, at offset 0 and without epoch: whoever appends it stamps both. */
export function encodeRaftBatch(
  records: readonly MetadataRecord[],
  nowMs: TimestampMs,
  crc32c: Crc32c,
): Uint8Array {
  return encodeFrames(records.map(encodeMetadataRecord), nowMs, crc32c);
}

/** The same of records that were encoded before. */
export function encodeFrames(
  frames: readonly Uint8Array[],
  nowMs: TimestampMs,
  crc32c: Crc32c,
): Uint8Array {
  return plainBatch(frames.map((value) => ({ value })), nowMs, crc32c);
}

export function encodeControlBatch(
  controls: readonly ControlRecord[],
  nowMs: TimestampMs,
  crc32c: Crc32c,
): Uint8Array {
  const inputs = controls.map(({ type, value }): RecordInput => ({ key: controlKey(type), value }));
  return plainBatch(inputs, nowMs, crc32c, CONTROL_BIT);
}

export function stampRaftBatch(bytes: Uint8Array, baseOffset: number, epoch: LeaderEpoch): Uint8Array {
  stampBatch(bytes, 0, baseOffset as Offset, epoch);
  return bytes;
}

/** What a leader writes first in its epoch. */
export function leaderChange(leaderId: number, voterIds: readonly number[]): ControlRecord {
  const voters = voterIds.map((voterId) => ({ voterId }));
  const value = { version: 0, leaderId, voters, grantingVoters: voters };
  return { type: ControlType.LEADER_CHANGE, value: interpretEncode(leaderChangeMessage, 0, value) };
}

export function snapshotHeader(lastContainedLogTimestamp: TimestampMs): ControlRecord {
  const value = { version: 0, lastContainedLogTimestamp };
  return { type: ControlType.SNAPSHOT_HEADER, value: interpretEncode(snapshotHeaderRecord, 0, value) };
}

export function snapshotFooter(): ControlRecord {
  const value = { version: 0 };
  return { type: ControlType.SNAPSHOT_FOOTER, value: interpretEncode(snapshotFooterRecord, 0, value) };
}

/** What is wrong with bytes that should be whole batches, and where. */
export class RaftBatchError extends DataDirectoryError {
  readonly at: number;

  constructor(at: number, what: string, cause?: unknown) {
    super("DAMAGED", `damaged batch of metadata at byte ${at}: ${what}`, cause);
    this.at = at;
  }
}

/**
 * The batches in bytes[0, end), each checked by its length and CRC. Those that end below `from` are
 * checked, but their records are not read. Throws RaftBatchError where they are damaged,
 * DataDirectoryError where they come from a newer Kafka.
 */
export function* readRaftBatches(
  bytes: Uint8Array,
  crc32c: Crc32c,
  { from = 0, end = bytes.length }: { readonly from?: number; readonly end?: number } = {},
): Generator<RaftBatch> {
  for (let at = 0; at < end; ) {
    const size = checkBatch(bytes, at, end, crc32c);
    if (lastOffsetOf(bytes, at) >= from) yield readBatch(bytes, at, size);
    at += size;
  }
}

/** The size of the batch at `at`. */
function checkBatch(bytes: Uint8Array, at: number, end: number, crc32c: Crc32c): number {
  if (end - at < BATCH_HEADER_BYTES) throw new RaftBatchError(at, "its header is cut short");
  const size = batchBytesOf(bytes, at);
  if (size < BATCH_HEADER_BYTES || size > end - at) throw new RaftBatchError(at, `${size} bytes long`);
  if (magicOf(bytes, at) !== MAGIC_V2) throw new RaftBatchError(at, `magic ${magicOf(bytes, at)}`);
  const crc = crc32c(bytes, at + ATTRIBUTES_AT, at + size);
  if (crc !== readUint32(bytes, at + CRC_AT)) throw new RaftBatchError(at, "its checksum is wrong");
  if ((attributesOf(bytes, at) & CODEC_MASK) !== 0) throw new RaftBatchError(at, "it is compressed");
  return size;
}

function readBatch(bytes: Uint8Array, at: number, size: number): RaftBatch {
  const unpacked = bytes.subarray(at + BATCH_HEADER_BYTES, at + size);
  const isControl = (attributesOf(bytes, at) & CONTROL_BIT) !== 0;
  const records: MetadataRecord[] = [];
  const controls: ControlRecord[] = [];
  try {
    for (const { key, value } of readRecords(bytes, at, unpacked)) {
      if (value === null) throw new RaftBatchError(at, "a record without value");
      if (!isControl) records.push(decodeMetadataRecord(value));
      else if (key !== null && key.length >= 4) controls.push({ type: readInt16(key, 2), value });
      else throw new RaftBatchError(at, "a control record without type");
    }
  } catch (error) {
    if (error instanceof DataDirectoryError) throw error;
    throw new RaftBatchError(at, String(error), error);
  }
  return {
    sizeBytes: size,
    baseOffset: baseOffsetOf(bytes, at),
    lastOffset: lastOffsetOf(bytes, at),
    epoch: leaderEpochOf(bytes, at),
    timestamp: maxTimestampOf(bytes, at),
    records,
    controls,
  };
}

function controlKey(type: number): Uint8Array {
  const key = new Uint8Array(4);
  writeInt16(key, 2, type);
  return key;
}
