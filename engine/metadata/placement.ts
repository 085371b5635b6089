import { assert } from "../base/assert.ts";
import type { Uuid } from "../base/uuid.ts";
import { ErrorCode } from "../model/error_code.ts";
import type { LeaderEpoch } from "../model/offsets.ts";
import type { BrokerImage, MetadataImage, PartitionImage } from "./image.ts";
import { Refusal } from "./plan.ts";

/** The log directory of a replica whose broker has several and has not chosen yet (KIP-858). */
const UNASSIGNED_DIRECTORY = "AAAAAAAAAAAAAAAAAAAAAQ" as Uuid;

/** Registered, not fenced, not going down: may lead and be in sync. */
export function isActive(broker: BrokerImage | undefined): broker is BrokerImage {
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
}

/**
 * The replicas of a new partition where the request leaves them to us: with one node, that node.
 * Throws Refusal INVALID_REPLICATION_FACTOR in Kafka's words.
 */
export function placeReplicas(image: MetadataImage, replicationFactor: number): readonly number[] {
  const brokers = [...image.brokers.values()];
  const active = brokers.filter(isActive);
  if (active.length === 0) {
    throw new Refusal(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${replicationFactor} time(s): ` +
        "All brokers are currently fenced or in controlled shutdown.",
    );
  }
  if (replicationFactor > brokers.length) {
    throw new Refusal(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ` +
        `${replicationFactor} cannot be reached because only ${brokers.length} broker(s) are registered.`,
    );
  }
  const standby = brokers.filter((broker) => !isActive(broker));
  return [...active, ...standby].slice(0, replicationFactor).map((broker) => broker.id);
}

/** Throws Refusal INVALID_REPLICA_ASSIGNMENT unless these replicas can be a partition's. */
export function checkAssignment(
  image: MetadataImage,
  replicas: readonly number[],
  replicationFactor: number | null,
): void {
  const refuse = (what: string): never => {
    const text = `The manual partition assignment includes ${what}`;
    throw new Refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, text);
  };
  if (replicas.length === 0) refuse("an empty replica list.");
  const sorted = [...replicas].sort((one, other) => one - other);
  for (const [index, id] of sorted.entries()) {
    if (!image.brokers.has(id)) refuse(`broker ${id}, but no such broker is registered.`);
    if (index > 0 && sorted[index - 1] === id) refuse(`the broker ${id} more than once.`);
  }
  if (replicationFactor !== null && replicas.length !== replicationFactor) {
    refuse(
      `a partition with ${replicas.length} replica(s), but this is not consistent with previous ` +
        `partitions, which have ${replicationFactor} replica(s).`,
    );
  }
}

/** At least one replica of an assignment must be able to lead at once. */
export function checkSomeActive(
  image: MetadataImage,
  partition: number,
  brokerIds: readonly number[],
): void {
  if (brokerIds.some((id) => isActive(image.brokers.get(id)))) return;
  throw new Refusal(
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    `All brokers specified in the manual partition assignment for partition ${partition} ` +
      "are fenced or in controlled shutdown.",
  );
}

/** A partition on these replicas, led by the first active one. At least one of them must be active. */
export function newPartition(image: MetadataImage, replicas: readonly number[]): PartitionImage {
  const isr = replicas.filter((id) => isActive(image.brokers.get(id)));
  assert(isr.length > 0, "a new partition needs an active replica");
  return {
    replicas,
    directories: replicas.map((id) => directoryFor(image.brokers.get(id))),
    isr,
    removingReplicas: [],
    addingReplicas: [],
    leader: isr[0]!,
    leaderRecoveryState: 0,
    leaderEpoch: 0 as LeaderEpoch,
    partitionEpoch: 0,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
  };
}

/** The broker's only directory; the broker decides when it has several. */
function directoryFor(broker: BrokerImage | undefined): Uuid {
  const directories = broker?.logDirs ?? [];
  return directories.length === 1 ? directories[0]! : UNASSIGNED_DIRECTORY;
}
