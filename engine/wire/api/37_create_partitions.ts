/**
 * CreatePartitions (37): adds partitions to topics; the count is the new total.
 *
 * Versions 0-3, flexible from 2; may be throttled from 3 (KIP-599).
 */
import {
  array,
  bool,
  int16,
  int32,
  message,
  nullableArray,
  nullableString,
  string,
} from "../schema.ts";

export const createPartitionsRequest = message({
  name: "CreatePartitionsRequest",
  apiKey: 37,
  type: "request",
  versions: "0-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    topics: array({
      name: string(),
      count: int32(),
      assignments: nullableArray({ brokerIds: array(int32()) }),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  }),
});

export const createPartitionsResponse = message({
  name: "CreatePartitionsResponse",
  apiKey: 37,
  type: "response",
  versions: "0-3",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: nullableString({ default: null }),
    }),
  }),
});
