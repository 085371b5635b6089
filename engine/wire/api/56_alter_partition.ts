/**
 * AlterPartition (56): a partition's leader asks the controller to change the in-sync replicas
 * (KIP-497).
 *
 * Versions 2-3, flexible always; topics by id (KIP-841); from 3 replicas come with broker epochs,
 * in a field that replaces the plain one (KIP-903). Controller listeners only.
 */
import { array, int16, int32, int64, int8, message, uuid } from "../schema.ts";

export const alterPartitionRequest = message({
  name: "AlterPartitionRequest",
  apiKey: 56,
  type: "request",
  versions: "2-3",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        leaderEpoch: int32(),
        newIsr: array(int32(), { versions: "2" }),
        newIsrWithEpochs: array(
          {
            brokerId: int32(),
            brokerEpoch: int64({ default: -1 }),
          },
          { versions: "3+" },
        ),
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      }),
    }),
  }),
});

export const alterPartitionResponse = message({
  name: "AlterPartitionResponse",
  apiKey: 56,
  type: "response",
  versions: "2-3",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      }),
    }),
  }),
});
