/**
 * WriteTxnMarkers (27): the transaction coordinator has leaders write commit and abort markers.
 *
 * Versions 1-2, flexible from 1; the transaction version from 2 (KIP-1228). Between brokers only.
 */
import { array, bool, int16, int32, int64, int8, message, string } from "../schema.ts";

export const writeTxnMarkersRequest = message({
  name: "WriteTxnMarkersRequest",
  apiKey: 27,
  type: "request",
  versions: "1-2",
  flexible: "1+",
  listeners: ["broker"],
  fields: () => ({
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({ name: string(), partitionIndexes: array(int32()) }),
      coordinatorEpoch: int32(),
      transactionVersion: int8({ versions: "2+", default: 0, ignorable: true }),
    }),
  }),
});

export const writeTxnMarkersResponse = message({
  name: "WriteTxnMarkersResponse",
  apiKey: 27,
  type: "response",
  versions: "1-2",
  flexible: "1+",
  fields: () => ({
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({ partitionIndex: int32(), errorCode: int16() }),
      }),
    }),
  }),
});
