import type { Disk, DiskFile } from "../io/disk.ts";

/**
 * What one log needs on the device: bytes already written to `files`, and entries of `directories`.
 * Oldest file first; more than one only across a roll or after recovery.
 */
export interface SyncJob {
  readonly files: readonly DiskFile[];
  readonly directories: readonly string[];
}

/**
 * Makes the written bytes of logs durable and tells when. The only way by which a log reaches the
 * device, so that per-file syncs can give way to one journal for many logs without a log noticing.
 *
 * `sync` covers everything written before the call; a rejection (DiskFault) means that nothing of the
 * job may be taken for durable, ever: the disk has latched. A log has at most one job in flight.
 */
export interface Syncer {
  sync(job: SyncJob): Promise<void>;
}

/** One fdatasync per file, all files of a job at once; directories follow when the files are down. */
export class FileSyncer implements Syncer {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  sync(job: SyncJob): Promise<void> {
    if (job.files.length === 1 && job.directories.length === 0) return job.files[0]!.sync();
    return this.#syncAll(job);
  }

  /** Waits for all of them even when one fails: nothing of this job may still run afterwards. */
  async #syncAll(job: SyncJob): Promise<void> {
    const files = await Promise.allSettled(job.files.map((file) => file.sync()));
    for (const outcome of files) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
    for (const directory of job.directories) await this.#disk.syncDirectoryLater(directory);
  }
}
