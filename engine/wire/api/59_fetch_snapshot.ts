/**
 * FetchSnapshot (59): a piece of a snapshot of the metadata log (KIP-630).
 *
 * Versions 0-1, flexible always; directory ids and endpoints from 1 (KIP-853). Controller listeners
 * only.
 */
import {
  array,
  int16,
  int32,
  int64,
  message,
  nullableString,
  records,
  string,
  struct,
  uint16,
  uuid,
} from "../schema.ts";

export const fetchSnapshotRequest = message({
  name: "FetchSnapshotRequest",
  apiKey: 59,
  type: "request",
  versions: "0-1",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    clusterId: nullableString({ default: null, tag: 0 }),
    replicaId: int32({ default: -1 }),
    maxBytes: int32({ default: 0x7fff_ffff }),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32(),
        snapshotId: struct({ endOffset: int64(), epoch: int32() }),
        position: int64(),
        replicaDirectoryId: uuid({ versions: "1+", tag: 0, ignorable: true }),
      }),
    }),
  }),
});

export const fetchSnapshotResponse = message({
  name: "FetchSnapshotResponse",
  apiKey: 59,
  type: "response",
  versions: "0-1",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    topics: array({
      name: string(),
      partitions: array({
        index: int32(),
        errorCode: int16(),
        snapshotId: struct({ endOffset: int64(), epoch: int32() }),
        currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }, { tag: 0 }),
        size: int64(),
        position: int64(),
        unalignedRecords: records(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: uint16(),
      },
      { versions: "1+", tag: 0 },
    ),
  }),
});
