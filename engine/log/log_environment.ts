import { BatchScan } from "../../native/scan.ts";
import type { Clock } from "../io/clock.ts";
import type { Disk } from "../io/disk.ts";
import type { Random } from "../io/random.ts";
import type { Codecs } from "../model/compression.ts";
import { HeaderScanner } from "./header_scanner.ts";
import { IndexCache } from "./index_cache.ts";
import { PRODUCER_EXPIRATION_MS_DEFAULT } from "./producer_state.ts";
import { StagePool } from "./stage_pool.ts";
import { FileSyncer } from "./syncer.ts";
import type { Syncer } from "./syncer.ts";
import { TailWriter } from "./tail_writer.ts";

/** Closed while the disk is nearly full: clients are refused with the reason, the broker itself is not. */
export interface AppendGate {
  reason: string | null;
}

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
  readonly stagePool: StagePool;
  /** For one walk or scan at a time, never across an await. */
  readonly scanner: HeaderScanner;
  readonly scan: BatchScan;
  readonly gate: AppendGate;
  /** producer.id.expiration.ms. */
  readonly producerExpirationMs: number;
}

export interface LogEnvironmentOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  /** Absent: one fdatasync per file. */
  readonly syncer?: Syncer;
  /** Absent: a day, as in Kafka. */
  readonly producerExpirationMs?: number;
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
    stagePool: new StagePool(),
    scanner: new HeaderScanner(),
    scan: new BatchScan(),
    gate: { reason: null },
    producerExpirationMs: options.producerExpirationMs ?? PRODUCER_EXPIRATION_MS_DEFAULT,
  };
}
