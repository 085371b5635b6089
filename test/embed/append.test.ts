/** openLog, appending: what is stored, in which order, and what an abort leaves. */
import { afterAll, describe, expect, test } from "bun:test";
import { AppendAborted, KafkaError, UsageError, openLog } from "../../engine/embed/index.ts";
import type { CodecName, EmbeddedLog, EmbeddedRecord, OpenLogOptions } from "../../engine/embed/index.ts";
import { CODEC_MASK, attributesOf, recordsCountOf } from "../../engine/model/record_batch.ts";
import { batchOf, codeOf, newFolder, removeFolders, text, values } from "./folders.ts";

afterAll(removeFolders);

const CODECS: readonly CodecName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

function open(more: Partial<OpenLogOptions> = {}): Promise<EmbeddedLog> {
  return openLog({ dir: newFolder(), topic: "t", flush: "os", ...more });
}

/** Lines that compress, with keys, headers and times. */
function records(count: number): EmbeddedRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    key: index % 3 === 0 ? null : `key-${index}`,
    value: index % 5 === 4 ? null : `line ${index} `.repeat(20),
    headers: index % 2 === 0 ? [] : [{ key: "naïve", value: `grüße ${index}` }, { key: "none", value: null }],
    timestamp: 1_700_000_000_000 + index,
  }));
}

describe("records", () => {
  test("come back as they were appended, with offsets in order", async () => {
    await using log = await open();
    const written = records(10);
    expect(await log.append(written.slice(0, 4))).toBe(0 as never);
    expect(await log.append(written.slice(4))).toBe(4 as never);
    let offset = 0;
    for await (const record of log.read()) {
      const expected = written[offset]!;
      expect({
        offset: record.offset as number,
        key: text(record.key),
        value: text(record.value),
        headers: record.headers.map(({ key, value }) => ({ key, value: text(value) })),
        timestamp: record.timestamp as number,
      }).toEqual({ offset, ...expected } as never);
      offset++;
    }
    expect(offset).toBe(10);
  });

  test("without a timestamp carry the time of the append", async () => {
    await using log = await open();
    const before = Date.now();
    await log.append({ value: "x" });
    for await (const { timestamp } of log.read()) {
      expect(timestamp).toBeGreaterThanOrEqual(before);
      expect(timestamp).toBeLessThanOrEqual(Date.now());
    }
  });

  test("may be changed as soon as append has returned", async () => {
    await using log = await open();
    const value = new TextEncoder().encode("before");
    const done = [log.append({ value }), log.append({ value }, { compression: "zstd" })];
    value.fill(0);
    await Promise.all(done);
    expect(await values(log.read())).toEqual(["before", "before"]);
  });

  test.each(CODECS)("go through %s and back", async (compression) => {
    await using log = await open();
    const written = records(50);
    await log.append(written, { compression });
    expect(await values(log.read())).toEqual(written.map(({ value }) => value as string | null));
    for await (const { bytes } of log.readBatches()) {
      expect(attributesOf(bytes, 0) & CODEC_MASK).toBe(CODECS.indexOf(compression));
      expect(recordsCountOf(bytes, 0)).toBe(50);
    }
  });

  test.each([1, 200_000])("of %p compressed bytes and more are unpacked", async (size) => {
    await using log = await open();
    // Random bytes do not compress: the batch is stored as large as it came.
    const value = crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536)));
    const parts = Array.from({ length: Math.ceil(size / 65_536) }, () => ({ value }));
    for (const compression of CODECS) await log.append(parts, { compression });
    let count = 0;
    for await (const record of log.read()) {
      expect(record.value).toEqual(value);
      count++;
    }
    expect(count).toBe(parts.length * CODECS.length);
  });
});

describe("order", () => {
  test("of calls is the order of offsets, whatever is compressed in between", async () => {
    await using log = await open();
    const big = new Array<EmbeddedRecord>(2_000).fill({ value: "large and slow to compress".repeat(4) });
    const offsets = await Promise.all([
      log.append({ value: "first" }),
      log.append(big, { compression: "gzip" }),
      log.append({ value: "third" }),
      log.append(big, { compression: "zstd" }),
      log.appendBatch(batchOf([{ value: new TextEncoder().encode("fifth") }])),
      log.append({ value: "sixth" }, { compression: "lz4" }),
    ]);
    expect(offsets as number[]).toEqual([0, 1, 2001, 2002, 4002, 4003]);
  });

  test("holds on a topic whose batches the engine compresses anew", async () => {
    await using log = await open({ config: { "compression.type": "zstd" } });
    const big = new Array<EmbeddedRecord>(2_000).fill({ value: "large and slow to compress".repeat(4) });
    const offsets = await Promise.all([
      log.append(big),
      log.append({ value: "b" }),
      log.append({ value: "c" }, { compression: "gzip" }),
    ]);
    expect(offsets as number[]).toEqual([0, 2000, 2001]);
    for await (const { bytes } of log.readBatches()) {
      expect(attributesOf(bytes, 0) & CODEC_MASK).toBe(CODECS.indexOf("zstd"));
    }
  });

  test("of appends in mode commit: settled in turn, and visible when settled", async () => {
    await using log = await open({ flush: "commit" });
    const settled: number[] = [];
    await Promise.all(Array.from({ length: 50 }, (_, index) =>
      log.append({ value: `${index}` }).then((offset) => {
        settled.push(offset);
        expect(log.highWatermark).toBeGreaterThan(offset);
      })));
    expect(settled).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });
});

describe("an awaited append", () => {
  test("lets timers have their turn", async () => {
    await using log = await open();
    for (const appendOne of [
      () => log.append({ value: "x" }),
      () => log.appendBatch(batchOf([{ value: new Uint8Array(20_000) }])),
    ]) {
      let isOver = false;
      setTimeout(() => (isOver = true), 1);
      let count = 0;
      while (!isOver && count < 200_000) {
        await appendOne();
        count++;
      }
      expect(isOver).toBe(true);
    }
  });
});

describe("batches", () => {
  test("go from one log to another, and twice into the same", async () => {
    await using source = await open();
    await using target = await open();
    await source.append([{ value: "a" }, { value: "b" }], { compression: "snappy" });
    await source.append({ value: "c" });
    for await (const { bytes } of source.readBatches()) {
      await target.appendBatch(bytes);
      await target.appendBatch([bytes.subarray(0, 61), bytes.subarray(61)]);
    }
    expect(await values(target.read())).toEqual(["a", "b", "a", "b", "c", "c"]);
  });

  test("that are damaged are refused", async () => {
    await using log = await open();
    const bytes = batchOf([{ value: new Uint8Array(10) }]);
    bytes[70]! ^= 1;
    expect(await codeOf(log.appendBatch(bytes))).toBe("CORRUPT_MESSAGE");
    expect(await codeOf(log.appendBatch(new Uint8Array(60)))).toBe("USAGE");
    expect(log.logEndOffset).toBe(0 as never);
  });
});

describe("an abort", () => {
  test("before anything was written leaves nothing", async () => {
    await using log = await open();
    const reason = new Error("changed my mind");
    const error = await log.append({ value: "x" }, { signal: AbortSignal.abort(reason) }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AppendAborted);
    expect(error).toMatchObject({ name: "AbortError", code: "ABORTED", baseOffset: null, cause: reason });
    expect(log.logEndOffset).toBe(0 as never);
  });

  test("while a batch is compressed leaves nothing, and later appends go on", async () => {
    await using log = await open();
    const abort = new AbortController();
    const big = new Array<EmbeddedRecord>(5_000).fill({ value: "large and slow to compress".repeat(4) });
    const aborted = log.append(big, { compression: "gzip", signal: abort.signal }).catch((e: unknown) => e);
    const later = log.append({ value: "later" });
    abort.abort();
    expect(await aborted).toMatchObject({ code: "ABORTED", baseOffset: null });
    expect(await later).toBe(0 as never);
    expect(await values(log.read())).toEqual(["later"]);
  });

  test("after the write began says where the records are", async () => {
    await using log = await open({ flush: "commit" });
    await log.append({ value: "first" });
    const abort = new AbortController();
    const aborted = log.append([{ value: "second" }, { value: "third" }], { signal: abort.signal })
      .catch((e: unknown) => e);
    abort.abort("no more");
    expect(await aborted).toMatchObject({ code: "ABORTED", baseOffset: 1, cause: "no more" });
    await log.flush();
    expect(await values(log.read())).toEqual(["first", "second", "third"]);
  });

  test("while the engine prepares the batch waits for where it ends up", async () => {
    await using log = await open({ config: { "compression.type": "gzip" } });
    const abort = new AbortController();
    const aborted = log.append({ value: "kept" }, { signal: abort.signal }).catch((e: unknown) => e);
    abort.abort();
    expect(await aborted).toMatchObject({ code: "ABORTED", baseOffset: 0 });
    await log.flush();
    expect(await values(log.read())).toEqual(["kept"]);
  });

  test("that never comes leaves no listener behind", async () => {
    await using log = await open();
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: never[]) => (listeners++, Reflect.apply(addEventListener, signal, args));
    signal.removeEventListener = (...args: never[]) => (listeners--, Reflect.apply(removeEventListener, signal, args));
    for (let index = 0; index < 10; index++) await log.append({ value: "x" }, { signal });
    await Promise.resolve();
    expect(listeners).toBe(0);
  });
});

describe("what cannot be is refused, with a code", () => {
  test.each<[string, unknown]>([
    ["no record at all", []],
    ["a value that is no bytes", { value: 7 }],
    ["a key that is no bytes", { key: {}, value: null }],
    ["a record without a value", {}],
    ["a time that is none", { value: null, timestamp: 1.5 }],
    ["a time before 1970", { value: null, timestamp: -5 }],
    ["a header without a key", { value: null, headers: [{ value: null }] }],
  ])("%s", async (_name, record) => {
    await using log = await open();
    const error = await log.append(record as EmbeddedRecord).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).code).toBe("USAGE");
    expect(log.logEndOffset).toBe(0 as never);
  });

  test("a codec that does not exist", async () => {
    await using log = await open();
    expect(await codeOf(log.append({ value: "x" }, { compression: "brotli" as never }))).toBe("USAGE");
  });

  test("a batch larger than the topic allows", async () => {
    await using log = await open({ config: { "max.message.bytes": "1000" } });
    const error = await log.append({ value: "x".repeat(2_000) }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KafkaError);
    expect((error as KafkaError).code).toBe("MESSAGE_TOO_LARGE");
  });

  test("a time too far ahead", async () => {
    await using log = await open();
    const timestamp = Date.now() + 2 * 60 * 60 * 1000;
    expect(await codeOf(log.append({ value: "x", timestamp }))).toBe("INVALID_TIMESTAMP");
  });

  test("anything after close", async () => {
    const log = await open();
    await log.close();
    await log.close();
    expect(await codeOf(log.append({ value: "x" }))).toBe("NOT_LEADER_OR_FOLLOWER");
    expect(await codeOf(log.appendBatch(new Uint8Array(100)))).toBe("NOT_LEADER_OR_FOLLOWER");
    expect(await codeOf(log.flush())).toBe("NOT_LEADER_OR_FOLLOWER");
  });
});
