/**
 * Envelope (58): a broker passes a client's request on to the controller, with who sent it
 * (KIP-590).
 *
 * Version 0, flexible. Header and body of the inner request are carried as they came. Controller
 * listeners only.
 */
import { bytes, int16, message, nullableBytes } from "../schema.ts";

export const envelopeRequest = message({
  name: "EnvelopeRequest",
  apiKey: 58,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    requestData: bytes(),
    requestPrincipal: nullableBytes(),
    clientHostAddress: bytes(),
  }),
});

export const envelopeResponse = message({
  name: "EnvelopeResponse",
  apiKey: 58,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    responseData: nullableBytes({ default: null }),
    errorCode: int16(),
  }),
});
