/** Images of cluster metadata for tests: made from plans, and compared by content. */
import type { Uuid } from "../../engine/base/uuid.ts";
import type { MetadataImage } from "../../engine/metadata/image.ts";
import { EMPTY_IMAGE } from "../../engine/metadata/image.ts";
import { ImageDelta } from "../../engine/metadata/image_delta.ts";
import { featureLevelRecord } from "../../engine/metadata/image_records.ts";
import { planStart } from "../../engine/metadata/plan_broker.ts";
import type { PlanContext } from "../../engine/metadata/plan.ts";
import type { MetadataRecord } from "../../engine/metadata/records.ts";
import { imageSnapshotBatches } from "../../engine/metadata/snapshot.ts";
import { parseBrokerConfig } from "../../engine/model/broker_config.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../../engine/model/offsets.ts";

/** The bytes of an image's snapshot. */
export function imageSnapshot(...[snapshot, id, nowMs, crc32c]: Parameters<typeof imageSnapshotBatches>) {
  return new Uint8Array(Buffer.concat([...imageSnapshotBatches(snapshot, id, nowMs, crc32c)]));
}

export const NODE_ID = 1;
export const DIRECTORY_ID = "Xb8rnzIaWXG2u4SZHGPRDw" as Uuid;

/** A valid id for each number. */
export function numberedId(number: number): Uuid {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(number + 1000, 12);
  return bytes.toString("base64url") as Uuid;
}

/** The image after `records`, whose last offset moves on by as many. */
export function replayed(image: MetadataImage, records: Iterable<MetadataRecord>): MetadataImage {
  const delta = new ImageDelta(image);
  let count = 0;
  for (const record of records) {
    delta.replay(record);
    count++;
  }
  return delta.apply({
    offset: (image.position.offset + count) as Offset,
    epoch: 1 as LeaderEpoch,
    timestamp: (1_700_000_000_000 + count) as TimestampMs,
  });
}

/** The first records of a new cluster of one: features and the broker, in service. */
export function bootstrapped(features: Readonly<Record<string, number>> = { "metadata.version": 30 }) {
  const records: MetadataRecord[] = [];
  for (const [name, level] of Object.entries(features)) records.push(featureLevelRecord(name, level));
  let image = replayed(EMPTY_IMAGE, records);
  const registration = planStart(image, {
    nodeId: NODE_ID,
    incarnationId: numberedId(900),
    brokerEpoch: records.length,
    endpoints: [{ name: "PLAINTEXT", host: "localhost", port: 9092, securityProtocol: 0 }],
    rack: null,
    directoryId: DIRECTORY_ID,
  }, () => false);
  records.push(...registration);
  image = replayed(image, registration);
  return { image, records };
}

export function planContext(
  image: MetadataImage,
  properties: Readonly<Record<string, string>> = {},
): PlanContext {
  const { config } = parseBrokerConfig(new Map(Object.entries(properties)));
  let next = image.topicCount + 1 + image.position.offset;
  return { image, config: config!, newId: () => numberedId(next++) };
}

/** Everything an image says, without its position, in an order of its own. */
export function contentOf(image: MetadataImage) {
  const byKey = (one: [string, unknown], other: [string, unknown]) => (one[0] < other[0] ? -1 : 1);
  return {
    topics: [...image.parts.topicsByName.entries()].sort(byKey),
    topicsById: [...image.parts.topicsById.entries()].sort(byKey),
    collisions: [...image.parts.collisions.entries()].sort(byKey)
      .map(([key, names]) => [key, [...names].sort()]),
    partitionCount: image.partitionCount,
    configs: [...image.parts.configs.entries()].sort(byKey)
      .map(([key, resource]) => [key, [...resource.values].sort()]),
    features: [...image.features].sort(),
    brokers: [...image.brokers.values()].map(inOrder),
    controllers: [...image.controllers.values()].map(inOrder),
    nextProducerId: image.nextProducerId,
    preserved: [...image.parts.preserved.entries()].sort(byKey),
  };
}

/** Kafka keeps features in a hash map: their order means nothing. */
function inOrder<Entry extends { readonly features: readonly { readonly name: string }[] }>(entry: Entry) {
  const features = [...entry.features].sort((one, other) => (one.name < other.name ? -1 : 1));
  return { ...entry, features };
}
