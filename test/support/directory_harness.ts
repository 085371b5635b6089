/** A formatted data directory on a simulated disk, opened as often as a test likes. */
import type { Uuid } from "../../engine/base/uuid.ts";
import type { Disk } from "../../engine/io/disk.ts";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { SILENT_LOGGER } from "../../engine/io/logger.ts";
import type { Logger } from "../../engine/io/logger.ts";
import { DIRECTORY_SETTINGS_DEFAULTS } from "../../engine/log/directory_upkeep.ts";
import type { DirectorySettings } from "../../engine/log/directory_upkeep.ts";
import type { Log } from "../../engine/log/log.ts";
import { LogDirectory } from "../../engine/log/log_directory.ts";
import { createLogEnvironment } from "../../engine/log/log_environment.ts";
import { formatMetaProperties } from "../../engine/log/meta_properties.ts";
import { LOG_CONFIG_DEFAULTS } from "../../engine/model/log_config.ts";
import type { LogConfig } from "../../engine/model/log_config.ts";
import { NOW, codecs, native } from "./log_harness.ts";
import { ManualClock } from "./manual_clock.ts";

export const DATA = "/data";
export const META = { clusterId: "test-cluster", nodeId: 1, directoryId: "Y3NzRS0xQUJDREVGR0hJSg" as Uuid };

/** Another id for each topic. */
export function topicIdOf(topic: string): Uuid {
  const bytes = new Uint8Array(16).fill(7);
  new TextEncoder().encodeInto(topic, bytes);
  return Buffer.from(bytes).toString("base64url") as Uuid;
}

export function formattedDisk(): SimulatedDisk {
  const disk = new SimulatedDisk({ native });
  disk.install(`${DATA}/meta.properties`, formatMetaProperties(META, 0));
  return disk;
}

export interface DirectoryOpening {
  readonly disk: Disk;
  readonly clock?: ManualClock;
  readonly logger?: Logger;
  readonly settings?: Partial<DirectorySettings>;
  readonly expected?: { readonly clusterId: string | null; readonly nodeId: number | null };
  readonly dir?: string;
}

export interface OpenedDirectory {
  readonly directory: LogDirectory;
  readonly clock: ManualClock;
  log(topic: string, partition?: number, config?: Partial<LogConfig>): Log;
}

let uuids = 0;

export function openDirectory(opening: DirectoryOpening): OpenedDirectory {
  const clock = opening.clock ?? new ManualClock(NOW);
  const random = { below: () => 0, uuid: () => topicIdOf(`u${uuids++}`) };
  const environment = createLogEnvironment({ disk: opening.disk, clock, random, codecs });
  const directory = LogDirectory.open({
    dir: opening.dir ?? DATA,
    environment,
    logger: opening.logger ?? SILENT_LOGGER,
    settings: { ...DIRECTORY_SETTINGS_DEFAULTS, ...opening.settings },
    expected: opening.expected ?? { clusterId: null, nodeId: null },
  });
  return {
    directory,
    clock,
    log: (topic, partition = 0, config = {}) =>
      directory.openLog(topic, partition, topicIdOf(topic), { ...LOG_CONFIG_DEFAULTS, ...config }),
  };
}

/** Keeps what was said, as `level message` lines. */
export class RecordingLogger implements Logger {
  readonly lines: string[] = [];
  debug(message: string): void { this.lines.push(`debug ${message}`); }
  info(message: string): void { this.lines.push(`info ${message}`); }
  warn(message: string): void { this.lines.push(`warn ${message}`); }
  error(message: string): void { this.lines.push(`error ${message}`); }
}
