/**
 * BrokerHeartbeat (63): a broker stays alive, asks to be unfenced or to shut down (KIP-631).
 *
 * Versions 0-2, flexible always; failed log directories from 1 (KIP-858), cordoned ones from 2.
 * Controller listeners only.
 */
import { array, bool, int16, int32, int64, message, nullableArray, uuid } from "../schema.ts";

export const brokerHeartbeatRequest = message({
  name: "BrokerHeartbeatRequest",
  apiKey: 63,
  type: "request",
  versions: "0-2",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    currentMetadataOffset: int64(),
    wantFence: bool(),
    wantShutDown: bool(),
    offlineLogDirs: array(uuid(), { versions: "1+", tag: 0 }),
    cordonedLogDirs: nullableArray(uuid(), { versions: "2+", default: null, tag: 1 }),
  }),
});

export const brokerHeartbeatResponse = message({
  name: "BrokerHeartbeatResponse",
  apiKey: 63,
  type: "response",
  versions: "0-2",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    isCaughtUp: bool({ default: false }),
    isFenced: bool({ default: true }),
    shouldShutDown: bool(),
  }),
});
