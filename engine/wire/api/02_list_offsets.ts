/**
 * ListOffsets (2): the offset that belongs to a timestamp, one for each partition.
 *
 * Versions 1-11, flexible from 6. Timestamps below zero are questions of their own:
 *   -1 the end of what may be read, -2 the start, -3 the record of the highest timestamp (from
 *   version 7, KIP-734), -4 the start of the local log (8, KIP-405), -5 the end of the tiered log
 *   (9, KIP-1005), -6 the first offset not yet tiered (11, KIP-1023).
 *
 *    2  isolation level: "end" then is the last stable offset
 *    4  leader epochs, both ways (KIP-320)
 *   10  a timeout, for lookups in remote storage (KIP-1075)
 */
import { array, int16, int32, int64, int8, message, string } from "../schema.ts";

export const listOffsetsRequest = message({
  name: "ListOffsetsRequest",
  apiKey: 2,
  type: "request",
  versions: "1-11",
  flexible: "6+",
  listeners: ["broker"],
  fields: () => ({
    replicaId: int32(),
    isolationLevel: int8({ versions: "2+" }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ versions: "4+", default: -1, ignorable: true }),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ versions: "10+", ignorable: true }),
  }),
});

export const listOffsetsResponse = message({
  name: "ListOffsetsResponse",
  apiKey: 2,
  type: "response",
  versions: "1-11",
  flexible: "6+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "2+", ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ default: -1 }),
        offset: int64({ default: -1 }),
        leaderEpoch: int32({ versions: "4+", default: -1 }),
      }),
    }),
  }),
});
