/**
 * InitializeShareGroupState (83): begins the stored delivery state of share partitions (KIP-932).
 *
 * Version 0, flexible. Between brokers.
 */
import { array, int16, int32, int64, message, nullableString, string, uuid } from "../schema.ts";

export const initializeShareGroupStateRequest = message({
  name: "InitializeShareGroupStateRequest",
  apiKey: 83,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({ partition: int32(), stateEpoch: int32(), startOffset: int64() }),
    }),
  }),
});

export const initializeShareGroupStateResponse = message({
  name: "InitializeShareGroupStateResponse",
  apiKey: 83,
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
