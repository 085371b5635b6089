import type { Uuid } from "../base/uuid.ts";
import type { Cancel } from "../io/clock.ts";
import type { Logger } from "../io/logger.ts";
import { DataDirectoryError, DiskFault } from "../model/errors.ts";
import type { LogConfig } from "../model/log_config.ts";
import type { Offset } from "../model/offsets.ts";
import type { DirectoryCheckpoints } from "./directory_checkpoints.ts";
import type { Log } from "./log.ts";
import type { LogEnvironment } from "./log_environment.ts";
import { SlicedWork } from "./sliced_work.ts";
import type { SpaceGuard } from "./space_guard.ts";

/** Kafka's names: log.retention.check.interval.ms and so on. */
export interface DirectorySettings {
  readonly retentionCheckIntervalMs: number;
  /** The first look comes sooner: a broker that restarts often must delete, too. */
  readonly retentionFirstCheckMs: number;
  /** log.flush.offset.checkpoint.interval.ms */
  readonly recoveryPointIntervalMs: number;
  /** log.flush.start.offset.checkpoint.interval.ms */
  readonly logStartIntervalMs: number;
  /** replica.high.watermark.checkpoint.interval.ms */
  readonly highWatermarkIntervalMs: number;
  /** producer.id.expiration.check.interval.ms */
  readonly producerExpirationIntervalMs: number;
  /** How often free bytes are looked at. */
  readonly spaceCheckIntervalMs: number;
  /** Below this many free bytes records are refused. */
  readonly freeBytesFloor: number;
  /** log.segment.delete.delay.ms, where a topic does not say otherwise. */
  readonly fileDeleteDelayMs: number;
}

export const DIRECTORY_SETTINGS_DEFAULTS: DirectorySettings = {
  retentionCheckIntervalMs: 300_000,
  retentionFirstCheckMs: 30_000,
  recoveryPointIntervalMs: 60_000,
  logStartIntervalMs: 60_000,
  highWatermarkIntervalMs: 5_000,
  producerExpirationIntervalMs: 600_000,
  spaceCheckIntervalMs: 250,
  // Room for checkpoints, indexes of every active segment and a metadata snapshot.
  freeBytesFloor: 128 * 1024 * 1024,
  fileDeleteDelayMs: 60_000,
};

/** What the metadata knows, asked by upkeep. */
export interface PartitionSource {
  /** Null: no such partition on this node; its directory is set aside by whoever finds that out. */
  describe(topic: string, partition: number): { topicId: Uuid; config: LogConfig } | null;
  highWatermarkOf(log: Log): Offset;
}

export interface UpkeepEntry {
  readonly topic: string;
  readonly partition: number;
  readonly log: Log | null;
  readonly needsRecovery: boolean;
}

export interface UpkeepOptions {
  readonly environment: LogEnvironment;
  readonly settings: DirectorySettings;
  readonly logger: Logger;
  readonly checkpoints: DirectoryCheckpoints;
  readonly space: SpaceGuard;
  readonly entries: () => Iterable<UpkeepEntry>;
  readonly openEntry: (entry: UpkeepEntry, topicId: Uuid, config: LogConfig) => Log;
}

/**
 * What goes on beside the requests: retention, checkpoints, expiry of idle producers, free bytes, and
 * the recovery of logs that nobody has asked for yet. Long passes go in slices; a pass never overlaps
 * itself.
 */
export class DirectoryUpkeep {
  readonly #options: UpkeepOptions;
  readonly #work: SlicedWork;
  readonly #timers: Cancel[] = [];
  readonly #running = new Map<string, Promise<void>>();
  /** Per log: its written offset when its indexes were last saved. */
  readonly #saved = new WeakMap<Log, Offset>();
  #source: PartitionSource | null = null;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#work = new SlicedWork(options.environment.clock);
  }

  start(source: PartitionSource): void {
    this.#source = source;
    const { settings, space, checkpoints } = this.#options;
    const { clock } = this.#options.environment;
    space.look();
    this.#every(settings.spaceCheckIntervalMs, () => space.look());
    this.#every(settings.highWatermarkIntervalMs, () =>
      this.#once("high watermarks", async () => {
        for (const { log } of this.#options.entries()) if (log !== null) this.#noteHighWatermark(log);
        await checkpoints.writeHighWatermarks();
      }),
    );
    this.#every(settings.recoveryPointIntervalMs, () => void this.checkpointRecoveryPoints());
    this.#every(settings.logStartIntervalMs, () =>
      this.#once("log starts", async () => {
        for (const { log } of this.#options.entries()) if (log !== null) this.#noteLogStart(log);
        await checkpoints.writeLogStarts();
      }),
    );
    this.#every(settings.producerExpirationIntervalMs, () =>
      this.#once("producer expiration", () =>
        this.#work.run(this.#options.entries(), ({ log }) => log?.expireProducers(clock.wallMs()))),
    );
    this.#timers.push(
      clock.after(settings.retentionFirstCheckMs, () => {
        this.#enforceRetention();
        this.#every(settings.retentionCheckIntervalMs, () => this.#enforceRetention());
      }),
    );
    this.#once("recovery", () => this.#recoverRest());
  }

  /** Ends all passes. What is under way at the disk is waited for. */
  async stop(): Promise<void> {
    for (const cancel of this.#timers.splice(0)) cancel();
    this.#work.stop();
    await Promise.all(this.#running.values());
  }

  checkpointRecoveryPoints(): Promise<void> {
    return this.#once("recovery points", async () => {
      await this.#work.run(this.#options.entries(), ({ log }) => {
        if (log !== null) this.#saveIndexes(log);
      });
      for (const { log } of this.#options.entries()) if (log !== null) this.#noteRecoveryPoint(log);
      await this.#options.checkpoints.writeRecoveryPoints();
    });
  }

  /** Log starts as they are now: rejects with the DiskFault when they could not be written. */
  async persistLogStarts(): Promise<void> {
    for (const { log } of this.#options.entries()) {
      if (log === null) continue;
      this.#noteHighWatermark(log);
      this.#noteLogStart(log);
    }
    await this.#options.checkpoints.persistLogStarts();
  }

  /** Takes down all offsets of a log that was closed, for the checkpoints of a clean stop. */
  noteOffsets({ log }: UpkeepEntry): void {
    if (log === null) return;
    if (log.isOnDisk) {
      // Closing has synced all there is, which a log that was recovered and not touched since may not know.
      const { topic, partition, syncedOffset } = log;
      this.#options.checkpoints.setRecoveryPoint(topic, partition, syncedOffset);
    }
    this.#noteLogStart(log);
    this.#noteHighWatermark(log);
  }

  #noteRecoveryPoint(log: Log): void {
    if (!log.isOnDisk) return;
    this.#options.checkpoints.setRecoveryPoint(log.topic, log.partition, log.recoveryPoint);
  }

  #noteLogStart(log: Log): void {
    if (!log.isOnDisk) return;
    const firstBase = log.segments[0]?.baseOffset ?? log.logStartOffset;
    const start = log.logStartOffset > firstBase ? log.logStartOffset : null;
    this.#options.checkpoints.setLogStart(log.topic, log.partition, start);
  }

  #noteHighWatermark(log: Log): void {
    if (!log.isOnDisk) return;
    const highWatermark = this.#source?.highWatermarkOf(log) ?? log.stableOffset;
    this.#options.checkpoints.setHighWatermark(log.topic, log.partition, highWatermark);
  }

  #saveIndexes(log: Log): void {
    if (!log.isOnDisk || this.#saved.get(log) === log.writtenOffset) return;
    this.#guarded(log, "indexes", () => log.checkpoint());
    this.#saved.set(log, log.writtenOffset);
  }

  #enforceRetention(): void {
    const { entries, environment } = this.#options;
    this.#once("retention", () =>
      this.#work.run(entries(), (entry) => {
        const log = this.#opened(entry);
        if (log === null || !log.isOnDisk || environment.disk.fault !== null) return;
        this.#guarded(log, "retention", () => {
          const highWatermark = this.#source?.highWatermarkOf(log) ?? log.stableOffset;
          log.enforceRetention(environment.clock.wallMs(), highWatermark);
        });
      }),
    );
  }

  /** Opens what an unclean stop left behind, one after the other. */
  #recoverRest(): Promise<void> {
    return this.#work.run([...this.#options.entries()], (entry) => {
      if (entry.needsRecovery) this.#opened(entry);
    });
  }

  #opened(entry: UpkeepEntry): Log | null {
    if (entry.log !== null) return entry.log;
    const known = this.#source?.describe(entry.topic, entry.partition) ?? null;
    if (known === null) return null;
    try {
      return this.#options.openEntry(entry, known.topicId, known.config);
    } catch (error) {
      this.#tell(entry, "open", error);
      return null;
    }
  }

  #guarded(log: Log, what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#tell(log, what, error);
    }
  }

  /** Faults of the disk are told and outlived; anything else is a mistake of the program. */
  #tell(where: { topic: string; partition: number }, what: string, error: unknown): void {
    if (!(error instanceof DiskFault || error instanceof DataDirectoryError)) throw error;
    this.#options.logger.warn("upkeep of a log failed", {
      what,
      topic: where.topic,
      partition: where.partition,
      reason: error.message,
    });
  }

  #every(periodMs: number, action: () => void): void {
    this.#timers.push(this.#options.environment.clock.every(periodMs, action));
  }

  /** Starts a pass unless the same one is still under way; the promise of that one then. */
  #once(name: string, pass: () => Promise<void>): Promise<void> {
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    const promise = pass().finally(() => this.#running.delete(name));
    this.#running.set(name, promise);
    return promise;
  }
}
