/**
 * AddOffsetsToTxn (25): adds a group's partition of `__consumer_offsets` to a transaction.
 *
 * Versions 0-4, flexible from 3; TRANSACTION_ABORTABLE from 4 (KIP-890).
 */
import { int16, int32, int64, message, string } from "../schema.ts";

export const addOffsetsToTxnRequest = message({
  name: "AddOffsetsToTxnRequest",
  apiKey: 25,
  type: "request",
  versions: "0-4",
  flexible: "3+",
  listeners: ["broker"],
  fields: () => ({
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  }),
});

export const addOffsetsToTxnResponse = message({
  name: "AddOffsetsToTxnResponse",
  apiKey: 25,
  type: "response",
  versions: "0-4",
  flexible: "3+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
  }),
});
