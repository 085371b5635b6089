/** Metadata logs that Apache Kafka 4.3.1 wrote: replayed, and compared with what its own tools were told. */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { MetadataImage } from "../../engine/metadata/image.ts";
import { ConfigResourceType, EMPTY_IMAGE } from "../../engine/metadata/image.ts";
import { ImageDelta } from "../../engine/metadata/image_delta.ts";
import { planStart } from "../../engine/metadata/plan_broker.ts";
import { readRaftBatches } from "../../engine/metadata/raft_batch.ts";
import { encodeMetadataRecord } from "../../engine/metadata/records.ts";
import {
  bootstrapRecords,
  decodeSnapshot,
  parseSnapshotName,
} from "../../engine/metadata/snapshot.ts";
import type { Offset, TimestampMs } from "../../engine/model/offsets.ts";
import type { Golden, GoldenName } from "../support/golden.ts";
import { unpackGolden } from "../support/golden.ts";
import { crc32cBitwise } from "../support/crc32c_bitwise.ts";
import { NODE_ID, contentOf, imageSnapshot, numberedId, replayed } from "../support/images.ts";

const unpacked = new Map<GoldenName, Golden>();
afterAll(() => unpacked.forEach((golden) => golden.remove()));

function golden(name: GoldenName): Golden {
  if (!unpacked.has(name)) unpacked.set(name, unpackGolden(name));
  return unpacked.get(name)!;
}

const metadataDir = (name: GoldenName) => join(golden(name).dir, "__cluster_metadata-0");

function snapshotsOf(name: GoldenName) {
  const dir = metadataDir(name);
  return readdirSync(dir).sort().map(parseSnapshotName).filter((snapshot) => snapshot?.isRest === false)
    .map((snapshot) => ({ ...snapshot!, bytes: new Uint8Array(readFileSync(join(dir, snapshot!.name))) }));
}

/** `from`'s image and all records of the log behind it, up to `end`. */
function replayLog(name: GoldenName, from: MetadataImage, end = Infinity): MetadataImage {
  const dir = metadataDir(name);
  const delta = new ImageDelta(from);
  let position = from.position;
  for (const file of readdirSync(dir).filter((entry) => entry.endsWith(".log")).sort()) {
    for (const batch of readRaftBatches(new Uint8Array(readFileSync(join(dir, file))), crc32cBitwise)) {
      if (batch.baseOffset <= from.position.offset || batch.lastOffset >= end) continue;
      batch.records.forEach((record) => delta.replay(record));
      position = { offset: batch.lastOffset, epoch: batch.epoch, timestamp: batch.timestamp };
    }
  }
  return delta.apply(position);
}

describe("a directory of Kafka 4.3.1", () => {
  test.each(["clean", "killed", "snapshotted"] as const)("%s: has the topics that its records went to", (name) => {
    const image = replayLog(name, EMPTY_IMAGE);
    const { records } = golden(name);
    for (const topic of Object.keys(records)) expect(image.topic(topic), topic).toBeDefined();
    expect(image.topic("doomed")).toBeUndefined();
    for (const record of Object.values(records).flat()) {
      expect(image.topic(record.topic)!.partitions.length).toBeGreaterThan(record.partition);
    }
    expect(Object.fromEntries(image.features)).toEqual({
      "metadata.version": 30, "eligible.leader.replicas.version": 1, "group.version": 1,
      "share.version": 1, "streams.version": 1, "transaction.version": 2,
    });
    expect(image.configs(ConfigResourceType.TOPIC, "compacted").get("cleanup.policy")).toBe("compact");
    expect(image.configs(ConfigResourceType.BROKER, "").get("min.insync.replicas")).toBe("1");
    expect(image.nextProducerId).toBe(1000);
  });

  test("killed leaves its leaders, a clean stop leaves none but eligible ones", () => {
    const partitions = (name: GoldenName) => [...replayLog(name, EMPTY_IMAGE).topics()].flatMap((t) => [...t.partitions]);
    for (const partition of partitions("killed")) {
      expect(partition).toMatchObject({ leader: 1, isr: [1], eligibleLeaderReplicas: [] });
    }
    for (const partition of partitions("clean")) {
      expect(partition).toMatchObject({ leader: -1, isr: [], eligibleLeaderReplicas: [1], lastKnownElr: [1] });
    }
  });

  test("clean: a start takes over every partition", () => {
    const image = replayLog("clean", EMPTY_IMAGE);
    const broker = image.brokers.get(NODE_ID)!;
    expect(broker).toMatchObject({ fenced: true, inControlledShutdown: true });
    const after = replayed(image, planStart(image, {
      nodeId: NODE_ID,
      incarnationId: numberedId(1),
      brokerEpoch: image.position.offset + 1,
      endpoints: broker.endpoints,
      rack: null,
      directoryId: broker.logDirs[0]!,
    }, () => false));
    expect(after.brokers.get(NODE_ID)).toMatchObject({ fenced: false, inControlledShutdown: false });
    for (const topic of after.topics()) {
      for (const [index, partition] of topic.partitions.entries()) {
        const before = image.topic(topic.name)!.partitions[index]!;
        expect(partition).toMatchObject({
          leader: 1, isr: [1], eligibleLeaderReplicas: [], lastKnownElr: [],
          leaderEpoch: before.leaderEpoch + 1, partitionEpoch: before.partitionEpoch + 1,
        });
      }
    }
  });

  test("snapshotted: each snapshot equals the replay of what it stands for, and our writing of it", () => {
    const snapshots = snapshotsOf("snapshotted");
    expect(snapshots.length).toBeGreaterThan(1);
    for (const snapshot of snapshots) {
      const { image } = decodeSnapshot(snapshot.bytes, snapshot, crc32cBitwise);
      expect(contentOf(image)).toEqual(contentOf(replayLog("snapshotted", EMPTY_IMAGE, snapshot.endOffset)));
      const ours = imageSnapshot({ image, controls: [] }, snapshot, 0 as TimestampMs, crc32cBitwise);
      expect(contentOf(decodeSnapshot(ours, snapshot, crc32cBitwise).image)).toEqual(contentOf(image));
      const whole = replayLog("snapshotted", EMPTY_IMAGE);
      expect(contentOf(replayLog("snapshotted", image))).toEqual(contentOf(whole));
    }
  });

  test("trimmed: a log that starts above 0 replays on its snapshot", () => {
    const [newest] = snapshotsOf("trimmed").sort((one, other) => other.endOffset - one.endOffset);
    const { image } = decodeSnapshot(newest!.bytes, newest!, crc32cBitwise);
    expect(image.position.offset).toBe((newest!.endOffset - 1) as Offset);
    const whole = replayLog("trimmed", image);
    for (const topic of Object.keys(golden("trimmed").records)) expect(whole.topic(topic), topic).toBeDefined();
  });

  test("every record of every log is written back byte for byte", () => {
    for (const name of ["clean", "killed", "snapshotted", "trimmed", "transactions"] as const) {
      const dir = metadataDir(name);
      for (const file of readdirSync(dir).filter((entry) => entry.endsWith(".log"))) {
        const bytes = new Uint8Array(readFileSync(join(dir, file)));
        const written = Buffer.from(bytes).toString("hex");
        for (const batch of readRaftBatches(bytes, crc32cBitwise)) {
          for (const record of batch.records) {
            expect(written).toContain(Buffer.from(encodeMetadataRecord(record)).toString("hex"));
          }
        }
      }
    }
  });

  test("bootstrap.checkpoint holds the features", () => {
    const bytes = new Uint8Array(readFileSync(join(golden("clean").dir, "bootstrap.checkpoint")));
    const [first, ...rest] = bootstrapRecords(bytes, crc32cBitwise);
    expect(first).toEqual({ kind: "featureLevel", version: 0, value: { name: "metadata.version", featureLevel: 30 } });
    expect(rest).toHaveLength(5);
  });
});
