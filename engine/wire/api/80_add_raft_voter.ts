/**
 * AddRaftVoter (80): adds a controller to the voters of the metadata quorum (KIP-853).
 *
 * Versions 0-1, flexible always; from 1 the answer may come before the change is committed.
 */
import {
  array,
  bool,
  int16,
  int32,
  message,
  nullableString,
  string,
  uint16,
  uuid,
} from "../schema.ts";

export const addRaftVoterRequest = message({
  name: "AddRaftVoterRequest",
  apiKey: 80,
  type: "request",
  versions: "0-1",
  flexible: "0+",
  listeners: ["controller", "broker"],
  fields: () => ({
    clusterId: nullableString(),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({ name: string(), host: string(), port: uint16() }),
    ackWhenCommitted: bool({ versions: "1+", default: true }),
  }),
});

export const addRaftVoterResponse = message({
  name: "AddRaftVoterResponse",
  apiKey: 80,
  type: "response",
  versions: "0-1",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
  }),
});
