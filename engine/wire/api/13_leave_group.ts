/**
 * LeaveGroup (13): leaves a classic group at once.
 *
 * Versions 0-5, flexible from 4. From 3 several members, static ones by their instance id
 * (KIP-345); from 5 each with a reason (KIP-800).
 */
import { array, int16, int32, message, nullableString, string } from "../schema.ts";

export const leaveGroupRequest = message({
  name: "LeaveGroupRequest",
  apiKey: 13,
  type: "request",
  versions: "0-5",
  flexible: "4+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    memberId: string({ versions: "0-2" }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: nullableString({ default: null }),
        reason: nullableString({ versions: "5+", default: null, ignorable: true }),
      },
      { versions: "3+" },
    ),
  }),
});

export const leaveGroupResponse = message({
  name: "LeaveGroupResponse",
  apiKey: 13,
  type: "response",
  versions: "0-5",
  flexible: "4+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    errorCode: int16(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: nullableString(),
        errorCode: int16(),
      },
      { versions: "3+" },
    ),
  }),
});
