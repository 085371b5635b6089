/**
 * ControllerRegistration (70): a controller tells the active one its endpoints and features
 * (KIP-919).
 *
 * Version 0, flexible. Controller listeners only.
 */
import {
  array,
  bool,
  int16,
  int32,
  message,
  nullableString,
  string,
  uint16,
  uuid,
} from "../schema.ts";

export const controllerRegistrationRequest = message({
  name: "ControllerRegistrationRequest",
  apiKey: 70,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    listeners: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  }),
});

export const controllerRegistrationResponse = message({
  name: "ControllerRegistrationResponse",
  apiKey: 70,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
  }),
});
