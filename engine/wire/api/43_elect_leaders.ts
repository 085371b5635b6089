/**
 * ElectLeaders (43): has partitions elect the preferred leader, or any (KIP-183).
 *
 * Versions 0-2, flexible from 2; the kind of election from 1 (KIP-460). Null asks for all
 * partitions.
 */
import {
  array,
  int16,
  int32,
  int8,
  message,
  nullableArray,
  nullableString,
  string,
} from "../schema.ts";

export const electLeadersRequest = message({
  name: "ElectLeadersRequest",
  apiKey: 43,
  type: "request",
  versions: "0-2",
  flexible: "2+",
  listeners: ["broker", "controller"],
  fields: () => ({
    electionType: int8({ versions: "1+" }),
    topicPartitions: nullableArray({ topic: string(), partitions: array(int32()) }),
    timeoutMs: int32({ default: 60000 }),
  }),
});

export const electLeadersResponse = message({
  name: "ElectLeadersResponse",
  apiKey: 43,
  type: "response",
  versions: "0-2",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16({ versions: "1+" }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: nullableString(),
      }),
    }),
  }),
});
