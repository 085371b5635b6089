/**
 * StreamsGroupHeartbeat (88): membership, topology and tasks of a Streams application (KIP-1071).
 *
 * Version 0, flexible. Null means unchanged.
 */
import {
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  struct,
  uint16,
} from "../schema.ts";

const keyValue = {
  key: string(),
  value: string(),
} as const;

const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(keyValue),
} as const;

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
} as const;

const taskOffset = {
  subtopologyId: string(),
  partition: int32(),
  offset: int64(),
} as const;

export const streamsGroupHeartbeatRequest = message({
  name: "StreamsGroupHeartbeatRequest",
  apiKey: 88,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    endpointInformationEpoch: int32(),
    instanceId: nullableString({ default: null }),
    rackId: nullableString({ default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    topology: nullableStruct(
      {
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
      },
      { default: null },
    ),
    activeTasks: nullableArray(taskIds, { default: null }),
    standbyTasks: nullableArray(taskIds, { default: null }),
    warmupTasks: nullableArray(taskIds, { default: null }),
    processId: nullableString({ default: null }),
    userEndpoint: nullableStruct({ host: string(), port: uint16() }, { default: null }),
    clientTags: nullableArray(keyValue, { default: null }),
    taskOffsets: nullableArray(taskOffset, { default: null }),
    taskEndOffsets: nullableArray(taskOffset, { default: null }),
    shutdownApplication: bool({ default: false }),
  }),
});

const responseTaskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
} as const;

const topicPartition = {
  topic: string(),
  partitions: array(int32()),
} as const;

export const streamsGroupHeartbeatResponse = message({
  name: "StreamsGroupHeartbeatResponse",
  apiKey: 88,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    memberId: string(),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    acceptableRecoveryLag: int32(),
    taskOffsetIntervalMs: int32(),
    status: nullableArray({ statusCode: int8(), statusDetail: string() }),
    activeTasks: nullableArray(responseTaskIds, { default: null }),
    standbyTasks: nullableArray(responseTaskIds, { default: null }),
    warmupTasks: nullableArray(responseTaskIds, { default: null }),
    endpointInformationEpoch: int32(),
    partitionsByUserEndpoint: nullableArray(
      {
        userEndpoint: struct({ host: string(), port: uint16() }),
        activePartitions: array(topicPartition),
        standbyPartitions: array(topicPartition),
      },
      { default: null },
    ),
  }),
});
