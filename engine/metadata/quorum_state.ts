import type { Uuid } from "../base/uuid.ts";
import { ZERO_UUID } from "../base/uuid.ts";
import { DataDirectoryError } from "../model/errors.ts";
import type { LeaderEpoch } from "../model/offsets.ts";

/** In the directory of the metadata log: in which epoch this node voted for whom. */
export const QUORUM_STATE_FILE = "quorum-state";

/**
 * The election state of one Raft voter. Version 0 of the file belongs to a fixed set of voters
 * (kraft.version 0), version 1 to one that can change.
 */
export interface QuorumState {
  readonly leaderId: number;
  readonly leaderEpoch: LeaderEpoch;
  /** -1: for nobody. */
  readonly votedId: number;
  readonly votedDirectoryId: Uuid;
  /** Of version 0. */
  readonly currentVoters: readonly number[];
  readonly version: 0 | 1;
}

/** Throws DataDirectoryError when the file is damaged or of a later version. */
export function parseQuorumState(bytes: Uint8Array): QuorumState {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch (error) {
    throw new DataDirectoryError("DAMAGED", `${QUORUM_STATE_FILE} of the metadata log is not JSON`, error);
  }
  const version = fields["data_version"];
  if (version !== 0 && version !== 1) {
    throw new DataDirectoryError("NEWER_FORMAT", `${QUORUM_STATE_FILE} has the unknown version ${version}`);
  }
  const voters = fields["currentVoters"] as { voterId: number }[] | null | undefined;
  const epoch = fields["leaderEpoch"];
  if (typeof epoch !== "number") {
    throw new DataDirectoryError("DAMAGED", `${QUORUM_STATE_FILE} of the metadata log has no leaderEpoch`);
  }
  return {
    leaderId: number(fields["leaderId"]),
    leaderEpoch: epoch as LeaderEpoch,
    votedId: number(fields["votedId"]),
    votedDirectoryId: (fields["votedDirectoryId"] ?? ZERO_UUID) as Uuid,
    currentVoters: (voters ?? []).map((voter) => voter.voterId),
    version,
  };
}

/** One line of JSON, with the fields of its version, as Kafka writes it. */
export function formatQuorumState(state: QuorumState): Uint8Array {
  const { leaderId, leaderEpoch, votedId } = state;
  const fields = state.version === 0
    ? {
        clusterId: "",
        leaderId,
        leaderEpoch,
        votedId,
        appliedOffset: 0,
        currentVoters: state.currentVoters.map((voterId) => ({ voterId })),
        data_version: 0,
      }
    : { leaderId, leaderEpoch, votedId, votedDirectoryId: state.votedDirectoryId, data_version: 1 };
  return new TextEncoder().encode(JSON.stringify(fields));
}

function number(value: unknown): number {
  return typeof value === "number" ? value : -1;
}
