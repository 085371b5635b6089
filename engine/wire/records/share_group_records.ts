/**
 * Records of share groups (KIP-932): the group's members and assignments, kept in
 * `__consumer_offsets` in the frame of group_records.ts, and the delivery state of its partitions,
 * kept in `__share_group_state` in the same frame.
 */
import {
  array,
  int16,
  int32,
  int64,
  int8,
  message,
  nullableString,
  string,
  uuid,
} from "../schema.ts";

export const shareGroupMemberMetadataKey = message({
  name: "ShareGroupMemberMetadataKey",
  apiKey: 10,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    memberId: string(),
  }),
});

export const shareGroupMemberMetadataValue = message({
  name: "ShareGroupMemberMetadataValue",
  apiKey: 10,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    rackId: nullableString(),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
  }),
});

export const shareGroupMetadataKey = message({
  name: "ShareGroupMetadataKey",
  apiKey: 11,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
  }),
});

export const shareGroupMetadataValue = message({
  name: "ShareGroupMetadataValue",
  apiKey: 11,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    epoch: int32(),
    metadataHash: int64(),
  }),
});

export const shareGroupTargetAssignmentMetadataKey = message({
  name: "ShareGroupTargetAssignmentMetadataKey",
  apiKey: 12,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
  }),
});

export const shareGroupTargetAssignmentMetadataValue = message({
  name: "ShareGroupTargetAssignmentMetadataValue",
  apiKey: 12,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ default: 0, tag: 0 }),
  }),
});

export const shareGroupTargetAssignmentMemberKey = message({
  name: "ShareGroupTargetAssignmentMemberKey",
  apiKey: 13,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    memberId: string(),
  }),
});

export const shareGroupTargetAssignmentMemberValue = message({
  name: "ShareGroupTargetAssignmentMemberValue",
  apiKey: 13,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
  }),
});

export const shareGroupCurrentMemberAssignmentKey = message({
  name: "ShareGroupCurrentMemberAssignmentKey",
  apiKey: 14,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    memberId: string(),
  }),
});

export const shareGroupCurrentMemberAssignmentValue = message({
  name: "ShareGroupCurrentMemberAssignmentValue",
  apiKey: 14,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
  }),
});

export const shareGroupStatePartitionMetadataKey = message({
  name: "ShareGroupStatePartitionMetadataKey",
  apiKey: 15,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
  }),
});

const topicPartitionsInfo = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
} as const;

export const shareGroupStatePartitionMetadataValue = message({
  name: "ShareGroupStatePartitionMetadataValue",
  apiKey: 15,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    initializingTopics: array(topicPartitionsInfo),
    initializedTopics: array(topicPartitionsInfo),
    deletingTopics: array({ topicId: uuid(), topicName: string() }),
  }),
});

export const shareSnapshotKey = message({
  name: "ShareSnapshotKey",
  apiKey: 0,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  }),
});

export const shareSnapshotValue = message({
  name: "ShareSnapshotValue",
  apiKey: 0,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ default: -1, tag: 0 }),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  }),
});

export const shareUpdateKey = message({
  name: "ShareUpdateKey",
  apiKey: 1,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  }),
});

export const shareUpdateValue = message({
  name: "ShareUpdateValue",
  apiKey: 1,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ default: -1, tag: 0 }),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  }),
});
