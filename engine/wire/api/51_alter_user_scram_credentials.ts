/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, bytes, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const alterUserScramCredentialsRequest = message({
  name: "AlterUserScramCredentialsRequest",
  apiKey: 51,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: {
    deletions: array({ name: string(), mechanism: int8() }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
});

export const alterUserScramCredentialsResponse = message({
  name: "AlterUserScramCredentialsResponse",
  apiKey: 51,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: {
    throttleTimeMs: int32(),
    results: array({ user: string(), errorCode: int16(), errorMessage: nullableString() }),
  },
});
