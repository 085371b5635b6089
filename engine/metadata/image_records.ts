import type { Uuid } from "../base/uuid.ts";
import type { BrokerImage, ControllerImage, MetadataImage, PartitionImage } from "./image.ts";
import { METADATA_VERSION_FEATURE } from "./image.ts";
import {
  brokerRegistrationChangeVersion,
  partitionVersion,
  registerBrokerVersion,
} from "./record_versions.ts";
import type { MetadataRecord } from "./records.ts";
import { decodeMetadataRecord } from "./records.ts";

/**
 * The records that make up an image, in the order in which Kafka writes a snapshot: features
 * (metadata.version first), brokers and controllers, topics with their partitions, configs, producer
 * ids, and what is preserved for Kafka. Replayed onto nothing they give the image again.
 */
export function* imageRecords(image: MetadataImage): Generator<MetadataRecord> {
  const version = image.metadataVersion;
  yield* featureRecords(image);
  for (const broker of sortedById(image.brokers)) yield brokerRecord(broker, version);
  for (const controller of sortedById(image.controllers)) yield controllerRecord(controller);
  for (const topic of image.topics()) {
    yield { kind: "topic", version: 0, value: { name: topic.name, topicId: topic.id } };
    for (const [index, partition] of topic.partitions.entries()) {
      yield partitionRecord(topic.id, index, partition, version);
    }
  }
  for (const { type, name: resourceName, values } of image.configResources()) {
    for (const [name, value] of values) {
      yield { kind: "config", version: 0, value: { resourceType: type, resourceName, name, value } };
    }
  }
  yield* producerIdRecords(image);
  const preserved = [...image.parts.preserved.entries()].sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [, frame] of preserved) yield decodeMetadataRecord(frame);
}

/** A partition as one record. `version` is the finalized metadata.version. */
export function partitionRecord(
  topicId: Uuid,
  partitionId: number,
  partition: PartitionImage,
  version: number,
): MetadataRecord {
  const recordVersion = partitionVersion(version);
  const { eligibleLeaderReplicas: eligible, lastKnownElr } = partition;
  return {
    kind: "partition",
    version: recordVersion,
    value: {
      partitionId,
      topicId,
      replicas: [...partition.replicas],
      isr: [...partition.isr],
      removingReplicas: [...partition.removingReplicas],
      addingReplicas: [...partition.addingReplicas],
      leader: partition.leader,
      leaderRecoveryState: partition.leaderRecoveryState,
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch,
      directories: recordVersion >= 1 ? [...partition.directories] : [],
      eligibleLeaderReplicas: recordVersion >= 2 && eligible.length > 0 ? [...eligible] : null,
      lastKnownElr: recordVersion >= 2 && lastKnownElr.length > 0 ? [...lastKnownElr] : null,
    },
  };
}

export function featureLevelRecord(name: string, featureLevel: number): MetadataRecord {
  return { kind: "featureLevel", version: 0, value: { name, featureLevel } };
}

function* featureRecords(image: MetadataImage): Generator<MetadataRecord> {
  if (image.metadataVersion > 0) {
    yield featureLevelRecord(METADATA_VERSION_FEATURE, image.metadataVersion);
  }
  for (const [name, level] of [...image.features].sort()) {
    if (name !== METADATA_VERSION_FEATURE) yield featureLevelRecord(name, level);
  }
}

function brokerRecord(broker: BrokerImage, version: number): MetadataRecord {
  const recordVersion = registerBrokerVersion(version);
  return {
    kind: "registerBroker",
    version: recordVersion,
    value: {
      brokerId: broker.id,
      isMigratingZkBroker: false,
      incarnationId: broker.incarnationId,
      brokerEpoch: broker.epoch,
      endPoints: broker.endpoints.map((endpoint) => ({ ...endpoint })),
      features: broker.features.map((feature) => ({ ...feature })),
      rack: broker.rack,
      fenced: broker.fenced,
      inControlledShutdown: broker.inControlledShutdown,
      logDirs: recordVersion >= 3 ? [...broker.logDirs] : [],
      cordonedLogDirs: recordVersion >= 4 && broker.cordonedLogDirs ? [...broker.cordonedLogDirs] : null,
    },
  };
}

function controllerRecord(controller: ControllerImage): MetadataRecord {
  return {
    kind: "registerController",
    version: 0,
    value: {
      controllerId: controller.id,
      incarnationId: controller.incarnationId,
      zkMigrationReady: controller.zkMigrationReady,
      endPoints: controller.endpoints.map((endpoint) => ({ ...endpoint })),
      features: controller.features.map((feature) => ({ ...feature })),
    },
  };
}

function* producerIdRecords(image: MetadataImage): Generator<MetadataRecord> {
  const owner = image.parts.producerIdsOwner;
  if (owner === null) return;
  const value = { ...owner, nextProducerId: image.nextProducerId };
  yield { kind: "producerIds", version: 0, value };
}

function sortedById<Entry extends { readonly id: number }>(entries: ReadonlyMap<number, Entry>): Entry[] {
  return [...entries.values()].sort((one, other) => one.id - other.id);
}

/** Fences or unfences a broker, or marks it as going down. */
export function brokerChangeRecord(
  broker: BrokerImage,
  change: { readonly fenced: -1 | 0 | 1; readonly inControlledShutdown: 0 | 1 },
  version: number,
): MetadataRecord {
  return {
    kind: "brokerRegistrationChange",
    version: brokerRegistrationChangeVersion(version),
    value: {
      brokerId: broker.id,
      brokerEpoch: broker.epoch,
      fenced: change.fenced,
      inControlledShutdown: change.inControlledShutdown,
      logDirs: [],
      cordonedLogDirs: null,
    },
  };
}
