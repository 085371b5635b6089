/**
 * RenewDelegationToken (39): extends the life of a delegation token (KIP-48).
 *
 * Versions 1-2, flexible from 2.
 */
import { bytes, int16, int32, int64, message } from "../schema.ts";

export const renewDelegationTokenRequest = message({
  name: "RenewDelegationTokenRequest",
  apiKey: 39,
  type: "request",
  versions: "1-2",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    hmac: bytes(),
    renewPeriodMs: int64(),
  }),
});

export const renewDelegationTokenResponse = message({
  name: "RenewDelegationTokenResponse",
  apiKey: 39,
  type: "response",
  versions: "1-2",
  flexible: "2+",
  fields: () => ({
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  }),
});
