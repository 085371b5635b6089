/**
 * AlterShareGroupOffsets (91): moves an empty share group to other offsets (KIP-932).
 *
 * Version 0, flexible.
 */
import { array, int16, int32, int64, message, nullableString, string, uuid } from "../schema.ts";

export const alterShareGroupOffsetsRequest = message({
  name: "AlterShareGroupOffsetsRequest",
  apiKey: 91,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    topics: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32(), startOffset: int64() }),
    }),
  }),
});

export const alterShareGroupOffsetsResponse = message({
  name: "AlterShareGroupOffsetsResponse",
  apiKey: 91,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
      }),
    }),
  }),
});
