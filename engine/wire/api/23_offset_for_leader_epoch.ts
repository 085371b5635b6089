/**
 * OffsetForLeaderEpoch (23): where a leader epoch ended, so that readers find out what was cut
 * away.
 *
 * Versions 2-4, flexible from 4 (KIP-101, KIP-279, KIP-320). The replica id comes with version 3;
 * -2 is a consumer that may see beyond the high watermark.
 */
import { array, int16, int32, int64, message, string } from "../schema.ts";

export const offsetForLeaderEpochRequest = message({
  name: "OffsetForLeaderEpochRequest",
  apiKey: 23,
  type: "request",
  versions: "2-4",
  flexible: "4+",
  listeners: ["broker"],
  fields: () => ({
    replicaId: int32({ versions: "3+", default: -2, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ default: -1 }),
        leaderEpoch: int32(),
      }),
    }),
  }),
});

export const offsetForLeaderEpochResponse = message({
  name: "OffsetForLeaderEpochResponse",
  apiKey: 23,
  type: "response",
  versions: "2-4",
  flexible: "4+",
  fields: () => ({
    throttleTimeMs: int32(),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ default: -1 }),
        endOffset: int64({ default: -1 }),
      }),
    }),
  }),
});
