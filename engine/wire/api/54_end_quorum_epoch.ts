/**
 * EndQuorumEpoch (54): a leader of the metadata quorum resigns and names successors (KIP-595).
 *
 * Versions 0-1, flexible from 1; candidates with directories and endpoints from 1 (KIP-853).
 * Controller listeners only.
 */
import { array, int16, int32, message, nullableString, string, uint16, uuid } from "../schema.ts";

export const endQuorumEpochRequest = message({
  name: "EndQuorumEpochRequest",
  apiKey: 54,
  type: "request",
  versions: "0-1",
  flexible: "1+",
  listeners: ["controller"],
  fields: () => ({
    clusterId: nullableString({ default: null }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32(),
        preferredSuccessors: array(int32(), { versions: "0", ignorable: true }),
        preferredCandidates: array(
          {
            candidateId: int32(),
            candidateDirectoryId: uuid(),
          },
          { versions: "1+", ignorable: true },
        ),
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

export const endQuorumEpochResponse = message({
  name: "EndQuorumEpochResponse",
  apiKey: 54,
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
