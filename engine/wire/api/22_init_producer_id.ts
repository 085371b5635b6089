/**
 * InitProducerId (22): hands out a producer id and epoch; with a transactional id it also fences
 * and aborts.
 *
 * Versions 0-6, flexible from 2. Version 6 (two-phase commit, KIP-939) is not stable yet and not
 * advertised.
 *    3  a producer may name its id and epoch to go on (KIP-360)
 *    4  PRODUCER_FENCED;  5: TRANSACTION_ABORTABLE (KIP-890)
 */
import { bool, int16, int32, int64, message, nullableString } from "../schema.ts";

export const initProducerIdRequest = message({
  name: "InitProducerIdRequest",
  apiKey: 22,
  type: "request",
  versions: "0-6",
  flexible: "2+",
  listeners: ["broker"],
  latestVersionUnstable: true,
  fields: () => ({
    transactionalId: nullableString(),
    transactionTimeoutMs: int32(),
    producerId: int64({ versions: "3+", default: -1 }),
    producerEpoch: int16({ versions: "3+", default: -1 }),
    enable2Pc: bool({ versions: "6+", default: false }),
    keepPreparedTxn: bool({ versions: "6+", default: false }),
  }),
});

export const initProducerIdResponse = message({
  name: "InitProducerIdResponse",
  apiKey: 22,
  type: "response",
  versions: "0-6",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64({ versions: "6+", default: -1 }),
    ongoingTxnProducerEpoch: int16({ versions: "6+", default: -1 }),
  }),
});
