import { readInt32, readInt64 } from "../base/int64.ts";
import type { Disk } from "../io/disk.ts";
import { UsageError } from "../model/errors.ts";
import { parseOffsetCheckpoint } from "./checkpoint_file.ts";
import { dumpBatches } from "./dump_batches.ts";
import type { BatchDumpOptions } from "./dump_batches.ts";
import { EPOCH_CHECKPOINT_FILE, parseEpochCheckpoint } from "./epoch_checkpoint.ts";
import { OFFSET_ENTRY_BYTES } from "./offset_index.ts";
import { parseProducerSnapshot } from "./producer_snapshot.ts";
import {
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
  parseSegmentFileName,
} from "./segment_names.ts";
import { TIME_ENTRY_BYTES } from "./time_index.ts";
import { TXN_ENTRY_BYTES, decodeTxnEntry } from "./txn_index.ts";

export type DumpOptions = BatchDumpOptions;

/**
 * The content of one file of a data directory as text, line by line, the way kafka-dump-log prints it:
 * `.log` and metadata `.checkpoint` files batch by batch (record by record when asked), indexes, producer
 * snapshots; beyond that tool the offset and epoch checkpoints.
 *
 * Reads without a lock and changes nothing. Damage is told in a line, and ends what cannot be read on.
 * Throws UsageError for a file of another kind, DiskFault when it cannot be read.
 */
export function* dumpFile(
  disk: Disk,
  path: string,
  options: DumpOptions,
): Generator<string, void, undefined> {
  if (!disk.exists(path)) throw new UsageError(`${path} does not exist`);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const lines = dumpByName(disk, path, name, options);
  if (lines === null) {
    throw new UsageError(`${path} is none of the files that can be shown: ${KNOWN_KINDS}`);
  }
  yield `Dumping ${path}`;
  yield* lines;
}

const KNOWN_KINDS =
  ".log, .index, .timeindex, .txnindex, .snapshot, .checkpoint, *-offset-checkpoint, leader-epoch-checkpoint";

/** The metadata records that a cluster starts with. */
const BOOTSTRAP_FILE = "bootstrap.checkpoint";

/** `<end offset>-<epoch>.checkpoint`, beside the metadata log. */
const METADATA_SNAPSHOT = /^(\d{20})-(\d{10})\.checkpoint$/;

function dumpByName(
  disk: Disk,
  path: string,
  name: string,
  options: DumpOptions,
): Generator<string, void, undefined> | null {
  // A file that is about to be deleted, or half of a compaction, is shown as what it was.
  const file = parseSegmentFileName(name);
  switch (file?.kind) {
    case LOG_SUFFIX: return dumpLog(disk, path, `Log starting offset: ${file.baseOffset}`, options);
    case OFFSET_INDEX_SUFFIX: return dumpOffsetIndex(disk, path, file.baseOffset);
    case TIME_INDEX_SUFFIX: return dumpTimeIndex(disk, path, file.baseOffset);
    case TXN_INDEX_SUFFIX: return dumpTxnIndex(disk, path);
    case SNAPSHOT_SUFFIX: return dumpProducers(disk, path);
    case undefined: break;
  }
  const snapshot = METADATA_SNAPSHOT.exec(name);
  if (snapshot !== null) {
    const head = `Snapshot end offset: ${Number(snapshot[1])}, epoch: ${Number(snapshot[2])}`;
    return dumpLog(disk, path, head, options);
  }
  if (name === EPOCH_CHECKPOINT_FILE) return dumpEpochs(disk, path);
  if (name.endsWith("-offset-checkpoint")) return dumpOffsets(disk, path);
  if (name === BOOTSTRAP_FILE) return dumpLog(disk, path, "KRaft bootstrap snapshot", options);
  return null;
}

function* dumpLog(
  disk: Disk,
  path: string,
  head: string,
  options: DumpOptions,
): Generator<string, void, undefined> {
  yield head;
  const file = disk.file(path);
  try {
    yield* dumpBatches(file, file.size(), disk.native, options);
  } finally {
    file.close();
  }
}

function* dumpOffsetIndex(disk: Disk, path: string, base: number): Generator<string, void, undefined> {
  const bytes = disk.readAll(path)!;
  // No entry points at the first batch: a zero one begins the unused rest of a pre-sized file.
  const isUsed = bytes.length >= OFFSET_ENTRY_BYTES && readInt32(bytes, 4) !== 0;
  if (!isUsed) yield `${path} is empty.`;
  for (let at = 0; at + OFFSET_ENTRY_BYTES <= bytes.length; at += OFFSET_ENTRY_BYTES) {
    const relative = readInt32(bytes, at);
    if (!isUsed || (relative === 0 && at > 0)) return;
    yield `offset: ${base + relative} position: ${readInt32(bytes, at + 4)}`;
  }
}

function* dumpTimeIndex(disk: Disk, path: string, base: number): Generator<string, void, undefined> {
  const bytes = disk.readAll(path)!;
  for (let at = 0; at + TIME_ENTRY_BYTES <= bytes.length; at += TIME_ENTRY_BYTES) {
    const relative = readInt32(bytes, at + 8);
    const timestamp = readInt64(bytes, at);
    if (relative === 0 && (at > 0 || timestamp === 0)) return; // unused, too
    yield `timestamp: ${timestamp} offset: ${base + relative}`;
  }
}

function* dumpTxnIndex(disk: Disk, path: string): Generator<string, void, undefined> {
  const bytes = disk.readAll(path)!;
  for (let at = 0; at + TXN_ENTRY_BYTES <= bytes.length; at += TXN_ENTRY_BYTES) {
    const { producerId, firstOffset, lastOffset, lastStableOffset } = decodeTxnEntry(bytes, at);
    yield `version: 0 producerId: ${producerId} firstOffset: ${firstOffset} ` +
      `lastOffset: ${lastOffset} lastStableOffset: ${lastStableOffset}`;
  }
}

function* dumpProducers(disk: Disk, path: string): Generator<string, void, undefined> {
  const crc32c = (data: Uint8Array, start: number, end: number) => disk.native.crc32c(data, start, end);
  const snapshot = parseProducerSnapshot(disk.readAll(path)!, crc32c);
  if (!snapshot.ok) {
    yield `Damaged in bytes [${snapshot.start}, ${snapshot.end}): ${snapshot.reason}`;
    return;
  }
  for (const entry of snapshot.value) {
    const open = entry.currentTxnFirstOffset;
    let line = `producerId: ${entry.producerId} producerEpoch: ${entry.producerEpoch} ` +
      `coordinatorEpoch: ${entry.coordinatorEpoch} currentTxnFirstOffset: ` +
      `${open < 0 ? "OptionalLong.empty" : `OptionalLong[${open}]`} lastTimestamp: ${entry.timestamp} `;
    if (entry.lastSequence >= 0) {
      // Sequences wrap from 2^31 - 1 to 0.
      const first = entry.lastSequence - entry.offsetDelta;
      line += `firstSequence: ${first < 0 ? first + 2 ** 31 : first} lastSequence: ${entry.lastSequence} ` +
        `lastOffset: ${entry.lastOffset} offsetDelta: ${entry.offsetDelta} timestamp: ${entry.timestamp}`;
    }
    yield line;
  }
}

function* dumpOffsets(disk: Disk, path: string): Generator<string, void, undefined> {
  const checkpoint = parseOffsetCheckpoint(disk.readAll(path)!);
  if (!checkpoint.ok) yield `Damaged in bytes [${checkpoint.start}, ${checkpoint.end}): ${checkpoint.reason}`;
  else {
    for (const { topic, partition, offset } of checkpoint.value) {
      yield `topic: ${topic} partition: ${partition} offset: ${offset}`;
    }
  }
}

function* dumpEpochs(disk: Disk, path: string): Generator<string, void, undefined> {
  const epochs = parseEpochCheckpoint(disk.readAll(path)!);
  if (!epochs.ok) yield `Damaged in bytes [${epochs.start}, ${epochs.end}): ${epochs.reason}`;
  else for (const { epoch, startOffset } of epochs.value) yield `epoch: ${epoch} startOffset: ${startOffset}`;
}
