/**
 * ShareGroupHeartbeat (76): membership of a share group (KIP-932).
 *
 * Version 1, flexible. Version 0 was an early form, never served here.
 */
import {
  array,
  int16,
  int32,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uuid,
} from "../schema.ts";

export const shareGroupHeartbeatRequest = message({
  name: "ShareGroupHeartbeatRequest",
  apiKey: 76,
  type: "request",
  versions: "1",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: nullableString({ default: null }),
    subscribedTopicNames: nullableArray(string(), { default: null }),
  }),
});

export const shareGroupHeartbeatResponse = message({
  name: "ShareGroupHeartbeatResponse",
  apiKey: 76,
  type: "response",
  versions: "1",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    memberId: nullableString({ default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: nullableStruct(
      {
        topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
      },
      { default: null },
    ),
  }),
});
