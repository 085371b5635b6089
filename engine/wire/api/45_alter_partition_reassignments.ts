/**
 * AlterPartitionReassignments (45): starts, or with null replicas cancels, the move of partitions
 * to other brokers (KIP-455).
 *
 * Versions 0-1, flexible always; from 1 a change of the replication factor can be ruled out
 * (KIP-860).
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

export const alterPartitionReassignmentsRequest = message({
  name: "AlterPartitionReassignmentsRequest",
  apiKey: 45,
  type: "request",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: () => ({
    timeoutMs: int32({ default: 60000 }),
    allowReplicationFactorChange: bool({ versions: "1+", default: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: nullableArray(int32(), { default: null }),
      }),
    }),
  }),
});

export const alterPartitionReassignmentsResponse = message({
  name: "AlterPartitionReassignmentsResponse",
  apiKey: 45,
  type: "response",
  versions: "0-1",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool({ versions: "1+", default: true, ignorable: true }),
    errorCode: int16(),
    errorMessage: nullableString(),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString(),
      }),
    }),
  }),
});
