/**
 * ShareFetch (78): acquires records for a member of a share group; may acknowledge others
 * (KIP-932).
 *
 * Versions 1-2, flexible always; from 2 acquisition by count and renewals (KIP-1206, KIP-1222).
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
  records,
  string,
  struct,
  uuid,
} from "../schema.ts";

export const shareFetchRequest = message({
  name: "ShareFetchRequest",
  apiKey: 78,
  type: "request",
  versions: "1-2",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    groupId: nullableString({ default: null }),
    memberId: nullableString(),
    shareSessionEpoch: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fff_ffff }),
    maxRecords: int32(),
    batchSize: int32(),
    shareAcquireMode: int8({ versions: "2+", default: 0, ignorable: true }),
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
    forgottenTopicsData: array({ topicId: uuid(), partitions: array(int32()) }),
  }),
});

export const shareFetchResponse = message({
  name: "ShareFetchResponse",
  apiKey: 78,
  type: "response",
  versions: "1-2",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    acquisitionLockTimeoutMs: int32(),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: nullableString({ default: null }),
        currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }),
        records: records(),
        acquiredRecords: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryCount: int16(),
        }),
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
