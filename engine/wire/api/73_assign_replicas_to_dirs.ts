/**
 * AssignReplicasToDirs (73): a broker tells in which of its directories replicas live (KIP-858).
 *
 * Version 0, flexible. Controller listeners only.
 */
import { array, int16, int32, int64, message, uuid } from "../schema.ts";

export const assignReplicasToDirsRequest = message({
  name: "AssignReplicasToDirsRequest",
  apiKey: 73,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    directories: array({
      id: uuid(),
      topics: array({
        topicId: uuid(),
        partitions: array({ partitionIndex: int32() }),
      }),
    }),
  }),
});

export const assignReplicasToDirsResponse = message({
  name: "AssignReplicasToDirsResponse",
  apiKey: 73,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    directories: array({
      id: uuid(),
      topics: array({
        topicId: uuid(),
        partitions: array({ partitionIndex: int32(), errorCode: int16() }),
      }),
    }),
  }),
});
