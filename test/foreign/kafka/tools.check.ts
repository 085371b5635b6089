/** Apache Kafka's own tools against Millrace, and over the files that Millrace wrote. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fillBroker, readEverything } from "../support/everything.ts";
import { Millrace, problemsIn } from "../support/millrace.ts";
import { Program } from "../support/process.ts";
import { kafkaTool, TOOLS, whyNoKafka } from "./kafka.ts";

const TIMEOUT_MS = 180_000;
const PERF_RECORDS = 50_000;
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const WHY_NOT = whyNoKafka();
if (WHY_NOT !== null) console.error(`skipped: Kafka's tools: ${WHY_NOT}`);

/** The tool's own flaw: it finds fault with every segment that does not begin at offset 0, Kafka's too. */
const FIRST_OFFSET_COMPLAINT = /Non-consecutive offsets in .*\n\s*-1 is followed by \d+\n/g;

function filesIn(dataDir: string, ending: string): string[] {
  return readdirSync(dataDir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending) && !name.includes("-delete/"))
    .map((name) => join(dataDir, name));
}

describe.skipIf(WHY_NOT !== null)("Kafka's tools", () => {
  let root: string;
  let dataDir: string;
  let broker: Millrace;

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "millrace-tools-"));
    dataDir = join(root, "data");
    broker = await Millrace.start({ dataDir });
    await fillBroker(broker.address, "m");
  }, TIMEOUT_MS);
  afterAll(async () => {
    await Program.killAll();
    rmSync(root, { recursive: true, force: true });
  });

  const tool = (name: keyof typeof TOOLS, args: readonly string[], input?: string) =>
    kafkaTool(TOOLS[name], ["--bootstrap-server", broker.address, ...args], input === undefined ? {} : { input });

  test("kafka-topics creates, lists, describes, grows and deletes", async () => {
    await tool("topics", ["--create", "--topic", "t-tools", "--partitions", "2", "--config", "retention.ms=777777"]);
    expect((await tool("topics", ["--list"])).stdout.split("\n")).toContain("t-tools");
    await tool("topics", ["--alter", "--topic", "t-tools", "--partitions", "4"]);
    const described = (await tool("topics", ["--describe", "--topic", "t-tools"])).stdout;
    expect(described).toMatch(/PartitionCount: 4\tReplicationFactor: 1\tConfigs: .*retention\.ms=777777/);
    expect(described.match(/Leader: 1/g)).toHaveLength(4);
    await tool("topics", ["--delete", "--topic", "t-tools"]);
    expect((await tool("topics", ["--list"])).stdout.split("\n")).not.toContain("t-tools");
  }, TIMEOUT_MS);

  test("kafka-configs alters and describes", async () => {
    const entity = ["--entity-type", "topics", "--entity-name", "m-empty"];
    await tool("configs", [...entity, "--alter", "--add-config", "segment.ms=3600000,retention.ms=5000000"]);
    await tool("configs", [...entity, "--alter", "--delete-config", "segment.ms"]);
    const described = (await tool("configs", [...entity, "--describe"])).stdout;
    expect(described).toContain("retention.ms=5000000");
    expect(described).toContain("max.message.bytes=123456");
    expect(described).not.toContain("segment.ms=3600000");
  }, TIMEOUT_MS);

  for (const codec of CODECS) {
    test(`kafka-producer-perf-test with ${codec}`, async () => {
      const topic = `perf-${codec}`;
      await tool("topics", ["--create", "--topic", topic, "--partitions", "3"]);
      const result = await kafkaTool(TOOLS.producerPerf, [
        ...["--bootstrap-server", broker.address, "--topic", topic, "--num-records", String(PERF_RECORDS)],
        ...["--record-size", "512", "--throughput", "-1", "--command-property", `compression.type=${codec}`],
        ...["--command-property", "acks=all"],
      ]);
      const summary = result.stdout.trim().split("\n").at(-1)!;
      console.error(`${codec}: ${summary}`);
      expect(summary).toContain(`${PERF_RECORDS} records sent`);
      const offsets = (await tool("getOffsets", ["--topic", topic])).stdout.trim().split("\n");
      const total = offsets.reduce((sum, line) => sum + Number(line.split(":")[2]), 0);
      expect(total).toBe(PERF_RECORDS);
    }, TIMEOUT_MS);
  }

  test("console producer and consumer, by partition", async () => {
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index} ä`);
    await tool("topics", ["--create", "--topic", "t-console", "--partitions", "1"]);
    await tool("consoleProducer", ["--topic", "t-console", "--compression-codec", "zstd"], lines.join("\n"));
    const read = await tool("consoleConsumer", [
      ...["--topic", "t-console", "--partition", "0", "--offset", "earliest"],
      ...["--max-messages", "200", "--timeout-ms", "20000", "--command-property", "enable.auto.commit=false"],
    ]);
    expect(read.stdout.trim().split("\n")).toEqual(lines);
  }, TIMEOUT_MS);

  test("kafka-delete-records", async () => {
    const file = join(root, "delete.json");
    const partitions = [{ topic: "m-none", partition: 1, offset: 100 }];
    writeFileSync(file, JSON.stringify({ version: 1, partitions }));
    expect((await tool("deleteRecords", ["--offset-json-file", file])).stdout).toContain("low_watermark: 100");
  }, TIMEOUT_MS);

  test("kafka-dump-log finds nothing to complain of in any file", async () => {
    const everything = await readEverything(broker.address);
    await broker.stop();
    expect(await problemsIn(dataDir)).toBe("");
    const logs = filesIn(dataDir, ".log").filter((path) => !path.includes("__cluster_metadata"));
    const others = [".index", ".timeindex", ".snapshot"].flatMap((ending) => filesIn(dataDir, ending));
    expect(logs.length).toBeGreaterThan(10);
    const dumped = await kafkaTool(TOOLS.dumpLog, ["--deep-iteration", "--files", logs.join(",")]);
    expect(dumped.stdout.match(/isvalid: false/g)).toBeNull();
    const checked = await kafkaTool(TOOLS.dumpLog, ["--index-sanity-check", "--files", others.join(",")]);
    const verified = await kafkaTool(TOOLS.dumpLog, ["--verify-index-only", "--files", others.join(",")]);
    const complaint = /mismatch|exception|error|non.?consecutive|not found|corrupt|failed/i;
    for (const { stdout, stderr } of [dumped, checked, verified]) {
      const complaints = `${stdout}${stderr}`.replaceAll(FIRST_OFFSET_COMPLAINT, "").split("\n").filter((line) => complaint.test(line) && !line.startsWith("|"));
      expect(complaints).toEqual([]);
    }
    const records = dumped.stdout.match(/^\| offset: /gm)?.length ?? 0;
    const expected = Object.values(everything).reduce((sum, each) => sum + each.records.length, 0);
    // The files hold deleted records below the log start as well.
    expect(records).toBeGreaterThanOrEqual(expected);
  }, TIMEOUT_MS);

  test("kafka-dump-log decodes the metadata log", async () => {
    const dumped = await kafkaTool(TOOLS.dumpLog, [
      ...["--cluster-metadata-decoder", "--files"],
      filesIn(dataDir, ".log").filter((path) => path.includes("__cluster_metadata")).join(","),
    ]);
    expect(dumped.stdout).toContain('"type":"TOPIC_RECORD"');
    expect(dumped.stdout).not.toMatch(/isvalid: false|Could not read|Exception/);
  }, TIMEOUT_MS);
});
