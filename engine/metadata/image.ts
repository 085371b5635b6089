import type { Uuid } from "../base/uuid.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../model/offsets.ts";
import { NO_EPOCH, NO_OFFSET, NO_TIMESTAMP } from "../model/offsets.ts";
import { collisionKey } from "../model/topic_name.ts";
import { SharedMap } from "./shared_map.ts";

/** One replica set of a topic, as its records say. Nobody changes it: a change makes another one. */
export interface PartitionImage {
  readonly replicas: readonly number[];
  /** The log directory of each replica, in the same order. */
  readonly directories: readonly Uuid[];
  readonly isr: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly addingReplicas: readonly number[];
  /** -1: nobody. */
  readonly leader: number;
  /** 1 while the leader recovers from an unclean election, else 0. */
  readonly leaderRecoveryState: number;
  readonly leaderEpoch: LeaderEpoch;
  /** Counts the changes of this partition. */
  readonly partitionEpoch: number;
  readonly eligibleLeaderReplicas: readonly number[];
  readonly lastKnownElr: readonly number[];
}

export interface TopicImage {
  readonly name: string;
  readonly id: Uuid;
  /** By partition number; dense. */
  readonly partitions: readonly PartitionImage[];
}

export interface EndpointImage {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: number;
}

export interface FeatureRange {
  readonly name: string;
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
}

export interface BrokerImage {
  readonly id: number;
  readonly incarnationId: Uuid;
  /** The offset of its registration. */
  readonly epoch: number;
  readonly endpoints: readonly EndpointImage[];
  readonly features: readonly FeatureRange[];
  readonly rack: string | null;
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
  readonly logDirs: readonly Uuid[];
  readonly cordonedLogDirs: readonly Uuid[] | null;
}

export interface ControllerImage {
  readonly id: number;
  readonly incarnationId: Uuid;
  readonly zkMigrationReady: boolean;
  readonly endpoints: readonly EndpointImage[];
  readonly features: readonly FeatureRange[];
}

/** Numbers of ConfigRecord's and the admin APIs' resource types. */
export const ConfigResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;
export type ConfigResourceType = (typeof ConfigResourceType)[keyof typeof ConfigResourceType];

export interface ConfigResourceImage {
  readonly type: number;
  readonly name: string;
  readonly values: ReadonlyMap<string, string>;
}

/** Up to where the metadata log has been replayed. */
export interface ImagePosition {
  /** Of the last record that is in the image; -1 for none. */
  readonly offset: Offset;
  readonly epoch: LeaderEpoch;
  /** When the batch of that record was written. */
  readonly timestamp: TimestampMs;
}

export interface ImageParts {
  readonly position: ImagePosition;
  readonly topicsByName: SharedMap<TopicImage>;
  readonly topicsById: SharedMap<TopicImage>;
  /** Names of topics by what they would collide on; only names that hold "." or "_". */
  readonly collisions: SharedMap<readonly string[]>;
  readonly partitionCount: number;
  readonly configs: SharedMap<ConfigResourceImage>;
  readonly features: ReadonlyMap<string, number>;
  readonly brokers: ReadonlyMap<number, BrokerImage>;
  readonly controllers: ReadonlyMap<number, ControllerImage>;
  /** The first producer id that no block has handed out yet. */
  readonly nextProducerId: number;
  readonly producerIdsOwner: { readonly brokerId: number; readonly brokerEpoch: number } | null;
  /** Records that nothing here acts on - ACLs, SCRAM, quotas, tokens - framed, by what identifies them. */
  readonly preserved: SharedMap<Uint8Array>;
}

export const METADATA_VERSION_FEATURE = "metadata.version";

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();

/**
 * MetadataImage: all that the metadata log says, at one offset of it. Immutable; lookups by name and
 * by id take constant time; the next image shares whatever did not change.
 *
 * Invariants:
 *  I1  topicsByName and topicsById hold the very same topics
 *  I2  the partitions of a topic are dense: 0, 1, 2 ...
 *  I3  it equals the replay of the log up to `position`, and the replay of its own snapshot
 *
 * Owner: the Store holds the current one; anybody may keep an older one. Errors: none.
 */
export class MetadataImage {
  readonly parts: ImageParts;

  constructor(parts: ImageParts) {
    this.parts = parts;
  }

  get position(): ImagePosition {
    return this.parts.position;
  }

  get topicCount(): number {
    return this.parts.topicsByName.size;
  }

  get partitionCount(): number {
    return this.parts.partitionCount;
  }

  get nextProducerId(): number {
    return this.parts.nextProducerId;
  }

  get features(): ReadonlyMap<string, number> {
    return this.parts.features;
  }

  get brokers(): ReadonlyMap<number, BrokerImage> {
    return this.parts.brokers;
  }

  get controllers(): ReadonlyMap<number, ControllerImage> {
    return this.parts.controllers;
  }

  /** The finalized metadata.version, or 0 while the log is empty. */
  get metadataVersion(): number {
    return this.parts.features.get(METADATA_VERSION_FEATURE) ?? 0;
  }

  topic(name: string): TopicImage | undefined {
    return this.parts.topicsByName.get(name);
  }

  topicById(id: Uuid): TopicImage | undefined {
    return this.parts.topicsById.get(id);
  }

  /** In no particular order. */
  topics(): IterableIterator<TopicImage> {
    return this.parts.topicsByName.values();
  }

  /** A topic whose name differs from `name` by "." and "_" only, or null. */
  collidingTopic(name: string): string | null {
    const names = this.parts.collisions.get(collisionKey(name)) ?? [];
    return names.find((other) => other !== name) ?? null;
  }

  /** What is set on the resource itself; empty when nothing is. */
  configs(type: ConfigResourceType, name: string): ReadonlyMap<string, string> {
    return this.parts.configs.get(configKey(type, name))?.values ?? NO_CONFIGS;
  }

  configResources(): IterableIterator<ConfigResourceImage> {
    return this.parts.configs.values();
  }
}

export function configKey(type: number, name: string): string {
  return `${type}:${name}`;
}

export const EMPTY_IMAGE = new MetadataImage({
  position: { offset: NO_OFFSET, epoch: NO_EPOCH, timestamp: NO_TIMESTAMP },
  topicsByName: SharedMap.empty(),
  topicsById: SharedMap.empty(),
  collisions: SharedMap.empty(),
  partitionCount: 0,
  configs: SharedMap.empty(),
  features: new Map(),
  brokers: new Map(),
  controllers: new Map(),
  nextProducerId: 0,
  producerIdsOwner: null,
  preserved: SharedMap.empty(),
});
