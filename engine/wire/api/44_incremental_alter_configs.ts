/**
 * IncrementalAlterConfigs (44): sets, deletes, appends to or subtracts from single configs
 * (KIP-339).
 *
 * Versions 0-1, flexible from 1. Operations: 0 set, 1 delete, 2 append, 3 subtract.
 */
import { array, bool, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const incrementalAlterConfigsRequest = message({
  name: "IncrementalAlterConfigsRequest",
  apiKey: 44,
  type: "request",
  versions: "0-1",
  flexible: "1+",
  listeners: ["broker", "controller"],
  fields: () => ({
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), configOperation: int8(), value: nullableString() }),
    }),
    validateOnly: bool(),
  }),
});

export const incrementalAlterConfigsResponse = message({
  name: "IncrementalAlterConfigsResponse",
  apiKey: 44,
  type: "response",
  versions: "0-1",
  flexible: "1+",
  fields: () => ({
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: nullableString(),
      resourceType: int8(),
      resourceName: string(),
    }),
  }),
});
