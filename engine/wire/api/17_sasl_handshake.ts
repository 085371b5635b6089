/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, int16, message, string } from "../schema.ts";

export const saslHandshakeRequest = message({
  name: "SaslHandshakeRequest",
  apiKey: 17,
  type: "request",
  versions: "0-1",
  flexible: "none",
  listeners: ["broker", "controller"],
  fields: {
    mechanism: string(),
  },
});

export const saslHandshakeResponse = message({
  name: "SaslHandshakeResponse",
  apiKey: 17,
  type: "response",
  versions: "0-1",
  flexible: "none",
  fields: {
    errorCode: int16(),
    mechanisms: array(string()),
  },
});
