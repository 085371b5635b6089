/**
 * DeleteShareGroupOffsets (92): forgets a share group's offsets of some topics (KIP-932).
 *
 * Version 0, flexible.
 */
import { array, int16, int32, message, nullableString, string, uuid } from "../schema.ts";

export const deleteShareGroupOffsetsRequest = message({
  name: "DeleteShareGroupOffsetsRequest",
  apiKey: 92,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    topics: array({ topicName: string() }),
  }),
});

export const deleteShareGroupOffsetsResponse = message({
  name: "DeleteShareGroupOffsetsResponse",
  apiKey: 92,
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
      errorCode: int16(),
      errorMessage: nullableString({ default: null }),
    }),
  }),
});
