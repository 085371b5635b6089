import type { Native } from "../../native/native.ts";
import { readInt16 } from "../base/int64.ts";
import type { DiskFile } from "../io/disk.ts";
import { CompressionError, codecName } from "../model/compression.ts";
import type { Codec, Codecs } from "../model/compression.ts";
import * as batch from "../model/record_batch.ts";
import { RecordsError, readRecords } from "../model/records.ts";
import type { StoredRecord } from "../model/records.ts";
import { decode } from "../wire/codec.ts";
import {
  endTxnMarker,
  kRaftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from "../wire/records/control_records.ts";
import { WireError } from "../wire/wire_error.ts";
import { FileWindow } from "./check_window.ts";

export interface BatchDumpOptions {
  readonly codecs: Codecs;
  /** A line for each record, too. */
  readonly deepIteration: boolean;
  /** Keys and values as text; implies deepIteration. */
  readonly printData: boolean;
  /** What to print for a value instead, such as a metadata record; implies deepIteration. */
  readonly decodeValue?: (value: Uint8Array) => string;
}

/** No honest batch unpacks to more. */
const UNPACKED_BYTES_MAX = 1 << 30;

/** Sequence numbers are 31-bit and wrap to 0. */
const SEQUENCES = 2 ** 31;

/** The batches of a file up to `size`, one line each, with a line for each record when asked. */
export function* dumpBatches(
  file: DiskFile,
  size: number,
  native: Native,
  options: BatchDumpOptions,
): Generator<string, void, undefined> {
  const window = new FileWindow(file, size);
  const isDeep = options.deepIteration || options.printData || options.decodeValue !== undefined;
  let position = 0;
  while (size - position >= batch.BATCH_HEADER_BYTES) {
    if (!window.load(position, batch.BATCH_HEADER_BYTES)) break;
    const bytesInBatch = batch.batchBytesOf(window.bytes, window.at);
    if (batch.magicOf(window.bytes, window.at) !== batch.MAGIC_V2) break;
    if (bytesInBatch < batch.BATCH_HEADER_BYTES || bytesInBatch > size - position) break;
    if (!window.load(position, bytesInBatch)) break;
    // A copy: whoever takes the lines may let others read through this window's file meanwhile.
    const bytes = window.bytes.slice(window.at, window.at + bytesInBatch);
    yield batchLine(bytes, position, native);
    if (isDeep) yield* recordLines(bytes, options);
    position += bytesInBatch;
  }
  if (position < size) yield `Found ${size - position} invalid bytes at the end of ${nameOf(file.path)}`;
}

function batchLine(bytes: Uint8Array, position: number, native: Native): string {
  const attributes = batch.attributesOf(bytes, 0);
  const baseSequence = batch.baseSequenceOf(bytes, 0);
  const delta = batch.lastOffsetDeltaOf(bytes, 0);
  const hasHorizon = (attributes & batch.DELETE_HORIZON_BIT) !== 0;
  const horizon = hasHorizon ? `OptionalLong[${batch.baseTimestampOf(bytes, 0)}]` : "OptionalLong.empty";
  const crc = batch.crcOf(bytes, 0);
  const isValid = native.crc32c(bytes, batch.ATTRIBUTES_AT, bytes.length) === crc;
  return `baseOffset: ${batch.baseOffsetOf(bytes, 0)} lastOffset: ${batch.lastOffsetOf(bytes, 0)} ` +
    `count: ${batch.recordsCountOf(bytes, 0)} baseSequence: ${baseSequence} ` +
    `lastSequence: ${baseSequence < 0 ? -1 : (baseSequence + delta) % SEQUENCES} ` +
    `producerId: ${batch.producerIdOf(bytes, 0)} producerEpoch: ${batch.producerEpochOf(bytes, 0)} ` +
    `partitionLeaderEpoch: ${batch.leaderEpochOf(bytes, 0)} ` +
    `isTransactional: ${(attributes & batch.TRANSACTIONAL_BIT) !== 0} ` +
    `isControl: ${(attributes & batch.CONTROL_BIT) !== 0} deleteHorizonMs: ${horizon} ` +
    `position: ${position} ${timestampType(attributes)}: ${batch.maxTimestampOf(bytes, 0)} ` +
    `size: ${bytes.length} magic: ${batch.magicOf(bytes, 0)} ` +
    `compresscodec: ${codecName(attributes & batch.CODEC_MASK) ?? "unknown"} crc: ${crc} isvalid: ${isValid}`;
}

function* recordLines(
  bytes: Uint8Array,
  options: BatchDumpOptions,
): Generator<string, void, undefined> {
  const attributes = batch.attributesOf(bytes, 0);
  const isControl = (attributes & batch.CONTROL_BIT) !== 0;
  const baseOffset = batch.baseOffsetOf(bytes, 0);
  const baseSequence = batch.baseSequenceOf(bytes, 0);
  try {
    const packed = bytes.subarray(batch.RECORDS_AT);
    const codec = attributes & batch.CODEC_MASK;
    const unpacked = codec === 0
      ? packed
      : options.codecs.decompressNow(codec as Codec, packed, UNPACKED_BYTES_MAX);
    for (const record of readRecords(bytes, 0, unpacked)) {
      const sequence = baseSequence < 0 ? -1 : (baseSequence + record.offset - baseOffset) % SEQUENCES;
      const head = `| offset: ${record.offset} ${timestampType(attributes)}: ${record.timestamp} ` +
        `keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1} ` +
        `sequence: ${sequence} headerKeys: [${record.headers.map(({ key }) => key).join(",")}]`;
      yield head + (isControl ? ` ${controlText(record)}` : dataText(record, options));
    }
  } catch (error) {
    if (!(error instanceof RecordsError || error instanceof CompressionError)) throw error;
    yield `| cannot be read: ${error.message}`;
  }
}

function dataText(record: StoredRecord, options: BatchDumpOptions): string {
  const { decodeValue } = options;
  if (decodeValue !== undefined) {
    if (record.value === null) return "";
    try {
      return ` payload: ${decodeValue(record.value)}`;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return ` payload: Error at ${record.offset}, skipping. ${reason}`;
    }
  }
  if (!options.printData) return "";
  const utf8 = new TextDecoder();
  return (record.key === null ? "" : ` key: ${utf8.decode(record.key)}`) +
    (record.value === null ? "" : ` payload: ${utf8.decode(record.value)}`);
}

/** What a control record says, in JSON where Kafka prints JSON. */
function controlText({ key, value }: StoredRecord): string {
  if (key === null || key.length < 4) return "controlType: none";
  const type = readInt16(key, 2);
  const bytes = value ?? new Uint8Array(0);
  try {
    switch (type) {
      case 0:
      case 1: {
        const { coordinatorEpoch } = decode(endTxnMarker, 0, bytes, 2);
        return `endTxnMarker: ${type === 0 ? "ABORT" : "COMMIT"} coordinatorEpoch: ${coordinatorEpoch}`;
      }
      case 2: return `LeaderChange: ${leaderChangeText(bytes)}`;
      case 3: return `SnapshotHeader ${JSON.stringify(decode(snapshotHeaderRecord, 0, bytes))}`;
      case 4: return `SnapshotFooter ${JSON.stringify(decode(snapshotFooterRecord, 0, bytes))}`;
      case 5: return `KRaftVersion ${JSON.stringify(decode(kRaftVersionRecord, 0, bytes))}`;
      case 6: return `KRaftVoters ${JSON.stringify(decode(votersRecord, 0, bytes))}`;
      default: return `controlType: UNKNOWN(${type})`;
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return `controlType: ${type}, cannot be read: ${error.message}`;
  }
}

function leaderChangeText(bytes: Uint8Array): string {
  const version = readInt16(bytes, 0);
  const change = decode(leaderChangeMessage, Math.max(0, Math.min(version, 1)), bytes);
  const voters = (list: typeof change.voters) =>
    list.map(({ voterId, voterDirectoryId }) => (version > 0 ? { voterId, voterDirectoryId } : { voterId }));
  return JSON.stringify({
    version: change.version,
    leaderId: change.leaderId,
    voters: voters(change.voters),
    grantingVoters: voters(change.grantingVoters),
  });
}

function timestampType(attributes: number): string {
  return (attributes & batch.TIMESTAMP_TYPE_BIT) !== 0 ? "LogAppendTime" : "CreateTime";
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
