/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { bool, int16, int32, int64, message, string } from "../schema.ts";

export const endTxnRequest = message({
  name: "EndTxnRequest",
  apiKey: 26,
  type: "request",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  fields: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
});

export const endTxnResponse = message({
  name: "EndTxnResponse",
  apiKey: 26,
  type: "response",
  versions: "0-5",
  flexible: "3+",
  fields: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ versions: "5+", default: -1, ignorable: true }),
    producerEpoch: int16({ versions: "5+", default: -1, ignorable: true }),
  },
});
