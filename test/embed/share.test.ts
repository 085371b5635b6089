/** One data directory, opened several times: in this process, beside a broker, by another process. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import { DataDirectoryError, KafkaError, UsageError, openLog, startBroker } from "../../engine/embed/index.ts";
import { Millrace, problemsIn } from "../foreign/support/millrace.ts";
import { append, batchOf, codeOf, newFolder, removeFolders, text, values } from "./folders.ts";

afterAll(removeFolders);

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, (error: unknown) => error);

describe("openLog", () => {
  test("formats a new directory and creates the topic, then finds both again", async () => {
    const dir = newFolder();
    {
      await using log = await openLog({ dir, topic: "events", partition: 2 });
      await append(log, "a");
    }
    {
      await using log = await openLog({ dir, topic: "events", partition: 2 });
      expect(await values(log.read())).toEqual(["a"]);
      expect(await log.append({ value: "b" })).toBe(1 as never);
      const error = await errorOf(openLog({ dir, topic: "events", partition: 3 }));
      expect(error).toBeInstanceOf(KafkaError);
      expect(error).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
      await using other = await openLog({ dir, topic: "wide", partitions: 7, partition: 6 });
      expect([other.topic, other.partition]).toEqual(["wide", 6]);
    }
    expect(await problemsIn(dir)).toBe("");
  });

  test("several times shares one log, and closes each by itself", async () => {
    const dir = newFolder();
    const one = await openLog({ dir, topic: "t", flush: "os" });
    symlinkSync(dir, `${dir}-link`);
    const other = await openLog({ dir: `${dir}-link`, topic: "t" });
    const follower = values(other.follow(), 3);
    await append(one, "a");
    await append(other, "b");
    await append(one, "c");
    expect(await follower).toEqual(["a", "b", "c"]);
    await one.close();
    await append(other, "d");
    expect(await values(other.read())).toEqual(["a", "b", "c", "d"]);
    await other.close();
    await using again = await openLog({ dir, topic: "t" });
    expect(again.highWatermark).toBe(4 as never);
  });

  test("at once, for one new topic", async () => {
    const dir = newFolder();
    const logs = await Promise.all(Array.from({ length: 8 }, () => openLog({ dir, topic: "t", flush: "os" })));
    const offsets = await Promise.all(logs.map((log) => log.append({ value: "x" })));
    expect(offsets.map(Number).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await Promise.all(logs.map((log) => log.close()));
  });

  test("puts the topic's configs in force, also where it exists", async () => {
    const dir = newFolder();
    await using log = await openLog({ dir, topic: "t", flush: "os", config: { "max.message.bytes": "500" } });
    expect(await codeOf(log.append({ value: "x".repeat(600) }))).toBe("MESSAGE_TOO_LARGE");
    await using same = await openLog({ dir, topic: "t", config: { "max.message.bytes": "5000" } });
    await same.append({ value: "x".repeat(600) });
    const error = await errorOf(openLog({ dir, topic: "t", config: { "max.message.bytes": "many" } }));
    expect(error).toMatchObject({ name: "KafkaError", code: "INVALID_CONFIG" });
  });

  test.each([
    ["a topic name that cannot be", { topic: "a/b" }, "INVALID_TOPIC_EXCEPTION"],
    ["a partition that cannot be", { partition: -1 }, "USAGE"],
    ["a flush mode that is none", { flush: "never" as never }, "USAGE"],
    ["a property that nobody knows", { properties: { "no.such.thing": "1" } }, "USAGE"],
  ])("refuses %s, and lets the directory go", async (_name, more, code) => {
    const dir = newFolder();
    expect(await codeOf(openLog({ dir, topic: "t", ...more }))).toBe(code);
    await using log = await openLog({ dir, topic: "t" });
    await append(log, "a");
  });

  test("refuses a directory of something else, and leaves it as it is", async () => {
    const dir = newFolder();
    mkdirSync(dir);
    writeFileSync(join(dir, "thesis.txt"), "three years of work");
    const error = await errorOf(openLog({ dir, topic: "t" }));
    expect(error).toBeInstanceOf(DataDirectoryError);
    expect(error).toMatchObject({ code: "FOREIGN" });
    expect(readdirSync(dir)).toEqual(["thesis.txt"]);
  });

  test("refuses properties other than those in force in this process", async () => {
    const dir = newFolder();
    await using log = await openLog({ dir, topic: "t", flush: "os" });
    const error = await errorOf(openLog({ dir, topic: "t", flush: "commit" }));
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain("flush.mode=os");
    expect(await codeOf(startBroker({ dir, port: 0, properties: { "num.partitions": "3" } }))).toBe("USAGE");
    await append(log, "still open");
  });

  test("again and again leaves no descriptor behind", async () => {
    const dir = newFolder();
    const count = (): number => readdirSync("/proc/self/fd").length;
    const once = async (): Promise<void> => {
      await using log = await openLog({ dir, topic: "t", flush: "os" });
      await append(log, "x");
      await using reader = await openLog({ dir, topic: "t", readOnly: true });
      expect(await values(reader.read({ from: reader.highWatermark - 1 }))).toEqual(["x"]);
    };
    await once();
    const before = count();
    for (let index = 0; index < 30; index++) await once();
    expect(count()).toBeLessThanOrEqual(before);
  }, 30_000);
});

describe("startBroker", () => {
  test("serves the logs that this process has open, both ways", async () => {
    const dir = newFolder();
    await using log = await openLog({ dir, topic: "t", flush: "os" });
    await append(log, "from here");
    await using broker = await startBroker({ dir, port: 0 });
    expect(broker.host).toBe("127.0.0.1");
    expect(broker.addresses).toEqual([{ listener: "PLAINTEXT", host: "127.0.0.1", port: broker.port }]);
    const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    const followed = values(log.follow(), 21);
    for (let index = 0; index < 10; index++) {
      const compression = index % 2 === 0 ? CompressionTypes.None : CompressionTypes.GZIP;
      const messages = [{ value: `kafkajs ${index}` }];
      const [sent] = await producer.send({ topic: "t", compression, messages });
      expect(Number(sent!.baseOffset)).toBe(1 + 2 * index);
      await append(log, `embedded ${index}`);
    }
    const expected = Array.from({ length: 10 }, (_, index) => [`kafkajs ${index}`, `embedded ${index}`]).flat();
    expect(await followed).toEqual(["from here", ...expected]);
    const admin = kafka.admin();
    await admin.connect();
    expect((await admin.fetchTopicOffsets("t"))[0]!.high).toBe("21");
    // A topic that is deleted under its log says so to whoever uses it.
    const parked = errorOf(values(log.follow({ from: 21 })));
    await admin.deleteTopics({ topics: ["t"] });
    expect(await parked).toMatchObject({ code: "NOT_LEADER_OR_FOLLOWER" });
    expect(await codeOf(log.append({ value: "too late" }))).toBe("NOT_LEADER_OR_FOLLOWER");
    await admin.disconnect();
    await producer.disconnect();
  });

  test("twice on one directory, at addresses of their own", async () => {
    const dir = newFolder();
    await using one = await startBroker({ dir, port: 0, flush: "os" });
    await using other = await startBroker({ dir, port: 0 });
    expect(other.port).not.toBe(one.port);
    const taken = await errorOf(startBroker({ dir, port: one.port }));
    expect(taken).toBeInstanceOf(UsageError);
    expect((taken as Error).message).toContain(`${one.port} is in use`);
    await one.close();
    await one.close();
    await using log = await openLog({ dir, topic: "t" });
    await append(log, "the directory is still open");
  });
});

describe("a directory of another process", () => {
  test("is LOCKED, in one line that says what to do", async () => {
    const dataDir = newFolder();
    const serving = await Millrace.start({ dataDir });
    try {
      for (const open of [() => openLog({ dir: dataDir, topic: "t" }), () => startBroker({ dir: dataDir, port: 0 })]) {
        const error = await errorOf(open());
        expect(error).toBeInstanceOf(DataDirectoryError);
        expect(error).toMatchObject({ code: "LOCKED" });
        expect((error as Error).message).toContain(dataDir);
        expect((error as Error).message).not.toContain("\n");
      }
    } finally {
      await serving.stop();
    }
    await using log = await openLog({ dir: dataDir, topic: "t" });
    await append(log, "mine now");
  });

  test("can be read while it is served", async () => {
    const dataDir = newFolder();
    // Commit mode reserves space ahead: the reader must not take zeros for records.
    const serving = await Millrace.start({ dataDir });
    const kafka = new Kafka({ brokers: [serving.address], logLevel: logLevel.NOTHING });
    const [admin, producer] = [kafka.admin(), kafka.producer()];
    await Promise.all([admin.connect(), producer.connect()]);
    const configEntries = [{ name: "segment.bytes", value: "1048576" }];
    await admin.createTopics({ topics: [{ topic: "t", numPartitions: 1, configEntries }] });
    try {
      expect(await codeOf(openLog({ dir: dataDir, topic: "none", readOnly: true }))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
      await using log = await openLog({ dir: dataDir, topic: "t", readOnly: true });
      expect(await values(log.read())).toEqual([]);
      const filler = "x".repeat(50_000);
      const followed = values(log.follow(), 60);
      for (let index = 0; index < 60; index++) {
        await producer.send({ topic: "t", messages: [{ value: `${index} ${filler}` }] });
      }
      const found = (await followed).map((value) => value!.split(" ")[0]);
      expect(found).toEqual(Array.from({ length: 60 }, (_, index) => `${index}`));
      expect(log.highWatermark).toBe(60 as never);
      expect((await values(log.read({ from: 57 }))).length).toBe(3);
      await using late = await openLog({ dir: dataDir, topic: "t", readOnly: true });
      expect((await values(late.read())).length).toBe(60);
      const parked = errorOf(values(late.follow({ from: 60 })));
      await admin.deleteTopics({ topics: ["t"] });
      expect(await parked).toMatchObject({ code: "NOT_LEADER_OR_FOLLOWER" });
    } finally {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
      await serving.stop();
    }
  });
});

describe("readOnly", () => {
  const snapshotOf = (dir: string): string[] =>
    readdirSync(dir, { recursive: true }).map(String).sort().map((name) => {
      const { mtimeMs, size } = statSync(join(dir, name));
      return `${name} ${size} ${mtimeMs}`;
    });

  test("changes nothing, and appends nothing", async () => {
    const dir = newFolder();
    {
      await using log = await openLog({ dir, topic: "t", flush: "os" });
      for (const timestamp of [1000, 2000, 3000]) await log.append({ value: `${timestamp}`, timestamp });
      await log.append([{ value: "p", timestamp: 4000 }, { value: "q", timestamp: 5000 }], { compression: "lz4" });
    }
    const before = snapshotOf(dir);
    {
      await using log = await openLog({ dir, topic: "t", readOnly: true });
      expect(await values(log.read())).toEqual(["1000", "2000", "3000", "p", "q"]);
      expect(await log.offsetForTimestamp(2500)).toBe(2 as never);
      expect(await log.offsetForTimestamp(4500)).toBe(4 as never);
      expect(await codeOf(log.append({ value: "x" }))).toBe("USAGE");
      expect(await codeOf(log.flush())).toBe("USAGE");
      expect(await codeOf(log.read({ isolation: "committed" }).next())).toBe("USAGE");
      expect(await codeOf(log.read({ from: 6 }).next())).toBe("OFFSET_OUT_OF_RANGE");
    }
    expect(snapshotOf(dir)).toEqual(before);
  });

  test("stops before a batch that is not whole, and goes on when it is", async () => {
    const dir = newFolder();
    {
      await using log = await openLog({ dir, topic: "t", flush: "os" });
      await append(log, "a", "b");
    }
    const path = join(dir, "t-0/00000000000000000000.log");
    const whole = readFileSync(path);
    for (const end of [whole.length - 1, whole.length - 40]) {
      writeFileSync(path, whole.subarray(0, end));
      await using log = await openLog({ dir, topic: "t", readOnly: true });
      expect(await values(log.read())).toEqual(["a"]);
      const follower = log.follow({ from: 1 });
      const next = follower.next();
      writeFileSync(path, whole);
      expect(text((await next).value!.value)).toBe("b");
      await follower.return();
    }
    // The writer took a failed write back, and wrote something else in its place.
    await using reader = await openLog({ dir, topic: "t", readOnly: true });
    expect(reader.highWatermark).toBe(2 as never);
    writeFileSync(path, whole.subarray(0, whole.length - 40));
    expect(reader.highWatermark).toBe(1 as never);
    expect(await values(reader.read())).toEqual(["a"]);
    const torn = Buffer.from(whole);
    torn[torn.length - 3]! ^= 1;
    writeFileSync(path, torn);
    await using log = await openLog({ dir, topic: "t", readOnly: true });
    expect(await values(log.read())).toEqual(["a"]);
  });

  test("follows a log that another process appends to, and lives as long as it does", async () => {
    const dir = newFolder();
    await using log = await openLog({ dir, topic: "t", flush: "os" });
    await append(log, "before");
    const program = `
      import { openLog } from ${JSON.stringify(join(import.meta.dir, "../../engine/embed/index.ts"))};
      await using log = await openLog({ dir: ${JSON.stringify(dir)}, topic: "t", readOnly: true });
      for await (const { value } of log.follow()) {
        console.log(new TextDecoder().decode(value));
        if (value.length === 3) break;
      }`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe("before\n");
    await Bun.sleep(100); // long enough for a process without anything to wait for to end
    await append(log, "after it", "end");
    let rest = "";
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) rest += chunk.value;
    expect(rest).toBe("after it\nend\n");
    expect(await child.exited).toBe(0);
  });

  test("needs a data directory, and nothing that would change one", async () => {
    const dir = newFolder();
    expect(await codeOf(openLog({ dir, topic: "t", readOnly: true }))).toBe("FOREIGN");
    mkdirSync(dir);
    expect(await codeOf(openLog({ dir, topic: "t", readOnly: true }))).toBe("FOREIGN");
    expect(readdirSync(dir)).toEqual([]);
    expect(await codeOf(openLog({ dir, topic: "t", readOnly: true, flush: "os" }))).toBe("USAGE");
  });

  test("reads a topic that has no records yet, and its first one", async () => {
    const dir = newFolder();
    await using log = await openLog({ dir, topic: "t", flush: "os" });
    await using reader = await openLog({ dir, topic: "t", readOnly: true });
    expect(await values(reader.read())).toEqual([]);
    const first = values(reader.follow(), 1);
    await append(log, "at last");
    expect(await first).toEqual(["at last"]);
  });

  test("finds its place in a large tail that has no index yet, and in sealed segments", async () => {
    const dir = newFolder();
    await using log = await openLog({ dir, topic: "t", flush: "os", config: { "segment.bytes": "1048576" } });
    const value = new Uint8Array(30_000);
    for (let index = 0; index < 100; index++) await log.appendBatch(batchOf([{ value }, { value }]));
    await using reader = await openLog({ dir, topic: "t", readOnly: true });
    for (const from of [0, 1, 57, 150, 199]) {
      let next = from;
      for await (const record of reader.read({ from })) expect(record.offset as number).toBe(next++);
      expect(next).toBe(200);
    }
  });
});
