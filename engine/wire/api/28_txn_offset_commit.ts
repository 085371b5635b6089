/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, int16, int32, int64, message, nullableString, string } from "../schema.ts";

export const txnOffsetCommitRequest = message({
  name: "TxnOffsetCommitRequest",
  apiKey: 28,
  type: "request",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  fields: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ versions: "3+", default: -1 }),
    memberId: string({ versions: "3+", default: "" }),
    groupInstanceId: nullableString({ versions: "3+", default: null }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ versions: "2+", default: -1, ignorable: true }),
        committedMetadata: nullableString(),
      }),
    }),
  },
});

export const txnOffsetCommitResponse = message({
  name: "TxnOffsetCommitResponse",
  apiKey: 28,
  type: "response",
  versions: "0-5",
  flexible: "3+",
  fields: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
});
