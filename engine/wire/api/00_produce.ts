/**
 * Produce (0): appends one record batch to each partition named.
 *
 * Served in versions 3-13, flexible from 9; advertised from 0, see apis.ts.
 *    3  the first version whose records are in today's batch format
 *    5  the answer tells the log start offset, so that a producer can explain a lost sequence
 *    7  zstd batches are allowed (KIP-110)
 *    8  the answer names the records that spoiled a batch (KIP-467)
 *   10  the answer to a wrong leader carries the right one, tagged (KIP-951)
 *   12  inside a transaction, the request also adds the partition to it (KIP-890)
 *   13  topics by id instead of name (KIP-516)
 *
 * `acks` 0 has no answer at all: an error closes the connection. Requests are decoded by
 * produce_request.ts, which leaves the records in the pieces in which they arrived; this
 * declaration is its reference.
 */
import {
  array,
  int16,
  int32,
  int64,
  message,
  nullableRecords,
  nullableString,
  string,
  struct,
  uuid,
} from "../schema.ts";

export const produceRequest = message({
  name: "ProduceRequest",
  apiKey: 0,
  type: "request",
  versions: "3-13",
  flexible: "9+",
  listeners: ["broker"],
  fields: () => ({
    transactionalId: nullableString({ default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ versions: "3-12", ignorable: true }),
      topicId: uuid({ versions: "13+", ignorable: true }),
      partitionData: array({ index: int32(), records: nullableRecords() }),
    }),
  }),
});

export const produceResponse = message({
  name: "ProduceResponse",
  apiKey: 0,
  type: "response",
  versions: "3-13",
  flexible: "9+",
  fields: () => ({
    responses: array({
      name: string({ versions: "3-12", ignorable: true }),
      topicId: uuid({ versions: "13+", ignorable: true }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ default: -1 }),
        logStartOffset: int64({ versions: "5+", default: -1, ignorable: true }),
        recordErrors: array(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: nullableString({ default: null }),
          },
          { versions: "8+", ignorable: true },
        ),
        errorMessage: nullableString({ versions: "8+", default: null, ignorable: true }),
        currentLeader: struct(
          {
            leaderId: int32({ default: -1 }),
            leaderEpoch: int32({ default: -1 }),
          },
          { versions: "10+", tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32({ default: 0 }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: nullableString({ default: null }),
      },
      { versions: "10+", tag: 0 },
    ),
  }),
});
