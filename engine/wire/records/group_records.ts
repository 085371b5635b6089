/**
 * Records of `__consumer_offsets`: committed offsets and groups of both protocols, classic and
 * KIP-848. A key is an int16 record type (`apiKey`), then the key's fields; a value is an int16
 * version, then the value's fields; a null value deletes. Share and Streams groups have files of
 * their own.
 */
import {
  array,
  bytes,
  int32,
  int64,
  int8,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uuid,
} from "../schema.ts";

export const legacyOffsetCommitKey = message({
  name: "LegacyOffsetCommitKey",
  apiKey: 0,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    group: string(),
    topic: string(),
    partition: int32(),
  }),
});

export const legacyOffsetCommitValue = message({
  name: "LegacyOffsetCommitValue",
  apiKey: 0,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    offset: int64(),
    metadata: string(),
    commitTimestamp: int64(),
  }),
});

export const offsetCommitKey = message({
  name: "OffsetCommitKey",
  apiKey: 1,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    group: string(),
    topic: string(),
    partition: int32(),
  }),
});

export const offsetCommitValue = message({
  name: "OffsetCommitValue",
  apiKey: 1,
  type: "data",
  versions: "0-4",
  flexible: "4+",
  fields: () => ({
    offset: int64(),
    leaderEpoch: int32({ versions: "3+", default: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ versions: "1", default: -1, ignorable: true }),
    topicId: uuid({ versions: "4+", tag: 0, ignorable: true }),
  }),
});

export const groupMetadataKey = message({
  name: "GroupMetadataKey",
  apiKey: 2,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    group: string(),
  }),
});

export const groupMetadataValue = message({
  name: "GroupMetadataValue",
  apiKey: 2,
  type: "data",
  versions: "0-4",
  flexible: "4+",
  fields: () => ({
    protocolType: string(),
    generation: int32(),
    protocol: nullableString(),
    leader: nullableString(),
    currentStateTimestamp: int64({ versions: "2+", default: -1, ignorable: true }),
    members: array({
      memberId: string(),
      groupInstanceId: nullableString({ versions: "3+", default: null, ignorable: true }),
      clientId: string(),
      clientHost: string(),
      rebalanceTimeout: int32({ versions: "1+", default: -1, ignorable: true }),
      sessionTimeout: int32(),
      subscription: bytes(),
      assignment: bytes(),
    }),
  }),
});

export const consumerGroupMetadataKey = message({
  name: "ConsumerGroupMetadataKey",
  apiKey: 3,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
  }),
});

export const consumerGroupMetadataValue = message({
  name: "ConsumerGroupMetadataValue",
  apiKey: 3,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    epoch: int32(),
    metadataHash: int64({ default: 0, tag: 0 }),
  }),
});

export const consumerGroupPartitionMetadataKey = message({
  name: "ConsumerGroupPartitionMetadataKey",
  apiKey: 4,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
  }),
});

export const consumerGroupPartitionMetadataValue = message({
  name: "ConsumerGroupPartitionMetadataValue",
  apiKey: 4,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({ partition: int32(), racks: array(string()) }),
    }),
  }),
});

export const consumerGroupMemberMetadataKey = message({
  name: "ConsumerGroupMemberMetadataKey",
  apiKey: 5,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    memberId: string(),
  }),
});

export const consumerGroupMemberMetadataValue = message({
  name: "ConsumerGroupMemberMetadataValue",
  apiKey: 5,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    instanceId: nullableString(),
    rackId: nullableString(),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: nullableString(),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: nullableString(),
    classicMemberMetadata: nullableStruct(
      {
        sessionTimeoutMs: int32(),
        supportedProtocols: array({ name: string(), metadata: bytes() }),
      },
      { tag: 0 },
    ),
  }),
});

export const consumerGroupTargetAssignmentMetadataKey = message({
  name: "ConsumerGroupTargetAssignmentMetadataKey",
  apiKey: 6,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
  }),
});

export const consumerGroupTargetAssignmentMetadataValue = message({
  name: "ConsumerGroupTargetAssignmentMetadataValue",
  apiKey: 6,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ default: 0, tag: 0 }),
  }),
});

export const consumerGroupTargetAssignmentMemberKey = message({
  name: "ConsumerGroupTargetAssignmentMemberKey",
  apiKey: 7,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    memberId: string(),
  }),
});

export const consumerGroupTargetAssignmentMemberValue = message({
  name: "ConsumerGroupTargetAssignmentMemberValue",
  apiKey: 7,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
  }),
});

export const consumerGroupCurrentMemberAssignmentKey = message({
  name: "ConsumerGroupCurrentMemberAssignmentKey",
  apiKey: 8,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    memberId: string(),
  }),
});

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: nullableArray(int32(), { tag: 0 }),
} as const;

export const consumerGroupCurrentMemberAssignmentValue = message({
  name: "ConsumerGroupCurrentMemberAssignmentValue",
  apiKey: 8,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitions),
    partitionsPendingRevocation: array(topicPartitions),
  }),
});

export const consumerGroupRegularExpressionKey = message({
  name: "ConsumerGroupRegularExpressionKey",
  apiKey: 16,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    regularExpression: string(),
  }),
});

export const consumerGroupRegularExpressionValue = message({
  name: "ConsumerGroupRegularExpressionValue",
  apiKey: 16,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    topics: array(string()),
    version: int64(),
    timestamp: int64(),
  }),
});
