/**
 * SyncGroup (14): the leader of a classic group hands in the assignment, each member takes its own.
 *
 * Versions 0-5, flexible from 4; static members from 3 (KIP-345), the protocol is checked from 5
 * (KIP-559). Followers are parked until the leader's request.
 */
import { array, bytes, int16, int32, message, nullableString, string } from "../schema.ts";

export const syncGroupRequest = message({
  name: "SyncGroupRequest",
  apiKey: 14,
  type: "request",
  versions: "0-5",
  flexible: "4+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ versions: "3+", default: null }),
    protocolType: nullableString({ versions: "5+", default: null, ignorable: true }),
    protocolName: nullableString({ versions: "5+", default: null, ignorable: true }),
    assignments: array({ memberId: string(), assignment: bytes() }),
  }),
});

export const syncGroupResponse = message({
  name: "SyncGroupResponse",
  apiKey: 14,
  type: "response",
  versions: "0-5",
  flexible: "4+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    errorCode: int16(),
    protocolType: nullableString({ versions: "5+", default: null, ignorable: true }),
    protocolName: nullableString({ versions: "5+", default: null, ignorable: true }),
    assignment: bytes(),
  }),
});
