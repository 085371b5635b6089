import type { Disk } from "../io/disk.ts";
import { LOG_SUFFIX, parseSegmentFileName } from "../log/segment_names.ts";
import { DataDirectoryError } from "../model/errors.ts";
import type { LeaderEpoch, Offset } from "../model/offsets.ts";
import { NO_EPOCH } from "../model/offsets.ts";
import type { Crc32c } from "../model/records.ts";
import type { ImagePosition } from "./image.ts";
import { EMPTY_IMAGE, MetadataImage } from "./image.ts";
import { ImageDelta } from "./image_delta.ts";
import type { ControlRecord, RaftBatch } from "./raft_batch.ts";
import { ControlType, RaftBatchError, readRaftBatches } from "./raft_batch.ts";
import type { MetadataRecord } from "./records.ts";
import type { Snapshot, SnapshotFile } from "./snapshot.ts";
import { decodeSnapshot, parseSnapshotName } from "./snapshot.ts";

/** What a metadata log says, as it lies on the disk. */
export interface LoadedMetadata {
  readonly image: MetadataImage;
  /** Raft's kraft.version and voters, the latest of each; none in a quorum that cannot change. */
  readonly controls: readonly ControlRecord[];
  /** Behind the last whole batch. */
  readonly endOffset: Offset;
  /** Of the last batch or of the snapshot; -1 when there is neither. */
  readonly epoch: LeaderEpoch;
  /** The log ends inside a metadata transaction: its records are not in the image. */
  readonly isInTransaction: boolean;
  /** Of the snapshot that was loaded; 0 without one. */
  readonly snapshotEndOffset: Offset;
  /** Bytes of log behind that snapshot. */
  readonly bytesSinceSnapshot: number;
  /** Whole ones, oldest first. */
  readonly snapshots: readonly SnapshotFile[];
  /** Files that a crash left behind. */
  readonly rests: readonly string[];
  /** Snapshots that could not be read, and why. */
  readonly notes: readonly string[];
}

/**
 * Reads snapshot and log without changing anything; also beside a running broker. Starts from the
 * newest snapshot that is whole. `endOffset` tells where the log is known to end; without it reading
 * stops at the first batch that is not whole, as the end of a log in use may be.
 *
 * Throws DataDirectoryError: DAMAGED, NEWER_FORMAT.
 */
export function loadMetadata(
  disk: Disk,
  metadataDir: string,
  endOffset: Offset | null,
): LoadedMetadata {
  const crc32c: Crc32c = (bytes, start, end) => disk.native.crc32c(bytes, start, end);
  const names = disk.exists(metadataDir) ? disk.list(metadataDir) : [];
  const files = names.map(parseSnapshotName).filter((file) => file !== null);
  const snapshots = files.filter((file) => !file.isRest)
    .sort((one, other) => one.endOffset - other.endOffset || one.epoch - other.epoch);
  const notes: string[] = [];
  const logs = names.filter((name) => name.endsWith(LOG_SUFFIX) && parseSegmentFileName(name) !== null);
  const logStart = logs.length === 0 ? null : parseSegmentFileName(logs[0]!)!.baseOffset;
  const snapshot = newestSnapshot(disk, metadataDir, { snapshots, crc32c, logStart, notes });
  const replay = new Replay(snapshot);
  const snapshotEndOffset = replay.endOffset;
  for (const name of logs) {
    const bytes = disk.readAll(`${metadataDir}/${name}`);
    if (bytes === null || replay.endOffset === endOffset) continue;
    if (!replayLog(replay, bytes, crc32c, endOffset)) break;
  }
  return {
    ...replay.finish(),
    snapshotEndOffset,
    snapshots,
    rests: names.filter((name) => isRest(name)),
    notes,
  };
}

/** Snapshots that are not whole, and what replaceFile had not yet put in their place. */
function isRest(name: string): boolean {
  return parseSnapshotName(name)?.isRest === true || /^\d{20}-\d{10}\.checkpoint\.tmp$/.test(name);
}

interface SnapshotSearch {
  readonly snapshots: readonly SnapshotFile[];
  readonly crc32c: Crc32c;
  readonly logStart: Offset | null;
  readonly notes: string[];
}

/** The newest that is whole. An older one will do as long as the log begins no later than it ends. */
function newestSnapshot(disk: Disk, dir: string, search: SnapshotSearch): Snapshot {
  const { snapshots, crc32c, logStart, notes } = search;
  let failure: unknown = null;
  for (const file of snapshots.toReversed()) {
    if (logStart !== null && file.endOffset < logStart) break;
    const bytes = disk.readAll(`${dir}/${file.name}`);
    if (bytes === null) continue;
    try {
      return decodeSnapshot(bytes, file, crc32c);
    } catch (error) {
      if (!(error instanceof DataDirectoryError) || error.code !== "DAMAGED") throw error;
      failure = error;
      notes.push(error.message);
    }
  }
  if (logStart === 0 || (logStart === null && failure === null)) return { image: EMPTY_IMAGE, controls: [] };
  throw new DataDirectoryError(
    "DAMAGED",
    `${dir}: the metadata log starts at ${logStart ?? "nowhere"} and no snapshot says what was before`,
    failure,
  );
}

/** False: the log goes on no further than here. */
function replayLog(
  replay: Replay,
  bytes: Uint8Array,
  crc32c: Crc32c,
  endOffset: Offset | null,
): boolean {
  try {
    for (const batch of readRaftBatches(bytes, crc32c, { from: replay.endOffset })) {
      replay.take(batch);
      if (replay.endOffset === endOffset) return false;
    }
  } catch (error) {
    if (!(error instanceof RaftBatchError) || endOffset !== null) throw error;
    return false;
  }
  return true;
}

/**
 * Batches on their way into an image. A metadata transaction (KIP-868) is kept apart until it ends: its
 * records count all together or not at all.
 */
class Replay {
  #committed: ImageDelta;
  /** Records since BeginTransaction. */
  #transaction: MetadataRecord[] | null = null;
  #position: ImagePosition;
  #controls: Map<number, ControlRecord>;
  #bytes = 0;
  endOffset: Offset;

  constructor(snapshot: Snapshot) {
    this.#committed = new ImageDelta(snapshot.image);
    this.#position = snapshot.image.position;
    this.#controls = new Map(snapshot.controls.map((control) => [control.type, control]));
    this.endOffset = (snapshot.image.position.offset + 1) as Offset;
  }

  take(batch: RaftBatch): void {
    if (batch.baseOffset > this.endOffset) {
      throw new DataDirectoryError(
        "DAMAGED",
        `the metadata log has a hole: offset ${batch.baseOffset} follows ${this.endOffset - 1}`,
      );
    }
    for (const control of batch.controls) {
      if (control.type === ControlType.KRAFT_VERSION || control.type === ControlType.KRAFT_VOTERS) {
        this.#controls.set(control.type, { type: control.type, value: control.value.slice() });
      }
    }
    const skipped = this.endOffset - batch.baseOffset;
    for (const record of batch.records.slice(skipped)) this.#replay(record);
    this.endOffset = (batch.lastOffset + 1) as Offset;
    this.#position = { offset: batch.lastOffset, epoch: batch.epoch, timestamp: batch.timestamp };
    this.#bytes += batch.sizeBytes;
  }

  #replay(record: MetadataRecord): void {
    switch (record.kind) {
      case "beginTransaction":
        this.#transaction = [];
        return;
      case "abortTransaction":
        this.#transaction = null;
        return;
      case "endTransaction":
        for (const pending of this.#transaction ?? []) this.#committed.replay(pending);
        this.#transaction = null;
        return;
      default:
        if (this.#transaction !== null) this.#transaction.push(record);
        else this.#committed.replay(record);
    }
  }

  finish() {
    const image = this.#committed.apply(this.#position);
    return {
      image,
      controls: [...this.#controls.values()],
      endOffset: this.endOffset,
      epoch: Math.max(image.position.epoch, NO_EPOCH) as LeaderEpoch,
      isInTransaction: this.#transaction !== null,
      bytesSinceSnapshot: this.#bytes,
    };
  }
}
