/**
 * DescribeTransactions (65): state of transactional ids (KIP-664).
 *
 * Version 0, flexible.
 */
import { array, int16, int32, int64, message, string } from "../schema.ts";

export const describeTransactionsRequest = message({
  name: "DescribeTransactionsRequest",
  apiKey: 65,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    transactionalIds: array(string()),
  }),
});

export const describeTransactionsResponse = message({
  name: "DescribeTransactionsResponse",
  apiKey: 65,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({ topic: string(), partitions: array(int32()) }),
    }),
  }),
});
