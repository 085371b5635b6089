/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, int16, int32, int64, int8, message, string } from "../schema.ts";

export const listOffsetsRequest = message({
  name: "ListOffsetsRequest",
  apiKey: 2,
  type: "request",
  versions: "1-11",
  flexible: "6+",
  listeners: ["broker"],
  fields: {
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
  },
});

export const listOffsetsResponse = message({
  name: "ListOffsetsResponse",
  apiKey: 2,
  type: "response",
  versions: "1-11",
  flexible: "6+",
  fields: {
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
  },
});
