/**
 * DeleteAcls (31): removes the access rules that match filters, and tells which.
 *
 * Versions 1-3, flexible from 2; pattern types from 1 (KIP-290), users as resources from 3
 * (KIP-373).
 */
import { array, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const deleteAclsRequest = message({
  name: "DeleteAclsRequest",
  apiKey: 31,
  type: "request",
  versions: "1-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: nullableString(),
      patternTypeFilter: int8({ default: 3 }),
      principalFilter: nullableString(),
      hostFilter: nullableString(),
      operation: int8(),
      permissionType: int8(),
    }),
  }),
});

export const deleteAclsResponse = message({
  name: "DeleteAclsResponse",
  apiKey: 31,
  type: "response",
  versions: "1-3",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    filterResults: array({
      errorCode: int16(),
      errorMessage: nullableString(),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: nullableString(),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  }),
});
