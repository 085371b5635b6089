import type { Uuid } from "../base/uuid.ts";
import type { Disk } from "../io/disk.ts";
import { EPOCH_CHECKPOINT_FILE, formatEpochCheckpoint } from "./epoch_checkpoint.ts";
import type { EpochEntry } from "./epoch_history.ts";
import type { GroupCommit } from "./group_commit.ts";
import { PARTITION_METADATA_FILE, formatPartitionMetadata } from "./partition_metadata.ts";

/**
 * PartitionFiles: what a partition's directory holds beside segments: its topic's id, its leader epochs.
 * Owner: one Log. What is written here and needs a sync is touched at the group commit. Errors: DiskFault.
 */
export class PartitionFiles {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #topicId: Uuid;
  readonly #commit: GroupCommit;

  constructor(disk: Disk, dir: string, topicId: Uuid, commit: GroupCommit) {
    this.#disk = disk;
    this.#dir = dir;
    this.#topicId = topicId;
    this.#commit = commit;
  }

  /** Makes the directory and writes the topic's id, as far as they are not there. */
  materialize(): void {
    if (!this.#disk.isDirectory(this.#dir)) {
      this.#disk.makeDirectory(this.#dir);
      this.#commit.touchDirectory(parentOf(this.#dir));
    }
    const path = `${this.#dir}/${PARTITION_METADATA_FILE}`;
    if (this.#disk.fileSize(path) > 0) return;
    const file = this.#disk.file(path);
    file.create("keep");
    file.write([formatPartitionMetadata({ topicId: this.#topicId })], 0);
    this.#commit.touchFile(file);
    this.#commit.touchDirectory(this.#dir);
  }

  /**
   * A history that is there must survive a crash, so it is replaced safely. The first entry of a log
   * needs no sync of its own: it goes down with the batch that it came with.
   */
  storeEpochs(entries: readonly EpochEntry[]): void {
    const path = `${this.#dir}/${EPOCH_CHECKPOINT_FILE}`;
    const bytes = formatEpochCheckpoint(entries);
    if (entries.length !== 1 || this.#disk.exists(path)) {
      this.#disk.replaceFile(path, bytes);
      return;
    }
    const file = this.#disk.file(path);
    file.create();
    file.write([bytes], 0);
    this.#commit.touchFile(file);
    this.#commit.touchDirectory(this.#dir);
  }

  /** The names of the directory, and its own, are durable when this returns. */
  syncNames(): void {
    this.#disk.syncDirectory(this.#dir);
    this.#disk.syncDirectory(parentOf(this.#dir));
  }

  touchNames(): void {
    this.#commit.touchDirectory(this.#dir);
    this.#commit.touchDirectory(parentOf(this.#dir));
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
