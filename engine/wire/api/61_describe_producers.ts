/**
 * DescribeProducers (61): the producers that a partition remembers, to find hanging transactions
 * (KIP-664).
 *
 * Version 0, flexible.
 */
import { array, int16, int32, int64, message, nullableString, string } from "../schema.ts";

export const describeProducersRequest = message({
  name: "DescribeProducersRequest",
  apiKey: 61,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    topics: array({ name: string(), partitionIndexes: array(int32()) }),
  }),
});

export const describeProducersResponse = message({
  name: "DescribeProducersResponse",
  apiKey: 61,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1 }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ default: -1 }),
        }),
      }),
    }),
  }),
});
