/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import {
  array,
  bool,
  int16,
  int32,
  message,
  nullableArray,
  nullableString,
  string,
  uuid,
} from "../schema.ts";

export const metadataRequest = message({
  name: "MetadataRequest",
  apiKey: 3,
  type: "request",
  versions: "0-13",
  flexible: "9+",
  listeners: ["broker"],
  fields: {
    topics: nullableArray(
      {
        topicId: uuid({ versions: "10+", ignorable: true }),
        name: nullableString({ nullable: "10+" }),
      },
      { nullable: "1+" },
    ),
    allowAutoTopicCreation: bool({ versions: "4+", default: true }),
    includeClusterAuthorizedOperations: bool({ versions: "8-10" }),
    includeTopicAuthorizedOperations: bool({ versions: "8+" }),
  },
});

export const metadataResponse = message({
  name: "MetadataResponse",
  apiKey: 3,
  type: "response",
  versions: "0-13",
  flexible: "9+",
  fields: {
    throttleTimeMs: int32({ versions: "3+", ignorable: true }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: nullableString({ versions: "1+", default: null, ignorable: true }),
    }),
    clusterId: nullableString({ versions: "2+", default: null, ignorable: true }),
    controllerId: int32({ versions: "1+", default: -1, ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: nullableString({ nullable: "12+" }),
      topicId: uuid({ versions: "10+", ignorable: true }),
      isInternal: bool({ versions: "1+", default: false, ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ versions: "7+", default: -1, ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { versions: "5+", ignorable: true }),
      }),
      topicAuthorizedOperations: int32({ versions: "8+", default: -0x8000_0000 }),
    }),
    clusterAuthorizedOperations: int32({ versions: "8-10", default: -0x8000_0000 }),
    errorCode: int16({ versions: "13+", ignorable: true }),
  },
});
