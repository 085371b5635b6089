/** openLog, reading: where it starts and ends, how it waits, and what it does with damage. */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KafkaError, openLog } from "../../engine/embed/index.ts";
import type { EmbeddedLog, OpenLogOptions, ReadOptions } from "../../engine/embed/index.ts";
import { SystemClock } from "../../engine/io/clock.ts";
import { SILENT_LOGGER } from "../../engine/io/logger.ts";
import { SystemRandom } from "../../engine/io/random.ts";
import type { AppendSource } from "../../engine/log/append_result.ts";
import { BrokerConfig } from "../../engine/model/broker_config.ts";
import { TRANSACTIONAL_BIT } from "../../engine/model/record_batch.ts";
import { Store } from "../../engine/store/store.ts";
import { makeBatch, marker } from "../support/log_harness.ts";
import { append, batchOf, codecs, codeOf, newFolder, removeFolders, text, values } from "./folders.ts";

afterAll(removeFolders);

function open(more: Partial<OpenLogOptions> = {}): Promise<EmbeddedLog> {
  return openLog({ dir: newFolder(), topic: "t", flush: "os", ...more });
}

const numbers = (from: number, end: number): string[] =>
  Array.from({ length: end - from }, (_, index) => `${from + index}`);

describe("read", () => {
  test("of an empty log ends at once", async () => {
    await using log = await open();
    expect(await values(log.read())).toEqual([]);
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset] as number[]).toEqual([0, 0, 0]);
  });

  test.each([1, 200, 100_000])("starts where it is told to, in reads of %p bytes", async (maxBytes) => {
    await using log = await open();
    for (let at = 0; at < 40; at += 4) {
      await log.append(numbers(at, at + 4).map((value) => ({ value })), at % 8 === 0 ? {} : { compression: "zstd" });
    }
    for (const from of [0, 1, 3, 4, 22, 39, 40]) {
      expect(await values(log.read({ from, maxBytes }))).toEqual(numbers(from, 40));
    }
    let count = 0;
    for await (const { baseOffset, lastOffset } of log.readBatches({ from: 10, maxBytes })) {
      expect([baseOffset, lastOffset] as number[]).toEqual([8 + 4 * count, 11 + 4 * count]);
      count++;
    }
    expect(count).toBe(8);
  });

  test("across segments", async () => {
    await using log = await open({ config: { "segment.bytes": "1048576" } });
    const value = new Uint8Array(100_000);
    for (let index = 0; index < 30; index++) await log.appendBatch(batchOf([{ value }]));
    let next = 0;
    for await (const record of log.read({ maxBytes: 250_000 })) expect(record.offset as number).toBe(next++);
    expect(next).toBe(30);
  });

  test("ends at the high watermark of its first moment", async () => {
    await using log = await open();
    await append(log, "a", "b");
    const found: (string | null)[] = [];
    for await (const record of log.read()) {
      found.push(text(record.value));
      await log.append([{ value: "more" }, { value: "and more" }]);
    }
    expect(found).toEqual(["a", "b"]);
    expect(log.highWatermark).toBe(6 as never);
  });

  test("in mode commit shows nothing that is not on the device", async () => {
    await using log = await open({ flush: "commit" });
    const done = log.append({ value: "a" });
    expect(log.logEndOffset).toBe(1 as never);
    expect(log.highWatermark).toBe(0 as never);
    expect(await values(log.read())).toEqual([]);
    await done;
    expect(await values(log.read())).toEqual(["a"]);
  });

  test("ends with its signal, without an error", async () => {
    await using log = await open();
    await append(log, "a", "b", "c");
    const abort = new AbortController();
    const found: (string | null)[] = [];
    for await (const record of log.read({ signal: abort.signal })) {
      found.push(text(record.value));
      if (found.length === 2) abort.abort();
    }
    expect(found).toEqual(["a", "b"]);
  });

  test("finds an offset by time", async () => {
    await using log = await open();
    for (const timestamp of [1000, 2000, 3000]) {
      await log.append([{ value: "x", timestamp }, { value: "y", timestamp: timestamp + 500 }]);
    }
    const found = await Promise.all([0, 1001, 2000, 3500, 3501].map((at) => log.offsetForTimestamp(at)));
    expect(found as (number | null)[]).toEqual([0, 1, 2, 5, null]);
  });
});

describe("an offset that is not there", () => {
  const next = (log: EmbeddedLog, options: ReadOptions) => log.read(options).next();

  test("is an error that says what is", async () => {
    await using log = await open();
    await append(log, "a", "b");
    const error = await next(log, { from: 3 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KafkaError);
    expect((error as KafkaError).code).toBe("OFFSET_OUT_OF_RANGE");
    expect((error as KafkaError).message).toContain("0 to 2");
    expect(await codeOf(next(log, { from: -1 }))).toBe("OFFSET_OUT_OF_RANGE");
    expect(await codeOf(log.follow({ from: 3 }).next())).toBe("OFFSET_OUT_OF_RANGE");
    expect(await codeOf(log.readBatches({ from: 3 }).next())).toBe("OFFSET_OUT_OF_RANGE");
    expect(await codeOf(next(log, { from: 0.5 }))).toBe("USAGE");
    expect(await codeOf(next(log, { maxBytes: 0 }))).toBe("USAGE");
  });

  test("may mean the oldest instead", async () => {
    await using log = await open();
    await append(log, "a", "b");
    for (const from of [-1, 3, 1_000]) {
      expect(await values(log.read({ from, onOutOfRange: "earliest" }))).toEqual(["a", "b"]);
    }
  });

  test("because retention overtook the reader ends it, or moves it on", async () => {
    await using log = await open({
      config: { "segment.bytes": "1048576", "retention.bytes": "2097152", "file.delete.delay.ms": "0" },
      properties: { "log.retention.check.interval.ms": "20", "log.initial.task.delay.ms": "1" },
    });
    const value = new Uint8Array(200_000);
    await log.appendBatch(batchOf([{ value }]));
    const strict = log.read({ from: 0, maxBytes: 1 });
    const lenient = log.follow({ from: 0, maxBytes: 1, onOutOfRange: "earliest" });
    expect((await strict.next()).value!.offset as number).toBe(0);
    expect((await lenient.next()).value!.offset as number).toBe(0);
    while (log.logStartOffset < 10) {
      await log.appendBatch(batchOf([{ value }]));
      await Bun.sleep(1);
    }
    expect((await lenient.next()).value!.offset).toBeGreaterThanOrEqual(10);
    await lenient.return();
    expect(await codeOf(log.read({ from: 1 }).next())).toBe("OFFSET_OUT_OF_RANGE");
    expect((await strict.next()).done).toBe(true); // its end was at 1
  });
});

describe("follow", () => {
  test("goes on with what is appended, until its signal fires", async () => {
    await using log = await open();
    await append(log, "0", "1");
    const followers = [0, 0, 1].map((from) => values(log.follow({ from }), 31 - from));
    const some = values(log.follow({ from: 2 }), 3);
    for (let index = 2; index < 30; index++) {
      await log.append({ value: `${index}` }, index % 3 === 0 ? { compression: "gzip" } : {});
      if (index % 7 === 0) await Bun.sleep(1);
    }
    expect(await some).toEqual(["2", "3", "4"]);
    const last = values(log.follow({ from: 30 }), 1);
    const abort = new AbortController();
    await append(log, "30");
    expect(await last).toEqual(["30"]);
    const parked = log.follow({ from: 31, signal: abort.signal }).next();
    abort.abort();
    expect((await parked).done).toBe(true);
    expect(await Promise.all(followers)).toEqual([numbers(0, 31), numbers(0, 31), numbers(1, 31)]);
  });

  test("ends when the log is closed", async () => {
    const log = await open();
    await append(log, "a");
    const ended = values(log.follow());
    const parked = log.followBatches({ from: 1 }).next();
    await Bun.sleep(1);
    await log.close();
    expect(await ended).toEqual(["a"]);
    expect((await parked).done).toBe(true);
  });

  test("ends with its own log, while others of the directory stay open", async () => {
    const dir = newFolder();
    await using other = await openLog({ dir, topic: "t", flush: "os" });
    const log = await openLog({ dir, topic: "t" });
    const parked = log.follow().next();
    await Bun.sleep(1);
    await log.close();
    expect((await parked).done).toBe(true);
    await append(other, "still open");
  });

  test("leaves nothing behind on a signal that outlives it", async () => {
    await using log = await open();
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: never[]) => (listeners++, Reflect.apply(addEventListener, signal, args));
    signal.removeEventListener = (...args: never[]) => (listeners--, Reflect.apply(removeEventListener, signal, args));
    const follower = log.follow({ signal });
    for (let index = 0; index < 5; index++) {
      const next = follower.next();
      await append(log, "x");
      await next;
    }
    await follower.return();
    expect(listeners).toBe(0);
  });

  test("ends at once with a signal that has fired", async () => {
    await using log = await open();
    expect(await values(log.follow({ signal: AbortSignal.abort() }))).toEqual([]);
  });
});

describe("damage in the files", () => {
  test("is an error, never a record", async () => {
    const dir = newFolder();
    const log = await openLog({ dir, topic: "t", flush: "os" });
    await append(log, "first", "second", "third");
    await log.close();
    const path = join(dir, "t-0/00000000000000000000.log");
    const bytes = readFileSync(path);
    const at = bytes.indexOf("second");
    bytes[at] = 0x53;
    writeFileSync(path, bytes);
    await using again = await openLog({ dir, topic: "t", flush: "os" });
    const reader = again.read();
    const error = await reader.next().then(() => reader.next()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "CORRUPT_MESSAGE" });
    expect((error as Error).message).toContain("t-0");
    expect(await codeOf(again.readBatches().next())).toBe("CORRUPT_MESSAGE");
    expect(await values(again.read({ from: 2 }))).toEqual(["third"]);
  });
});

describe("isolation", () => {
  test("committed leaves out what was aborted and ends before what is open", async () => {
    const dir = newFolder();
    await using log = await openLog({ dir, topic: "t", flush: "os" });
    const disposed = { clock: new SystemClock(), random: new SystemRandom(), codecs, logger: SILENT_LOGGER };
    const store = await Store.open({ dir, config: BrokerConfig.defaults(), ...disposed });
    const partition = store.partitions.find("t", 0)!;
    const write = async (bytes: Uint8Array, source: AppendSource): Promise<void> => {
      const result = partition.append([bytes], source);
      if (!result.ok) throw new Error(result.message);
      await result.settled;
    };
    const transactional = (value: string, producerId: number): Uint8Array =>
      makeBatch([value], { producerId, attributes: TRANSACTIONAL_BIT });
    await append(log, "plain");
    await write(transactional("aborted", 1), "client");
    await write(transactional("committed", 2), "client");
    await write(marker(1, 0, true), "coordinator");
    await write(marker(2, 0, false), "coordinator");
    await write(transactional("open", 3), "client");
    await append(log, "behind it");
    const all = ["plain", "aborted", "committed", "open", "behind it"];
    expect(await values(log.read())).toEqual(all);
    expect(await values(log.read({ isolation: "committed" }))).toEqual(["plain", "committed"]);
    expect(await values(log.read({ isolation: "committed", maxBytes: 1 }))).toEqual(["plain", "committed"]);
    const followed = values(log.follow({ isolation: "committed", from: 2 }), 3);
    await write(marker(3, 0, false), "coordinator");
    expect(await followed).toEqual(["committed", "open", "behind it"]);
    await store.close();
  });
});
