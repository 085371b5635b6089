/**
 * AlterUserScramCredentials (51): sets and removes SCRAM credentials (KIP-554). Salted passwords
 * travel, not passwords.
 *
 * Version 0, flexible.
 */
import { array, bytes, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const alterUserScramCredentialsRequest = message({
  name: "AlterUserScramCredentialsRequest",
  apiKey: 51,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: () => ({
    deletions: array({ name: string(), mechanism: int8() }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  }),
});

export const alterUserScramCredentialsResponse = message({
  name: "AlterUserScramCredentialsResponse",
  apiKey: 51,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    results: array({ user: string(), errorCode: int16(), errorMessage: nullableString() }),
  }),
});
