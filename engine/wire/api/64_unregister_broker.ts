/**
 * UnregisterBroker (64): forgets a broker for good (KIP-631).
 *
 * Version 0, flexible.
 */
import { int16, int32, message, nullableString } from "../schema.ts";

export const unregisterBrokerRequest = message({
  name: "UnregisterBrokerRequest",
  apiKey: 64,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: () => ({
    brokerId: int32(),
  }),
});

export const unregisterBrokerResponse = message({
  name: "UnregisterBrokerResponse",
  apiKey: 64,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
  }),
});
