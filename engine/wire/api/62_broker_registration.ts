/**
 * BrokerRegistration (62): a broker enters the cluster and gets its epoch (KIP-631).
 *
 * Versions 0-4, flexible always; log directories from 2 (KIP-858), the epoch before from 3
 * (KIP-966), features from level 0 from 4. Controller listeners only.
 */
import {
  array,
  bool,
  int16,
  int32,
  int64,
  message,
  nullableString,
  string,
  uint16,
  uuid,
} from "../schema.ts";

export const brokerRegistrationRequest = message({
  name: "BrokerRegistrationRequest",
  apiKey: 62,
  type: "request",
  versions: "0-4",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    brokerId: int32(),
    clusterId: string(),
    incarnationId: uuid(),
    listeners: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    rack: nullableString(),
    isMigratingZkBroker: bool({ versions: "1+", default: false }),
    logDirs: array(uuid(), { versions: "2+", ignorable: true }),
    previousBrokerEpoch: int64({ versions: "3+", default: -1, ignorable: true }),
  }),
});

export const brokerRegistrationResponse = message({
  name: "BrokerRegistrationResponse",
  apiKey: 62,
  type: "response",
  versions: "0-4",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    brokerEpoch: int64({ default: -1 }),
  }),
});
