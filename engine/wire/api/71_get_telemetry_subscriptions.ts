/**
 * GetTelemetrySubscriptions (71): which metrics a client is to push, and how often (KIP-714).
 *
 * Version 0, flexible.
 */
import { array, bool, int16, int32, int8, message, string, uuid } from "../schema.ts";

export const getTelemetrySubscriptionsRequest = message({
  name: "GetTelemetrySubscriptionsRequest",
  apiKey: 71,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    clientInstanceId: uuid(),
  }),
});

export const getTelemetrySubscriptionsResponse = message({
  name: "GetTelemetrySubscriptionsResponse",
  apiKey: 71,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string()),
  }),
});
