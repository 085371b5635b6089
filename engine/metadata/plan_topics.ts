import type { Uuid } from "../base/uuid.ts";
import { ZERO_UUID } from "../base/uuid.ts";
import { ErrorCode } from "../model/error_code.ts";
import { PARTITIONS_PER_REQUEST_MAX } from "../model/limits.ts";
import { METADATA_TOPIC_NAME, collisionKey, topicNameInvalidReason } from "../model/topic_name.ts";
import type { DescribedConfig } from "./describe_configs.ts";
import { describeTopicValues } from "./describe_configs.ts";
import type { PartitionImage } from "./image.ts";
import { partitionRecord } from "./image_records.ts";
import { checkAssignment, checkSomeActive, newPartition, placeReplicas } from "./placement.ts";
import type { Outcome, Plan, PlanContext } from "./plan.ts";
import { DONE, Refusal, TOO_MANY_PARTITIONS, attempt, refused, separateDuplicates } from "./plan.ts";
import { topicConfigsRefusal } from "./plan_configs.ts";
import type { MetadataRecord } from "./records.ts";
import { topicConfigRecord } from "./topic_configs.ts";

/** A topic of a CreateTopics request. -1 stands for the broker's default. */
export interface TopicRequest {
  readonly name: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export interface CreatedTopic extends Outcome {
  readonly name: string;
  readonly topicId: Uuid;
  /** -1 when the topic was refused. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
  /** What is in force for the topic, by name; empty when it was refused. */
  readonly configs: readonly DescribedConfig[];
}

/** CreateTopics. One topic's refusal leaves the others alone. */
export function planCreateTopics(context: PlanContext, topics: readonly TopicRequest[]): Plan<CreatedTopic> {
  const records: MetadataRecord[] = [];
  const results: CreatedTopic[] = [];
  const { unique, repeated } = separateDuplicates(topics.map((topic) => topic.name));
  if (partitionsAskedFor(context, topics) > PARTITIONS_PER_REQUEST_MAX) {
    const outcome = refused(ErrorCode.POLICY_VIOLATION, TOO_MANY_PARTITIONS);
    return { records, results: [...unique, ...repeated].map((name) => notCreated(name, outcome)) };
  }
  const namesSoFar = new Map<string, string>();
  for (const topic of topics) {
    if (!unique.has(topic.name)) continue;
    const planned = attempt(() => planTopic(context, topic, namesSoFar));
    if ("refusal" in planned) {
      results.push(notCreated(topic.name, planned.refusal));
      continue;
    }
    namesSoFar.set(collisionKey(topic.name), topic.name);
    records.push(...planned.value.records);
    results.push(planned.value.result);
  }
  for (const name of repeated) {
    results.push(notCreated(name, refused(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")));
  }
  return { records, results };
}

function planTopic(context: PlanContext, topic: TopicRequest, namesSoFar: ReadonlyMap<string, string>) {
  checkName(context, topic.name, namesSoFar);
  const configs = requestedConfigs(topic);
  const refusal = topicConfigsRefusal(configs, configs.keys());
  if (refusal !== null) throw new Refusal(ErrorCode.INVALID_CONFIG, refusal);
  const partitions = topic.assignments.length > 0
    ? assignedPartitions(context, topic)
    : placedPartitions(context, topic);
  const { image } = context;
  const topicId = context.newId();
  const records: MetadataRecord[] = [
    { kind: "topic", version: 0, value: { name: topic.name, topicId } },
    ...[...configs].map(([name, value]) => topicConfigRecord(topic.name, topicId, name, value)),
    ...partitions.map((partition, index) =>
      partitionRecord(topicId, index, partition, image.metadataVersion)),
  ];
  const result: CreatedTopic = {
    ...DONE,
    name: topic.name,
    topicId,
    numPartitions: partitions.length,
    replicationFactor: partitions[0]!.replicas.length,
    configs: describeTopicValues(context.config, configs),
  };
  return { records, result };
}

function checkName(context: PlanContext, name: string, namesSoFar: ReadonlyMap<string, string>): void {
  if (name === METADATA_TOPIC_NAME) {
    throw new Refusal(ErrorCode.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`);
  }
  const reason = topicNameInvalidReason(name);
  if (reason !== null) {
    throw new Refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: ${reason}`);
  }
  if (context.image.topic(name) !== undefined) {
    throw new Refusal(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  }
  const colliding = context.image.collidingTopic(name) ?? namesSoFar.get(collisionKey(name));
  if (colliding !== undefined) {
    throw new Refusal(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Topic '${name}' collides with existing topic: ${colliding}`,
    );
  }
}

function requestedConfigs(topic: TopicRequest): Map<string, string> {
  const nulls = topic.configs.filter((config) => config.value === null).map((config) => config.name);
  if (nulls.length > 0) {
    const text = `Null value not supported for topic configs: ${nulls.join(",")}`;
    throw new Refusal(ErrorCode.INVALID_CONFIG, text);
  }
  return new Map(topic.configs.map((config) => [config.name, config.value!]));
}

function assignedPartitions(context: PlanContext, topic: TopicRequest): PartitionImage[] {
  const { image } = context;
  if (topic.replicationFactor !== -1) {
    const text = "A manual partition assignment was specified, but replication factor was not set to -1.";
    throw new Refusal(ErrorCode.INVALID_REQUEST, text);
  }
  if (topic.numPartitions !== -1) {
    const text = "A manual partition assignment was specified, but numPartitions was not set to -1.";
    throw new Refusal(ErrorCode.INVALID_REQUEST, text);
  }
  const partitions = new Map<number, PartitionImage>();
  let factor: number | null = null;
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (partitions.has(partitionIndex)) {
      const text = `Found multiple manual partition assignments for partition ${partitionIndex}`;
      throw new Refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, text);
    }
    checkAssignment(image, brokerIds, factor);
    factor = brokerIds.length;
    checkSomeActive(image, partitionIndex, brokerIds);
    partitions.set(partitionIndex, newPartition(image, brokerIds));
  }
  return Array.from({ length: partitions.size }, (_, index) => {
    const partition = partitions.get(index);
    if (partition !== undefined) return partition;
    const text = "partitions should be a consecutive 0-based integer sequence";
    throw new Refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, text);
  });
}

function placedPartitions(context: PlanContext, topic: TopicRequest): PartitionImage[] {
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    const text = "Replication factor must be larger than 0, or -1 to use the default value.";
    throw new Refusal(ErrorCode.INVALID_REPLICATION_FACTOR, text);
  }
  if (topic.numPartitions < -1 || topic.numPartitions === 0) {
    const text = "Number of partitions was set to an invalid non-positive value.";
    throw new Refusal(ErrorCode.INVALID_PARTITIONS, text);
  }
  const { config, image } = context;
  const factor = topic.replicationFactor === -1
    ? config.number("default.replication.factor")
    : topic.replicationFactor;
  const replicas = placeReplicas(image, factor);
  return Array.from({ length: partitionCount(context, topic) }, () => newPartition(image, replicas));
}

function partitionCount({ config }: PlanContext, topic: TopicRequest): number {
  return topic.numPartitions === -1 ? config.number("num.partitions") : topic.numPartitions;
}

function partitionsAskedFor(context: PlanContext, topics: readonly TopicRequest[]): number {
  let total = 0;
  for (const topic of topics) {
    total += topic.assignments.length > 0
      ? topic.assignments.length
      : Math.max(0, partitionCount(context, topic));
  }
  return total;
}

function notCreated(name: string, outcome: Outcome): CreatedTopic {
  return {
    ...outcome,
    name,
    topicId: ZERO_UUID,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  };
}
