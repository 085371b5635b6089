/** KafkaJS: producer and admin against a broker on a free port. What it wrote is read by another client. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import {
  type Admin,
  CompressionCodecs,
  CompressionTypes,
  ConfigResourceTypes,
  Kafka,
  logLevel,
  type Message,
  type Producer,
} from "kafkajs";
import { compressFrameSync, decompressFrameSync } from "lz4-napi";
import { compressSync, uncompressSync } from "snappy";
import { hasMillrace } from "../foreign/support/millrace.ts";
import { Program } from "../foreign/support/process.ts";
import {
  BATCHES,
  type BrokerUnderTest,
  type Codec,
  CODECS,
  EPOCH_MS,
  makeRecords,
  type PlainRecord,
  startBrokerUnderTest,
} from "./suite_broker.ts";
import { PartitionReader } from "./platformatic_reader.ts";

/** KafkaJS brings gzip alone, the others are plugged in. */
const PLUGS: Record<Exclude<Codec, "none">, [(bytes: Buffer) => Buffer, (bytes: Buffer) => Buffer]> = {
  gzip: [gzipSync, gunzipSync],
  snappy: [(bytes) => compressSync(bytes), (bytes) => uncompressSync(bytes) as Buffer],
  lz4: [(bytes) => compressFrameSync(bytes), (bytes) => decompressFrameSync(bytes)],
  zstd: [zstdCompressSync, zstdDecompressSync],
};
const TYPES: Record<Codec, CompressionTypes> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

function plugCodecs(): void {
  for (const [codec, [compress, decompress]] of Object.entries(PLUGS)) {
    const codecs = CompressionCodecs as Record<number, unknown>;
    codecs[TYPES[codec as Codec]] = () => ({
      compress: async (encoder: { buffer: Buffer }) => compress(encoder.buffer),
      decompress: async (bytes: Buffer) => decompress(bytes),
    });
  }
}

function asMessage(record: PlainRecord, partition = 0): Message {
  return {
    key: record.key,
    value: record.value,
    headers: { ...record.headers },
    timestamp: String(record.timestamp),
    partition,
  };
}

function plain(records: readonly PlainRecord[]): PlainRecord[] {
  return records.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }));
}

describe.skipIf(!hasMillrace())("KafkaJS", () => {
  let broker: BrokerUnderTest;
  let kafka: Kafka;
  let admin: Admin;
  let producer: Producer;
  let reader: PartitionReader;

  beforeAll(async () => {
    plugCodecs();
    broker = await startBrokerUnderTest();
    kafka = new Kafka({ clientId: "suite", brokers: [broker.address], logLevel: logLevel.NOTHING });
    admin = kafka.admin();
    producer = kafka.producer({ allowAutoTopicCreation: false });
    reader = new PartitionReader(broker.address);
    await Promise.all([admin.connect(), producer.connect()]);
  }, 120_000);

  afterAll(async () => {
    await producer?.disconnect();
    await admin?.disconnect();
    await reader?.close();
    await broker?.finish().finally(Program.killAll);
  }, 60_000);

  const createTopic = (topic: string, numPartitions = 1): Promise<boolean> =>
    admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1 }] });

  for (const codec of CODECS) {
    test(`produces ${codec}`, async () => {
      const topic = `k-${codec}`;
      await createTopic(topic);
      let offset = 0;
      for (const { name, count, valueBytes } of BATCHES) {
        const records = makeRecords(`${codec}-${name}`, count, valueBytes);
        const [answer] = await producer.send({
          topic,
          messages: records.map((record) => asMessage(record)),
          compression: TYPES[codec],
          acks: -1,
        });
        expect(answer).toMatchObject({ partition: 0, errorCode: 0, baseOffset: String(offset) });
        const read = await reader.read(topic, 0, offset, count);
        expect(plain(read)).toEqual(records);
        expect(await reader.codecBits(topic, 0, offset)).toBe(CODECS.indexOf(codec));
        offset += count;
      }
      expect(await admin.fetchTopicOffsets(topic)).toEqual([
        { partition: 0, offset: String(offset), low: "0", high: String(offset) },
      ]);
    }, 30_000);
  }

  test("produces idempotently to several partitions at once", async () => {
    await createTopic("k-idempotent", 4);
    const idempotent = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await idempotent.connect();
    for (let round = 0; round < 10; round++) {
      const messages = [0, 1, 2, 3].flatMap((partition) =>
        makeRecords(`p${partition}-r${round}`, 5, 40).map((record) => asMessage(record, partition)));
      await idempotent.send({ topic: "k-idempotent", messages, acks: -1 });
    }
    await idempotent.disconnect();
    for (const partition of [0, 1, 2, 3]) {
      const expected = Array.from({ length: 10 }, (_, round) => makeRecords(`p${partition}-r${round}`, 5, 40)).flat();
      expect(plain(await reader.read("k-idempotent", partition, 0, 50))).toEqual(expected);
    }
  });

  test("finds offsets by time", async () => {
    await createTopic("k-time");
    await producer.send({ topic: "k-time", messages: makeRecords("t", 40, 30).map((record) => asMessage(record)) });
    const at = async (timestamp: number): Promise<string> =>
      (await admin.fetchTopicOffsetsByTimestamp("k-time", timestamp))[0]!.offset;
    expect(await at(EPOCH_MS - 5_000)).toBe("0");
    expect(await at(EPOCH_MS + 101)).toBe("11");
    expect(await at(EPOCH_MS + 390)).toBe("39");
    expect(await at(EPOCH_MS + 10_000)).toBe("40"); // none that late: KafkaJS shows the end
  });

  test("creates topics on first use where that is allowed", async () => {
    const trusting = kafka.producer({ allowAutoTopicCreation: true });
    await trusting.connect();
    await trusting.send({ topic: "k-automatic", messages: [{ value: "first" }] });
    await trusting.disconnect();
    const read = await reader.read("k-automatic", 0, 0, 1);
    expect(read.map((record) => record.value)).toEqual(["first"]);
  });

  test("creates, describes, grows, alters, trims and deletes topics", async () => {
    const configEntries = [{ name: "retention.ms", value: "123456" }];
    const topic = { topic: "k-admin", numPartitions: 2, replicationFactor: 1, configEntries };
    expect(await admin.createTopics({ topics: [topic] })).toBe(true);
    expect(await admin.createTopics({ topics: [topic] })).toBe(false); // it exists
    expect(await admin.listTopics()).toContain("k-admin");

    await admin.createPartitions({ topicPartitions: [{ topic: "k-admin", count: 3 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ["k-admin"] });
    expect(topics[0]!.partitions.map((each) => each.partitionId).sort()).toEqual([0, 1, 2]);

    const resource = { type: ConfigResourceTypes.TOPIC, name: "k-admin" };
    const retention = async (): Promise<string | undefined> => {
      const described = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ ...resource, configNames: ["retention.ms"] }],
      });
      return described.resources[0]!.configEntries[0]?.configValue;
    };
    expect(await retention()).toBe("123456");
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: "retention.ms", value: "-1" }] }],
    });
    expect(await retention()).toBe("-1");

    await producer.send({ topic: "k-admin", messages: makeRecords("d", 10, 10).map((record) => asMessage(record, 1)) });
    await admin.fetchTopicOffsets("k-admin"); // KafkaJS looks the leader up here, deleteTopicRecords does not
    await admin.deleteTopicRecords({ topic: "k-admin", partitions: [{ partition: 1, offset: "4" }] });
    const offsets = await admin.fetchTopicOffsets("k-admin");
    expect(offsets.find((each) => each.partition === 1)).toMatchObject({ low: "4", high: "10" });

    await admin.deleteTopics({ topics: ["k-admin"] });
    expect(await admin.listTopics()).not.toContain("k-admin");
    expect(await admin.createTopics({ topics: [{ ...topic, numPartitions: 1 }] })).toBe(true);
    expect((await admin.fetchTopicOffsets("k-admin"))).toEqual([{ partition: 0, offset: "0", low: "0", high: "0" }]);
  });

  test("describes the cluster", async () => {
    const cluster = await admin.describeCluster();
    const port = Number(broker.address.split(":")[1]);
    expect(cluster.brokers).toEqual([{ nodeId: 1, host: "127.0.0.1", port }]);
    expect(cluster.clusterId).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });

  test("is told what is wrong", async () => {
    await createTopic("k-errors");
    const impatient = kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 1, initialRetryTime: 20 } });
    await impatient.connect();
    const send = impatient.send({ topic: "k-errors", messages: [{ value: "x".repeat(2_000_000) }] });
    await expect(send).rejects.toMatchObject({ type: "MESSAGE_TOO_LARGE" });
    const unknown = impatient.send({ topic: "k-unknown", messages: [{ value: "x" }] });
    await expect(unknown).rejects.toThrow(/does not host this topic-partition/);
    await impatient.disconnect();
    const refused = await admin.createTopics({ topics: [{ topic: "no/slash" }] }).catch((error: unknown) => error);
    expect((refused as AggregateError).errors).toMatchObject([{ type: "INVALID_TOPIC_EXCEPTION" }]);
  });
});
