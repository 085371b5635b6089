import { ErrorCode } from "../model/error_code.ts";
import { PARTITIONS_PER_REQUEST_MAX } from "../model/limits.ts";
import { partitionRecord } from "./image_records.ts";
import { checkAssignment, checkSomeActive, newPartition, placeReplicas } from "./placement.ts";
import type { Outcome, Plan, PlanContext } from "./plan.ts";
import {
  DONE,
  Refusal,
  TOO_MANY_PARTITIONS,
  UNKNOWN_TOPIC_NAME,
  attempt,
  refused,
  separateDuplicates,
} from "./plan.ts";
import type { MetadataRecord } from "./records.ts";

/** A topic of a CreatePartitions request. */
export interface PartitionsRequest {
  readonly name: string;
  /** In all, not in addition. */
  readonly count: number;
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null;
}

export interface GrownTopic extends Outcome {
  readonly name: string;
}

/** CreatePartitions. */
export function planCreatePartitions(
  context: PlanContext,
  requests: readonly PartitionsRequest[],
): Plan<GrownTopic> {
  const records: MetadataRecord[] = [];
  const results: GrownTopic[] = [];
  const { unique, repeated } = separateDuplicates(requests.map((request) => request.name));
  for (const name of repeated) {
    results.push({ name, ...refused(ErrorCode.INVALID_REQUEST, "Duplicate topic name.") });
  }
  let added = 0;
  for (const request of requests) {
    if (!unique.has(request.name)) continue;
    const planned = attempt(() => {
      const more = planGrowth(context, request);
      if (added + more.length <= PARTITIONS_PER_REQUEST_MAX) return more;
      throw new Refusal(ErrorCode.POLICY_VIOLATION, TOO_MANY_PARTITIONS);
    });
    if ("value" in planned) {
      added += planned.value.length;
      records.push(...planned.value);
    }
    results.push({ name: request.name, ...("refusal" in planned ? planned.refusal : DONE) });
  }
  return { records, results };
}

function planGrowth(context: PlanContext, request: PartitionsRequest): MetadataRecord[] {
  const { image } = context;
  const topic = image.topic(request.name);
  if (topic === undefined) {
    throw new Refusal(UNKNOWN_TOPIC_NAME.errorCode, UNKNOWN_TOPIC_NAME.errorMessage!);
  }
  const before = topic.partitions.length;
  const additional = request.count - before;
  if (additional === 0) {
    throw new Refusal(ErrorCode.INVALID_PARTITIONS, `Topic already has ${before} partition(s).`);
  }
  if (additional < 0) {
    throw new Refusal(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${topic.name} currently has ${before} partition(s); ` +
        `${request.count} would not be an increase.`,
    );
  }
  if (additional > PARTITIONS_PER_REQUEST_MAX) {
    throw new Refusal(ErrorCode.POLICY_VIOLATION, TOO_MANY_PARTITIONS);
  }
  const assignments = request.assignments?.map((assignment) => assignment.brokerIds) ?? null;
  if (assignments !== null && assignments.length !== additional) {
    throw new Refusal(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${additional} additional partition(s), but only ${assignments.length} ` +
        "assignment(s) were specified.",
    );
  }
  const factor = topic.partitions[0]!.replicas.length;
  assignments?.forEach((replicas, index) => {
    checkAssignment(image, replicas, factor);
    checkSomeActive(image, before + index, replicas);
  });
  const placed = assignments === null ? placeReplicas(image, factor) : null;
  return Array.from({ length: additional }, (_, index) => {
    const partition = newPartition(image, placed ?? assignments![index]!);
    return partitionRecord(topic.id, before + index, partition, image.metadataVersion);
  });
}
