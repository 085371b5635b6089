/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, bool, int16, int32, int8, message, string, uuid } from "../schema.ts";

export const getTelemetrySubscriptionsRequest = message({
  name: "GetTelemetrySubscriptionsRequest",
  apiKey: 71,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: {
    clientInstanceId: uuid(),
  },
});

export const getTelemetrySubscriptionsResponse = message({
  name: "GetTelemetrySubscriptionsResponse",
  apiKey: 71,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string()),
  },
});
