import { assert } from "../base/assert.ts";
import { DataDirectoryError } from "../model/errors.ts";
import { CONFIG_VALUE_LENGTH_MAX, METADATA_BATCH_BYTES_MAX } from "../model/limits.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../model/offsets.ts";
import type { Crc32c } from "../model/records.ts";
import { decode } from "../wire/codec.ts";
import { snapshotHeaderRecord } from "../wire/records/control_records.ts";
import { ImageDelta } from "./image_delta.ts";
import type { MetadataImage } from "./image.ts";
import { EMPTY_IMAGE } from "./image.ts";
import { imageRecords } from "./image_records.ts";
import type { ControlRecord } from "./raft_batch.ts";
import {
  ControlType,
  encodeControlBatch,
  encodeFrames,
  readRaftBatches,
  snapshotFooter,
  snapshotHeader,
  stampRaftBatch,
} from "./raft_batch.ts";
import type { MetadataRecord } from "./records.ts";
import { encodeMetadataRecord } from "./records.ts";

/**
 * Snapshots of the metadata log: the whole image as one file of ordinary batches (KIP-630).
 *
 *   <end offset, 20 digits>-<epoch, 10 digits>.checkpoint      what the log says below the end offset
 *     control batch   header (+ kraft.version and voters of a quorum that can change)
 *     data batches    the records of the image, offsets from 0 on, in the snapshot's epoch
 *     control batch   footer: the file is whole
 */
export interface SnapshotId {
  /** Exclusive. */
  readonly endOffset: Offset;
  readonly epoch: LeaderEpoch;
}

export interface SnapshotFile extends SnapshotId {
  readonly name: string;
  /** Half written or half deleted: to be removed. */
  readonly isRest: boolean;
}

export interface Snapshot {
  readonly image: MetadataImage;
  /** Raft's own records: kraft.version and voters, kept for the next snapshot. */
  readonly controls: readonly ControlRecord[];
}

const SNAPSHOT_NAME = /^(\d{20})-(\d{10})(.*)\.checkpoint(\.part|\.deleted)?$/;

/** A batch is closed at this size: about a millisecond of encoding, between which the loop is free. */
const SNAPSHOT_BATCH_BYTES = 64 * 1024;
assert(
  SNAPSHOT_BATCH_BYTES + 4 * CONFIG_VALUE_LENGTH_MAX <= METADATA_BATCH_BYTES_MAX,
  "the record that closes a batch must fit, too",
);

export function snapshotFileName({ endOffset, epoch }: SnapshotId): string {
  return `${String(endOffset).padStart(20, "0")}-${String(epoch).padStart(10, "0")}.checkpoint`;
}

/** Null: not the name of a snapshot, whole or not. */
export function parseSnapshotName(name: string): SnapshotFile | null {
  const match = SNAPSHOT_NAME.exec(name);
  if (match === null) return null;
  const [, endOffset, epoch, unique, suffix] = match;
  return {
    name,
    endOffset: Number(endOffset) as Offset,
    epoch: Number(epoch) as LeaderEpoch,
    isRest: suffix !== undefined || unique !== "",
  };
}

export interface SnapshotContent {
  readonly records: Iterable<MetadataRecord>;
  readonly controls: readonly ControlRecord[];
  readonly epoch: LeaderEpoch;
  readonly lastContainedLogTimestamp: TimestampMs;
}

/** The bytes of a snapshot file. Also of `bootstrap.checkpoint`, which is one in epoch 0. */
export function encodeSnapshot(content: SnapshotContent, nowMs: TimestampMs, crc32c: Crc32c): Uint8Array {
  return Buffer.concat([...snapshotBatches(content, nowMs, crc32c)]);
}

/** The batches of an image's snapshot, made one by one as they are asked for. */
export function imageSnapshotBatches(
  snapshot: Snapshot,
  id: SnapshotId,
  nowMs: TimestampMs,
  crc32c: Crc32c,
): Generator<Uint8Array> {
  const content = {
    records: imageRecords(snapshot.image),
    controls: snapshot.controls,
    epoch: id.epoch,
    lastContainedLogTimestamp: snapshot.image.position.timestamp,
  };
  return snapshotBatches(content, nowMs, crc32c);
}

function* snapshotBatches(
  content: SnapshotContent,
  nowMs: TimestampMs,
  crc32c: Crc32c,
): Generator<Uint8Array> {
  const { epoch } = content;
  const header = [snapshotHeader(content.lastContainedLogTimestamp), ...content.controls];
  yield stampRaftBatch(encodeControlBatch(header, nowMs, crc32c), 0, epoch);
  let offset = header.length;
  let frames: Uint8Array[] = [];
  let bytes = 0;
  const close = () => {
    const batch = stampRaftBatch(encodeFrames(frames, nowMs, crc32c), offset, epoch);
    offset += frames.length;
    frames = [];
    bytes = 0;
    return batch;
  };
  for (const record of content.records) {
    const frame = encodeMetadataRecord(record);
    frames.push(frame);
    bytes += frame.length;
    if (bytes >= SNAPSHOT_BATCH_BYTES) yield close();
  }
  if (frames.length > 0) yield close();
  yield stampRaftBatch(encodeControlBatch([snapshotFooter()], nowMs, crc32c), offset, epoch);
}

/** Throws DataDirectoryError: DAMAGED when the file is not whole, NEWER_FORMAT when it is too new. */
export function decodeSnapshot(bytes: Uint8Array, id: SnapshotId, crc32c: Crc32c): Snapshot {
  const delta = new ImageDelta(EMPTY_IMAGE);
  const controls: ControlRecord[] = [];
  let [hasHeader, hasFooter] = [false, false];
  let timestamp = -1;
  for (const batch of readRaftBatches(bytes, crc32c)) {
    if (hasFooter) throw incomplete(id, "it goes on after its footer");
    for (const control of batch.controls) {
      if (control.type === ControlType.SNAPSHOT_HEADER) {
        timestamp = decode(snapshotHeaderRecord, 0, control.value).lastContainedLogTimestamp;
        hasHeader = true;
      } else if (control.type === ControlType.SNAPSHOT_FOOTER) hasFooter = true;
      else controls.push({ type: control.type, value: control.value.slice() });
    }
    if (!hasHeader) throw incomplete(id, "it has no header");
    for (const record of batch.records) delta.replay(record);
  }
  if (!hasFooter) throw incomplete(id, "it has no footer");
  const image = delta.apply({
    offset: (id.endOffset - 1) as Offset,
    epoch: id.epoch,
    timestamp: timestamp as TimestampMs,
  });
  return { image, controls };
}

/** The records of a `bootstrap.checkpoint`. */
export function bootstrapRecords(bytes: Uint8Array, crc32c: Crc32c): MetadataRecord[] {
  return [...readRaftBatches(bytes, crc32c)].flatMap((batch) => batch.records);
}

function incomplete(id: SnapshotId, what: string): DataDirectoryError {
  return new DataDirectoryError("DAMAGED", `metadata snapshot ${snapshotFileName(id)} is not whole: ${what}`);
}
