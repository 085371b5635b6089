/**
 * TxnOffsetCommit (28): commits a group's offsets as part of a transaction.
 *
 * Versions 0-5, flexible from 3; leader epochs from 2; member, generation and instance from 3
 * (KIP-447); TRANSACTION_ABORTABLE from 4; from 5 it also adds the group to the transaction
 * (KIP-890).
 */
import { array, int16, int32, int64, message, nullableString, string } from "../schema.ts";

export const txnOffsetCommitRequest = message({
  name: "TxnOffsetCommitRequest",
  apiKey: 28,
  type: "request",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  fields: () => ({
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ versions: "3+", default: -1 }),
    memberId: string({ versions: "3+", default: "" }),
    groupInstanceId: nullableString({ versions: "3+", default: null }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ versions: "2+", default: -1, ignorable: true }),
        committedMetadata: nullableString(),
      }),
    }),
  }),
});

export const txnOffsetCommitResponse = message({
  name: "TxnOffsetCommitResponse",
  apiKey: 28,
  type: "response",
  versions: "0-5",
  flexible: "3+",
  fields: () => ({
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  }),
});
