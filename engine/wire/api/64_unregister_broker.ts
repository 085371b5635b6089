/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { int16, int32, message, nullableString } from "../schema.ts";

export const unregisterBrokerRequest = message({
  name: "UnregisterBrokerRequest",
  apiKey: 64,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: {
    brokerId: int32(),
  },
});

export const unregisterBrokerResponse = message({
  name: "UnregisterBrokerResponse",
  apiKey: 64,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
  },
});
