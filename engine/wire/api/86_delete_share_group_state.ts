/**
 * DeleteShareGroupState (86): drops the stored delivery state of share partitions (KIP-932).
 *
 * Version 0, flexible. Between brokers.
 */
import { array, int16, int32, message, nullableString, string, uuid } from "../schema.ts";

export const deleteShareGroupStateRequest = message({
  name: "DeleteShareGroupStateRequest",
  apiKey: 86,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({ partition: int32() }),
    }),
  }),
});

export const deleteShareGroupStateResponse = message({
  name: "DeleteShareGroupStateResponse",
  apiKey: 86,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
      }),
    }),
  }),
});
