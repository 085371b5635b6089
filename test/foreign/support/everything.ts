/**
 * Fills a broker with one topic of each kind, and reads all that a broker has: through clients that
 * are not ours, so that the same eyes look at Millrace and at Kafka.
 */
import { Admin, Producer, stringSerializers } from "@platformatic/kafka";
import { Kafka as KafkaClient, logLevel } from "kafkajs";
import { CODECS, makeRecords, type PlainRecord } from "../../clients/suite_broker.ts";
import { PartitionReader, type ReadRecord } from "../../clients/platformatic_reader.ts";

export interface PartitionContent {
  readonly start: number;
  readonly end: number;
  readonly records: readonly ReadRecord[];
}

/** By topic and partition, "orders-0". */
export type Everything = Readonly<Record<string, PartitionContent>>;

const RETENTION_FOREVER = { name: "retention.ms", value: "-1" };
const LEADERS_TIMEOUT_MS = 20_000;
const TOPIC_RESOURCE = 2;
const SET = 0;
const DELETE = 1;

function asMessages(topic: string, partition: number, records: readonly PlainRecord[]) {
  return records.map((record) => ({
    topic,
    partition,
    ...(record.key === null ? {} : { key: record.key }),
    ...(record.value === null ? {} : { value: record.value }),
    headers: record.headers,
    timestamp: BigInt(record.timestamp),
  }));
}

/**
 * Topics `<tag>-<codec>` of two partitions in batches of several sizes, `<tag>-segments` of several
 * segments, `<tag>-trimmed` whose front is deleted, `<tag>-doomed` that is deleted, `<tag>-empty`.
 */
export async function fillBroker(address: string, tag: string): Promise<void> {
  const options = { clientId: "fill", bootstrapBrokers: [address], retries: 10, retryDelay: 100 };
  const admin = new Admin(options);
  const producer = new Producer({ ...options, serializers: stringSerializers, idempotent: true, maxInflights: 5 });
  const send = (topic: string, partition: number, records: readonly PlainRecord[], compression: (typeof CODECS)[number]) =>
    producer.send({ messages: asMessages(topic, partition, records), compression, acks: -1 });
  try {
    for (const codec of CODECS) {
      const topic = `${tag}-${codec}`;
      await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1, configs: [RETENTION_FOREVER] });
      for (const partition of [0, 1]) {
        for (const count of [1, 40, 700]) {
          await send(topic, partition, makeRecords(`${topic}-${partition}`, count, 300), codec);
        }
      }
    }
    const segments = `${tag}-segments`;
    await admin.createTopics({
      topics: [segments],
      partitions: 1,
      replicas: 1,
      configs: [RETENTION_FOREVER, { name: "segment.bytes", value: "1048576" }],
    });
    for (let round = 0; round < 12; round++) {
      await send(segments, 0, makeRecords(`${segments}-${round}`, 300, 1_000), "none");
    }
    await admin.createTopics({ topics: [`${tag}-trimmed`], partitions: 1, replicas: 1, configs: [RETENTION_FOREVER] });
    await send(`${tag}-trimmed`, 0, makeRecords("t", 30, 20), "none");
    await send(`${tag}-trimmed`, 0, makeRecords("t", 30, 20), "gzip");
    await deleteRecords(address, `${tag}-trimmed`, 17);
    await admin.createTopics({ topics: [`${tag}-doomed`, `${tag}-empty`], partitions: 3, replicas: 1 });
    await send(`${tag}-doomed`, 1, makeRecords("d", 3, 10), "lz4");
    await alterConfigs(admin, `${tag}-empty`);
    await admin.deleteTopics({ topics: [`${tag}-doomed`] });
  } finally {
    await producer.close(true);
    await admin.close();
  }
}

async function alterConfigs(admin: Admin, topic: string): Promise<void> {
  const alter = (name: string, configOperation: 0 | 1, value: string) =>
    admin.incrementalAlterConfigs({
      resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configs: [{ name, configOperation, value }] }],
    });
  await alter("max.message.bytes", SET, "123456");
  await alter("retention.bytes", SET, "99999999");
  await alter("retention.bytes", DELETE, "");
}

async function deleteRecords(address: string, topic: string, before: number): Promise<void> {
  const client = new KafkaClient({ clientId: "fill", brokers: [address], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  try {
    await admin.fetchTopicOffsets(topic); // KafkaJS finds the leader here
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(before) }] });
  } finally {
    await admin.disconnect();
  }
}

/** Every record of every topic whose name does not begin with two underscores. */
export async function readEverything(address: string): Promise<Everything> {
  const deadline = performance.now() + LEADERS_TIMEOUT_MS;
  for (;;) {
    try {
      return await readOnce(address);
    } catch (error) {
      // Kafka says "started" a little before its partitions have leaders.
      const isRetriable = (error as { retriable?: boolean }).retriable === true;
      if (!isRetriable || performance.now() > deadline) throw error;
      await Bun.sleep(100);
    }
  }
}

async function readOnce(address: string): Promise<Everything> {
  const client = new KafkaClient({ clientId: "read", brokers: [address], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  const reader = new PartitionReader(address);
  await admin.connect();
  const found: Record<string, PartitionContent> = {};
  try {
    const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith("__")).sort();
    for (const topic of topics) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        const start = Number(low);
        const end = Number(high);
        const records = await reader.readUpTo(topic, partition, start, end);
        found[`${topic}-${partition}`] = { start, end, records };
      }
    }
    return found;
  } finally {
    await admin.disconnect();
    await reader.close();
  }
}

/** Configs that a topic has of its own. */
export async function topicConfigs(address: string, topic: string): Promise<Record<string, string>> {
  const admin = new Admin({ clientId: "read", bootstrapBrokers: [address] });
  try {
    const described = await admin.describeConfigs({
      resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: null }],
    });
    const own = described[0]!.configs.filter((config) => config.configSource === 1);
    return Object.fromEntries(own.map((config) => [config.name, config.value ?? ""]));
  } finally {
    await admin.close();
  }
}

/** Cut at the starts of another reading: Kafka writes them down once a minute, and forgets them in a kill -9. */
export function withoutFront(everything: Everything, from: Everything): Everything {
  return Object.fromEntries(Object.entries(everything).map(([name, content]) => {
    const start = Math.max(content.start, from[name]?.start ?? 0);
    return [name, { ...content, start, records: content.records.filter((record) => record.offset >= start) }];
  }));
}

/** Where two contents differ, by partition and offset, shortened; empty when nowhere. */
export function differences(expected: Everything, actual: Everything): string[] {
  const found: string[] = [];
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const left = expected[name];
    const right = actual[name];
    if (left === undefined || right === undefined) {
      found.push(`${name}: ${left === undefined ? "not expected" : "missing"}`);
      continue;
    }
    if (left.start !== right.start || left.end !== right.end) {
      found.push(`${name}: ${left.start}..${left.end} expected, ${right.start}..${right.end} found`);
    }
    const count = Math.max(left.records.length, right.records.length);
    for (let index = 0; index < count; index++) {
      const one = JSON.stringify(left.records[index]);
      const other = JSON.stringify(right.records[index]);
      if (one !== other) {
        found.push(`${name} record ${index}: ${one?.slice(0, 150)} expected, ${other?.slice(0, 150)} found`);
        break;
      }
    }
  }
  return found;
}
