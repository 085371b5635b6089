/**
 * ConsumerGroupHeartbeat (68): joins, keeps alive, reassigns and leaves, in the KIP-848 protocol.
 *
 * Versions 0-1, flexible always. From 1 a regular expression may name the topics, and members make
 * their own id (KIP-1082). Member epoch 0 joins, -1 leaves, -2 leaves for a while; null means
 * unchanged.
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

export const consumerGroupHeartbeatRequest = message({
  name: "ConsumerGroupHeartbeatRequest",
  apiKey: 68,
  type: "request",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: nullableString({ default: null }),
    rackId: nullableString({ default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    subscribedTopicNames: nullableArray(string(), { default: null }),
    subscribedTopicRegex: nullableString({ versions: "1+", default: null }),
    serverAssignor: nullableString({ default: null }),
    topicPartitions: nullableArray(
      {
        topicId: uuid(),
        partitions: array(int32()),
      },
      { default: null },
    ),
  }),
});

export const consumerGroupHeartbeatResponse = message({
  name: "ConsumerGroupHeartbeatResponse",
  apiKey: 68,
  type: "response",
  versions: "0-1",
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
