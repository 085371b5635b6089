/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, int16, int32, message, nullableString, string } from "../schema.ts";

export const leaveGroupRequest = message({
  name: "LeaveGroupRequest",
  apiKey: 13,
  type: "request",
  versions: "0-5",
  flexible: "4+",
  listeners: ["broker"],
  fields: {
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
  },
});

export const leaveGroupResponse = message({
  name: "LeaveGroupResponse",
  apiKey: 13,
  type: "response",
  versions: "0-5",
  flexible: "4+",
  fields: {
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
  },
});
