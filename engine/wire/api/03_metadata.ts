/**
 * Metadata (3): brokers, topics, partitions and their leaders; may create topics.
 *
 * Versions 0-13, flexible from 9.
 *    1  racks, controller, internal topics; null asks for all topics and an empty list for none (in
 *       version 0 an empty list asks for all)
 *    2  cluster id;  4: may automatic creation be switched off;  5: offline replicas
 *    7  leader epochs;  8: authorized operations, of the cluster only up to version 10 (KIP-430)
 *   10  topic ids in answers;  12: in requests too, the name then is null (KIP-516)
 *   13  an error of the whole request (KIP-1102)
 *
 * Endpoints are those of the listener that the request came in on.
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
  fields: () => ({
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
  }),
});

export const metadataResponse = message({
  name: "MetadataResponse",
  apiKey: 3,
  type: "response",
  versions: "0-13",
  flexible: "9+",
  fields: () => ({
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
  }),
});
