/**
 * ExpireDelegationToken (40): shortens the life of a delegation token, below zero at once (KIP-48).
 *
 * Versions 1-2, flexible from 2.
 */
import { bytes, int16, int32, int64, message } from "../schema.ts";

export const expireDelegationTokenRequest = message({
  name: "ExpireDelegationTokenRequest",
  apiKey: 40,
  type: "request",
  versions: "1-2",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    hmac: bytes(),
    expiryTimePeriodMs: int64(),
  }),
});

export const expireDelegationTokenResponse = message({
  name: "ExpireDelegationTokenResponse",
  apiKey: 40,
  type: "response",
  versions: "1-2",
  flexible: "2+",
  fields: () => ({
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  }),
});
