import { TOPIC_NAME_LENGTH_MAX } from "./limits.ts";

/** The topic that holds the cluster's metadata; never a topic of users. */
export const METADATA_TOPIC_NAME = "__cluster_metadata";

/** Topics that only coordinators write. A client may neither produce to them nor create them by chance. */
const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  "__consumer_offsets",
  "__transaction_state",
  "__share_group_state",
]);

const LEGAL_NAME = /^[a-zA-Z0-9._-]+$/;

/** Why `name` cannot be a topic's name, in Kafka's words, or null when it can. */
export function topicNameInvalidReason(name: string): string | null {
  if (name === "") return "the empty string is not allowed";
  if (name === "." || name === "..") return `'${name}' is not allowed`;
  if (name.length > TOPIC_NAME_LENGTH_MAX) {
    return `the length of '${name}' is longer than the max allowed length ${TOPIC_NAME_LENGTH_MAX}`;
  }
  if (!LEGAL_NAME.test(name)) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
  }
  return null;
}

/** Two topics whose keys are equal would collide in metric names: Kafka allows only one of them. */
export function collisionKey(name: string): string {
  return name.replaceAll(".", "_");
}

export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}
