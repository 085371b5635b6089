import type { Uuid } from "../base/uuid.ts";
import type { Clock } from "../io/clock.ts";
import type { Disk } from "../io/disk.ts";
import type { Random } from "../io/random.ts";
import type { LogDirectory } from "../log/log_directory.ts";
import {
  META_PROPERTIES_FILE,
  formatMetaProperties,
  isReservedDirectoryId,
} from "../log/meta_properties.ts";
import { firstRecords, formatDirectory } from "../metadata/format.ts";
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { ImageDelta } from "../metadata/image_delta.ts";
import type { MetadataLog } from "../metadata/metadata_log.ts";
import { checkWhole, planStart } from "../metadata/plan_broker.ts";
import { METADATA_VERSION_LATEST, METADATA_VERSION_MIN } from "../metadata/record_versions.ts";
import type { MetadataRecord } from "../metadata/records.ts";
import { orphanedConfigRecords } from "../metadata/topic_configs.ts";
import type { BrokerConfig } from "../model/broker_config.ts";
import { DataDirectoryError } from "../model/errors.ts";
import type { FlushMode } from "../model/log_config.ts";
import { registeredEndpoints } from "./store_settings.ts";

export interface IdentityOptions {
  readonly directory: LogDirectory;
  readonly config: BrokerConfig;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Identity {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: Uuid;
  /** With the node id that the directory has. */
  readonly config: BrokerConfig;
}

/** Who this node is by its directory, which is formatted if it is new. */
export function openIdentity({ directory, config, disk, clock, random }: IdentityOptions): Identity {
  const { dir } = directory;
  const meta = directory.meta ??
    formatDirectory({ disk, clock, random, dir, nodeId: config.nodeId, clusterId: null });
  directory.meta = meta;
  const [clusterId, nodeId] = [meta.clusterId!, meta.nodeId!];
  let { directoryId } = meta;
  if (directoryId === null) {
    // Formatted before Kafka 3.7. Kafka, too, gives the directory its id when it starts.
    do directoryId = random.uuid(); while (isReservedDirectoryId(directoryId));
    const bytes = formatMetaProperties({ clusterId, nodeId, directoryId }, clock.wallMs());
    disk.replaceFile(`${dir}/${META_PROPERTIES_FILE}`, bytes);
  }
  const identified = config.isSet("node.id") || config.nodeId === nodeId
    ? config
    : config.withStatic("node.id", String(nodeId));
  return { clusterId, nodeId, directoryId, config: identified };
}

export interface StartOptions {
  readonly metadata: MetadataLog;
  readonly directory: LogDirectory;
  readonly config: BrokerConfig;
  readonly disk: Disk;
  readonly incarnationId: Uuid;
  readonly directoryId: Uuid;
  readonly flushModeOf: (image: MetadataImage, topic: TopicImage) => FlushMode;
}

/**
 * The records of a start, given the offset of the first: what ends an unfinished transaction, the
 * features of a new cluster, this broker's registration, and the partitions that it takes over.
 */
export function startRecords(options: StartOptions): (firstOffset: number) => MetadataRecord[] {
  const { config, directory, directoryId, disk, incarnationId, metadata } = options;
  const before: MetadataRecord[] = metadata.leftovers();
  if (metadata.image.metadataVersion === 0) before.push(...firstRecords(disk, directory.dir));
  const delta = new ImageDelta(metadata.image);
  for (const record of before) delta.replay(record);
  const image = delta.apply(metadata.image.position);
  const onDisk = partitionsOnDisk(directory);
  const mustRaiseEpoch = (topic: TopicImage, index: number) =>
    !directory.wasCleanlyClosed && onDisk.has(`${topic.name}-${index}`) &&
    options.flushModeOf(image, topic) === "os";
  return (firstOffset) => [
    ...before,
    ...planStart(image, {
      nodeId: config.nodeId,
      incarnationId,
      brokerEpoch: firstOffset + before.length,
      endpoints: registeredEndpoints(config),
      rack: config.text("broker.rack"),
      directoryId,
    }, mustRaiseEpoch),
    ...orphanedConfigRecords(image),
  ];
}

function partitionsOnDisk(directory: LogDirectory): Set<string> {
  const found = new Set<string>();
  for (const { topic, partition } of directory.partitions()) found.add(`${topic}-${partition}`);
  return found;
}

/** Throws DataDirectoryError unless this metadata is for a single node of this release or an older one. */
export function checkServable(
  dir: string,
  image: MetadataImage,
  identity: { readonly nodeId: number; readonly directoryId: Uuid },
): void {
  checkWhole(image, identity.nodeId, identity.directoryId);
  const version = image.metadataVersion;
  if (version === 0) return; // nothing has been written yet
  if (version > METADATA_VERSION_LATEST) {
    throw new DataDirectoryError(
      "NEWER_FORMAT",
      `${dir} has metadata.version ${version}, this release knows up to ${METADATA_VERSION_LATEST}`,
    );
  }
  if (version < METADATA_VERSION_MIN) {
    throw new DataDirectoryError(
      "FOREIGN",
      `${dir} has metadata.version ${version}; ${METADATA_VERSION_MIN} (Kafka 3.3) is the oldest supported`,
    );
  }
}
