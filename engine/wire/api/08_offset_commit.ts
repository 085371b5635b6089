/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, int16, int32, int64, message, nullableString, string, uuid } from "../schema.ts";

export const offsetCommitRequest = message({
  name: "OffsetCommitRequest",
  apiKey: 8,
  type: "request",
  versions: "2-10",
  flexible: "8+",
  listeners: ["broker"],
  fields: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1 }),
    memberId: string(),
    groupInstanceId: nullableString({ versions: "7+", default: null }),
    retentionTimeMs: int64({ versions: "2-4", default: -1, ignorable: true }),
    topics: array({
      name: string({ versions: "2-9", ignorable: true }),
      topicId: uuid({ versions: "10+", ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ versions: "6+", default: -1, ignorable: true }),
        committedMetadata: nullableString(),
      }),
    }),
  },
});

export const offsetCommitResponse = message({
  name: "OffsetCommitResponse",
  apiKey: 8,
  type: "response",
  versions: "2-10",
  flexible: "8+",
  fields: {
    throttleTimeMs: int32({ versions: "3+", ignorable: true }),
    topics: array({
      name: string({ versions: "2-9", ignorable: true }),
      topicId: uuid({ versions: "10+", ignorable: true }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
});
