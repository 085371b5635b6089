/** @platformatic/kafka: producer and admin against a broker on a free port. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Admin, Producer, stringSerializers } from "@platformatic/kafka";
import { hasMillrace } from "../foreign/support/millrace.ts";
import { Program } from "../foreign/support/process.ts";
import {
  BATCHES,
  type BrokerUnderTest,
  CODECS,
  EPOCH_MS,
  eventually,
  makeRecords,
  type PlainRecord,
  startBrokerUnderTest,
} from "./suite_broker.ts";
import { EARLIEST, LATEST, PartitionReader } from "./platformatic_reader.ts";

function asMessage(topic: string, record: PlainRecord, partition = 0) {
  return {
    topic,
    partition,
    ...(record.key === null ? {} : { key: record.key }),
    ...(record.value === null ? {} : { value: record.value }),
    headers: record.headers,
    timestamp: BigInt(record.timestamp),
  };
}

function plain(records: readonly PlainRecord[]): PlainRecord[] {
  return records.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }));
}

describe.skipIf(!hasMillrace())("@platformatic/kafka", () => {
  let broker: BrokerUnderTest;
  let admin: Admin;
  let reader: PartitionReader;
  let producer: Producer<string, string, string, string>;
  const options = () => ({ clientId: "suite", bootstrapBrokers: [broker.address], retries: 3 });

  beforeAll(async () => {
    broker = await startBrokerUnderTest();
    admin = new Admin(options());
    reader = new PartitionReader(broker.address);
    producer = new Producer({ ...options(), serializers: stringSerializers });
  }, 120_000);

  afterAll(async () => {
    await producer?.close();
    await admin?.close();
    await reader?.close();
    await broker?.finish().finally(Program.killAll);
  }, 60_000);

  for (const codec of CODECS) {
    test(`produces and reads back ${codec}`, async () => {
      const topic = `p-${codec}`;
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
      let offset = 0;
      for (const { name, count, valueBytes } of BATCHES) {
        const records = makeRecords(`${codec}-${name}`, count, valueBytes);
        const result = await producer.send({
          messages: records.map((record) => asMessage(topic, record)),
          compression: codec,
          acks: -1,
        });
        expect(result.offsets).toEqual([{ topic, partition: 0, offset: BigInt(offset) }]);
        const read = await reader.read(topic, 0, offset, count);
        expect(plain(read)).toEqual(records);
        expect(read.map((record) => record.offset)).toEqual(records.map((_, index) => offset + index));
        expect(await reader.codecBits(topic, 0, offset)).toBe(CODECS.indexOf(codec));
        offset += count;
      }
      expect(await reader.offsetAt(topic, 0, EARLIEST)).toBe(0);
      expect(await reader.offsetAt(topic, 0, LATEST)).toBe(offset);
    }, 30_000);
  }

  test("keeps the order of an idempotent producer, with many sends under way", async () => {
    await admin.createTopics({ topics: ["p-idempotent"], partitions: 1, replicas: 1 });
    const idempotent = new Producer({
      ...options(),
      serializers: stringSerializers,
      idempotent: true,
      maxInflights: 5,
    });
    const records = makeRecords("i", 200, 50);
    for (let at = 0; at < records.length; at += 20) {
      await idempotent.send({
        messages: records.slice(at, at + 20).map((record) => asMessage("p-idempotent", record)),
        compression: "lz4",
        acks: -1,
      });
    }
    await idempotent.close();
    expect(plain(await reader.read("p-idempotent", 0, 0, 200))).toEqual(records);
  });

  test("finds offsets by time, within batches and between them", async () => {
    await admin.createTopics({ topics: ["p-time"], partitions: 1, replicas: 1 });
    const records = makeRecords("t", 60, 30);
    for (let at = 0; at < 60; at += 20) {
      await producer.send({ messages: records.slice(at, at + 20).map((record) => asMessage("p-time", record)), acks: 1 });
    }
    expect(await reader.offsetAt("p-time", 0, EPOCH_MS - 1)).toBe(0);
    expect(await reader.offsetAt("p-time", 0, EPOCH_MS)).toBe(0);
    expect(await reader.offsetAt("p-time", 0, EPOCH_MS + 305)).toBe(31);
    expect(await reader.offsetAt("p-time", 0, EPOCH_MS + 590)).toBe(59);
    expect(await reader.offsetAt("p-time", 0, EPOCH_MS + 591)).toBe(-1);
  });

  test("creates, describes, grows, alters and deletes topics", async () => {
    const created = await admin.createTopics({
      topics: ["p-admin"],
      partitions: 3,
      replicas: 1,
      configs: [{ name: "retention.ms", value: "123456" }],
    });
    expect(created[0]).toMatchObject({ name: "p-admin", partitions: 3, replicas: 1 });
    const topics = (holds: (names: string[]) => boolean) => eventually(() => admin.listTopics(), holds);
    expect(await topics((names) => names.includes("p-admin"))).toContain("p-admin");
    await expect(admin.createTopics({ topics: ["p-admin"], partitions: 1, replicas: 1 })).rejects.toThrow();

    await admin.createPartitions({ topics: [{ name: "p-admin", count: 5, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }] });
    const countPartitions = async (): Promise<number> => {
      const metadata = await admin.metadata({ topics: ["p-admin"], forceUpdate: true });
      return metadata.topics.get("p-admin")!.partitionsCount;
    };
    expect(await eventually(countPartitions, (count) => count === 5)).toBe(5);

    const retention = async (): Promise<string | null | undefined> => {
      const described = await admin.describeConfigs({
        resources: [{ resourceType: 2, resourceName: "p-admin", configurationKeys: ["retention.ms"] }],
      });
      return described[0]!.configs.find((config) => config.name === "retention.ms")?.value;
    };
    expect(await retention()).toBe("123456");
    await admin.incrementalAlterConfigs({
      resources: [{
        resourceType: 2,
        resourceName: "p-admin",
        configs: [{ name: "retention.ms", configOperation: 0, value: "654321" }],
      }],
    });
    expect(await eventually(retention, (value) => value === "654321")).toBe("654321");

    await admin.deleteTopics({ topics: ["p-admin"] });
    expect(await topics((names) => !names.includes("p-admin"))).not.toContain("p-admin");
  });

  test("sends without waiting for an answer (acks=0), then reads it", async () => {
    await admin.createTopics({ topics: ["p-acks0"], partitions: 1, replicas: 1 });
    const records = makeRecords("z", 5, 20);
    await producer.send({ messages: records.map((record) => asMessage("p-acks0", record)), acks: 0 });
    expect(plain(await reader.read("p-acks0", 0, 0, 5))).toEqual(records);
  });
});
