/**
 * DescribeGroups (15): state and members of classic groups, for administrators.
 *
 * Versions 0-6, flexible from 5; authorized operations from 3 (KIP-430), static members from 4. An
 * unknown group is "Dead" without an error up to 5, GROUP_ID_NOT_FOUND from 6 (KIP-1043).
 */
import { array, bool, bytes, int16, int32, message, nullableString, string } from "../schema.ts";

export const describeGroupsRequest = message({
  name: "DescribeGroupsRequest",
  apiKey: 15,
  type: "request",
  versions: "0-6",
  flexible: "5+",
  listeners: ["broker"],
  fields: () => ({
    groups: array(string()),
    includeAuthorizedOperations: bool({ versions: "3+" }),
  }),
});

export const describeGroupsResponse = message({
  name: "DescribeGroupsResponse",
  apiKey: 15,
  type: "response",
  versions: "0-6",
  flexible: "5+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: nullableString({ versions: "6+", default: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: nullableString({ versions: "4+", default: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ versions: "3+", default: -0x8000_0000 }),
    }),
  }),
});
