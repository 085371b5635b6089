/**
 * Records of `__transaction_state`, in the frame of group_records.ts: one per transactional id, the
 * newest value is its state.
 */
import { array, int16, int32, int64, int8, message, nullableArray, string } from "../schema.ts";

export const transactionLogKey = message({
  name: "TransactionLogKey",
  apiKey: 0,
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    transactionalId: string(),
  }),
});

export const transactionLogValue = message({
  name: "TransactionLogValue",
  apiKey: 0,
  type: "data",
  versions: "0-1",
  flexible: "1+",
  fields: () => ({
    producerId: int64(),
    previousProducerId: int64({ versions: "1+", default: -1, tag: 0 }),
    nextProducerId: int64({ versions: "1+", default: -1, tag: 1 }),
    producerEpoch: int16(),
    nextProducerEpoch: int16({ versions: "1+", default: -1, tag: 3 }),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: nullableArray({ topic: string(), partitionIds: array(int32()) }),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16({ versions: "1+", default: 0, tag: 2 }),
  }),
});
