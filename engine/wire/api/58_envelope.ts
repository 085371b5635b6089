/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { bytes, int16, message, nullableBytes } from "../schema.ts";

export const envelopeRequest = message({
  name: "EnvelopeRequest",
  apiKey: 58,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  fields: {
    requestData: bytes(),
    requestPrincipal: nullableBytes(),
    clientHostAddress: bytes(),
  },
});

export const envelopeResponse = message({
  name: "EnvelopeResponse",
  apiKey: 58,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: {
    responseData: nullableBytes({ default: null }),
    errorCode: int16(),
  },
});
