/**
 * PushTelemetry (72): a client hands over its metrics (KIP-714).
 *
 * Version 0, flexible.
 */
import { bool, bytes, int16, int32, int8, message, uuid } from "../schema.ts";

export const pushTelemetryRequest = message({
  name: "PushTelemetryRequest",
  apiKey: 72,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: bool(),
    compressionType: int8(),
    metrics: bytes(),
  }),
});

export const pushTelemetryResponse = message({
  name: "PushTelemetryResponse",
  apiKey: 72,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
  }),
});
