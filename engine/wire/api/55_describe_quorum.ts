/**
 * DescribeQuorum (55): leader, voters and observers of the metadata quorum, and how far each is.
 *
 * Versions 0-2, flexible always; times of the last fetch from 1 (KIP-836); directories, endpoints
 * and messages from 2 (KIP-853).
 */
import {
  array,
  int16,
  int32,
  int64,
  message,
  nullableString,
  string,
  uint16,
  uuid,
} from "../schema.ts";

export const describeQuorumRequest = message({
  name: "DescribeQuorumRequest",
  apiKey: 55,
  type: "request",
  versions: "0-2",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: () => ({
    topics: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32() }),
    }),
  }),
});

const replicaState = {
  replicaId: int32(),
  replicaDirectoryId: uuid({ versions: "2+" }),
  logEndOffset: int64(),
  lastFetchTimestamp: int64({ versions: "1+", default: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64({ versions: "1+", default: -1, ignorable: true }),
} as const;

export const describeQuorumResponse = message({
  name: "DescribeQuorumResponse",
  apiKey: 55,
  type: "response",
  versions: "0-2",
  flexible: "0+",
  fields: () => ({
    errorCode: int16(),
    errorMessage: nullableString({ versions: "2+", ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ versions: "2+", ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: array(
      {
        nodeId: int32(),
        listeners: array({ name: string(), host: string(), port: uint16() }),
      },
      { versions: "2+" },
    ),
  }),
});
