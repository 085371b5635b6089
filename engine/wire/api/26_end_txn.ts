/**
 * EndTxn (26): commits or aborts a transaction.
 *
 * Versions 0-5, flexible from 3; TRANSACTION_ABORTABLE from 4; from 5 each transaction ends with a
 * new epoch, which the answer tells (KIP-890).
 */
import { bool, int16, int32, int64, message, string } from "../schema.ts";

export const endTxnRequest = message({
  name: "EndTxnRequest",
  apiKey: 26,
  type: "request",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  fields: () => ({
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  }),
});

export const endTxnResponse = message({
  name: "EndTxnResponse",
  apiKey: 26,
  type: "response",
  versions: "0-5",
  flexible: "3+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ versions: "5+", default: -1, ignorable: true }),
    producerEpoch: int16({ versions: "5+", default: -1, ignorable: true }),
  }),
});
