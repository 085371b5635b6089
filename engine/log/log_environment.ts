import type { Clock } from "../io/clock.ts";
import type { Disk } from "../io/disk.ts";
import type { Random } from "../io/random.ts";
import type { Codecs } from "../model/compression.ts";
import { IndexCache } from "./index_cache.ts";
import { FileSyncer } from "./syncer.ts";
import type { Syncer } from "./syncer.ts";
import { TailWriter } from "./tail_writer.ts";

/** What all logs of one data directory share. Made once, by whoever opens the directory. */
export interface LogEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  /** For lookups by time inside compressed batches. */
  readonly codecs: Codecs;
  readonly syncer: Syncer;
  readonly indexCache: IndexCache;
  readonly tailWriter: TailWriter;
}

export interface LogEnvironmentOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  /** Absent: one fdatasync per file. */
  readonly syncer?: Syncer;
}

export function createLogEnvironment(options: LogEnvironmentOptions): LogEnvironment {
  return {
    disk: options.disk,
    clock: options.clock,
    random: options.random,
    codecs: options.codecs,
    syncer: options.syncer ?? new FileSyncer(options.disk),
    indexCache: new IndexCache(),
    tailWriter: new TailWriter(options.clock),
  };
}
