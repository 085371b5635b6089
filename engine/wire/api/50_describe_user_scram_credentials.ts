/**
 * DescribeUserScramCredentials (50): which SCRAM mechanisms users have, never their secrets
 * (KIP-554).
 *
 * Version 0, flexible. Null or an empty list asks for all users.
 */
import {
  array,
  int16,
  int32,
  int8,
  message,
  nullableArray,
  nullableString,
  string,
} from "../schema.ts";

export const describeUserScramCredentialsRequest = message({
  name: "DescribeUserScramCredentialsRequest",
  apiKey: 50,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: () => ({
    users: nullableArray({ name: string() }),
  }),
});

export const describeUserScramCredentialsResponse = message({
  name: "DescribeUserScramCredentialsResponse",
  apiKey: 50,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: nullableString(),
      credentialInfos: array({ mechanism: int8(), iterations: int32() }),
    }),
  }),
});
