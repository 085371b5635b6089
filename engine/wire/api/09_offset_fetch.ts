/**
 * OffsetFetch (9): reads the committed offsets of a group.
 *
 * Versions 1-10, flexible from 6.
 *    2  null asks for all topics; an error of the whole group
 *    5  leader epochs (KIP-320);  7: only offsets without a pending transaction (KIP-447)
 *    8  several groups in one request, in fields of their own (KIP-709)
 *    9  member id and epoch of the KIP-848 protocol;  10: topics by id instead of name
 *
 * A partition without a commit has offset -1, empty metadata and no error.
 */
import {
  array,
  bool,
  int16,
  int32,
  int64,
  message,
  nullableArray,
  nullableString,
  string,
  uuid,
} from "../schema.ts";

export const offsetFetchRequest = message({
  name: "OffsetFetchRequest",
  apiKey: 9,
  type: "request",
  versions: "1-10",
  flexible: "6+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string({ versions: "1-7" }),
    topics: nullableArray(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      { versions: "1-7", nullable: "2-7" },
    ),
    groups: array(
      {
        groupId: string(),
        memberId: nullableString({ versions: "9+", default: null, ignorable: true }),
        memberEpoch: int32({ versions: "9+", default: -1, ignorable: true }),
        topics: nullableArray({
          name: string({ versions: "8-9", ignorable: true }),
          topicId: uuid({ versions: "10+", ignorable: true }),
          partitionIndexes: array(int32()),
        }),
      },
      { versions: "8+" },
    ),
    requireStable: bool({ versions: "7+", default: false }),
  }),
});

export const offsetFetchResponse = message({
  name: "OffsetFetchResponse",
  apiKey: 9,
  type: "response",
  versions: "1-10",
  flexible: "6+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "3+", ignorable: true }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ versions: "5-7", default: -1, ignorable: true }),
          metadata: nullableString(),
          errorCode: int16(),
        }),
      },
      { versions: "1-7" },
    ),
    errorCode: int16({ versions: "2-7", default: 0, ignorable: true }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string({ versions: "8-9", ignorable: true }),
          topicId: uuid({ versions: "10+", ignorable: true }),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1 }),
            metadata: nullableString(),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({ default: 0 }),
      },
      { versions: "8+" },
    ),
  }),
});
