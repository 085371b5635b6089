import type { Cancel } from "../io/clock.ts";
import type { Disk } from "../io/disk.ts";
import type { Logger } from "../io/logger.ts";
import type { Log } from "../log/log.ts";
import type { LogEnvironment } from "../log/log_environment.ts";
import { SlicedWork } from "../log/sliced_work.ts";
import { DataDirectoryError, DiskFault } from "../model/errors.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import { batchBytesOf } from "../model/record_batch.ts";
import type { Crc32c } from "../model/records.ts";
import { decode } from "../wire/codec.ts";
import { snapshotHeaderRecord } from "../wire/records/control_records.ts";
import type { MetadataImage } from "./image.ts";
import type { LoadedMetadata } from "./metadata_reader.ts";
import type { ControlRecord } from "./raft_batch.ts";
import { ControlType, readRaftBatches } from "./raft_batch.ts";
import type { SnapshotFile } from "./snapshot.ts";
import { imageSnapshotBatches, snapshotFileName } from "./snapshot.ts";

export interface SnapshotSettings {
  /** metadata.log.max.record.bytes.between.snapshots */
  readonly snapshotBytes: number;
  /** metadata.log.max.snapshot.interval.ms; 0 never. */
  readonly snapshotIntervalMs: number;
  /** metadata.max.retention.bytes and .ms; negative for ever. */
  readonly retentionBytes: number;
  readonly retentionMs: number;
}

export interface SnapshotKeeperOptions {
  readonly environment: LogEnvironment;
  readonly logger: Logger;
  readonly log: Log;
  readonly loaded: LoadedMetadata;
  readonly settings: SnapshotSettings;
  readonly crc32c: Crc32c;
}

/** How often the age of changes is looked at: a small part of the hour that they may wait. */
const AGE_CHECK_MS = 60_000;

/** A clean stop leaves a snapshot when more than this would have to be replayed at the next start. */
const STOP_SNAPSHOT_BYTES = 1024 * 1024;

/** Room for the header of a snapshot, which is its first batch. */
const HEADER_BYTES = 4096;

/**
 * SnapshotKeeper: writes snapshots of the image when the log has grown or its changes have aged, and
 * deletes old ones together with the log below them, as Kafka does (KIP-630).
 *
 * A snapshot is written in slices off the path of requests: the image that it is made of cannot change
 * meanwhile. Failing to write one costs nothing but a longer replay, and is told.
 *
 * Owner: one MetadataLog. Concurrency: one snapshot at a time.
 */
export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #work: SlicedWork;
  #snapshots: readonly SnapshotFile[];
  #bytesSince: number;
  #changedAtMs: number | null = null;
  #running: Promise<void> | null = null;
  /** When the log was last written below each snapshot, by file name. */
  readonly #timestamps = new Map<string, TimestampMs>();

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
    this.#disk = options.environment.disk;
    this.#dir = options.log.dir;
    this.#work = new SlicedWork(options.environment.clock);
    this.#snapshots = options.loaded.snapshots;
    this.#bytesSince = options.loaded.bytesSinceSnapshot;
  }

  /** Begins to watch the age of changes, and clears away what a crash left. */
  watch(image: () => MetadataImage, controls: readonly ControlRecord[]): Cancel {
    const { clock } = this.#options.environment;
    const { snapshotIntervalMs } = this.#options.settings;
    this.#removeRests();
    if (snapshotIntervalMs <= 0) return () => {};
    return clock.every(Math.min(AGE_CHECK_MS, snapshotIntervalMs), () => {
      if (this.#changedAtMs === null) return;
      if (clock.monotonicMs() - this.#changedAtMs < snapshotIntervalMs) return;
      this.#begin(image(), controls);
    });
  }

  /** So many bytes were committed; `image` is the result. */
  grow(bytes: number, image: MetadataImage, controls: readonly ControlRecord[]): void {
    this.#bytesSince += bytes;
    this.#changedAtMs ??= this.#options.environment.clock.monotonicMs();
    if (this.#bytesSince >= this.#options.settings.snapshotBytes) this.#begin(image, controls);
  }

  async close(image: MetadataImage, controls: readonly ControlRecord[]): Promise<void> {
    await this.#running;
    if (this.#bytesSince < STOP_SNAPSHOT_BYTES) return;
    this.#begin(image, controls);
    await this.#running;
  }

  #begin(image: MetadataImage, controls: readonly ControlRecord[]): void {
    if (this.#running !== null || image.position.offset < 0) return;
    this.#bytesSince = 0;
    this.#changedAtMs = null;
    this.#running = this.#write(image, controls).catch((error: unknown) => {
      if (!(error instanceof DiskFault)) throw error;
      this.#options.logger.warn("metadata snapshot was not written", { reason: error.message });
    }).finally(() => {
      this.#running = null;
    });
  }

  async #write(image: MetadataImage, controls: readonly ControlRecord[]): Promise<void> {
    const { epoch, offset, timestamp } = image.position;
    const id = { endOffset: (offset + 1) as Offset, epoch };
    const name = snapshotFileName(id);
    if (this.#snapshots.some((snapshot) => snapshot.name === name)) return;
    const { clock } = this.#options.environment;
    const pieces: Uint8Array[] = [];
    const batches = imageSnapshotBatches({ image, controls }, id, clock.wallMs(), this.#options.crc32c);
    await this.#work.run(batches, (batch) => void pieces.push(batch));
    await this.#disk.replaceFileLater(`${this.#dir}/${name}`, Buffer.concat(pieces));
    this.#snapshots = [...this.#snapshots, { ...id, name, isRest: false }];
    this.#timestamps.set(name, timestamp);
    this.#clean();
  }

  /** Drops the oldest snapshot, and the log below the next one, while there is too much or too old. */
  #clean(): void {
    const { clock } = this.#options.environment;
    while (this.#snapshots.length >= 2 && this.#isTooMuch(clock.wallMs())) {
      const [oldest, next] = this.#snapshots as [SnapshotFile, SnapshotFile];
      const { log } = this.#options;
      log.deleteRecordsBefore(next.endOffset);
      log.enforceRetention(clock.wallMs(), log.stableOffset);
      this.#disk.remove(`${this.#dir}/${oldest.name}`);
      this.#snapshots = this.#snapshots.slice(1);
    }
  }

  #isTooMuch(nowMs: TimestampMs): boolean {
    const { retentionBytes, retentionMs } = this.#options.settings;
    if (retentionBytes >= 0) {
      let total = this.#options.log.sizeBytes;
      for (const { name } of this.#snapshots) {
        total += Math.max(0, this.#disk.fileSize(`${this.#dir}/${name}`));
      }
      if (total > retentionBytes) return true;
    }
    return retentionMs >= 0 && nowMs - this.#timestampOf(this.#snapshots[0]!) > retentionMs;
  }

  #timestampOf(snapshot: SnapshotFile): TimestampMs {
    const known = this.#timestamps.get(snapshot.name);
    if (known !== undefined) return known;
    const timestamp = this.#readTimestamp(snapshot);
    this.#timestamps.set(snapshot.name, timestamp);
    return timestamp;
  }

  /** From the header. A snapshot that cannot be read counts as new: it is deleted for its size alone. */
  #readTimestamp(snapshot: SnapshotFile): TimestampMs {
    const file = this.#disk.file(`${this.#dir}/${snapshot.name}`);
    const bytes = new Uint8Array(HEADER_BYTES);
    try {
      const length = file.read(bytes, 0, bytes.length, 0);
      const end = Math.min(length, batchBytesOf(bytes, 0));
      for (const { controls } of readRaftBatches(bytes, this.#options.crc32c, { end })) {
        const header = controls.find((control) => control.type === ControlType.SNAPSHOT_HEADER);
        if (header === undefined) continue;
        return decode(snapshotHeaderRecord, 0, header.value).lastContainedLogTimestamp as TimestampMs;
      }
    } catch (error) {
      if (!(error instanceof DataDirectoryError || error instanceof DiskFault)) throw error;
    } finally {
      file.close();
    }
    return this.#options.environment.clock.wallMs();
  }

  #removeRests(): void {
    for (const name of this.#options.loaded.rests) this.#disk.remove(`${this.#dir}/${name}`);
    const start = this.#options.log.logStartOffset;
    for (const { name } of this.#snapshots.filter((snapshot) => snapshot.endOffset < start)) {
      this.#disk.remove(`${this.#dir}/${name}`);
    }
    this.#snapshots = this.#snapshots.filter((snapshot) => snapshot.endOffset >= start);
  }
}
