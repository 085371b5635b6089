/**
 * SaslHandshake (17): chooses the SASL mechanism.
 *
 * Versions 0-1, never flexible. After version 0 the tokens travel bare, each behind an int32
 * length; after version 1 in SaslAuthenticate (KIP-152). A mechanism that is not offered is
 * answered with those that are.
 */
import { array, int16, message, string } from "../schema.ts";

export const saslHandshakeRequest = message({
  name: "SaslHandshakeRequest",
  apiKey: 17,
  type: "request",
  versions: "0-1",
  flexible: "none",
  listeners: ["broker", "controller"],
  fields: () => ({
    mechanism: string(),
  }),
});

export const saslHandshakeResponse = message({
  name: "SaslHandshakeResponse",
  apiKey: 17,
  type: "response",
  versions: "0-1",
  flexible: "none",
  fields: () => ({
    errorCode: int16(),
    mechanisms: array(string()),
  }),
});
