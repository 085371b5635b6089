import { assert } from "../base/assert.ts";
import { METADATA_TOPIC_ID, ZERO_UUID } from "../base/uuid.ts";
import type { Cancel } from "../io/clock.ts";
import type { Logger } from "../io/logger.ts";
import { METADATA_LOG_DIRECTORY } from "../log/directory_names.ts";
import { Log } from "../log/log.ts";
import type { LogEnvironment } from "../log/log_environment.ts";
import { ErrorCode } from "../model/error_code.ts";
import { DataDirectoryError, KafkaError } from "../model/errors.ts";
import { METADATA_BATCH_BYTES_MAX } from "../model/limits.ts";
import type { LogConfig } from "../model/log_config.ts";
import { LOG_CONFIG_DEFAULTS } from "../model/log_config.ts";
import type { LeaderEpoch, Offset } from "../model/offsets.ts";
import type { Crc32c } from "../model/records.ts";
import { METADATA_TOPIC_NAME } from "../model/topic_name.ts";
import { decode } from "../wire/codec.ts";
import { kRaftVersionRecord, votersRecord } from "../wire/records/control_records.ts";
import type { MetadataImage } from "./image.ts";
import { ImageDelta } from "./image_delta.ts";
import type { LoadedMetadata } from "./metadata_reader.ts";
import { loadMetadata } from "./metadata_reader.ts";
import type { QuorumState } from "./quorum_state.ts";
import { QUORUM_STATE_FILE, formatQuorumState, parseQuorumState } from "./quorum_state.ts";
import type { ControlRecord } from "./raft_batch.ts";
import { ControlType, encodeControlBatch, encodeRaftBatch, leaderChange } from "./raft_batch.ts";
import type { MetadataRecord } from "./records.ts";
import type { SnapshotSettings } from "./snapshot_keeper.ts";
import { SnapshotKeeper } from "./snapshot_keeper.ts";

export interface MetadataLogSettings extends SnapshotSettings {
  /** metadata.log.segment.bytes and .ms */
  readonly segmentBytes: number;
  readonly segmentMs: number;
}

export interface MetadataLogOptions {
  readonly environment: LogEnvironment;
  readonly logger: Logger;
  /** The data directory. */
  readonly dir: string;
  readonly nodeId: number;
  /** The data directory was closed cleanly. */
  readonly cleanStop: boolean;
  /** Throws DataDirectoryError when this metadata cannot be served. */
  readonly check: (image: MetadataImage) => void;
  readonly settings: MetadataLogSettings;
}

export type CommitListener = (image: MetadataImage, delta: ImageDelta) => void;

/** An operation whose records are in the log, but not on the device yet. */
interface PendingOperation {
  readonly image: MetadataImage;
  readonly delta: ImageDelta;
  readonly bytes: number;
}

const NO_SNAPSHOT_AGE = -1;

/**
 * MetadataLog: `__cluster_metadata-0`, led by this node, the only voter.
 *
 *   offsets   0 ... snapshot | committed (on the device)   | pending  |
 *                            `image`, what everybody sees ^  `latest` ^ what the next plan builds on
 *
 * Invariants:
 *  Q1  one operation is one batch: it is there as a whole or not at all
 *  Q2  `image` never runs ahead of what is synced; operations are committed in the order of `append`
 *  Q3  an operation that fails takes all later ones with it: their plans were made on top of it
 *  Q4  the epoch rises at each start, and every batch carries it
 *
 * Owner: the Store. Concurrency: `append` is synchronous up to the sync; what it returns settles in
 * order. Errors: KafkaError from `append`, DataDirectoryError from `open`.
 */
export class MetadataLog {
  readonly #options: MetadataLogOptions;
  readonly #log: Log;
  readonly #crc32c: Crc32c;
  readonly #controls: readonly ControlRecord[];
  readonly #keeper: SnapshotKeeper;
  readonly #epoch: LeaderEpoch;
  readonly #quorum: QuorumState;
  #image: MetadataImage;
  #latest: MetadataImage;
  #pending: PendingOperation[] = [];
  #listener: CommitListener | null = null;
  #quorumStored: Promise<void> = Promise.resolve();
  #snapshotTimer: Cancel | null = null;
  /** The log ends inside a metadata transaction that nobody will finish. */
  readonly #isInTransaction: boolean;

  /**
   * Reads what there is, lets `check` see it, and only then recovers, which may write. Throws
   * DataDirectoryError, DiskFault.
   */
  static open(options: MetadataLogOptions): MetadataLog {
    const { disk } = options.environment;
    const dir = `${options.dir}/${METADATA_LOG_DIRECTORY}`;
    let loaded = loadMetadata(disk, dir, null);
    const stored = disk.readAll(`${dir}/${QUORUM_STATE_FILE}`);
    const quorum = stored === null ? null : parseQuorumState(stored);
    checkVoters(options.nodeId, quorum, loaded.controls);
    options.check(loaded.image);
    let log = openLog(options, dir, 0 as Offset);
    if (loaded.snapshotEndOffset > log.logEndOffset) {
      // The snapshot reaches beyond the log: it says all that the log did, and more.
      log.discard();
      log = openLog(options, dir, loaded.snapshotEndOffset);
    }
    // What stands behind the last batch that could be read is damage, unless recovery took it away.
    if (loaded.endOffset !== log.logEndOffset) loaded = loadMetadata(disk, dir, log.logEndOffset);
    if (loaded.endOffset !== log.logEndOffset) {
      const ends = `${dir} ends at ${log.logEndOffset}, read up to ${loaded.endOffset}`;
      throw new DataDirectoryError("DAMAGED", ends);
    }
    return new MetadataLog(options, log, loaded, quorum);
  }

  private constructor(
    options: MetadataLogOptions,
    log: Log,
    loaded: LoadedMetadata,
    before: QuorumState | null,
  ) {
    const { disk } = options.environment;
    this.#options = options;
    this.#log = log;
    this.#crc32c = (bytes, start, end) => disk.native.crc32c(bytes, start, end);
    this.#controls = loaded.controls;
    this.#image = loaded.image;
    this.#latest = loaded.image;
    this.#isInTransaction = loaded.isInTransaction;
    for (const note of loaded.notes) options.logger.warn("metadata snapshot skipped", { note });
    const newest = Math.max(before?.leaderEpoch ?? 0, loaded.epoch, log.epochs.latestEpoch, 0);
    this.#epoch = (newest + 1) as LeaderEpoch;
    this.#quorum = {
      leaderId: options.nodeId,
      leaderEpoch: this.#epoch,
      votedId: -1,
      votedDirectoryId: before?.votedDirectoryId ?? ZERO_UUID,
      currentVoters: [options.nodeId],
      version: hasChangeableVoters(loaded.controls) ? 1 : 0,
    };
    this.#keeper = new SnapshotKeeper({ ...options, log, loaded, crc32c: this.#crc32c });
  }

  /** Everything up to here is on the device. */
  get image(): MetadataImage {
    return this.#image;
  }

  /** What the next operation must be planned on: `image`, and the operations that are being synced. */
  get latest(): MetadataImage {
    return this.#latest;
  }

  get epoch(): LeaderEpoch {
    return this.#epoch;
  }

  /** The offset that the next record will have. */
  get nextOffset(): Offset {
    return this.#log.logEndOffset;
  }

  get sizeBytes(): number {
    return this.#log.sizeBytes;
  }

  /** Called after every commit. One listener. */
  onCommit(listener: CommitListener): void {
    assert(this.#listener === null, "the metadata log has one listener");
    this.#listener = listener;
  }

  /**
   * Opens this node's epoch; the records of the start go into the same write. The vote is stored beside
   * it: should it be lost, the log itself tells the epoch.
   */
  lead(): void {
    const { clock, disk } = this.#options.environment;
    const control = leaderChange(this.#options.nodeId, [this.#options.nodeId]);
    this.#appendBatch(encodeControlBatch([control], clock.wallMs(), this.#crc32c));
    const path = `${this.#log.dir}/${QUORUM_STATE_FILE}`;
    this.#quorumStored = disk.replaceFileLater(path, formatQuorumState(this.#quorum)).catch((error) => {
      this.#options.logger.warn("quorum-state could not be written", { reason: String(error) });
    });
    this.#snapshotTimer = this.#keeper.watch(() => this.#image, this.#controls);
  }

  /** The record that ends what a crash of another controller left unfinished, if it did. */
  leftovers(): MetadataRecord[] {
    if (!this.#isInTransaction) return [];
    const value = { reason: "the controller was stopped" };
    return [{ kind: "abortTransaction", version: 0, value }];
  }

  /**
   * Appends an operation's records, at least one, as one batch. Resolves to the image with them once they
   * are on the device. Rejects with a KafkaError when they are too large or the disk refuses, and then
   * nothing of them stays.
   */
  async append(records: readonly MetadataRecord[]): Promise<MetadataImage> {
    assert(records.length > 0, "an operation without records");
    const { clock } = this.#options.environment;
    const nowMs = clock.wallMs();
    const delta = new ImageDelta(this.#latest);
    for (const record of records) delta.replay(record);
    const batch = encodeRaftBatch(records, nowMs, this.#crc32c);
    if (batch.length > METADATA_BATCH_BYTES_MAX) {
      throw new KafkaError(
        ErrorCode.POLICY_VIOLATION,
        `the operation takes ${batch.length} bytes of metadata; ${METADATA_BATCH_BYTES_MAX} is the limit`,
      );
    }
    const { lastOffset, settled } = this.#appendBatch(batch);
    const image = delta.apply({ offset: lastOffset, epoch: this.#epoch, timestamp: nowMs });
    const operation = { image, delta, bytes: batch.length };
    this.#latest = image;
    this.#pending.push(operation);
    try {
      await settled;
    } catch (error) {
      this.#fail(operation);
      throw error;
    }
    this.#commit(operation);
    return image;
  }

  /** Writes a snapshot when much would have to be replayed, then closes the log. */
  async close(): Promise<void> {
    this.#snapshotTimer?.();
    await this.#quorumStored;
    await this.#keeper.close(this.#image, this.#controls);
    await this.#log.close();
  }

  /** For a directory that is let go without a word: nothing is written any more. */
  discard(): void {
    this.#snapshotTimer?.();
    this.#log.discard();
  }

  #appendBatch(batch: Uint8Array) {
    const result = this.#log.appendAsLeader([batch], this.#epoch, "raft");
    if (result.ok) return result;
    throw new KafkaError(result.errorCode, `metadata was not written: ${result.message}`);
  }

  #commit(operation: PendingOperation): void {
    assert(this.#pending[0] === operation, "operations are committed in their order");
    this.#pending.shift();
    this.#image = operation.image;
    this.#listener?.(operation.image, operation.delta);
    this.#keeper.grow(operation.bytes, operation.image, this.#controls);
  }

  /** Q3. The log has taken back this batch and all behind it. */
  #fail(operation: PendingOperation): void {
    const at = this.#pending.indexOf(operation);
    if (at < 0) return;
    this.#pending.length = at;
    this.#latest = this.#pending.at(-1)?.image ?? this.#image;
  }
}

function openLog(options: MetadataLogOptions, dir: string, logStartOffset: Offset): Log {
  return Log.open({
    environment: options.environment,
    dir,
    topic: METADATA_TOPIC_NAME,
    partition: 0,
    topicId: METADATA_TOPIC_ID,
    config: logConfig(options.settings),
    // What a clean stop wrote is checked by its CRCs as it is replayed.
    cleanStop: options.cleanStop,
    recoveryPoint: 0 as Offset,
    logStartOffset,
  });
}

/** As Kafka's: nothing is deleted by age or size, but only below a snapshot. */
function logConfig(settings: MetadataLogSettings): LogConfig {
  return {
    ...LOG_CONFIG_DEFAULTS,
    flushMode: "commit",
    maxMessageBytes: METADATA_BATCH_BYTES_MAX,
    retentionBytes: NO_SNAPSHOT_AGE,
    retentionMs: NO_SNAPSHOT_AGE,
    segmentBytes: settings.segmentBytes,
    segmentMs: settings.segmentMs,
  };
}

/** kraft.version 1: the voters stand in the log, and quorum-state has its second format. */
function hasChangeableVoters(controls: readonly ControlRecord[]): boolean {
  const version = controls.findLast((control) => control.type === ControlType.KRAFT_VERSION);
  return version !== undefined && decode(kRaftVersionRecord, 0, version.value).kRaftVersion >= 1;
}

/** Throws DataDirectoryError FOREIGN unless this node is the whole quorum. */
function checkVoters(nodeId: number, stored: QuorumState | null, controls: readonly ControlRecord[]): void {
  const voters = controls.findLast((control) => control.type === ControlType.KRAFT_VOTERS);
  const ids = voters === undefined
    ? stored?.currentVoters ?? []
    : decode(votersRecord, 0, voters.value).voters.map((voter) => voter.voterId);
  if (ids.every((id) => id === nodeId)) return;
  throw new DataDirectoryError(
    "FOREIGN",
    `the data directory belongs to a quorum of controllers ${ids.join(", ")}; a single node is supported`,
  );
}
