/** What the command line's client does beyond requests and answers: fetching on, gathering, waiting. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BatchSender } from "../../engine/client/batch_sender.ts";
import { Cluster, parseServers } from "../../engine/client/cluster.ts";
import type { TopicPlace } from "../../engine/client/cluster.ts";
import { FetchLoop } from "../../engine/client/fetch_loop.ts";
import type { FetchLoopOptions } from "../../engine/client/fetch_loop.ts";
import { topicToWrite } from "../../engine/client/topic_wait.ts";
import { openLog, startBroker } from "../../engine/embed/index.ts";
import type { EmbeddedBroker, EmbeddedLog } from "../../engine/embed/index.ts";
import { NativeCodecs } from "../../engine/io/compression.ts";
import { Codec } from "../../engine/model/compression.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import { KafkaError } from "../../engine/model/errors.ts";
import type { Offset, TimestampMs } from "../../engine/model/offsets.ts";
import { crc32c } from "../../native/crc32c.ts";
import { ManualClock } from "../support/manual_clock.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-client-"));
const dir = join(root, "data");
let broker: EmbeddedBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker({ dir, port: 0, flush: "os" });
  cluster = await Cluster.connect(`127.0.0.1:1,127.0.0.1:${broker.port}`, "test");
});
afterAll(async () => {
  cluster.close();
  await broker.close();
  rmSync(root, { recursive: true, force: true });
});

const utf8 = new TextDecoder();
const FETCH: FetchLoopOptions = {
  codecs: new NativeCodecs(),
  crc32c,
  committedOnly: false,
  idleMs: 20,
  ends: null,
};

async function fetched(
  topic: TopicPlace,
  starts: Record<number, number>,
  more: Partial<FetchLoopOptions> = {},
): Promise<string[]> {
  const from = new Map(Object.entries(starts).map(([index, offset]) => [Number(index), offset as Offset]));
  const found: string[] = [];
  for await (const { partition, records } of new FetchLoop(cluster, topic, from, { ...FETCH, ...more }).records()) {
    for (const { offset, value } of records) found.push(`${partition}/${offset} ${utf8.decode(value!)}`);
  }
  return found;
}

async function logOf(topic: string, texts: readonly string[]): Promise<EmbeddedLog> {
  const log = await openLog({ dir, topic });
  await log.append(texts.map((value) => ({ value })), { compression: "gzip" });
  return log;
}

describe("fetching", () => {
  test("begins and ends inside batches", async () => {
    await using _log = await logOf("inside", ["a", "b", "c", "d", "e"]);
    const topic = await cluster.topic("inside", false);
    expect(await fetched(topic, { 0: 1 }, { ends: new Map([[0, 3 as Offset]]) })).toEqual(["0/1 b", "0/2 c"]);
    expect(await fetched(topic, { 0: 3 }, { ends: new Map([[0, 3 as Offset]]) })).toEqual([]);
    expect(await fetched(topic, { 0: 4 })).toEqual(["0/4 e"]);
  });

  test("is an error where the offset is not there", async () => {
    await using _log = await logOf("short", ["a"]);
    const topic = await cluster.topic("short", false);
    await expect(fetched(topic, { 0: 2 })).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });

  test("refuses a batch that arrived damaged", async () => {
    await using _log = await logOf("damaged", ["a"]);
    const topic = await cluster.topic("damaged", false);
    await expect(fetched(topic, { 0: 0 }, { crc32c: () => 1 })).rejects.toMatchObject({ code: "CORRUPT_MESSAGE" });
    const codecs = Object.assign(new NativeCodecs(), { decompressNow: () => new Uint8Array(3) });
    await expect(fetched(topic, { 0: 0 }, { codecs })).rejects.toMatchObject({ code: "CORRUPT_MESSAGE" });
  });
});

describe("gathering", () => {
  test("sends everything now and then, so that no record waits for a batch that never fills", async () => {
    await using rare = await openLog({ dir, topic: "gathered", partitions: 2 });
    await using busy = await openLog({ dir, topic: "gathered", partition: 1 });
    const topic = await cluster.topic("gathered", false);
    const sender = new BatchSender(cluster, topic, {
      codecs: new NativeCodecs(),
      codec: Codec.none,
      crc32c,
      acks: -1,
      batchBytes: 900_000,
      now: () => Date.now() as TimestampMs,
    });
    const value = new Uint8Array(100_000);
    await sender.add(0, { value });
    let count = 0;
    while (rare.highWatermark === 0 && count < 300) {
      await sender.add(1, { value });
      count++;
      if (count % 10 === 0) await Bun.sleep(1);
    }
    expect(rare.highWatermark).toBe(1 as never);
    expect(count).toBeLessThan(300);
    await sender.flush();
    expect(busy.highWatermark).toBe(count as never);
    expect(sender.acknowledged).toBe(count + 1);
  });
});

describe("a topic to write to", () => {
  /** Answers in turn; the last one again and again. */
  function answering(...answers: readonly (ErrorCode | readonly number[])[]): { cluster: Cluster; asked: () => number } {
    let asked = 0;
    const topic = async (name: string): Promise<TopicPlace> => {
      const answer = answers[Math.min(asked++, answers.length - 1)]!;
      if (typeof answer === "number") throw new KafkaError(answer, "not now");
      return { name, id: "AAAAAAAAAAAAAAAAAAAAAQ" as never, leaders: answer };
    };
    return { cluster: { topic } as unknown as Cluster, asked: () => asked };
  }

  async function settle<Value>(clock: ManualClock, promise: Promise<Value>): Promise<Value> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    promise.then(over, over);
    for (let step = 0; step < 1_000 && !isOver; step++) {
      clock.advance(10);
      for (let hop = 0; hop < 10; hop++) await Promise.resolve();
    }
    return promise;
  }

  test("is asked for until it is there and led", async () => {
    const { UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE } = ErrorCode;
    const { cluster: slow, asked } = answering(UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, [1, -1], [1, 1]);
    const clock = new ManualClock();
    expect((await settle(clock, topicToWrite(slow, "t", clock))).leaders).toEqual([1, 1]);
    expect(asked()).toBe(4);
  });

  test("is given up after two seconds, with what the broker said last", async () => {
    const clock = new ManualClock(0);
    const { cluster: never, asked } = answering(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const result = settle(clock, topicToWrite(never, "t", clock));
    await expect(result).rejects.toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
    expect(clock.now).toBeGreaterThanOrEqual(2_000);
    expect(clock.now).toBeLessThan(3_000);
    expect(asked()).toBeLessThan(20);
  });

  test("that cannot be is not asked for again", async () => {
    const clock = new ManualClock();
    const { cluster: strict, asked } = answering(ErrorCode.INVALID_TOPIC_EXCEPTION);
    const result = settle(clock, topicToWrite(strict, "a b", clock));
    await expect(result).rejects.toMatchObject({ code: "INVALID_TOPIC_EXCEPTION" });
    expect(asked()).toBe(1);
  });
});

describe("addresses", () => {
  test.each([
    ["localhost:9092", [{ host: "localhost", port: 9092 }]],
    ["a:1, b:2", [{ host: "a", port: 1 }, { host: "b", port: 2 }]],
    ["[::1]:65535", [{ host: "::1", port: 65535 }]],
  ])("%p", (text, expected) => expect(parseServers(text)).toEqual(expected));

  test.each(["", "host", "host:", ":1", "host:0", "host:65536", "::1:9092", "a:1,,b:2"])("%p is none", (text) => {
    expect(() => parseServers(text)).toThrow("HOST:PORT");
  });
});

describe("a peer that is no broker", () => {
  test("and does not answer is given up", async () => {
    const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const clock = new ManualClock();
    const connecting = Cluster.connect(`127.0.0.1:${mute.port}`, "test", clock).catch((error: unknown) => error);
    while (clock.timerCount === 0) await Bun.sleep(1);
    clock.advance(10_000);
    expect((await connecting as Error).message).toContain("does not answer as a Kafka broker would");
    expect(clock.timerCount).toBe(0);
    mute.stop(true);
  });

  test("and answers something else is left", async () => {
    const web = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
    const clock = new ManualClock();
    const error = await Cluster.connect(`127.0.0.1:${web.port}`, "test", clock).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "USAGE" });
    expect(clock.timerCount).toBe(0);
    await web.stop(true);
  });
});
