/**
 * AlterReplicaLogDirs (34): moves replicas to another log directory of this broker (KIP-113).
 *
 * Versions 1-2, flexible from 2.
 */
import { array, int16, int32, message, string } from "../schema.ts";

export const alterReplicaLogDirsRequest = message({
  name: "AlterReplicaLogDirsRequest",
  apiKey: 34,
  type: "request",
  versions: "1-2",
  flexible: "2+",
  listeners: ["broker"],
  fields: () => ({
    dirs: array({
      path: string(),
      topics: array({ name: string(), partitions: array(int32()) }),
    }),
  }),
});

export const alterReplicaLogDirsResponse = message({
  name: "AlterReplicaLogDirsResponse",
  apiKey: 34,
  type: "response",
  versions: "1-2",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    results: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  }),
});
