/**
 * ConsumerGroupDescribe (69): groups of the KIP-848 protocol, with their assignments.
 *
 * Versions 0-1, flexible always; the kind of each member from 1 (KIP-1099).
 */
import {
  array,
  bool,
  int16,
  int32,
  int8,
  message,
  nullableString,
  string,
  struct,
  uuid,
} from "../schema.ts";

export const consumerGroupDescribeRequest = message({
  name: "ConsumerGroupDescribeRequest",
  apiKey: 69,
  type: "request",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  }),
});

const assignment = {
  topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
} as const;

export const consumerGroupDescribeResponse = message({
  name: "ConsumerGroupDescribeResponse",
  apiKey: 69,
  type: "response",
  versions: "0-1",
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
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: nullableString({ default: null }),
        rackId: nullableString({ default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: nullableString({ default: null }),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: int8({ versions: "1+", default: -1, ignorable: true }),
      }),
      authorizedOperations: int32({ default: -0x8000_0000 }),
    }),
  }),
});
