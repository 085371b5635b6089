/**
 * DescribeDelegationToken (41): the tokens of some owners, null for all (KIP-48).
 *
 * Versions 1-3, flexible from 2; from 3 the answer tells who asked for each token (KIP-373).
 */
import { array, bytes, int16, int32, int64, message, nullableArray, string } from "../schema.ts";

export const describeDelegationTokenRequest = message({
  name: "DescribeDelegationTokenRequest",
  apiKey: 41,
  type: "request",
  versions: "1-3",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    owners: nullableArray({ principalType: string(), principalName: string() }),
  }),
});

export const describeDelegationTokenResponse = message({
  name: "DescribeDelegationTokenResponse",
  apiKey: 41,
  type: "response",
  versions: "1-3",
  flexible: "2+",
  fields: () => ({
    errorCode: int16(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string({ versions: "3+" }),
      tokenRequesterPrincipalName: string({ versions: "3+" }),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({ principalType: string(), principalName: string() }),
    }),
    throttleTimeMs: int32(),
  }),
});
