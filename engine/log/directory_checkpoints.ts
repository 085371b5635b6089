import type { Disk } from "../io/disk.ts";
import type { Logger } from "../io/logger.ts";
import { DiskFault } from "../model/errors.ts";
import type { Offset } from "../model/offsets.ts";
import {
  CLEANER_FILE,
  LOG_START_FILE,
  OffsetCheckpoint,
  RECOVERY_POINT_FILE,
  REPLICATION_FILE,
  formatOffsetCheckpoint,
  parseOffsetCheckpoint,
} from "./checkpoint_file.ts";

/** What the checkpoint files said of one partition at start. */
export interface CheckpointedOffsets {
  /** 0 when not known: scan everything. */
  readonly recoveryPoint: Offset;
  /** 0 when not known: the first segment's base offset decides. */
  readonly logStartOffset: Offset;
  /** Null when not known: the log start offset. */
  readonly highWatermark: Offset | null;
}

/**
 * The four checkpoint files of a data directory. A file that is missing or damaged counts as empty,
 * which costs a longer scan and nothing else; damage is reported.
 *
 * Partitions whose log was not opened in this run keep what was read. Owner: LogDirectory.
 */
export class DirectoryCheckpoints {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #logger: Logger;
  readonly #recoveryPoints: CheckpointFile;
  readonly #logStarts: CheckpointFile;
  readonly #highWatermarks: CheckpointFile;

  constructor(disk: Disk, dir: string, logger: Logger) {
    this.#disk = disk;
    this.#dir = dir;
    this.#logger = logger;
    this.#recoveryPoints = this.#open(RECOVERY_POINT_FILE);
    this.#logStarts = this.#open(LOG_START_FILE);
    this.#highWatermarks = this.#open(REPLICATION_FILE);
  }

  of(topic: string, partition: number): CheckpointedOffsets {
    return {
      recoveryPoint: this.#recoveryPoints.content.get(topic, partition) ?? (0 as Offset),
      logStartOffset: this.#logStarts.content.get(topic, partition) ?? (0 as Offset),
      highWatermark: this.#highWatermarks.content.get(topic, partition) ?? null,
    };
  }

  setRecoveryPoint(topic: string, partition: number, offset: Offset): void {
    put(this.#recoveryPoints, topic, partition, offset);
  }

  /** Null: the log starts where its first segment does, which needs no entry. */
  setLogStart(topic: string, partition: number, offset: Offset | null): void {
    put(this.#logStarts, topic, partition, offset);
  }

  setHighWatermark(topic: string, partition: number, offset: Offset): void {
    put(this.#highWatermarks, topic, partition, offset);
  }

  /**
   * Drops lines of partitions that are not there: deleted just before a crash, say. A topic of the same
   * name must not inherit them.
   */
  keepOnly(isThere: (topic: string, partition: number) => boolean): void {
    for (const file of this.#files()) {
      for (const { topic, partition } of [...file.content]) {
        if (!isThere(topic, partition)) put(file, topic, partition, null);
      }
    }
  }

  forget(topic: string, partition: number): void {
    for (const file of this.#files()) put(file, topic, partition, null);
  }

  /** Off the loop; a file whose content did not change is left alone. Never rejects. */
  writeRecoveryPoints(): Promise<void> {
    return this.#writeLater(this.#recoveryPoints);
  }

  writeLogStarts(): Promise<void> {
    return this.#writeLater(this.#logStarts);
  }

  /**
   * The log starts as they are now are on the device when this resolves. Rejects with the DiskFault. High
   * watermarks go first: one below its log's start is an oddity that Kafka complains of.
   */
  async persistLogStarts(): Promise<void> {
    await this.#persist(this.#highWatermarks);
    await this.#persist(this.#logStarts);
  }

  async #persist(file: CheckpointFile): Promise<void> {
    for (;;) {
      await file.writing;
      if (!file.isStale) return;
      await this.#writeLater(file);
      if (file.failure !== null) throw file.failure;
    }
  }

  writeHighWatermarks(): Promise<void> {
    return this.#writeLater(this.#highWatermarks);
  }

  /** For the clean stop: waits for writes under way, then writes what is missing, on the caller's time. */
  async writeAllNow(): Promise<void> {
    for (const file of this.#files()) {
      await file.writing;
      if (!file.isStale) continue;
      this.#disk.replaceFile(file.path, formatOffsetCheckpoint(file.content));
      file.isStale = false;
    }
    const cleaner = `${this.#dir}/${CLEANER_FILE}`;
    if (!this.#disk.exists(cleaner)) {
      this.#disk.replaceFile(cleaner, formatOffsetCheckpoint(new OffsetCheckpoint()));
    }
  }

  #files(): readonly CheckpointFile[] {
    return [this.#recoveryPoints, this.#logStarts, this.#highWatermarks];
  }

  #open(name: string): CheckpointFile {
    const path = `${this.#dir}/${name}`;
    const bytes = this.#disk.readAll(path);
    const empty = { path, content: new OffsetCheckpoint(), isStale: true, writing: null, failure: null };
    if (bytes === null) return empty;
    const parsed = parseOffsetCheckpoint(bytes);
    if (parsed.ok) return { ...empty, content: parsed.value, isStale: false };
    this.#logger.warn("checkpoint file is damaged and ignored", { path, reason: parsed.reason });
    return empty;
  }

  /** One write at a time per file: what changes meanwhile is left to the next tick. */
  #writeLater(file: CheckpointFile): Promise<void> {
    if (file.writing !== null) return file.writing;
    if (!file.isStale) return Promise.resolve();
    file.isStale = false;
    file.writing = this.#write(file).finally(() => {
      file.writing = null;
    });
    return file.writing;
  }

  async #write(file: CheckpointFile): Promise<void> {
    try {
      await this.#disk.replaceFileLater(file.path, formatOffsetCheckpoint(file.content));
      file.failure = null;
    } catch (error) {
      file.isStale = true;
      if (!(error instanceof DiskFault)) throw error;
      file.failure = error;
      // The older file is still in place and still true. A latched fault is told about where it latched.
      if (this.#disk.fault === null) {
        this.#logger.warn("checkpoint file not written", { path: file.path, reason: error.message });
      }
    }
  }
}

interface CheckpointFile {
  readonly path: string;
  readonly content: OffsetCheckpoint;
  /** The file does not say what `content` says. */
  isStale: boolean;
  writing: Promise<void> | null;
  /** Why the last write did not succeed. */
  failure: DiskFault | null;
}

function put(file: CheckpointFile, topic: string, partition: number, offset: Offset | null): void {
  if (file.content.get(topic, partition) === (offset ?? undefined)) return;
  if (offset === null) file.content.delete(topic, partition);
  else file.content.set(topic, partition, offset);
  file.isStale = true;
}
