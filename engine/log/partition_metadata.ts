import { ZERO_UUID, parseUuid } from "../base/uuid.ts";
import type { Uuid } from "../base/uuid.ts";
import { malformed, parsed } from "./parsed.ts";
import type { Parsed } from "./parsed.ts";

/** In each partition's directory: which topic, by id, the files belong to. */
export const PARTITION_METADATA_FILE = "partition.metadata";

const VERSION = 0;

export interface PartitionMetadata {
  readonly topicId: Uuid;
}

export function parsePartitionMetadata(bytes: Uint8Array): Parsed<PartitionMetadata> {
  const text = new TextDecoder("latin1").decode(bytes);
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon >= 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  const wrong = (reason: string) => malformed(reason, 0, bytes.length);
  const version = fields.get("version");
  if (version === undefined) return wrong("version is missing");
  if (version !== String(VERSION)) return wrong(`unknown version ${version}`);
  const id = fields.get("topic_id");
  const topicId = id === undefined ? null : parseUuid(id);
  if (topicId === null) return wrong("topic_id is missing or no uuid");
  if (topicId === ZERO_UUID) return wrong("topic_id is the id of no topic");
  return parsed({ topicId });
}

/** Exactly Kafka's bytes: no newline at the end. */
export function formatPartitionMetadata(metadata: PartitionMetadata): Uint8Array {
  return new TextEncoder().encode(`version: ${VERSION}\ntopic_id: ${metadata.topicId}`);
}
