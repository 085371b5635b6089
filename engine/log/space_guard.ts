import type { Disk } from "../io/disk.ts";
import type { Logger } from "../io/logger.ts";
import { DiskFault } from "../model/errors.ts";
import type { AppendGate, LogEnvironment } from "./log_environment.ts";

/** Room that must come back, as a share of the floor, before appends are taken again: no flapping. */
const RESUME_SHARE = 1.25;

/**
 * Closes the gate of appends while the file system has too little room left, so that indexes, checkpoints and
 * metadata still can be written and the broker lives on: fetching, deleting and retention go on, and
 * appends resume by themselves when room comes back.
 */
export class SpaceGuard {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #floorBytes: number;
  readonly #logger: Logger;
  readonly #gate: AppendGate;

  constructor(environment: LogEnvironment, dir: string, floorBytes: number, logger: Logger) {
    this.#disk = environment.disk;
    this.#gate = environment.gate;
    this.#dir = dir;
    this.#floorBytes = floorBytes;
    this.#logger = logger;
  }

  get isLow(): boolean {
    return this.#gate.reason !== null;
  }

  /** Looks again: every so often, and when a write met ENOSPC. */
  look(): void {
    let free: number;
    try {
      free = this.#disk.freeBytes(this.#dir);
    } catch (error) {
      if (!(error instanceof DiskFault)) throw error;
      return; // a device that cannot say how full it is says more through its next write
    }
    if (!this.isLow && free < this.#floorBytes) {
      this.#gate.reason = `the disk is nearly full: ${free} bytes are left in ${this.#dir}`;
      this.#logger.error("disk is nearly full: records are refused until there is room", {
        dir: this.#dir,
        freeBytes: free,
        floorBytes: this.#floorBytes,
      });
    } else if (this.isLow && free >= this.#floorBytes * RESUME_SHARE) {
      this.#gate.reason = null;
      this.#logger.info("disk has room again: records are taken", {
        dir: this.#dir,
        freeBytes: free,
      });
    }
  }
}
