/**
 * Fetch (1): reads batches, for consumers, followers and the metadata quorum alike.
 *
 * Versions 4-18, flexible from 12.
 *    5  log start offsets, both ways
 *    7  incremental sessions: later requests name changes only (KIP-227)
 *    9  the consumer's leader epoch, to fence (KIP-320)
 *   10  zstd batches may be in the answer (KIP-110)
 *   11  the consumer's rack, and the replica it should rather read from (KIP-392)
 *   12  divergence is detected by the epoch of the last record fetched (KIP-595)
 *   13  topics by id instead of name (KIP-516)
 *   15  replica id and epoch move to a tagged field, the plain one goes (KIP-903)
 *   16  the answer to a wrong leader carries the endpoints of the right ones (KIP-951)
 *   17  the replica's directory id (KIP-853); 18: its high watermark (KIP-1166)
 *
 * Partitions are served in the order of the request. The first batch comes whole whatever the
 * limits (KIP-74). `records` may end inside a batch. `maxWaitMs` and `minBytes` park an answer.
 */
import { INT64_MAX } from "../../base/int64.ts";
import {
  array,
  int16,
  int32,
  int64,
  int8,
  message,
  nullableArray,
  nullableRecords,
  nullableString,
  string,
  struct,
  uuid,
} from "../schema.ts";

export const fetchRequest = message({
  name: "FetchRequest",
  apiKey: 1,
  type: "request",
  versions: "4-18",
  flexible: "12+",
  listeners: ["broker", "controller"],
  fields: () => ({
    clusterId: nullableString({ versions: "12+", default: null, tag: 0, ignorable: true }),
    replicaId: int32({ versions: "4-14", default: -1 }),
    replicaState: struct(
      {
        replicaId: int32({ default: -1 }),
        replicaEpoch: int64({ default: -1 }),
      },
      { versions: "15+", tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fff_ffff }),
    isolationLevel: int8({ default: 0 }),
    sessionId: int32({ versions: "7+", default: 0, ignorable: true }),
    sessionEpoch: int32({ versions: "7+", default: -1, ignorable: true }),
    topics: array({
      topic: string({ versions: "4-12", ignorable: true }),
      topicId: uuid({ versions: "13+", ignorable: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ versions: "9+", default: -1, ignorable: true }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ versions: "12+", default: -1 }),
        logStartOffset: int64({ versions: "5+", default: -1, ignorable: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ versions: "17+", tag: 0, ignorable: true }),
        highWatermark: int64({ versions: "18+", default: INT64_MAX, tag: 1, ignorable: true }),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string({ versions: "7-12", ignorable: true }),
        topicId: uuid({ versions: "13+", ignorable: true }),
        partitions: array(int32()),
      },
      { versions: "7+" },
    ),
    rackId: string({ versions: "11+", default: "", ignorable: true }),
  }),
});

export const fetchResponse = message({
  name: "FetchResponse",
  apiKey: 1,
  type: "response",
  versions: "4-18",
  flexible: "12+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16({ versions: "7+", ignorable: true }),
    sessionId: int32({ versions: "7+", default: 0 }),
    responses: array({
      topic: string({ versions: "4-12", ignorable: true }),
      topicId: uuid({ versions: "13+", ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ default: -1 }),
        logStartOffset: int64({ versions: "5+", default: -1, ignorable: true }),
        divergingEpoch: struct(
          {
            epoch: int32({ default: -1 }),
            endOffset: int64({ default: -1 }),
          },
          { versions: "12+", tag: 0 },
        ),
        currentLeader: struct(
          {
            leaderId: int32({ default: -1 }),
            leaderEpoch: int32({ default: -1 }),
          },
          { versions: "12+", tag: 1 },
        ),
        snapshotId: struct(
          {
            endOffset: int64({ default: -1 }),
            epoch: int32({ default: -1 }),
          },
          { versions: "12+", tag: 2 },
        ),
        abortedTransactions: nullableArray({ producerId: int64(), firstOffset: int64() }),
        preferredReadReplica: int32({ versions: "11+", default: -1 }),
        records: nullableRecords(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: nullableString({ default: null }),
      },
      { versions: "16+", tag: 0 },
    ),
  }),
});
