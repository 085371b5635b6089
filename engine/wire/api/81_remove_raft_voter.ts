/**
 * RemoveRaftVoter (81): removes a controller from the voters of the metadata quorum (KIP-853).
 *
 * Version 0, flexible.
 */
import { int16, int32, message, nullableString, uuid } from "../schema.ts";

export const removeRaftVoterRequest = message({
  name: "RemoveRaftVoterRequest",
  apiKey: 81,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["controller", "broker"],
  fields: () => ({
    clusterId: nullableString(),
    voterId: int32(),
    voterDirectoryId: uuid(),
  }),
});

export const removeRaftVoterResponse = message({
  name: "RemoveRaftVoterResponse",
  apiKey: 81,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
  }),
});
