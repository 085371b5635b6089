import { assert } from "../base/assert.ts";
import type { Uuid } from "../base/uuid.ts";
import type { Disk, DiskLock } from "../io/disk.ts";
import type { Logger } from "../io/logger.ts";
import { DataDirectoryError, DiskFault } from "../model/errors.ts";
import type { LogConfig } from "../model/log_config.ts";
import type { Offset } from "../model/offsets.ts";
import {
  CLEAN_SHUTDOWN_FILE,
  NO_BROKER_EPOCH,
  formatCleanShutdown,
  parseCleanShutdown,
} from "./clean_shutdown.ts";
import { DirectoryCheckpoints } from "./directory_checkpoints.ts";
import { LOCK_FILE, partitionDirectoryName, suffixedDirectoryName } from "./directory_names.ts";
import { inspectDirectory } from "./directory_state.ts";
import type { DirectoryState, ExpectedIdentity } from "./directory_state.ts";
import { DirectoryUpkeep } from "./directory_upkeep.ts";
import type { DirectorySettings, PartitionSource } from "./directory_upkeep.ts";
import { Log } from "./log.ts";
import type { LogEnvironment } from "./log_environment.ts";
import type { MetaProperties } from "./meta_properties.ts";
import {
  PARTITION_METADATA_FILE,
  formatPartitionMetadata,
  parsePartitionMetadata,
} from "./partition_metadata.ts";
import { SpaceGuard } from "./space_guard.ts";

export interface LogDirectoryOptions {
  readonly dir: string;
  readonly environment: LogEnvironment;
  readonly logger: Logger;
  readonly settings: DirectorySettings;
  readonly expected: ExpectedIdentity;
}

/**
 * LogDirectory: one data directory, held by this process alone.
 *
 *   open      inspect without a lock -> lock -> inspect again -> checkpoints -> note and remove the
 *             clean-shutdown marker
 *   in use    logs are opened when asked for; a directory is made at a log's first append
 *   close     logs: sync, trim, snapshot -> checkpoints -> marker, last of all -> lock file unlinked
 *
 * Invariants:
 *  L1  a directory that is refused is left as it was: nothing is written before the lock is held, and
 *      nothing but the lock file before the second look
 *  L2  the marker is durable only while every log is closed, synced and trimmed; its removal is
 *      durable before anything else changes
 *  L3  a partition that was not opened keeps its checkpoint entries; the marker is not written while
 *      one that needs recovery was not opened
 *  L4  a recovery point that is written never passes what is synced
 *
 * Owner: the Store. Concurrency: everything but `close` is synchronous; upkeep runs in slices between.
 * Errors: DataDirectoryError from `open`, DiskFault from everything that touches files.
 */
export class LogDirectory {
  readonly dir: string;
  /** Null: not formatted. Whoever formats it reads it again with `readMeta`. */
  meta: MetaProperties | null;
  readonly wasCleanlyClosed: boolean;
  /** The broker epoch of the run before, if that one closed cleanly and had one; else -1. */
  readonly previousBrokerEpoch: number;
  readonly space: SpaceGuard;
  readonly #environment: LogEnvironment;
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #settings: DirectorySettings;
  readonly #lock: DiskLock;
  readonly #checkpoints: DirectoryCheckpoints;
  readonly #upkeep: DirectoryUpkeep;
  readonly #topics = new Map<string, Map<number, PartitionEntry>>();
  #isClosed = false;
  /** Directories of deleted partitions that are still there. */
  readonly #deleted = new Set<string>();

  /** Throws DataDirectoryError with one line that says what to do. */
  static open(options: LogDirectoryOptions): LogDirectory {
    const { disk } = options.environment;
    const { dir, expected } = options;
    inspectDirectory(disk, dir, expected);
    const lockPath = `${dir}/${LOCK_FILE}`;
    const lockFileWasThere = disk.exists(lockPath);
    const lock = takeLock(disk, dir, lockPath);
    try {
      return new LogDirectory(options, lock, inspectDirectory(disk, dir, expected));
    } catch (error) {
      if (lockFileWasThere) lock.release();
      else lock.unlinkAndRelease();
      throw error;
    }
  }

  private constructor(options: LogDirectoryOptions, lock: DiskLock, state: DirectoryState) {
    this.dir = options.dir;
    this.meta = state.meta;
    this.#environment = options.environment;
    this.#disk = options.environment.disk;
    this.#logger = options.logger;
    this.#settings = options.settings;
    this.#lock = lock;
    this.#checkpoints = new DirectoryCheckpoints(this.#disk, this.dir, this.#logger);
    const marker = this.#takeMarker();
    this.wasCleanlyClosed = marker !== null;
    this.previousBrokerEpoch = marker ?? NO_BROKER_EPOCH;
    this.#register(state);
    this.#checkpoints.keepOnly((topic, partition) => this.#find(topic, partition) !== null);
    const { freeBytesFloor } = options.settings;
    this.space = new SpaceGuard(this.#environment, this.dir, freeBytesFloor, this.#logger);
    this.#upkeep = new DirectoryUpkeep({
      environment: this.#environment,
      settings: options.settings,
      logger: this.#logger,
      checkpoints: this.#checkpoints,
      space: this.space,
      entries: () => this.#entries(),
      openEntry: (entry, topicId, config) => this.openLog(entry.topic, entry.partition, topicId, config),
    });
    this.#disk.onFault((fault) => {
      this.#logger.error("disk failed: nothing is written to this directory any more", {
        dir: this.dir,
        stage: fault.stage,
        path: fault.path,
        code: fault.systemCode,
      });
    });
  }

  /** Begins the background work. `source` says what the metadata knows of each partition. */
  start(source: PartitionSource): void {
    this.#upkeep.start(source);
  }

  /** Logs that are open now. */
  *logs(): Generator<Log, void, undefined> {
    for (const entry of this.#entries()) if (entry.log !== null) yield entry.log;
  }

  /** Partitions that are open or have a directory. */
  *partitions(): Generator<{ readonly topic: string; readonly partition: number }, void, undefined> {
    yield* this.#entries();
  }

  findLog(topic: string, partition: number): Log | null {
    return this.#find(topic, partition)?.log ?? null;
  }

  /**
   * The log of a partition, opened and, after an unclean stop, recovered if it is not open yet. One
   * that has no directory gets it at its first append. A directory of another topic id is set aside
   * first: it belonged to a topic that was deleted.
   */
  openLog(topic: string, partition: number, topicId: Uuid, config: LogConfig): Log {
    assert(!this.#isClosed, "log opened in a closed directory", topic, partition);
    let entry = this.#find(topic, partition);
    if (entry?.log != null) {
      assert(entry.log.topicId === topicId, "log is open under another topic id", topic, partition);
      return entry.log;
    }
    if (entry !== null && !this.#isOfTopic(entry, topicId)) {
      this.setAside(topic, partition);
      entry = null;
    }
    const { recoveryPoint, logStartOffset } = this.#checkpoints.of(topic, partition);
    const log = Log.open({
      environment: this.#environment,
      dir: `${this.dir}/${partitionDirectoryName(topic, partition)}`,
      topic,
      partition,
      topicId,
      config,
      cleanStop: this.wasCleanlyClosed || entry === null,
      recoveryPoint,
      logStartOffset,
    });
    if (entry === null) this.#add({ topic, partition, log, needsRecovery: false });
    else {
      entry.log = log;
      entry.needsRecovery = false;
    }
    return log;
  }

  /** The topic id that a partition's directory carries; null when there is none, or none that reads. */
  topicIdOnDisk(topic: string, partition: number): Uuid | null {
    const path = `${this.dir}/${partitionDirectoryName(topic, partition)}/${PARTITION_METADATA_FILE}`;
    const bytes = this.#disk.readAll(path);
    const metadata = bytes === null ? null : parsePartitionMetadata(bytes);
    return metadata !== null && metadata.ok ? metadata.value.topicId : null;
  }

  /** The high watermark as the last run left it; null when it did not say. */
  checkpointedHighWatermark(topic: string, partition: number): Offset | null {
    return this.#checkpoints.of(topic, partition).highWatermark;
  }

  /** Deletes a partition: out of use at once, off the disk after the delay of its topic. */
  deleteLog(topic: string, partition: number): void {
    this.deleteLogs(topic, [partition]);
  }

  /** Deletes partitions of a topic with one sync of the directory for all. */
  deleteLogs(topic: string, partitions: Iterable<number>): void {
    let isRenamed = false;
    for (const partition of partitions) {
      const delayMs = this.findLog(topic, partition)?.config.fileDeleteDelayMs;
      const path = this.#putAway(topic, partition, "delete");
      if (path === null) continue;
      isRenamed = true;
      this.#removeAfter(path, delayMs ?? this.#settings.fileDeleteDelayMs);
    }
    if (isRenamed) this.#disk.syncDirectory(this.dir);
  }

  /** Keeps a directory that the metadata does not know, under a name that nothing opens. */
  setAside(topic: string, partition: number): void {
    const path = this.#putAway(topic, partition, "stray");
    if (path !== null) this.#disk.syncDirectory(this.dir);
    if (path !== null) this.#logger.warn("partition directory set aside: not of this metadata", { path });
  }

  /** Writes the recovery points now: after a truncation, before anything is appended again. */
  async checkpointRecoveryPoints(): Promise<void> {
    await this.#upkeep.checkpointRecoveryPoints();
  }

  /**
   * Where logs start now is on the device when this resolves: what was deleted before stays deleted
   * whatever happens next. Rejects with a DiskFault.
   */
  persistLogStarts(): Promise<void> {
    return this.#upkeep.persistLogStarts();
  }

  /**
   * Clean stop. Resolves to false when it was not clean: the next start recovers. Appends must have
   * ended, and a log of this directory that was opened elsewhere (the metadata log) must be closed:
   * `othersClosed` false says that this failed. The lock is given up in any case.
   */
  async close(brokerEpoch = NO_BROKER_EPOCH, othersClosed = true): Promise<boolean> {
    assert(!this.#isClosed, "directory closed twice", this.dir);
    this.#isClosed = true;
    await this.#upkeep.stop();
    try {
      return await this.#closeCleanly(brokerEpoch, othersClosed);
    } finally {
      this.#disk.closeIdle();
      this.#lock.unlinkAndRelease();
    }
  }

  /**
   * Lets go of a directory that turned out not to be for this program, before `start`. `isUnchanged`:
   * nothing was written to it since `open`; the marker that was there comes back then.
   */
  abandon(isUnchanged: boolean): void {
    assert(!this.#isClosed, "a directory that is closed is abandoned", this.dir);
    this.#isClosed = true;
    try {
      if (isUnchanged && this.wasCleanlyClosed) {
        const marker = formatCleanShutdown({ brokerEpoch: this.previousBrokerEpoch });
        this.#disk.replaceFile(`${this.dir}/${CLEAN_SHUTDOWN_FILE}`, marker);
      }
    } finally {
      this.#disk.closeIdle();
      this.#lock.unlinkAndRelease();
    }
  }

  async #closeCleanly(brokerEpoch: number, othersClosed: boolean): Promise<boolean> {
    try {
      await this.#closeLogs();
      // The delay is for readers, of whom none is left; and their files were not trimmed.
      for (const path of [...this.#deleted]) await this.#removeDeleted(path);
      for (const entry of this.#entries()) this.#upkeep.noteOffsets(entry);
      await this.#checkpoints.writeAllNow();
      for (const entry of this.#entries()) if (entry.needsRecovery) return false;
      if (!othersClosed) return false;
      const path = `${this.dir}/${CLEAN_SHUTDOWN_FILE}`;
      this.#disk.replaceFile(path, formatCleanShutdown({ brokerEpoch }));
      return true;
    } catch (error) {
      if (!(error instanceof DiskFault)) throw error;
      this.#logger.error("not closed cleanly: the next start recovers", {
        dir: this.dir,
        reason: error.message,
      });
      return false;
    }
  }

  /** All logs, a few at a time; the first fault is thrown when every one has ended. */
  async #closeLogs(): Promise<void> {
    const waiting = [...this.logs()].filter((log) => log.isOpen);
    let fault: unknown = null;
    const closeNext = async () => {
      for (let log = waiting.pop(); log !== undefined; log = waiting.pop()) {
        try {
          await log.close();
        } catch (error) {
          fault ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: CLOSES_AT_ONCE }, closeNext));
    if (fault !== null) throw fault;
  }

  /** The broker epoch in the marker, which is gone when this returns; null: there was none. */
  #takeMarker(): number | null {
    const path = `${this.dir}/${CLEAN_SHUTDOWN_FILE}`;
    const bytes = this.#disk.readAll(path);
    if (bytes === null) return null;
    const marker = parseCleanShutdown(bytes);
    if (!marker.ok) this.#logger.warn("clean-shutdown marker is damaged", { path, reason: marker.reason });
    this.#disk.remove(path);
    this.#disk.syncDirectory(this.dir);
    return marker.ok ? marker.value.brokerEpoch : NO_BROKER_EPOCH;
  }

  #register(state: DirectoryState): void {
    for (const { topic, partition, kind, directoryName } of state.partitions) {
      const path = `${this.dir}/${directoryName}`;
      if (kind === "live") {
        this.#add({ topic, partition, log: null, needsRecovery: !this.wasCleanlyClosed });
      } else if (kind === "delete") {
        this.#removeAfter(path, this.#settings.fileDeleteDelayMs);
      } else {
        this.#logger.warn("partition directory is not used", { path, kind });
      }
    }
  }

  #isOfTopic(entry: PartitionEntry, topicId: Uuid): boolean {
    const path = `${this.dir}/${partitionDirectoryName(entry.topic, entry.partition)}`;
    const found = this.topicIdOnDisk(entry.topic, entry.partition);
    if (found !== null) return found === topicId;
    this.#logger.warn("partition.metadata is missing or damaged, and written again", { path });
    const bytes = formatPartitionMetadata({ topicId });
    this.#disk.replaceFile(`${path}/${PARTITION_METADATA_FILE}`, bytes);
    return true;
  }

  /**
   * Takes a partition out of use and renames its directory, which the caller syncs; the new path, or
   * null without one.
   */
  #putAway(topic: string, partition: number, kind: "delete" | "stray"): string | null {
    const entry = this.#find(topic, partition);
    entry?.log?.discard();
    this.#drop(topic, partition);
    this.#checkpoints.forget(topic, partition);
    const from = `${this.dir}/${partitionDirectoryName(topic, partition)}`;
    if (!this.#disk.exists(from)) return null;
    const unique = this.#environment.random.uuid();
    const to = `${this.dir}/${suffixedDirectoryName(topic, partition, kind, unique)}`;
    this.#disk.rename(from, to);
    return to;
  }

  #removeAfter(path: string, delayMs: number): void {
    this.#deleted.add(path);
    this.#environment.clock.after(delayMs, () => {
      if (!this.#isClosed) void this.#removeDeleted(path);
    });
  }

  async #removeDeleted(path: string): Promise<void> {
    this.#deleted.delete(path);
    try {
      await this.#disk.removeLater(path);
    } catch (error) {
      // The next start finds it by its name.
      this.#logger.warn("deleted partition could not be removed", { path, reason: String(error) });
    }
  }

  #find(topic: string, partition: number): PartitionEntry | null {
    return this.#topics.get(topic)?.get(partition) ?? null;
  }

  #add(entry: PartitionEntry): void {
    let partitions = this.#topics.get(entry.topic);
    if (partitions === undefined) this.#topics.set(entry.topic, (partitions = new Map()));
    partitions.set(entry.partition, entry);
  }

  #drop(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic);
    partitions?.delete(partition);
    if (partitions?.size === 0) this.#topics.delete(topic);
  }

  *#entries(): Generator<PartitionEntry, void, undefined> {
    for (const partitions of this.#topics.values()) yield* partitions.values();
  }
}

/** One partition of the directory, whether its log is open or not. */
export interface PartitionEntry {
  readonly topic: string;
  readonly partition: number;
  log: Log | null;
  /** The last stop was unclean and the log was not opened since. */
  needsRecovery: boolean;
}

/** Each closing log holds a descriptor or two and a sync on the thread pool. */
const CLOSES_AT_ONCE = 16;

function takeLock(disk: Disk, dir: string, path: string): DiskLock {
  const readOnly = (cause?: unknown) =>
    new DataDirectoryError("READ_ONLY", `${dir} cannot be written to: check its owner and mount`, cause);
  if (!disk.isWritable(dir)) throw readOnly();
  let lock: DiskLock | null;
  try {
    lock = disk.lock(path);
  } catch (error) {
    const code = error instanceof DiskFault ? error.systemCode : "";
    if (code === "EROFS" || code === "EACCES" || code === "EPERM") throw readOnly(error);
    throw error;
  }
  if (lock !== null) return lock;
  throw new DataDirectoryError(
    "LOCKED",
    `${dir} is in use by another process, which holds ${path}: stop it or name another directory`,
  );
}
