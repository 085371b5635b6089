/**
 * DescribeAcls (29): the access rules that match a filter.
 *
 * Versions 1-3, flexible from 2; pattern types from 1 (KIP-290), users as resources from 3
 * (KIP-373).
 */
import { array, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const describeAclsRequest = message({
  name: "DescribeAclsRequest",
  apiKey: 29,
  type: "request",
  versions: "1-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    resourceTypeFilter: int8(),
    resourceNameFilter: nullableString(),
    patternTypeFilter: int8({ default: 3 }),
    principalFilter: nullableString(),
    hostFilter: nullableString(),
    operation: int8(),
    permissionType: int8(),
  }),
});

export const describeAclsResponse = message({
  name: "DescribeAclsResponse",
  apiKey: 29,
  type: "response",
  versions: "1-3",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ default: 3 }),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  }),
});
