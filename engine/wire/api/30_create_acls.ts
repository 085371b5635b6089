/**
 * CreateAcls (30): adds access rules, each with a result of its own.
 *
 * Versions 1-3, flexible from 2; pattern types from 1 (KIP-290), users as resources from 3
 * (KIP-373).
 */
import { array, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const createAclsRequest = message({
  name: "CreateAclsRequest",
  apiKey: 30,
  type: "request",
  versions: "1-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  }),
});

export const createAclsResponse = message({
  name: "CreateAclsResponse",
  apiKey: 30,
  type: "response",
  versions: "1-3",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    results: array({ errorCode: int16(), errorMessage: nullableString() }),
  }),
});
