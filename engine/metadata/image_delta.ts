import { assert } from "../base/assert.ts";
import type { Uuid } from "../base/uuid.ts";
import { DataDirectoryError } from "../model/errors.ts";
import type { LeaderEpoch } from "../model/offsets.ts";
import { collisionKey } from "../model/topic_name.ts";
import type {
  BrokerImage,
  ControllerImage,
  ImagePosition,
  PartitionImage,
  TopicImage,
} from "./image.ts";
import { ConfigResourceType, METADATA_VERSION_FEATURE, MetadataImage, configKey } from "./image.ts";
import { preservedChange } from "./preserved.ts";
import type { MetadataRecord, ValueOfRecord } from "./records.ts";

/** PartitionChangeRecord.leader when the leader stays as it is. */
export const NO_LEADER_CHANGE = -2;
/** PartitionChangeRecord.leaderRecoveryState when it stays as it is. */
const NO_RECOVERY_CHANGE = -1;
const UNFENCE = -1;
const FENCE = 1;

interface TopicEdit {
  readonly name: string;
  readonly id: Uuid;
  readonly partitions: (PartitionImage | undefined)[];
}

/**
 * ImageDelta: records on their way into the next image.
 *
 * `replay` takes them in the order of the log; `apply` makes the next image, once. What changed can be
 * asked afterwards, so that a listener need not compare images.
 *
 * Owner: one caller at a time. Errors: DataDirectoryError DAMAGED for a record that contradicts the
 * image, such as a partition of a topic that does not exist.
 */
export class ImageDelta {
  readonly base: MetadataImage;
  /** Topics that exist and are new or changed. */
  readonly changedTopics = new Set<Uuid>();
  /** Topics of the base image that are gone. */
  readonly deletedTopics = new Map<Uuid, TopicImage>();
  /** Keys as `configKey` makes them. */
  readonly changedConfigs = new Set<string>();

  readonly #topics = new Map<Uuid, TopicEdit>();
  readonly #idsByName = new Map<string, Uuid | null>();
  readonly #configs = new Map<string, { type: number; name: string; values: Map<string, string> }>();
  readonly #features: Map<string, number>;
  readonly #brokers: Map<number, BrokerImage>;
  readonly #controllers: Map<number, ControllerImage>;
  readonly #preserved = new Map<string, Uint8Array | null>();
  #nextProducerId: number;
  #producerIdsOwner: { brokerId: number; brokerEpoch: number } | null;
  #applied = false;

  constructor(base: MetadataImage) {
    this.base = base;
    this.#features = new Map(base.features);
    this.#brokers = new Map(base.brokers);
    this.#controllers = new Map(base.controllers);
    this.#nextProducerId = base.nextProducerId;
    this.#producerIdsOwner = base.parts.producerIdsOwner;
  }

  /** Transaction records are the caller's business: they decide whether others are replayed at all. */
  replay(record: MetadataRecord): void {
    assert(!this.#applied, "a delta that was applied takes no more records");
    switch (record.kind) {
      case "topic": return this.#createTopic(record.value);
      case "partition": return this.#setPartition(record.value);
      case "partitionChange": return this.#changePartition(record.value);
      case "removeTopic": return this.#removeTopic(record.value.topicId);
      case "clearElr": return this.#clearElr(record.value.topicName);
      case "config": return this.#setConfig(record.value);
      case "featureLevel": return this.#setFeature(record.value);
      case "producerIds": return this.#setProducerIds(record.value);
      case "registerBroker": return this.#registerBroker(record.value);
      case "unregisterBroker": return void this.#brokers.delete(record.value.brokerId);
      case "brokerRegistrationChange": return this.#changeBroker(record.value);
      case "fenceBroker": return this.#editBroker(record.value.id, { fenced: true });
      case "unfenceBroker": return this.#editBroker(record.value.id, { fenced: false });
      case "registerController": return this.#registerController(record.value);
      case "noOp":
      case "beginTransaction":
      case "endTransaction":
      case "abortTransaction":
        return;
      default: {
        const { key, frame } = preservedChange(record);
        this.#preserved.set(key, frame);
      }
    }
  }

  /** The topics, configs and so on as the records left them. */
  apply(position: ImagePosition): MetadataImage {
    assert(!this.#applied, "a delta is applied once");
    this.#applied = true;
    const { base } = this;
    const preserved = base.parts.preserved.edit();
    for (const [key, frame] of this.#preserved) {
      if (frame === null) preserved.delete(key);
      else preserved.set(key, frame);
    }
    return new MetadataImage({
      position,
      ...this.#applyTopics(),
      configs: this.#applyConfigs(),
      features: this.#features,
      brokers: this.#brokers,
      controllers: this.#controllers,
      nextProducerId: this.#nextProducerId,
      producerIdsOwner: this.#producerIdsOwner,
      preserved: preserved.finish(),
    });
  }

  /** The topic as it is after the records so far. */
  topicId(name: string): Uuid | undefined {
    const changed = this.#idsByName.get(name);
    return changed === undefined ? this.base.topic(name)?.id : changed ?? undefined;
  }

  #createTopic({ name, topicId }: ValueOfRecord<"topic">): void {
    if (this.topicId(name) !== undefined) throw contradiction(`topic ${name} is created twice`);
    this.#topics.set(topicId, { name, id: topicId, partitions: [] });
    this.#idsByName.set(name, topicId);
    this.changedTopics.add(topicId);
  }

  #setPartition(value: ValueOfRecord<"partition">): void {
    if (value.partitionId < 0) throw contradiction(`partition ${value.partitionId}`);
    this.#edit(value.topicId).partitions[value.partitionId] = {
      replicas: value.replicas,
      directories: directoriesOrMigrating(value.directories, value.replicas.length),
      isr: value.isr,
      removingReplicas: value.removingReplicas,
      addingReplicas: value.addingReplicas,
      leader: value.leader,
      leaderRecoveryState: value.leaderRecoveryState,
      leaderEpoch: value.leaderEpoch as LeaderEpoch,
      partitionEpoch: value.partitionEpoch,
      eligibleLeaderReplicas: value.eligibleLeaderReplicas ?? [],
      lastKnownElr: value.lastKnownElr ?? [],
    };
  }

  #changePartition(value: ValueOfRecord<"partitionChange">): void {
    const { partitions, name } = this.#edit(value.topicId);
    const before = partitions[value.partitionId];
    if (before === undefined) throw contradiction(`${name}-${value.partitionId} changes but is not there`);
    partitions[value.partitionId] = changedPartition(before, value);
  }

  #removeTopic(id: Uuid): void {
    const topic = this.#topics.get(id) ?? this.base.topicById(id);
    if (topic === undefined) throw contradiction(`topic ${id} is removed but is not there`);
    const before = this.base.topicById(id);
    if (before !== undefined) this.deletedTopics.set(id, before);
    this.#topics.delete(id);
    this.changedTopics.delete(id);
    this.#idsByName.set(topic.name, null);
    // Configs go with their topic: no records say so one by one.
    const configs = this.#editConfigs(ConfigResourceType.TOPIC, topic.name);
    if (configs.size > 0) this.changedConfigs.add(configKey(ConfigResourceType.TOPIC, topic.name));
    configs.clear();
  }

  /** "" stands for every topic. */
  #clearElr(topicName: string): void {
    const names = topicName === "" ? this.#topicNames() : [topicName];
    for (const name of names) {
      const id = this.topicId(name);
      if (id === undefined) throw contradiction(`topic ${name} has no ELR: it is not there`);
      const topic = this.#topics.get(id) ?? this.base.topicById(id)!;
      topic.partitions.forEach((partition, index) => {
        if (partition === undefined) return;
        if (partition.eligibleLeaderReplicas.length + partition.lastKnownElr.length === 0) return;
        this.#edit(id).partitions[index] = { ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] };
      });
    }
  }

  #setConfig({ resourceType, resourceName, name, value }: ValueOfRecord<"config">): void {
    const values = this.#editConfigs(resourceType, resourceName);
    if (value === null) values.delete(name);
    else values.set(name, value);
    this.changedConfigs.add(configKey(resourceType, resourceName));
  }

  /** Level 0 is the same as absent, except for metadata.version, which never falls to it. */
  #setFeature({ name, featureLevel }: ValueOfRecord<"featureLevel">): void {
    if (featureLevel === 0 && name !== METADATA_VERSION_FEATURE) this.#features.delete(name);
    else this.#features.set(name, featureLevel);
  }

  #setProducerIds({ brokerId, brokerEpoch, nextProducerId }: ValueOfRecord<"producerIds">): void {
    if (nextProducerId < this.#nextProducerId) {
      throw contradiction(`producer ids go back from ${this.#nextProducerId} to ${nextProducerId}`);
    }
    this.#nextProducerId = nextProducerId;
    this.#producerIdsOwner = { brokerId, brokerEpoch };
  }

  #registerBroker(value: ValueOfRecord<"registerBroker">): void {
    this.#brokers.set(value.brokerId, {
      id: value.brokerId,
      incarnationId: value.incarnationId,
      epoch: value.brokerEpoch,
      endpoints: value.endPoints,
      features: value.features,
      rack: value.rack,
      fenced: value.fenced,
      inControlledShutdown: value.inControlledShutdown,
      logDirs: value.logDirs,
      cordonedLogDirs: value.cordonedLogDirs,
    });
  }

  #changeBroker(value: ValueOfRecord<"brokerRegistrationChange">): void {
    const change: Partial<BrokerImage> = {
      ...(value.fenced === FENCE && { fenced: true }),
      ...(value.fenced === UNFENCE && { fenced: false }),
      ...(value.inControlledShutdown === 1 && { inControlledShutdown: true }),
      ...(value.logDirs.length > 0 && { logDirs: value.logDirs }),
      ...(value.cordonedLogDirs !== null && { cordonedLogDirs: value.cordonedLogDirs }),
    };
    this.#editBroker(value.brokerId, change);
  }

  #editBroker(id: number, change: Partial<BrokerImage>): void {
    const before = this.#brokers.get(id);
    if (before === undefined) throw contradiction(`broker ${id} changes but is not registered`);
    this.#brokers.set(id, { ...before, ...change });
  }

  #registerController(value: ValueOfRecord<"registerController">): void {
    this.#controllers.set(value.controllerId, {
      id: value.controllerId,
      incarnationId: value.incarnationId,
      zkMigrationReady: value.zkMigrationReady,
      endpoints: value.endPoints,
      features: value.features,
    });
  }

  #edit(id: Uuid): TopicEdit {
    const edited = this.#topics.get(id);
    if (edited !== undefined) return edited;
    const before = this.deletedTopics.has(id) ? undefined : this.base.topicById(id);
    if (before === undefined) throw contradiction(`a partition of topic ${id}, which is not there`);
    const edit = { name: before.name, id, partitions: [...before.partitions] };
    this.#topics.set(id, edit);
    this.changedTopics.add(id);
    return edit;
  }

  #editConfigs(type: number, name: string): Map<string, string> {
    const key = configKey(type, name);
    const edited = this.#configs.get(key);
    if (edited !== undefined) return edited.values;
    const values = new Map(this.base.parts.configs.get(key)?.values);
    this.#configs.set(key, { type, name, values });
    return values;
  }

  #topicNames(): string[] {
    const names = [...this.base.topics()].map((topic) => topic.name);
    const added = [...this.#topics.values()].map((topic) => topic.name);
    return [...new Set([...names, ...added])].filter((name) => this.topicId(name) !== undefined);
  }

  #applyTopics() {
    const { parts } = this.base;
    const [byName, byId] = [parts.topicsByName.edit(), parts.topicsById.edit()];
    const collisions = parts.collisions.edit();
    let { partitionCount } = parts;
    const forget = (topic: TopicImage) => {
      byName.delete(topic.name);
      byId.delete(topic.id);
      partitionCount -= topic.partitions.length;
      const names = (collisions.get(collisionKey(topic.name)) ?? []).filter((name) => name !== topic.name);
      if (names.length === 0) collisions.delete(collisionKey(topic.name));
      else collisions.set(collisionKey(topic.name), names);
    };
    for (const topic of this.deletedTopics.values()) forget(topic);
    for (const edit of this.#topics.values()) {
      const before = byId.get(edit.id);
      if (before !== undefined) forget(before);
      const topic = finishTopic(edit);
      byName.set(topic.name, topic);
      byId.set(topic.id, topic);
      partitionCount += topic.partitions.length;
      if (/[._]/.test(topic.name)) {
        const key = collisionKey(topic.name);
        collisions.set(key, [...(collisions.get(key) ?? []), topic.name]);
      }
    }
    return {
      topicsByName: byName.finish(),
      topicsById: byId.finish(),
      collisions: collisions.finish(),
      partitionCount,
    };
  }

  #applyConfigs() {
    const configs = this.base.parts.configs.edit();
    for (const [key, resource] of this.#configs) {
      if (resource.values.size === 0) configs.delete(key);
      else configs.set(key, resource);
    }
    return configs.finish();
  }
}

/** Directory ids of a registration that was written before directories were recorded (KIP-858). */
const MIGRATING = "AAAAAAAAAAAAAAAAAAAAAA" as Uuid;

function directoriesOrMigrating(directories: readonly Uuid[], count: number): readonly Uuid[] {
  return directories.length > 0 ? directories : new Array<Uuid>(count).fill(MIGRATING);
}

/** The partition after a change record: a named leader raises the leader epoch, even the same leader. */
export function changedPartition(
  before: PartitionImage,
  change: ValueOfRecord<"partitionChange">,
): PartitionImage {
  const newLeader = change.leader !== NO_LEADER_CHANGE;
  const replicas = change.replicas ?? before.replicas;
  return {
    replicas,
    directories: directoriesOrMigrating(change.directories ?? before.directories, replicas.length),
    isr: change.isr ?? before.isr,
    removingReplicas: change.removingReplicas ?? before.removingReplicas,
    addingReplicas: change.addingReplicas ?? before.addingReplicas,
    leader: newLeader ? change.leader : before.leader,
    leaderRecoveryState: change.leaderRecoveryState === NO_RECOVERY_CHANGE
      ? before.leaderRecoveryState
      : change.leaderRecoveryState,
    leaderEpoch: (before.leaderEpoch + (newLeader ? 1 : 0)) as LeaderEpoch,
    partitionEpoch: before.partitionEpoch + 1,
    eligibleLeaderReplicas: change.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: change.lastKnownElr ?? before.lastKnownElr,
  };
}

function finishTopic(edit: TopicEdit): TopicImage {
  const partitions = Array.from(edit.partitions, (partition, index) => {
    if (partition === undefined) throw contradiction(`${edit.name} has no partition ${index}`);
    return partition;
  });
  return { name: edit.name, id: edit.id, partitions };
}

function contradiction(what: string): DataDirectoryError {
  return new DataDirectoryError("DAMAGED", `the metadata log contradicts itself: ${what}`);
}
