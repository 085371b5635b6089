/**
 * Heartbeat (12): keeps a member of a classic group alive, and tells it of a rebalance.
 *
 * Versions 0-4, flexible from 4; static members from 3 (KIP-345).
 */
import { int16, int32, message, nullableString, string } from "../schema.ts";

export const heartbeatRequest = message({
  name: "HeartbeatRequest",
  apiKey: 12,
  type: "request",
  versions: "0-4",
  flexible: "4+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ versions: "3+", default: null }),
  }),
});

export const heartbeatResponse = message({
  name: "HeartbeatResponse",
  apiKey: 12,
  type: "response",
  versions: "0-4",
  flexible: "4+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    errorCode: int16(),
  }),
});
