/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
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
  fields: {
    transactionalId: nullableString(),
    transactionTimeoutMs: int32(),
    producerId: int64({ versions: "3+", default: -1 }),
    producerEpoch: int16({ versions: "3+", default: -1 }),
    enable2Pc: bool({ versions: "6+", default: false }),
    keepPreparedTxn: bool({ versions: "6+", default: false }),
  },
});

export const initProducerIdResponse = message({
  name: "InitProducerIdResponse",
  apiKey: 22,
  type: "response",
  versions: "0-6",
  flexible: "2+",
  fields: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64({ versions: "6+", default: -1 }),
    ongoingTxnProducerEpoch: int16({ versions: "6+", default: -1 }),
  },
});
