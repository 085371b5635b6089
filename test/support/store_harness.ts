/** Stores and metadata logs on a simulated disk, with time that a test moves and ticks that end by themselves. */
import type { Uuid } from "../../engine/base/uuid.ts";
import type { Disk } from "../../engine/io/disk.ts";
import type { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { SILENT_LOGGER } from "../../engine/io/logger.ts";
import type { LogFields, Logger } from "../../engine/io/logger.ts";
import type { Random } from "../../engine/io/random.ts";
import { createLogEnvironment } from "../../engine/log/log_environment.ts";
import { MetadataLog } from "../../engine/metadata/metadata_log.ts";
import type { MetadataLogSettings } from "../../engine/metadata/metadata_log.ts";
import { parseBrokerConfig } from "../../engine/model/broker_config.ts";
import type { Partition } from "../../engine/partition/partition.ts";
import { Store } from "../../engine/store/store.ts";
import { numberedId } from "./images.ts";
import { DATA_DIR, NOW, codecs, makeBatch, readValues } from "./log_harness.ts";
import { ManualClock } from "./manual_clock.ts";

/** The end of a tick comes by itself; timers wait for `advance`. */
export class TickingClock extends ManualClock {
  override atEndOfTick(action: () => void): void {
    queueMicrotask(action);
  }
}

/** Ids in a row, so that two runs of one workload are the same. */
export class CountingRandom implements Random {
  #next: number;

  constructor(first = 1) {
    this.#next = first;
  }

  below(): number {
    return 0;
  }

  uuid(): Uuid {
    return numberedId(this.#next++);
  }
}

export class RecordingLogger implements Logger {
  readonly lines: string[] = [];

  #add(level: string, message: string, fields: LogFields = {}): void {
    this.lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  }

  debug(message: string, fields?: LogFields): void { this.#add("debug", message, fields); }
  info(message: string, fields?: LogFields): void { this.#add("info", message, fields); }
  warn(message: string, fields?: LogFields): void { this.#add("warn", message, fields); }
  error(message: string, fields?: LogFields): void { this.#add("error", message, fields); }
}

export const METADATA_SETTINGS: MetadataLogSettings = {
  segmentBytes: 8 * 1024 * 1024,
  segmentMs: 1_000_000_000,
  snapshotBytes: 1_000_000_000,
  snapshotIntervalMs: 3_600_000,
  retentionBytes: 1_000_000_000,
  retentionMs: -1,
};

export function openMetadataLog(disk: Disk, settings: Partial<MetadataLogSettings> = {}, cleanStop = false) {
  const clock = new TickingClock(NOW);
  const environment = createLogEnvironment({ disk, clock, random: new CountingRandom(), codecs });
  const logger = new RecordingLogger();
  const log = MetadataLog.open({
    environment,
    logger,
    dir: DATA_DIR,
    nodeId: 1,
    cleanStop,
    check: () => {},
    settings: { ...METADATA_SETTINGS, ...settings },
  });
  return { log, clock, logger };
}

export interface StoreOpening {
  readonly disk: Disk;
  readonly properties?: Readonly<Record<string, string>>;
  readonly logger?: Logger;
  readonly clock?: TickingClock;
  readonly firstId?: number;
  readonly dir?: string;
}

export function openStore(opening: StoreOpening): Promise<Store> {
  const { config, problems } = parseBrokerConfig(new Map(Object.entries(opening.properties ?? {})));
  if (config === null) throw new Error(problems.join("\n"));
  return Store.open({
    dir: opening.dir ?? DATA_DIR,
    config,
    clock: opening.clock ?? new TickingClock(NOW),
    random: new CountingRandom(opening.firstId),
    codecs,
    logger: opening.logger ?? SILENT_LOGGER,
    disk: opening.disk,
  });
}

export const topic = (name: string, numPartitions = 1, configs: Readonly<Record<string, string>> = {}) => ({
  name,
  numPartitions,
  replicationFactor: -1,
  assignments: [],
  configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
});

/** Creates topics that must be granted. */
export async function createTopics(store: Store, ...requests: ReturnType<typeof topic>[]): Promise<void> {
  const results = await store.createTopics(requests, { validateOnly: false });
  const refused = results.filter((result) => result.errorCode !== 0);
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
}

export async function append(partition: Partition, ...values: string[]): Promise<number> {
  const result = partition.append([makeBatch(values)], "client");
  if (!result.ok) throw new Error(result.message);
  await result.settled;
  return result.baseOffset;
}

export function valuesOf(partition: Partition): string[] {
  return readValues(partition.log);
}

/** What a power cut would leave at this moment, everything unsynced lost. */
export function afterPowerCut(disk: SimulatedDisk): SimulatedDisk {
  return disk.crash({});
}

/** What a killed process leaves. */
export function afterKill(disk: SimulatedDisk): SimulatedDisk {
  const yes = () => true;
  return disk.crash({ sector: yes, size: yes, name: yes });
}
