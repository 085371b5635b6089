/**
 * CreateDelegationToken (38): makes a token with which others authenticate as its owner (KIP-48).
 *
 * Versions 1-3, flexible from 2; from 3 for another owner than who asks (KIP-373).
 */
import { array, bytes, int16, int32, int64, message, nullableString, string } from "../schema.ts";

export const createDelegationTokenRequest = message({
  name: "CreateDelegationTokenRequest",
  apiKey: 38,
  type: "request",
  versions: "1-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    ownerPrincipalType: nullableString({ versions: "3+" }),
    ownerPrincipalName: nullableString({ versions: "3+" }),
    renewers: array({ principalType: string(), principalName: string() }),
    maxLifetimeMs: int64(),
  }),
});

export const createDelegationTokenResponse = message({
  name: "CreateDelegationTokenResponse",
  apiKey: 38,
  type: "response",
  versions: "1-3",
  flexible: "2+",
  fields: () => ({
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string({ versions: "3+" }),
    tokenRequesterPrincipalName: string({ versions: "3+" }),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  }),
});
