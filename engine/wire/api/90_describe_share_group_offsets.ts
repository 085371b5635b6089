/**
 * DescribeShareGroupOffsets (90): how far share groups are (KIP-932).
 *
 * Versions 0-1, flexible always; the lag from 1 (KIP-1226). Null topics ask for all.
 */
import {
  array,
  int16,
  int32,
  int64,
  message,
  nullableArray,
  nullableString,
  string,
  uuid,
} from "../schema.ts";

export const describeShareGroupOffsetsRequest = message({
  name: "DescribeShareGroupOffsetsRequest",
  apiKey: 90,
  type: "request",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groups: array({
      groupId: string(),
      topics: nullableArray({ topicName: string(), partitions: array(int32()) }),
    }),
  }),
});

export const describeShareGroupOffsetsResponse = message({
  name: "DescribeShareGroupOffsetsResponse",
  apiKey: 90,
  type: "response",
  versions: "0-1",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    groups: array({
      groupId: string(),
      topics: array({
        topicName: string(),
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          startOffset: int64(),
          leaderEpoch: int32(),
          lag: int64({ versions: "1+", default: -1, ignorable: true }),
          errorCode: int16(),
          errorMessage: nullableString({ default: null }),
        }),
      }),
      errorCode: int16(),
      errorMessage: nullableString({ default: null }),
    }),
  }),
});
