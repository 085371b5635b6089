/**
 * UpdateRaftVoter (82): a voter tells its endpoints and its range of kraft.version (KIP-853).
 *
 * Version 0, flexible. Controller listeners only.
 */
import {
  array,
  int16,
  int32,
  message,
  nullableString,
  string,
  struct,
  uint16,
  uuid,
} from "../schema.ts";

export const updateRaftVoterRequest = message({
  name: "UpdateRaftVoterRequest",
  apiKey: 82,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    clusterId: nullableString(),
    currentLeaderEpoch: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({ name: string(), host: string(), port: uint16() }),
    kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  }),
});

export const updateRaftVoterResponse = message({
  name: "UpdateRaftVoterResponse",
  apiKey: 82,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    currentLeader: struct(
      {
        leaderId: int32({ default: -1 }),
        leaderEpoch: int32({ default: -1 }),
        host: string(),
        port: int32(),
      },
      { tag: 0 },
    ),
  }),
});
