/**
 * AddPartitionsToTxn (24): adds partitions to a transaction.
 *
 * Versions 0-5, flexible from 3. Up to 3 clients ask, for one transaction; from 4 brokers ask, for
 * several, and may only verify (KIP-890). The two use fields of their own.
 */
import { array, bool, int16, int32, int64, message, string } from "../schema.ts";

const addPartitionsToTxnTopic = {
  name: string(),
  partitions: array(int32()),
} as const;

export const addPartitionsToTxnRequest = message({
  name: "AddPartitionsToTxnRequest",
  apiKey: 24,
  type: "request",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  fields: () => ({
    transactions: array(
      {
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: bool({ default: false }),
        topics: array(addPartitionsToTxnTopic),
      },
      { versions: "4+" },
    ),
    v3AndBelowTransactionalId: string({ versions: "0-3" }),
    v3AndBelowProducerId: int64({ versions: "0-3" }),
    v3AndBelowProducerEpoch: int16({ versions: "0-3" }),
    v3AndBelowTopics: array(addPartitionsToTxnTopic, { versions: "0-3" }),
  }),
});

const addPartitionsToTxnTopicResult = {
  name: string(),
  resultsByPartition: array({ partitionIndex: int32(), partitionErrorCode: int16() }),
} as const;

export const addPartitionsToTxnResponse = message({
  name: "AddPartitionsToTxnResponse",
  apiKey: 24,
  type: "response",
  versions: "0-5",
  flexible: "3+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16({ versions: "4+", ignorable: true }),
    resultsByTransaction: array(
      {
        transactionalId: string(),
        topicResults: array(addPartitionsToTxnTopicResult),
      },
      { versions: "4+" },
    ),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult, { versions: "0-3" }),
  }),
});
