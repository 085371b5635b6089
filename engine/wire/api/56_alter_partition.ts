/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, int16, int32, int64, int8, message, uuid } from "../schema.ts";

export const alterPartitionRequest = message({
  name: "AlterPartitionRequest",
  apiKey: 56,
  type: "request",
  versions: "2-3",
  flexible: "0+",
  listeners: ["controller"],
  fields: {
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
  },
});

export const alterPartitionResponse = message({
  name: "AlterPartitionResponse",
  apiKey: 56,
  type: "response",
  versions: "2-3",
  flexible: "0+",
  fields: {
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
  },
});
