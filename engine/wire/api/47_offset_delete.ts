/**
 * OffsetDelete (47): forgets committed offsets of a group, of topics it is not subscribed to
 * (KIP-496).
 *
 * Version 0, not flexible; its response has the error before the throttle time.
 */
import { array, int16, int32, message, string } from "../schema.ts";

export const offsetDeleteRequest = message({
  name: "OffsetDeleteRequest",
  apiKey: 47,
  type: "request",
  versions: "0",
  flexible: "none",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32() }),
    }),
  }),
});

export const offsetDeleteResponse = message({
  name: "OffsetDeleteResponse",
  apiKey: 47,
  type: "response",
  versions: "0",
  flexible: "none",
  fields: () => ({
    errorCode: int16(),
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  }),
});
