/**
 * The content of the `quorum-state` file of the metadata log: JSON with these field names. Declared
 * here for its binary form and its names alone.
 */
import { int32, int64, message, nullableArray, string, uuid } from "../schema.ts";

export const quorumStateData = message({
  name: "QuorumStateData",
  type: "data",
  versions: "0-1",
  flexible: "0+",
  fields: () => ({
    clusterId: string({ versions: "0" }),
    leaderId: int32({ default: -1 }),
    leaderEpoch: int32({ default: -1 }),
    votedId: int32({ default: -1 }),
    votedDirectoryId: uuid({ versions: "1+" }),
    appliedOffset: int64({ versions: "0" }),
    currentVoters: nullableArray({ voterId: int32() }, { versions: "0" }),
  }),
});
