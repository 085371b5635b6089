/**
 * ListConfigResources (74): the resources that have configs.
 *
 * Versions 0-1, flexible always. Version 0 knows clients' metrics only (KIP-1000), version 1 any
 * type (KIP-1142).
 */
import { array, int16, int32, int8, message, string } from "../schema.ts";

export const listConfigResourcesRequest = message({
  name: "ListConfigResourcesRequest",
  apiKey: 74,
  type: "request",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    resourceTypes: array(int8(), { versions: "1+" }),
  }),
});

export const listConfigResourcesResponse = message({
  name: "ListConfigResourcesResponse",
  apiKey: 74,
  type: "response",
  versions: "0-1",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8({ versions: "1+", default: 16, ignorable: true }),
    }),
  }),
});
