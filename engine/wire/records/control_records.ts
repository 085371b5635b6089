/**
 * Control records: a batch with the control bit holds one record whose key says what it is
 * (`controlRecordTypeSchema` after an int16 version) and whose value is one of the messages below.
 * Transaction ends live in every log; the others only in the metadata log and its snapshots.
 */
import { array, int16, int32, int64, message, string, struct, uint16, uuid } from "../schema.ts";

export const controlRecordTypeSchema = message({
  name: "ControlRecordTypeSchema",
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    type: int16(),
  }),
});

export const endTxnMarker = message({
  name: "EndTxnMarker",
  type: "data",
  versions: "0",
  flexible: "none",
  fields: () => ({
    coordinatorEpoch: int32(),
  }),
});

const voter = {
  voterId: int32(),
  voterDirectoryId: uuid({ versions: "1+" }),
} as const;

export const leaderChangeMessage = message({
  name: "LeaderChangeMessage",
  type: "data",
  versions: "0-1",
  flexible: "0+",
  fields: () => ({
    version: int16(),
    leaderId: int32(),
    voters: array(voter),
    grantingVoters: array(voter),
  }),
});

export const snapshotHeaderRecord = message({
  name: "SnapshotHeaderRecord",
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    version: int16(),
    lastContainedLogTimestamp: int64(),
  }),
});

export const snapshotFooterRecord = message({
  name: "SnapshotFooterRecord",
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    version: int16(),
  }),
});

export const kRaftVersionRecord = message({
  name: "KRaftVersionRecord",
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    version: int16(),
    kRaftVersion: int16(),
  }),
});

export const votersRecord = message({
  name: "VotersRecord",
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    version: int16(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array({ name: string(), host: string(), port: uint16() }),
      kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    }),
  }),
});
