/**
 * SaslAuthenticate (36): one step of a SASL exchange after a handshake of version 1 (KIP-152).
 *
 * Versions 0-2, flexible from 2; from 1 the answer says when to authenticate again (KIP-368).
 */
import { bytes, int16, int64, message, nullableString } from "../schema.ts";

export const saslAuthenticateRequest = message({
  name: "SaslAuthenticateRequest",
  apiKey: 36,
  type: "request",
  versions: "0-2",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    authBytes: bytes(),
  }),
});

export const saslAuthenticateResponse = message({
  name: "SaslAuthenticateResponse",
  apiKey: 36,
  type: "response",
  versions: "0-2",
  flexible: "2+",
  fields: () => ({
    errorCode: int16(),
    errorMessage: nullableString(),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ versions: "1+", default: 0, ignorable: true }),
  }),
});
