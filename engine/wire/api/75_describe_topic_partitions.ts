/**
 * DescribeTopicPartitions (75): topics page by page, with the replicas that may still become
 * leaders (KIP-966).
 *
 * Version 0, flexible. A cursor in the answer says where to go on.
 */
import {
  array,
  bool,
  int16,
  int32,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uuid,
} from "../schema.ts";

export const describeTopicPartitionsRequest = message({
  name: "DescribeTopicPartitionsRequest",
  apiKey: 75,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    topics: array({ name: string() }),
    responsePartitionLimit: int32({ default: 2000 }),
    cursor: nullableStruct({ topicName: string(), partitionIndex: int32() }, { default: null }),
  }),
});

export const describeTopicPartitionsResponse = message({
  name: "DescribeTopicPartitionsResponse",
  apiKey: 75,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    topics: array({
      errorCode: int16(),
      name: nullableString(),
      topicId: uuid(),
      isInternal: bool({ default: false }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ default: -1 }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: nullableArray(int32(), { default: null }),
        lastKnownElr: nullableArray(int32(), { default: null }),
        offlineReplicas: array(int32()),
      }),
      topicAuthorizedOperations: int32({ default: -0x8000_0000 }),
    }),
    nextCursor: nullableStruct({ topicName: string(), partitionIndex: int32() }, { default: null }),
  }),
});
