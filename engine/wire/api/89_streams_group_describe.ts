/**
 * StreamsGroupDescribe (89): Streams groups with topology, members and tasks (KIP-1071).
 *
 * Version 0, flexible.
 */
import {
  array,
  bool,
  int16,
  int32,
  int64,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  struct,
  uint16,
} from "../schema.ts";

export const streamsGroupDescribeRequest = message({
  name: "StreamsGroupDescribeRequest",
  apiKey: 89,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  }),
});

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

const taskOffset = {
  subtopologyId: string(),
  partition: int32(),
  offset: int64(),
} as const;

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
} as const;

const assignment = {
  activeTasks: array(taskIds),
  standbyTasks: array(taskIds),
  warmupTasks: array(taskIds),
} as const;

export const streamsGroupDescribeResponse = message({
  name: "StreamsGroupDescribeResponse",
  apiKey: 89,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: nullableString({ default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      topology: nullableStruct(
        {
          epoch: int32(),
          subtopologies: nullableArray(
            {
              subtopologyId: string(),
              sourceTopics: array(string()),
              repartitionSinkTopics: array(string()),
              stateChangelogTopics: array(topicInfo),
              repartitionSourceTopics: array(topicInfo),
            },
            { default: null },
          ),
        },
        { default: null },
      ),
      members: array({
        memberId: string(),
        memberEpoch: int32(),
        instanceId: nullableString({ default: null }),
        rackId: nullableString({ default: null }),
        clientId: string(),
        clientHost: string(),
        topologyEpoch: int32(),
        processId: string(),
        userEndpoint: nullableStruct({ host: string(), port: uint16() }, { default: null }),
        clientTags: array(keyValue),
        taskOffsets: array(taskOffset),
        taskEndOffsets: array(taskOffset),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        isClassic: bool(),
      }),
      authorizedOperations: int32({ default: -0x8000_0000 }),
    }),
  }),
});
