import type { Uuid } from "../base/uuid.ts";
import { FLUSH_MODE_CONFIG } from "../model/topic_config.ts";
import type { MetadataImage, TopicImage } from "./image.ts";
import { ConfigResourceType } from "./image.ts";
import type { MetadataRecord } from "./records.ts";

/**
 * A topic's own `flush.mode` is recorded as a config of all brokers, under the topic's id:
 *
 *   ConfigRecord { BROKER, "", "flush.mode.topic.<topic id>", "os" }
 *
 * Kafka skips topic configs that it does not know when it replays them (4.3's SupportedConfigChecker)
 * and so drops them from its snapshots, but keeps broker configs of any name: there the choice
 * survives, and hinders nobody who alters the topic's other configs with Kafka.
 */
const FLUSH_MODE_PREFIX = `${FLUSH_MODE_CONFIG}.topic.`;
const ALL_BROKERS = "";

/** The configs set on the topic itself, `flush.mode` among them. */
export function ownTopicConfigs(image: MetadataImage, topic: TopicImage): ReadonlyMap<string, string> {
  const recorded = image.configs(ConfigResourceType.TOPIC, topic.name);
  const mode = flushModeOf(image, topic.id);
  return mode === undefined ? recorded : new Map([...recorded, [FLUSH_MODE_CONFIG, mode]]);
}

/** The record that sets (or with null takes back) a config of a topic. */
export function topicConfigRecord(
  topicName: string,
  topicId: Uuid,
  name: string,
  value: string | null,
): MetadataRecord {
  if (name === FLUSH_MODE_CONFIG) {
    return configRecord(ConfigResourceType.BROKER, ALL_BROKERS, FLUSH_MODE_PREFIX + topicId, value);
  }
  return configRecord(ConfigResourceType.TOPIC, topicName, name, value);
}

/** What has to be taken back, beside the topic itself, when a topic is deleted. */
export function topicRemovalRecords(image: MetadataImage, topicId: Uuid): MetadataRecord[] {
  if (flushModeOf(image, topicId) === undefined) return [];
  return [configRecord(ConfigResourceType.BROKER, ALL_BROKERS, FLUSH_MODE_PREFIX + topicId, null)];
}

/** Takes back what topics left behind that were deleted by a Kafka, which knows nothing of these names. */
export function orphanedConfigRecords(image: MetadataImage): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const name of image.configs(ConfigResourceType.BROKER, ALL_BROKERS).keys()) {
    const id = topicIdOfFlushMode(name);
    if (id !== null && image.topicById(id) === undefined) {
      records.push(configRecord(ConfigResourceType.BROKER, ALL_BROKERS, name, null));
    }
  }
  return records;
}

/** True for the broker configs that are really a topic's: nobody sets them by hand. */
export function isTopicFlushMode(name: string): boolean {
  return name.startsWith(FLUSH_MODE_PREFIX);
}

export function configRecord(
  resourceType: number,
  resourceName: string,
  name: string,
  value: string | null,
): MetadataRecord {
  return { kind: "config", version: 0, value: { resourceType, resourceName, name, value } };
}

/** The topic that a broker config of this name is about, or null. */
export function topicIdOfFlushMode(name: string): Uuid | null {
  return isTopicFlushMode(name) ? (name.slice(FLUSH_MODE_PREFIX.length) as Uuid) : null;
}

function flushModeOf(image: MetadataImage, topicId: Uuid): string | undefined {
  return image.configs(ConfigResourceType.BROKER, ALL_BROKERS).get(FLUSH_MODE_PREFIX + topicId);
}
