/** kcat (librdkafka) where it is installed: every codec, headers, timestamps, offsets, times, idempotence. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Admin } from "@platformatic/kafka";
import { hasProgram, mustRun, Program, run } from "../foreign/support/process.ts";
import { hasMillrace } from "../foreign/support/millrace.ts";
import { type BrokerUnderTest, CODECS, startBrokerUnderTest } from "./suite_broker.ts";

interface KcatRecord {
  readonly offset: number;
  readonly ts: number;
  readonly key: string | null;
  readonly payload: string | null;
  readonly headers?: readonly string[];
}

const TOPICS = [
  ...CODECS.map((codec) => `c-${codec}`),
  ...["c-offsets", "c-headers", "c-idempotent", "c-time", "c-large"],
];
/** About a megabyte in all: several batches near the limit a message may have. */
const LARGE_LINES = 4_000;

describe.skipIf(!hasMillrace() || !hasProgram("kcat"))("kcat", () => {
  let broker: BrokerUnderTest;

  beforeAll(async () => {
    broker = await startBrokerUnderTest();
    // kcat takes a second to find a topic that it creates: only c-list is left to it.
    const admin = new Admin({ clientId: "suite", bootstrapBrokers: [broker.address] });
    await admin.createTopics({ topics: TOPICS, partitions: 1, replicas: 1 });
    await admin.close();
  }, 120_000);
  afterAll(async () => {
    await broker?.finish().finally(Program.killAll);
  }, 60_000);

  const produce = (topic: string, lines: readonly string[], ...flags: string[]) =>
    mustRun(["kcat", "-b", broker.address, "-P", "-t", topic, "-p", "0", "-K", "\\t", ...flags], {
      input: lines.join("\n"),
    });

  const consume = async (topic: string, from: string, ...flags: string[]): Promise<KcatRecord[]> => {
    const read = await mustRun([
      ...["kcat", "-b", broker.address, "-C", "-t", topic, "-p", "0", "-o", from, "-e", "-q", "-J"],
      ...["-X", "fetch.wait.max.ms=20"], // what it waits at the end of the partition
      ...flags,
    ]);
    return read.stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as KcatRecord);
  };

  const lines = (tag: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${tag}${index}\tvalue ${index} of ${tag} ${"abc ".repeat(60)}`);

  const joined = (records: readonly KcatRecord[]): string[] =>
    records.map((record) => `${record.key}\t${record.payload}`);

  test("lists the broker and its topics", async () => {
    await produce("c-list", lines("l", 1));
    const listing = JSON.parse((await mustRun(["kcat", "-b", broker.address, "-L", "-J"])).stdout) as {
      brokers: { id: number; name: string }[];
      topics: { topic: string; partitions: { partition: number; leader: number }[] }[];
    };
    expect(listing.brokers).toEqual([{ id: 1, name: broker.address }]);
    const topic = listing.topics.find((each) => each.topic === "c-list")!;
    expect(topic.partitions[0]).toMatchObject({ partition: 0, leader: 1 });
  });

  for (const codec of CODECS) {
    test(`produces and consumes ${codec}, one record and many`, async () => {
      const one = lines(`${codec}-one`, 1);
      const many = lines(`${codec}-many`, LARGE_LINES);
      await produce(`c-${codec}`, one, "-z", codec, "-X", "linger.ms=0");
      await produce(`c-${codec}`, many, "-z", codec, "-X", "linger.ms=100", "-X", "batch.size=900000");
      const read = await consume(`c-${codec}`, "beginning");
      expect(joined(read)).toEqual([...one, ...many]);
      expect(read.map((record) => record.offset)).toEqual([...one, ...many].map((_, index) => index));
    }, 30_000);
  }

  test("consumes from an offset, from the end, and a given number", async () => {
    await produce("c-offsets", lines("o", 100));
    expect((await consume("c-offsets", "40")).map((record) => record.offset)).toEqual(
      Array.from({ length: 60 }, (_, index) => 40 + index),
    );
    expect((await consume("c-offsets", "-5")).map((record) => record.offset)).toEqual([95, 96, 97, 98, 99]);
    expect((await consume("c-offsets", "10", "-c", "3")).map((record) => record.offset)).toEqual([10, 11, 12]);
  });

  test("carries headers, and null keys and values", async () => {
    await mustRun(
      ["kcat", "-b", broker.address, "-P", "-t", "c-headers", "-p", "0", "-Z", "-K", "\\t", "-H", "a=1", "-H", "b="],
      { input: "key\tvalue\n\tno key\nno value\t\n" },
    );
    const read = await consume("c-headers", "beginning");
    expect(read.map(({ key, payload, headers }) => ({ key, payload, headers }))).toEqual([
      { key: "key", payload: "value", headers: ["a", "1", "b", ""] },
      { key: null, payload: "no key", headers: ["a", "1", "b", ""] },
      { key: "no value", payload: null, headers: ["a", "1", "b", ""] },
    ]);
  });

  test("produces idempotently, in small batches, several under way", async () => {
    const many = lines("i", 2_000);
    const flags = ["-X", "enable.idempotence=true", "-X", "batch.num.messages=10", "-X", "linger.ms=1"];
    await produce("c-idempotent", many, "-z", "lz4", ...flags);
    expect(joined(await consume("c-idempotent", "beginning"))).toEqual(many);
  });

  test("finds offsets by time", async () => {
    const before = Date.now();
    await produce("c-time", lines("t", 10));
    const read = await consume("c-time", "beginning");
    for (const record of read) {
      expect(record.ts).toBeGreaterThanOrEqual(before);
      expect(record.ts).toBeLessThanOrEqual(Date.now());
    }
    const query = async (timestamp: number): Promise<number> => {
      const result = await mustRun(["kcat", "-b", broker.address, "-Q", "-t", `c-time:0:${timestamp}`]);
      return Number(/offset (-?\d+)/.exec(result.stdout)![1]);
    };
    expect(await query(before - 60_000)).toBe(0);
    const fifth = read[5]!.ts;
    expect(await query(fifth)).toBe(read.find((record) => record.ts >= fifth)!.offset);
    // librdkafka turns "none that late" into the end of the partition.
    expect([-1, 10]).toContain(await query(Date.now() + 60_000));
  });

  test("is told when a message is too large", async () => {
    const flags = ["-X", "message.max.bytes=3000000", "-X", "retries=0"];
    const result = await run(["kcat", "-b", broker.address, "-P", "-t", "c-large", "-p", "0", ...flags], {
      input: "x".repeat(2_000_000),
    });
    expect(result.stderr).toContain("Message size too large");
  });
});
