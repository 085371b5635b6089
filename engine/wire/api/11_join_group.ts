/**
 * JoinGroup (11): enters or re-enters a classic group; parked until the group has gathered.
 *
 * Versions 0-9, flexible from 6.
 *    1  rebalance timeout beside the session timeout (KIP-62)
 *    4  a new member is sent back once, with its id (KIP-394);  5: static members (KIP-345)
 *    7  the answer names the protocol (KIP-559);  8: the reason for joining (KIP-800)
 *    9  the leader may be told to skip the assignment (KIP-814)
 */
import { array, bool, bytes, int16, int32, message, nullableString, string } from "../schema.ts";

export const joinGroupRequest = message({
  name: "JoinGroupRequest",
  apiKey: 11,
  type: "request",
  versions: "0-9",
  flexible: "6+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ versions: "1+", default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: nullableString({ versions: "5+", default: null }),
    protocolType: string(),
    protocols: array({ name: string(), metadata: bytes() }),
    reason: nullableString({ versions: "8+", default: null, ignorable: true }),
  }),
});

export const joinGroupResponse = message({
  name: "JoinGroupResponse",
  apiKey: 11,
  type: "response",
  versions: "0-9",
  flexible: "6+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "2+", ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: nullableString({ versions: "7+", default: null, ignorable: true }),
    protocolName: nullableString({ nullable: "7+" }),
    leader: string(),
    skipAssignment: bool({ versions: "9+", default: false }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: nullableString({ versions: "5+", default: null, ignorable: true }),
      metadata: bytes(),
    }),
  }),
});
