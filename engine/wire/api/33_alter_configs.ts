/**
 * AlterConfigs (33): replaces all dynamic configs of a resource: what is not named is reset.
 *
 * Versions 0-2, flexible from 2. IncrementalAlterConfigs (44) came to replace it.
 */
import { array, bool, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const alterConfigsRequest = message({
  name: "AlterConfigsRequest",
  apiKey: 33,
  type: "request",
  versions: "0-2",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), value: nullableString() }),
    }),
    validateOnly: bool(),
  }),
});

export const alterConfigsResponse = message({
  name: "AlterConfigsResponse",
  apiKey: 33,
  type: "response",
  versions: "0-2",
  flexible: "2+",
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
