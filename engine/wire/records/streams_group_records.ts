/**
 * Records of Streams groups (KIP-1071) in `__consumer_offsets`, in the frame of group_records.ts.
 */
import {
  array,
  int16,
  int32,
  int64,
  int8,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uint16,
} from "../schema.ts";

export const streamsGroupMetadataKey = message({
  name: "StreamsGroupMetadataKey",
  apiKey: 17,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
  }),
});

export const streamsGroupMetadataValue = message({
  name: "StreamsGroupMetadataValue",
  apiKey: 17,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    epoch: int32(),
    metadataHash: int64(),
    validatedTopologyEpoch: int32({ default: -1, tag: 0 }),
    lastAssignmentConfigs: nullableArray({ key: string(), value: string() }, { tag: 1 }),
  }),
});

export const streamsGroupMemberMetadataKey = message({
  name: "StreamsGroupMemberMetadataKey",
  apiKey: 19,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    memberId: string(),
  }),
});

export const streamsGroupMemberMetadataValue = message({
  name: "StreamsGroupMemberMetadataValue",
  apiKey: 19,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    instanceId: nullableString(),
    rackId: nullableString(),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32({ default: -1 }),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: nullableStruct({ host: string(), port: uint16() }, { default: null }),
    clientTags: array({ key: string(), value: string() }),
  }),
});

export const streamsGroupTargetAssignmentMetadataKey = message({
  name: "StreamsGroupTargetAssignmentMetadataKey",
  apiKey: 20,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
  }),
});

export const streamsGroupTargetAssignmentMetadataValue = message({
  name: "StreamsGroupTargetAssignmentMetadataValue",
  apiKey: 20,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ default: 0, tag: 0 }),
  }),
});

export const streamsGroupTargetAssignmentMemberKey = message({
  name: "StreamsGroupTargetAssignmentMemberKey",
  apiKey: 21,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    memberId: string(),
  }),
});

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
} as const;

export const streamsGroupTargetAssignmentMemberValue = message({
  name: "StreamsGroupTargetAssignmentMemberValue",
  apiKey: 21,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
  }),
});

export const streamsGroupCurrentMemberAssignmentKey = message({
  name: "StreamsGroupCurrentMemberAssignmentKey",
  apiKey: 22,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
    memberId: string(),
  }),
});

const StreamsGroupCurrentMemberAssignmentValueTaskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
  assignmentEpochs: nullableArray(int32(), { tag: 0 }),
} as const;

export const streamsGroupCurrentMemberAssignmentValue = message({
  name: "StreamsGroupCurrentMemberAssignmentValue",
  apiKey: 22,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    activeTasks: array(StreamsGroupCurrentMemberAssignmentValueTaskIds),
    standbyTasks: array(StreamsGroupCurrentMemberAssignmentValueTaskIds),
    warmupTasks: array(StreamsGroupCurrentMemberAssignmentValueTaskIds),
    activeTasksPendingRevocation: array(StreamsGroupCurrentMemberAssignmentValueTaskIds),
    standbyTasksPendingRevocation: array(StreamsGroupCurrentMemberAssignmentValueTaskIds),
    warmupTasksPendingRevocation: array(StreamsGroupCurrentMemberAssignmentValueTaskIds),
  }),
});

export const streamsGroupTopologyKey = message({
  name: "StreamsGroupTopologyKey",
  apiKey: 23,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    groupId: string(),
  }),
});

const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array({ key: string(), value: string() }),
} as const;

export const streamsGroupTopologyValue = message({
  name: "StreamsGroupTopologyValue",
  apiKey: 23,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    epoch: int32(),
    subtopologies: array({
      subtopologyId: string(),
      sourceTopics: array(string()),
      sourceTopicRegex: array(string()),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(string()),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array({
        sourceTopics: array(int16()),
        sourceTopicRegex: array(int16()),
        repartitionSourceTopics: array(int16()),
      }),
    }),
  }),
});
