/**
 * Random operations on a cluster's metadata: the image they lead to step by step equals the replay of
 * all their records at once, the replay of its own snapshot, and that of any older snapshot with the
 * records since. Prints the seed when it fails.
 */
import { describe, expect, test } from "bun:test";
import type { Uuid } from "../../engine/base/uuid.ts";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../../engine/model/offsets.ts";
import type { MetadataImage } from "../../engine/metadata/image.ts";
import { EMPTY_IMAGE } from "../../engine/metadata/image.ts";
import { planStart, planStop } from "../../engine/metadata/plan_broker.ts";
import { planAlterConfigs, planIncrementalAlterConfigs } from "../../engine/metadata/plan_configs.ts";
import { planCreatePartitions } from "../../engine/metadata/plan_partitions.ts";
import { planProducerIds } from "../../engine/metadata/plan_producer_ids.ts";
import { planDeleteTopics } from "../../engine/metadata/plan_topic_deletion.ts";
import { planCreateTopics } from "../../engine/metadata/plan_topics.ts";
import { decodeMetadataRecord, encodeMetadataRecord } from "../../engine/metadata/records.ts";
import type { MetadataRecord } from "../../engine/metadata/records.ts";
import { decodeSnapshot } from "../../engine/metadata/snapshot.ts";
import { crc32cBitwise } from "../support/crc32c_bitwise.ts";
import { DIRECTORY_ID, NODE_ID, bootstrapped, contentOf, imageSnapshot, numberedId, planContext, replayed } from "../support/images.ts";

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const NAMES = Array.from({ length: 24 }, (_, index) => ["t", "t.x", "t_x", "a-b"][index % 4]! + (index >> 2));
const VALUES: readonly (readonly [string, string])[] = [
  ["retention.ms", "1000"], ["flush.mode", "os"], ["flush.mode", "commit"], ["cleanup.policy", "compact"],
  ["segment.bytes", "1048576"], ["no.such", "x"],
];

function randomRecords(image: MetadataImage, below: (bound: number) => number): readonly MetadataRecord[] {
  const context = planContext(image);
  const name = () => NAMES[below(NAMES.length)]!;
  const value = () => VALUES[below(VALUES.length)]!;
  switch (below(9)) {
    case 0:
    case 1: {
      const request = () => ({
        name: name(), numPartitions: 1 + below(4), replicationFactor: 1, assignments: [],
        configs: below(2) === 0 ? [] : [value()].map(([key, text]) => ({ name: key, value: text })),
      });
      return planCreateTopics(context, Array.from({ length: 1 + below(4) }, request)).records;
    }
    case 2:
      return planDeleteTopics(context, [{ name: name(), topicId: ZERO_UUID }, { name: name(), topicId: ZERO_UUID }]).records;
    case 3:
      return planCreatePartitions(context, [{ name: name(), count: 1 + below(8), assignments: null }]).records;
    case 4: {
      const [key, text] = value();
      const configs = [{ name: key, configOperation: below(4), value: text }];
      const resource = below(3) === 0 ? { resourceType: 4, resourceName: "" } : { resourceType: 2, resourceName: name() };
      return planIncrementalAlterConfigs(context, [{ ...resource, configs }]).records;
    }
    case 5:
      return planAlterConfigs(context, [{ resourceType: 2, resourceName: name(), configs: [] }]).records;
    case 6:
      return planProducerIds(image, { id: NODE_ID, epoch: 1 }).records;
    case 7:
      return planStop(image, NODE_ID);
    default:
      return planStart(image, {
        nodeId: NODE_ID, incarnationId: numberedId(below(99)), brokerEpoch: image.position.offset + 1, endpoints: [],
        rack: "r", directoryId: DIRECTORY_ID as Uuid,
      }, () => below(2) === 0);
  }
}

function throughSnapshot(image: MetadataImage): MetadataImage {
  const id = { endOffset: (image.position.offset + 1) as Offset, epoch: 1 as LeaderEpoch };
  const bytes = imageSnapshot({ image, controls: [] }, id, 0 as TimestampMs, crc32cBitwise);
  return decodeSnapshot(bytes, id, crc32cBitwise).image;
}

describe("random operations", () => {
  test.each(Array.from({ length: 8 }, (_, index) => index + 1))("seed %d", (seed) => {
    const below = randomOf(seed);
    const first = bootstrapped();
    let { image } = first;
    const log: MetadataRecord[] = [...first.records];
    let [older, olderAt] = [image, log.length];
    for (let step = 0; step < 250; step++) {
      const records = randomRecords(image, below).map((record) => decodeMetadataRecord(encodeMetadataRecord(record)));
      image = replayed(image, records);
      log.push(...records);
      if (below(40) === 0) [older, olderAt] = [throughSnapshot(image), log.length];
    }
    expect(log.length).toBeGreaterThan(100);
    const expected = contentOf(image);
    expect(contentOf(replayed(EMPTY_IMAGE, log))).toEqual(expected);
    expect(contentOf(throughSnapshot(image))).toEqual(expected);
    expect(contentOf(replayed(older, log.slice(olderAt)))).toEqual(expected);
    for (const topic of image.topics()) expect(image.topicById(topic.id)).toBe(topic);
  });
});
