/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const createAclsRequest = message({
  name: "CreateAclsRequest",
  apiKey: 30,
  type: "request",
  versions: "1-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
});

export const createAclsResponse = message({
  name: "CreateAclsResponse",
  apiKey: 30,
  type: "response",
  versions: "1-3",
  flexible: "2+",
  fields: {
    throttleTimeMs: int32(),
    results: array({ errorCode: int16(), errorMessage: nullableString() }),
  },
});
