/**
 * ShareAcknowledge (79): accepts, releases or rejects acquired records (KIP-932).
 *
 * Versions 1-2, flexible always; from 2 renewals (KIP-1222).
 */
import {
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  message,
  nullableString,
  string,
  struct,
  uuid,
} from "../schema.ts";

export const shareAcknowledgeRequest = message({
  name: "ShareAcknowledgeRequest",
  apiKey: 79,
  type: "request",
  versions: "1-2",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: nullableString({ default: null }),
    memberId: nullableString(),
    shareSessionEpoch: int32(),
    isRenewAck: bool({ versions: "2+", default: false }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
  }),
});

export const shareAcknowledgeResponse = message({
  name: "ShareAcknowledgeResponse",
  apiKey: 79,
  type: "response",
  versions: "1-2",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    acquisitionLockTimeoutMs: int32({ versions: "2+", ignorable: true }),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
        currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: nullableString({ default: null }),
    }),
  }),
});
