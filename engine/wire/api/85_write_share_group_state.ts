/**
 * WriteShareGroupState (85): writes changes of the delivery state of share partitions (KIP-932).
 *
 * Versions 0-1, flexible always; from 1 with the count of finished records (KIP-1226). Between
 * brokers.
 */
import {
  array,
  int16,
  int32,
  int64,
  int8,
  message,
  nullableString,
  string,
  uuid,
} from "../schema.ts";

export const writeShareGroupStateRequest = message({
  name: "WriteShareGroupStateRequest",
  apiKey: 85,
  type: "request",
  versions: "0-1",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32({ versions: "1+", default: -1, ignorable: true }),
        stateBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryState: int8(),
          deliveryCount: int16(),
        }),
      }),
    }),
  }),
});

export const writeShareGroupStateResponse = message({
  name: "WriteShareGroupStateResponse",
  apiKey: 85,
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
      }),
    }),
  }),
});
