import type { PartitionImage, TopicImage } from "../metadata/image.ts";
import type { Partition } from "../partition/partition.ts";
import { ErrorCode } from "../model/error_code.ts";
import type { LeaderEpoch } from "../model/offsets.ts";
import { NO_EPOCH } from "../model/offsets.ts";
import type { Call, Services } from "./call.ts";

/** What several handlers tell about this node and its partitions. */

/** This node as clients of one listener reach it. */
export function thisNode(call: Call) {
  const { host, port } = call.caller.endpoint;
  const { config, nodeId } = call.services.store;
  return { nodeId, host, port, rack: config.text("broker.rack") };
}

/** A partition in the terms of Metadata and DescribeTopicPartitions. */
export function describePartition(index: number, partition: PartitionImage) {
  const hasLeader = partition.leader >= 0;
  return {
    errorCode: hasLeader ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
    partitionIndex: index,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: NOBODY,
  };
}

const NOBODY: readonly number[] = [];

/** By name, as Kafka's own answers are. */
export function sortedTopics(services: Services): TopicImage[] {
  return [...services.store.image.topics()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** A partition that this node leads, or why there is none for the client. */
export function findLed(
  services: Services,
  topic: string,
  index: number,
  clientEpoch: LeaderEpoch,
): Partition | ErrorCode {
  const partition = services.store.partitions.find(topic, index);
  if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const errorCode = checkLeaderEpoch(partition, clientEpoch);
  return errorCode === ErrorCode.NONE ? partition : errorCode;
}

/** KIP-320: whether the client's idea of the leader is this one. */
export function checkLeaderEpoch(partition: Partition, clientEpoch: LeaderEpoch): ErrorCode {
  if (partition.isGone) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  if (clientEpoch === NO_EPOCH || clientEpoch === partition.leaderEpoch) return ErrorCode.NONE;
  return clientEpoch < partition.leaderEpoch
    ? ErrorCode.FENCED_LEADER_EPOCH
    : ErrorCode.UNKNOWN_LEADER_EPOCH;
}

/** Bit sets of what anybody may do while there is no authorization (numbers of AclOperation). */
export const TOPIC_OPERATIONS = operations(3, 4, 5, 6, 7, 8, 10, 11);
export const CLUSTER_OPERATIONS = operations(5, 7, 8, 9, 10, 11, 12);
/** Stands for "was not asked". */
export const OPERATIONS_NOT_ASKED = -0x8000_0000;

function operations(...codes: readonly number[]): number {
  return codes.reduce((set, code) => set | (1 << code), 0);
}
