import { assert } from "../base/assert.ts";
import type { Uuid } from "../base/uuid.ts";
import type { Clock } from "../io/clock.ts";
import type { Disk } from "../io/disk.ts";
import type { Random } from "../io/random.ts";
import { CLEANER_FILE, OffsetCheckpoint, formatOffsetCheckpoint } from "../log/checkpoint_file.ts";
import type { MetaProperties } from "../log/meta_properties.ts";
import {
  META_PROPERTIES_FILE,
  formatMetaProperties,
  isReservedDirectoryId,
  parseMetaProperties,
} from "../log/meta_properties.ts";
import type { LeaderEpoch, TimestampMs } from "../model/offsets.ts";
import { METADATA_VERSION_FEATURE } from "./image.ts";
import { featureLevelRecord } from "./image_records.ts";
import { METADATA_VERSION_LATEST } from "./record_versions.ts";
import type { MetadataRecord } from "./records.ts";
import { bootstrapRecords, encodeSnapshot } from "./snapshot.ts";

/** What a new cluster begins with; Kafka reads it into its first metadata records. */
export const BOOTSTRAP_FILE = "bootstrap.checkpoint";

export interface FormatOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly dir: string;
  readonly nodeId: number;
  /** Null: a new one. */
  readonly clusterId: string | null;
}

/**
 * Formats a data directory as Kafka's storage tool does for a controller quorum of one fixed voter:
 * `controller.quorum.voters=<node id>@localhost:9093` lets Apache Kafka open it. `meta.properties` comes
 * last, for it is what makes a directory a formatted one; everything before may be done again.
 *
 * Of the features only metadata.version is finalized: clients use what is finalized, and transactions,
 * groups and the others are not served yet.
 */
export function formatDirectory(options: FormatOptions): MetaProperties {
  const { clock, dir, disk, nodeId, random } = options;
  const nowMs = clock.wallMs();
  disk.replaceFile(`${dir}/${BOOTSTRAP_FILE}`, bootstrapFile(disk, nowMs));
  disk.replaceFile(`${dir}/${CLEANER_FILE}`, formatOffsetCheckpoint(new OffsetCheckpoint()));
  const clusterId = options.clusterId ?? random.uuid();
  const meta = { clusterId, nodeId, directoryId: newDirectoryId(random) };
  const bytes = formatMetaProperties(meta, nowMs);
  disk.replaceFile(`${dir}/${META_PROPERTIES_FILE}`, bytes);
  const parsed = parseMetaProperties(bytes);
  assert(parsed.ok, "what was just written reads back");
  return parsed.value;
}

/** The records that the first start of a formatted directory puts into its log. */
export function firstRecords(disk: Disk, dir: string): MetadataRecord[] {
  const bytes = disk.readAll(`${dir}/${BOOTSTRAP_FILE}`);
  // Kafka, too, takes a missing file for the latest metadata.version and nothing else.
  if (bytes === null) return defaultRecords();
  return bootstrapRecords(bytes, (from, start, end) => disk.native.crc32c(from, start, end));
}

function bootstrapFile(disk: Disk, nowMs: TimestampMs): Uint8Array {
  const content = {
    records: defaultRecords(),
    controls: [],
    epoch: 0 as LeaderEpoch,
    lastContainedLogTimestamp: 0 as TimestampMs,
  };
  return encodeSnapshot(content, nowMs, (bytes, start, end) => disk.native.crc32c(bytes, start, end));
}

function defaultRecords(): MetadataRecord[] {
  return [featureLevelRecord(METADATA_VERSION_FEATURE, METADATA_VERSION_LATEST)];
}

function newDirectoryId(random: Random): Uuid {
  let id = random.uuid();
  while (isReservedDirectoryId(id)) id = random.uuid();
  return id;
}
