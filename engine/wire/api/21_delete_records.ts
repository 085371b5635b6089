/**
 * DeleteRecords (21): moves the log start offset up; -1 means to the high watermark.
 *
 * Versions 0-2, flexible from 2 (KIP-107).
 */
import { array, int16, int32, int64, message, string } from "../schema.ts";

export const deleteRecordsRequest = message({
  name: "DeleteRecordsRequest",
  apiKey: 21,
  type: "request",
  versions: "0-2",
  flexible: "2+",
  listeners: ["broker"],
  fields: () => ({
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), offset: int64() }),
    }),
    timeoutMs: int32(),
  }),
});

export const deleteRecordsResponse = message({
  name: "DeleteRecordsResponse",
  apiKey: 21,
  type: "response",
  versions: "0-2",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), lowWatermark: int64(), errorCode: int16() }),
    }),
  }),
});
