import type { Uuid } from "../base/uuid.ts";
import { DataDirectoryError } from "../model/errors.ts";
import type { EndpointImage, FeatureRange, MetadataImage, PartitionImage, TopicImage } from "./image.ts";
import { METADATA_VERSION_FEATURE } from "./image.ts";
import { NO_LEADER_CHANGE } from "./image_delta.ts";
import { brokerChangeRecord } from "./image_records.ts";
import {
  METADATA_VERSION_LATEST,
  METADATA_VERSION_MIN,
  partitionVersion,
  registerBrokerVersion,
} from "./record_versions.ts";
import type { MetadataRecord } from "./records.ts";

/** This node as it enters the cluster of one. */
export interface Registration {
  readonly nodeId: number;
  /** New at every start. */
  readonly incarnationId: Uuid;
  /** The offset that the first of these records will have: Kafka's broker epoch. */
  readonly brokerEpoch: number;
  readonly endpoints: readonly EndpointImage[];
  readonly rack: string | null;
  readonly directoryId: Uuid;
}

/** Partitions whose leader epoch must rise although they have not changed hands (KIP-320). */
export type MustRaiseEpoch = (topic: TopicImage, partition: number) => boolean;

/**
 * What a start records: the broker, registered and in service at once, then every partition that it
 * does not lead yet - a Kafka that was stopped leaves them without leader - or must lead anew, because
 * an unclean stop may have lost offsets that consumers have seen.
 */
export function planStart(
  image: MetadataImage,
  registration: Registration,
  mustRaiseEpoch: MustRaiseEpoch,
): MetadataRecord[] {
  const records = [registrationRecord(image, registration)];
  for (const topic of image.topics()) {
    for (const [index, partition] of topic.partitions.entries()) {
      const record = leadershipRecord(image, registration, topic, index, {
        raise: partition.leader === registration.nodeId && mustRaiseEpoch(topic, index),
      });
      if (record !== null) records.push(record);
    }
  }
  return records;
}

/**
 * What a clean stop records: without it a Kafka that opens the directory would take the broker for
 * running, and make its own wait for nine seconds until that session is over.
 */
export function planStop(image: MetadataImage, nodeId: number): MetadataRecord[] {
  const broker = image.brokers.get(nodeId);
  if (broker === undefined || broker.fenced) return [];
  return [brokerChangeRecord(broker, { fenced: 1, inControlledShutdown: 0 }, image.metadataVersion)];
}

/** Throws DataDirectoryError FOREIGN when this directory is not all there is of its cluster's data. */
export function checkWhole(image: MetadataImage, nodeId: number, directoryId: Uuid): void {
  const others = [...image.brokers.keys()].filter((id) => id !== nodeId);
  if (others.length > 0) {
    throw foreign(`it belongs to a cluster of several brokers (${[nodeId, ...others].join(", ")})`);
  }
  const directories = image.brokers.get(nodeId)?.logDirs ?? [];
  if (directories.length > 1) {
    throw foreign(`its broker keeps data in ${directories.length} directories; only one is supported`);
  }
  if (directories.length === 1 && directories[0] !== directoryId) {
    throw foreign(`its metadata speaks of the directory ${directories[0]}, but this is ${directoryId}`);
  }
}

function foreign(what: string): DataDirectoryError {
  return new DataDirectoryError("FOREIGN", `the data directory cannot be used: ${what}`);
}

function registrationRecord(image: MetadataImage, registration: Registration): MetadataRecord {
  const version = registerBrokerVersion(image.metadataVersion);
  return {
    kind: "registerBroker",
    version,
    value: {
      brokerId: registration.nodeId,
      isMigratingZkBroker: false,
      incarnationId: registration.incarnationId,
      brokerEpoch: registration.brokerEpoch,
      endPoints: registration.endpoints.map((endpoint) => ({ ...endpoint })),
      features: featureRanges(image).map((range) => ({ ...range })),
      rack: registration.rack,
      fenced: false,
      inControlledShutdown: false,
      logDirs: version >= 3 ? [registration.directoryId] : [],
      cordonedLogDirs: version >= 4 ? [] : null,
    },
  };
}

/** A broker states ranges that hold every finalized level, as Kafka's controller demands. */
function featureRanges(image: MetadataImage): FeatureRange[] {
  const ranges: FeatureRange[] = [{
    name: METADATA_VERSION_FEATURE,
    minSupportedVersion: METADATA_VERSION_MIN,
    maxSupportedVersion: METADATA_VERSION_LATEST,
  }];
  for (const [name, level] of image.features) {
    if (name === METADATA_VERSION_FEATURE) continue;
    ranges.push({ name, minSupportedVersion: 0, maxSupportedVersion: level });
  }
  return ranges;
}

function leadershipRecord(
  image: MetadataImage,
  { nodeId, directoryId }: Registration,
  topic: TopicImage,
  partitionId: number,
  { raise }: { readonly raise: boolean },
): MetadataRecord | null {
  const partition = topic.partitions[partitionId]!;
  if (!canLead(partition, nodeId)) return null;
  const elect = raise || partition.leader !== nodeId;
  const inSync = partition.isr.includes(nodeId);
  const at = partition.replicas.indexOf(nodeId);
  const version = partitionVersion(image.metadataVersion);
  const moved = version >= 1 && partition.directories[at] !== directoryId;
  if (!elect && inSync && !moved) return null;
  const hasElr = partition.eligibleLeaderReplicas.length + partition.lastKnownElr.length > 0;
  return {
    kind: "partitionChange",
    version,
    value: {
      partitionId,
      topicId: topic.id,
      isr: inSync ? null : [nodeId],
      leader: elect ? nodeId : NO_LEADER_CHANGE,
      replicas: null,
      removingReplicas: null,
      addingReplicas: null,
      leaderRecoveryState: partition.leaderRecoveryState === 0 ? -1 : 0,
      directories: moved ? partition.directories.with(at, directoryId) : null,
      eligibleLeaderReplicas: hasElr && version >= 2 ? [] : null,
      lastKnownElr: hasElr && version >= 2 ? [] : null,
    },
  };
}

/** In sync, or eligible (KIP-966): whoever else was has not written since. */
function canLead(partition: PartitionImage, nodeId: number): boolean {
  if (!partition.replicas.includes(nodeId)) return false;
  return partition.isr.includes(nodeId) || partition.eligibleLeaderReplicas.includes(nodeId);
}
