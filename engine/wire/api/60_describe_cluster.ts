/**
 * DescribeCluster (60): cluster id, controller and brokers (KIP-700).
 *
 * Versions 0-2, flexible always; from 1 it may ask for controllers instead (KIP-919), from 2 for
 * fenced brokers too (KIP-1073).
 */
import { array, bool, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const describeClusterRequest = message({
  name: "DescribeClusterRequest",
  apiKey: 60,
  type: "request",
  versions: "0-2",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: () => ({
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ versions: "1+", default: 1 }),
    includeFencedBrokers: bool({ versions: "2+" }),
  }),
});

export const describeClusterResponse = message({
  name: "DescribeClusterResponse",
  apiKey: 60,
  type: "response",
  versions: "0-2",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    endpointType: int8({ versions: "1+", default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: nullableString({ default: null }),
      isFenced: bool({ versions: "2+" }),
    }),
    clusterAuthorizedOperations: int32({ default: -0x8000_0000 }),
  }),
});
