/**
 * ShareGroupDescribe (77): share groups with their members and assignments (KIP-932).
 *
 * Version 1, flexible. Version 0 was an early form, never served here.
 */
import {
  array,
  bool,
  int16,
  int32,
  message,
  nullableString,
  string,
  struct,
  uuid,
} from "../schema.ts";

export const shareGroupDescribeRequest = message({
  name: "ShareGroupDescribeRequest",
  apiKey: 77,
  type: "request",
  versions: "1",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  }),
});

export const shareGroupDescribeResponse = message({
  name: "ShareGroupDescribeResponse",
  apiKey: 77,
  type: "response",
  versions: "1",
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
        rackId: nullableString({ default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        assignment: struct({
          topicPartitions: array({
            topicId: uuid(),
            topicName: string(),
            partitions: array(int32()),
          }),
        }),
      }),
      authorizedOperations: int32({ default: -0x8000_0000 }),
    }),
  }),
});
