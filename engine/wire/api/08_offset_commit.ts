/**
 * OffsetCommit (8): stores the offsets that a group has consumed.
 *
 * Versions 2-10, flexible from 8.
 *    5  retention is no longer the client's to say (KIP-211)
 *    6  the leader epoch of the committed offset (KIP-320);  7: static members (KIP-345)
 *    9  members of the KIP-848 protocol: the generation is a member epoch then
 *   10  topics by id instead of name
 */
import { array, int16, int32, int64, message, nullableString, string, uuid } from "../schema.ts";

export const offsetCommitRequest = message({
  name: "OffsetCommitRequest",
  apiKey: 8,
  type: "request",
  versions: "2-10",
  flexible: "8+",
  listeners: ["broker"],
  fields: () => ({
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
  }),
});

export const offsetCommitResponse = message({
  name: "OffsetCommitResponse",
  apiKey: 8,
  type: "response",
  versions: "2-10",
  flexible: "8+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "3+", ignorable: true }),
    topics: array({
      name: string({ versions: "2-9", ignorable: true }),
      topicId: uuid({ versions: "10+", ignorable: true }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  }),
});
