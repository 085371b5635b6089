/**
 * BeginQuorumEpoch (53): a new leader of the metadata quorum makes itself known (KIP-595).
 *
 * Versions 0-1, flexible from 1; voter keys and endpoints from 1 (KIP-853). Controller listeners
 * only.
 */
import { array, int16, int32, message, nullableString, string, uint16, uuid } from "../schema.ts";

export const beginQuorumEpochRequest = message({
  name: "BeginQuorumEpochRequest",
  apiKey: 53,
  type: "request",
  versions: "0-1",
  flexible: "1+",
  listeners: ["controller"],
  fields: () => ({
    clusterId: nullableString({ default: null }),
    voterId: int32({ versions: "1+", default: -1, ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        voterDirectoryId: uuid({ versions: "1+", ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    leaderEndpoints: array(
      {
        name: string(),
        host: string(),
        port: uint16(),
      },
      { versions: "1+", ignorable: true },
    ),
  }),
});

export const beginQuorumEpochResponse = message({
  name: "BeginQuorumEpochResponse",
  apiKey: 53,
  type: "response",
  versions: "0-1",
  flexible: "1+",
  fields: () => ({
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: uint16(),
      },
      { versions: "1+", tag: 0 },
    ),
  }),
});
