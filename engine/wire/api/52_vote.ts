/**
 * Vote (52): a candidate of the metadata quorum asks for a vote (KIP-595).
 *
 * Versions 0-2, flexible always; voter ids with directories from 1 (KIP-853); pre-votes from 2
 * (KIP-996). Controller listeners only.
 */
import {
  array,
  bool,
  int16,
  int32,
  int64,
  message,
  nullableString,
  string,
  uint16,
  uuid,
} from "../schema.ts";

export const voteRequest = message({
  name: "VoteRequest",
  apiKey: 52,
  type: "request",
  versions: "0-2",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    clusterId: nullableString({ default: null }),
    voterId: int32({ versions: "1+", default: -1, ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        replicaEpoch: int32(),
        replicaId: int32(),
        replicaDirectoryId: uuid({ versions: "1+", ignorable: true }),
        voterDirectoryId: uuid({ versions: "1+", ignorable: true }),
        lastOffsetEpoch: int32(),
        lastOffset: int64(),
        preVote: bool({ versions: "2+" }),
      }),
    }),
  }),
});

export const voteResponse = message({
  name: "VoteResponse",
  apiKey: 52,
  type: "response",
  versions: "0-2",
  flexible: "0+",
  fields: () => ({
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        voteGranted: bool(),
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
