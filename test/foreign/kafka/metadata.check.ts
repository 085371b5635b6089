/**
 * What Millrace puts into the metadata log, in the hands of Apache Kafka 4.3.1: a topic's flush.mode
 * stands in nobody's way and outlives Kafka's snapshots, and directories of older releases stay theirs.
 */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../../engine/io/clock.ts";
import { SILENT_LOGGER } from "../../../engine/io/logger.ts";
import { SystemRandom } from "../../../engine/io/random.ts";
import { ownTopicConfigs } from "../../../engine/metadata/topic_configs.ts";
import { BrokerConfig } from "../../../engine/model/broker_config.ts";
import { Store } from "../../../engine/store/store.ts";
import { codecs } from "../../support/log_harness.ts";
import { append, createTopics, topic, valuesOf } from "../../support/store_harness.ts";
import { Program } from "../support/process.ts";
import { Kafka, KAFKA_CLUSTER_ID, TOOLS, kafkaTool, serverProperties, whyNoKafka } from "./kafka.ts";

const TIMEOUT_MS = 180_000;
const WHY_NOT = whyNoKafka();
if (WHY_NOT !== null) console.error(`skipped: metadata in Kafka's hands: ${WHY_NOT}`);

const roots: string[] = [];
function newDir(): string {
  const root = mkdtempSync(join(tmpdir(), "millrace-metadata-"));
  roots.push(root);
  return join(root, "data");
}
afterEach(async () => {
  await Program.killAll();
});
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

function open(dir: string): Promise<Store> {
  const random = new SystemRandom();
  const config = BrokerConfig.defaults();
  return Store.open({ dir, config, clock: new SystemClock(), random, codecs, logger: SILENT_LOGGER });
}

const snapshotCount = (dir: string) =>
  readdirSync(join(dir, "__cluster_metadata-0")).filter((name) => name.endsWith(".checkpoint")).length;

describe.skipIf(WHY_NOT !== null)("metadata in Kafka's hands", () => {
  test("a topic with a flush.mode of its own can be altered, and keeps it through a snapshot", async () => {
    const dir = newDir();
    const store = await open(dir);
    await createTopics(store, topic("t", 1, { "flush.mode": "os", "retention.ms": "100000000" }), topic("gone", 1, { "flush.mode": "os" }));
    await store.close();
    const kafka = await Kafka.start({
      dataDir: dir,
      properties: { "metadata.log.max.record.bytes.between.snapshots": "400" },
    });
    const server = ["--bootstrap-server", `127.0.0.1:${kafka.port}`];
    const entity = ["--entity-type", "topics", "--entity-name", "t"];
    await kafkaTool(TOOLS.configs, [...server, "--alter", ...entity, "--add-config", "segment.ms=77777777"]);
    await kafkaTool(TOOLS.topics, [...server, "--delete", "--topic", "gone"]);
    expect((await kafkaTool(TOOLS.configs, [...server, "--describe", ...entity])).stdout).toContain("segment.ms=77777777");
    await kafka.stop();
    expect(snapshotCount(dir)).toBeGreaterThan(0);
    const again = await open(dir);
    expect(Object.fromEntries(ownTopicConfigs(again.image, again.image.topic("t")!)))
      .toEqual({ "flush.mode": "os", "retention.ms": "100000000", "segment.ms": "77777777" });
    expect(again.partitions.find("t", 0)!.log.config.flushMode).toBe("os");
    // What the deleted topic left among the brokers' configs is cleared away.
    expect([...again.image.configs(4, "").keys()].filter((name) => name.startsWith("flush.mode"))).toHaveLength(1);
    await again.close();
  }, TIMEOUT_MS);

  test.each(["3.3", "3.9"])("a directory of release %s goes there and back", async (release) => {
    const dir = newDir();
    mkdirSync(dir);
    const file = `${dir}.format.properties`;
    writeFileSync(file, serverProperties(dir, { client: 1, controller: 2 }));
    await kafkaTool("kafka.tools.StorageTool", ["format", "-t", KAFKA_CLUSTER_ID, "-r", release, "-c", file]);
    const first = await Kafka.start({ dataDir: dir });
    const server = ["--bootstrap-server", `127.0.0.1:${first.port}`];
    await kafkaTool(TOOLS.topics, [...server, "--create", "--topic", "theirs", "--partitions", "2"]);
    await first.stop();
    const store = await open(dir);
    await createTopics(store, topic("ours"));
    await append(store.partitions.find("theirs", 1)!, "a");
    await store.close();
    const second = await Kafka.start({ dataDir: dir });
    const described = await kafkaTool(TOOLS.topics, ["--bootstrap-server", `127.0.0.1:${second.port}`, "--describe"]);
    expect(described.stdout).toContain("Topic: ours\t");
    expect(described.stdout.match(/Leader: 1\t/g)).toHaveLength(3);
    await second.stop();
    const again = await open(dir);
    expect(valuesOf(again.partitions.find("theirs", 1)!)).toEqual(["a"]);
    await again.close();
  }, TIMEOUT_MS);
});
