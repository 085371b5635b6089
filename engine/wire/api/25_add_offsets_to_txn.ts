/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { int16, int32, int64, message, string } from "../schema.ts";

export const addOffsetsToTxnRequest = message({
  name: "AddOffsetsToTxnRequest",
  apiKey: 25,
  type: "request",
  versions: "0-4",
  flexible: "3+",
  listeners: ["broker"],
  fields: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
});

export const addOffsetsToTxnResponse = message({
  name: "AddOffsetsToTxnResponse",
  apiKey: 25,
  type: "response",
  versions: "0-4",
  flexible: "3+",
  fields: {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
});
