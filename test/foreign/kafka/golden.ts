/**
 * Makes the golden data directories: what Apache Kafka 4.3.1 really leaves on a disk, after a clean
 * stop, after a kill -9, and with a metadata log that starts at a snapshot.
 *
 *   bun test/foreign/kafka/golden.ts OUT      writes OUT/<name>/ and OUT/<name>.json (every record)
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Kafka as KafkaClient, logLevel } from "kafkajs";
import { mustRun } from "../support/process.ts";
import { formatKafka, Kafka, kafkaTool, TOOLS } from "./kafka.ts";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

async function createTopic(kafka: Kafka, name: string, partitions: number, configs: readonly string[]): Promise<void> {
  await kafkaTool(TOOLS.topics, [
    ...["--bootstrap-server", kafka.address, "--create", "--topic", name],
    ...["--partitions", String(partitions), "--replication-factor", "1"],
    ...configs.flatMap((config) => ["--config", config]),
  ]);
}

/** Lines with keys through kcat: one partition, one codec. */
async function produce(
  kafka: Kafka,
  topic: string,
  options: { readonly partition: number; readonly codec: string; readonly lines: readonly string[]; readonly extra?: readonly string[] },
): Promise<void> {
  await mustRun(
    [
      ...["kcat", "-b", kafka.address, "-P", "-t", topic, "-p", String(options.partition)],
      ...["-z", options.codec, "-K", ":", "-X", "linger.ms=50", ...(options.extra ?? [])],
    ],
    { input: options.lines.join("\n") },
  );
}

function lines(tag: string, count: number, width = 40): string[] {
  return Array.from({ length: count }, (_, index) => `${tag}-${index}:${`${tag} value ${index} `.padEnd(width, "abc ")}`);
}

async function fill(kafka: Kafka): Promise<void> {
  for (const codec of CODECS) {
    await createTopic(kafka, `codec-${codec}`, 2, ["retention.ms=-1"]);
    for (const partition of [0, 1]) {
      await produce(kafka, `codec-${codec}`, { partition, codec, lines: lines(`${codec}${partition}`, 50) });
    }
    await produce(kafka, `codec-${codec}`, {
      partition: 0,
      codec,
      lines: lines(`${codec}-idempotent`, 30),
      extra: ["-X", "enable.idempotence=true", "-X", "batch.num.messages=10", "-H", "codec=" + codec],
    });
  }
  await createTopic(kafka, "segments", 1, ["segment.bytes=1048576", "retention.ms=-1", "max.message.bytes=2000000"]);
  // Batches of about 20 KB: every second one or so gets an index entry.
  await produce(kafka, "segments", {
    partition: 0,
    codec: "none",
    lines: lines("s", 300, 8_000),
    extra: ["-X", "batch.size=20000"],
  });
  await createTopic(kafka, "config.changed", 1, ["retention.ms=100000", "cleanup.policy=delete"]);
  await alterConfig(kafka, "topics", "config.changed", ["--add-config", "retention.ms=-1,flush.messages=1"]);
  await alterConfig(kafka, "topics", "config.changed", ["--delete-config", "cleanup.policy"]);
  await alterConfig(kafka, "brokers", "1", ["--add-config", "log.cleaner.threads=2"]);
  await createTopic(kafka, "doomed", 2, []);
  await produce(kafka, "doomed", { partition: 1, codec: "none", lines: lines("doomed", 5) });
  await kafkaTool(TOOLS.topics, ["--bootstrap-server", kafka.address, "--delete", "--topic", "doomed"]);
  await createTopic(kafka, "compacted", 1, ["cleanup.policy=compact", "min.cleanable.dirty.ratio=0.9"]);
  await produce(kafka, "compacted", { partition: 0, codec: "none", lines: [...lines("c", 5), ...lines("c", 5)] });
  await deleteRecords(kafka, "codec-none", 1, 20);
  await kafkaTool(TOOLS.topics, [
    ...["--bootstrap-server", kafka.address, "--alter", "--topic", "compacted", "--partitions", "2"],
  ]);
}

async function alterConfig(kafka: Kafka, type: string, name: string, change: readonly string[]): Promise<void> {
  await kafkaTool(TOOLS.configs, [
    ...["--bootstrap-server", kafka.address, "--alter", "--entity-type", type, "--entity-name", name, ...change],
  ]);
}

async function deleteRecords(kafka: Kafka, topic: string, partition: number, offset: number): Promise<void> {
  const file = `${kafka.dataDir}.delete.json`;
  writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic, partition, offset }] }));
  await kafkaTool(TOOLS.deleteRecords, ["--bootstrap-server", kafka.address, "--offset-json-file", file]);
  rmSync(file);
}

/** Every record of every topic as kcat prints it in JSON; headers, keys, timestamps included. */
export async function readEverything(address: string): Promise<Record<string, unknown[]>> {
  const listing = await mustRun(["kcat", "-b", address, "-L", "-J"]);
  const topics = (JSON.parse(listing.stdout) as { topics: { topic: string }[] }).topics;
  const found: Record<string, unknown[]> = {};
  for (const { topic } of topics.filter((each) => !each.topic.startsWith("__"))) {
    const read = await mustRun(["kcat", "-b", address, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"]);
    found[topic] = read.stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as unknown);
  }
  return found;
}

interface Golden {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  work(kafka: Kafka): Promise<void>;
  readonly end: "stop" | "kill";
}

const SNAPSHOT_OFTEN = { "metadata.log.max.record.bytes.between.snapshots": "2000" };
/** Small metadata segments and no wish to keep them: the log soon starts at a snapshot. */
const TRIM_METADATA = {
  ...SNAPSHOT_OFTEN,
  "internal.metadata.log.segment.bytes": "3000",
  "metadata.max.retention.bytes": "4000",
  "internal.metadata.delete.delay.millis": "100",
};
const TRIM_TIMEOUT_MS = 150_000;

/** Until Kafka has dropped the front of its metadata log, which it looks at once a minute. */
async function untilMetadataTrimmed(kafka: Kafka): Promise<void> {
  const first = join(kafka.dataDir, "__cluster_metadata-0", "00000000000000000000.log");
  const deadline = performance.now() + TRIM_TIMEOUT_MS;
  while (existsSync(first)) {
    if (performance.now() > deadline) throw new Error("Kafka kept its whole metadata log");
    await Bun.sleep(200);
  }
}

/** Committed and aborted transactions over rolled segments, and the offsets of a group. */
async function transact(kafka: Kafka): Promise<void> {
  await createTopic(kafka, "txn", 2, ["retention.ms=-1"]);
  const client = new KafkaClient({ clientId: "golden", brokers: [kafka.address], logLevel: logLevel.ERROR });
  const producer = client.producer({ transactionalId: "golden-txn", maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  for (let round = 0; round < 6; round++) {
    const transaction = await producer.transaction();
    const messages = [0, 1, 2].map((index) => ({ partition: index % 2, key: `k${round}`, value: `round ${round} ${index}` }));
    await transaction.send({ topic: "txn", messages });
    await transaction.sendOffsets({
      consumerGroupId: "golden-group",
      topics: [{ topic: "txn", partitions: [{ partition: 0, offset: String(round) }] }],
    });
    await (round % 2 === 0 ? transaction.commit() : transaction.abort());
  }
  await producer.disconnect();
}

const GOLDENS: readonly Golden[] = [
  { name: "clean", properties: {}, work: fill, end: "stop" },
  { name: "killed", properties: {}, work: fill, end: "kill" },
  { name: "snapshotted", properties: SNAPSHOT_OFTEN, work: fill, end: "stop" },
  {
    name: "trimmed",
    properties: TRIM_METADATA,
    work: async (kafka) => {
      await fill(kafka);
      await untilMetadataTrimmed(kafka);
    },
    end: "kill",
  },
  { name: "transactions", properties: {}, work: transact, end: "stop" },
];

async function make(golden: Golden, out: string): Promise<void> {
  const dataDir = join(out, `.work-${golden.name}`);
  rmSync(dataDir, { recursive: true, force: true });
  const options = { dataDir, properties: golden.properties };
  await formatKafka(options);
  const kafka = await Kafka.start(options);
  await golden.work(kafka);
  writeFileSync(join(out, `${golden.name}.json`), JSON.stringify(await readEverything(kafka.address)));
  await (golden.end === "stop" ? kafka.stop() : kafka.kill());
  rmSync(join(out, golden.name), { recursive: true, force: true });
  // cp keeps the holes of the pre-sized indexes.
  await mustRun(["cp", "-a", "--sparse=always", dataDir, join(out, golden.name)]);
  rmSync(dataDir, { recursive: true });
}

if (import.meta.main) {
  const out = resolve(process.argv[2] ?? "golden");
  mkdirSync(out, { recursive: true });
  const wanted = process.argv.slice(3);
  for (const golden of GOLDENS.filter((each) => wanted.length === 0 || wanted.includes(each.name))) {
    const begun = performance.now();
    await make(golden, out);
    console.error(`${golden.name}: ${Math.round(performance.now() - begun)} ms`);
  }
}
