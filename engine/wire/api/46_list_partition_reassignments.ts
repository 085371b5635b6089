/**
 * ListPartitionReassignments (46): moves of partitions under way, null for all (KIP-455).
 *
 * Version 0, flexible.
 */
import { array, int16, int32, message, nullableArray, nullableString, string } from "../schema.ts";

export const listPartitionReassignmentsRequest = message({
  name: "ListPartitionReassignmentsRequest",
  apiKey: 46,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: () => ({
    timeoutMs: int32({ default: 60000 }),
    topics: nullableArray({ name: string(), partitionIndexes: array(int32()) }, { default: null }),
  }),
});

export const listPartitionReassignmentsResponse = message({
  name: "ListPartitionReassignmentsResponse",
  apiKey: 46,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      }),
    }),
  }),
});
