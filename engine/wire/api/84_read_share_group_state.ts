/**
 * ReadShareGroupState (84): reads the stored delivery state of share partitions (KIP-932).
 *
 * Version 0, flexible. Between brokers.
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

export const readShareGroupStateRequest = message({
  name: "ReadShareGroupStateRequest",
  apiKey: 84,
  type: "request",
  versions: "0",
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

export const readShareGroupStateResponse = message({
  name: "ReadShareGroupStateResponse",
  apiKey: 84,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
        stateEpoch: int32(),
        startOffset: int64(),
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
