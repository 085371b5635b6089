/**
 * ReadShareGroupStateSummary (87): start offsets of share partitions, without the state of single
 * records (KIP-932).
 *
 * Versions 0-1, flexible always; from 1 with the count of finished records (KIP-1226). Between
 * brokers.
 */
import { array, int16, int32, int64, message, nullableString, string, uuid } from "../schema.ts";

export const readShareGroupStateSummaryRequest = message({
  name: "ReadShareGroupStateSummaryRequest",
  apiKey: 87,
  type: "request",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({ partition: int32(), leaderEpoch: int32() }),
    }),
  }),
});

export const readShareGroupStateSummaryResponse = message({
  name: "ReadShareGroupStateSummaryResponse",
  apiKey: 87,
  type: "response",
  versions: "0-1",
  flexible: "0+",
  fields: () => ({
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32({ versions: "1+", default: -1, ignorable: true }),
      }),
    }),
  }),
});
