/**
 * FindCoordinator (10): which broker coordinates a group, a transactional id or a share partition.
 *
 * Versions 0-6, flexible from 3.
 *    1  key types: 0 group, 1 transaction (KIP-98)
 *    4  several keys in one request, in fields of their own (KIP-699)
 *    6  key type 2, keys "group:topicId:partition" (KIP-932)
 */
import { array, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const findCoordinatorRequest = message({
  name: "FindCoordinatorRequest",
  apiKey: 10,
  type: "request",
  versions: "0-6",
  flexible: "3+",
  listeners: ["broker"],
  fields: () => ({
    key: string({ versions: "0-3" }),
    keyType: int8({ versions: "1+", default: 0 }),
    coordinatorKeys: array(string(), { versions: "4+" }),
  }),
});

export const findCoordinatorResponse = message({
  name: "FindCoordinatorResponse",
  apiKey: 10,
  type: "response",
  versions: "0-6",
  flexible: "3+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    errorCode: int16({ versions: "0-3" }),
    errorMessage: nullableString({ versions: "1-3", ignorable: true }),
    nodeId: int32({ versions: "0-3" }),
    host: string({ versions: "0-3" }),
    port: int32({ versions: "0-3" }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: nullableString(),
      },
      { versions: "4+" },
    ),
  }),
});
