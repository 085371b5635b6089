import type { Uuid } from "../base/uuid.ts";
import { ZERO_UUID } from "../base/uuid.ts";
import { ErrorCode } from "../model/error_code.ts";
import type { TopicImage } from "./image.ts";
import type { Outcome, Plan, PlanContext } from "./plan.ts";
import { DONE, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_NAME, refused, separateDuplicates } from "./plan.ts";
import type { MetadataRecord } from "./records.ts";
import { topicRemovalRecords } from "./topic_configs.ts";

/** A topic of a DeleteTopics request: by name, or by id with a null name. */
export interface TopicReference {
  readonly name: string | null;
  /** The zero id: none. */
  readonly topicId: Uuid;
}

export interface DeletedTopic extends Outcome {
  readonly name: string | null;
  readonly topicId: Uuid;
}

/** DeleteTopics. The answers come in no particular order, as Kafka's do. */
export function planDeleteTopics(
  context: PlanContext,
  references: readonly TopicReference[],
): Plan<DeletedTopic> {
  const { image } = context;
  const results: DeletedTopic[] = [];
  const answer = (name: string | null, topicId: Uuid, outcome: Outcome) =>
    void results.push({ name, topicId, ...outcome });
  const invalid = (text: string) => refused(ErrorCode.INVALID_REQUEST, text);
  const [names, ids]: [string[], Uuid[]] = [[], []];
  for (const { name, topicId } of references) {
    if (name === null && topicId === ZERO_UUID) {
      answer(null, ZERO_UUID, invalid("Neither topic name nor id were specified."));
    } else if (name !== null && topicId !== ZERO_UUID) {
      answer(name, topicId, invalid("You may not specify both topic name and topic id."));
    } else if (name !== null) names.push(name);
    else ids.push(topicId);
  }
  const byName = separateDuplicates(names);
  const byId = separateDuplicates(ids);
  for (const name of byName.repeated) answer(name, ZERO_UUID, invalid("Duplicate topic name."));
  for (const id of byId.repeated) answer(null, id as Uuid, invalid("Duplicate topic id."));
  const doomed = new Map<Uuid, TopicImage>();
  for (const id of byId.unique as Set<Uuid>) {
    const topic = image.topicById(id);
    if (topic !== undefined) doomed.set(id, topic);
    else answer(null, id, UNKNOWN_TOPIC_ID);
  }
  for (const name of byName.unique) {
    const topic = image.topic(name);
    if (topic === undefined) {
      answer(name, ZERO_UUID, UNKNOWN_TOPIC_NAME);
    } else if (doomed.delete(topic.id) || byId.repeated.has(topic.id)) {
      answer(name, topic.id, invalid("The provided topic name maps to an ID that was already supplied."));
    } else doomed.set(topic.id, topic);
  }
  const records: MetadataRecord[] = [];
  for (const topic of doomed.values()) {
    records.push({ kind: "removeTopic", version: 0, value: { topicId: topic.id } });
    records.push(...topicRemovalRecords(image, topic.id));
    answer(topic.name, topic.id, DONE);
  }
  return { records, results };
}
