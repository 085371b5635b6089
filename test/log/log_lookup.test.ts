/** Reading: by offset within bounds, by time to the record, aborted transactions. */
import { describe, expect, test } from "bun:test";
import { writeInt64, writeInt32 } from "../../engine/base/int64.ts";
import { Codec } from "../../engine/model/compression.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import type { Offset, TimestampMs } from "../../engine/model/offsets.ts";
import * as batch from "../../engine/model/record_batch.ts";
import { isOutOfRange } from "../../engine/log/read_plan.ts";
import {
  LOG_DIR,
  NOW,
  appended,
  batchOfSize,
  crc32c,
  makeBatch,
  marker,
  openLog,
  readBatches,
  readBytes,
} from "../support/log_harness.ts";
import type { OpenedLog } from "../support/log_harness.ts";

const os = { flushMode: "os" as const };
const offset = (value: number) => value as Offset;
const time = (value: number) => value as TimestampMs;

/** 30 batches of 3 records each over several segments, with a dense index. */
function filled(): OpenedLog {
  const opened = openLog({ config: { ...os, segmentBytes: 2000, indexIntervalBytes: 300 } });
  for (let index = 0; index < 30; index++) {
    appended(opened.log, makeBatch(["a".repeat(20 + index * 3), "b", "c"]));
  }
  opened.clock.endTick();
  return opened;
}

describe("by offset", () => {
  test("every range is whole batches from the one that holds `from` to the last below the bound", () => {
    const { log } = filled();
    const all = readBatches(log);
    expect(log.segments.length).toBeGreaterThan(2);
    for (let from = 0; from < 90; from++) {
      for (const upTo of [from, from + 1, from + 2, from + 7, 89, 90]) {
        if (upTo > 90 || upTo < from) continue;
        const expected = all.filter((each) => each.lastOffset >= from && each.lastOffset < upTo);
        const plan = log.planRead(offset(from), offset(upTo), 1e6, false);
        if (isOutOfRange(plan)) throw new Error("out of range");
        expect(Buffer.compare(readBytes(log, from, upTo), Buffer.concat(expected.map((each) => each.bytes)))).toBe(0);
        expect<number>(plan.startOffset).toBe(expected[0]?.baseOffset ?? from);
      }
    }
  });

  test("the limit cuts the last batch; the first comes whole or, without minOneBatch, not at all", () => {
    const { log } = filled();
    const first = readBatches(log)[0]!.bytes.length;
    const count = (maxBytes: number, minOneBatch: boolean) => {
      const plan = log.planRead(offset(0), log.stableOffset, maxBytes, minOneBatch);
      return isOutOfRange(plan) ? -1 : plan.byteCount;
    };
    expect([0, 1, first, first + 5].map((max) => count(max, true))).toEqual([first, first, first, first + 5]);
    expect([0, 1, first, first + 5].map((max) => count(max, false))).toEqual([0, 0, first, first + 5]);
    expect(count(1e9, true)).toBe(log.sizeBytes);
  });

  test("below the start and beyond the end is out of range, between the bound and the end is nothing", () => {
    const { log } = filled();
    log.deleteRecordsBefore(offset(4));
    const read = (from: number, upTo = 90) => {
      const plan = log.planRead(offset(from), offset(upTo), 1e6, true);
      return isOutOfRange(plan) ? "out" : plan.byteCount > 0 ? plan.startOffset : "nothing";
    };
    expect([3, 4, 89, 90, 91].map((from) => read(from)) as unknown[]).toEqual(["out", 3, 87, "nothing", "out"]);
    expect(read(60, 50)).toBe("nothing");
  });

  test("nothing that is staged is read", () => {
    const { log } = filled();
    const before = log.sizeBytes;
    appended(log, makeBatch(["staged"]));
    const plan = log.planRead(offset(0), log.logEndOffset, 1e6, true);
    expect(isOutOfRange(plan) ? -1 : plan.byteCount).toBe(before);
  });

  test("an index that lies is not believed", async () => {
    const opened = filled();
    const all = readBatches(opened.log);
    await opened.log.close();
    const disk = opened.disk.kill();
    for (const name of disk.list(LOG_DIR)) {
      if (!/\.index$/.test(name)) continue;
      const bytes = disk.readAll(`${LOG_DIR}/${name}`)!.slice();
      // Every entry points 7 bytes into its batch; the last segment's end is what an opening checks.
      const isLast = name === disk.list(LOG_DIR).filter((each) => each.endsWith(".index")).at(-1);
      if (isLast) continue;
      for (let entry = 0; entry < bytes.length; entry += 8) bytes[entry + 7]! += 7;
      disk.install(`${LOG_DIR}/${name}`, bytes);
    }
    const { log } = openLog({ disk, config: opened.log.config, cleanStop: true });
    for (const each of all) {
      expect(log.planRead(offset(each.baseOffset + 1), log.stableOffset, 10, true))
        .toMatchObject({ startOffset: each.baseOffset });
    }
  });

  test("damage in the way is an error, never bytes", async () => {
    const opened = filled();
    opened.disk.flip(`${LOG_DIR}/00000000000000000000.log`, batch.MAGIC_AT, 0x7f);
    let code: unknown = null;
    try {
      opened.log.planRead(offset(0), opened.log.stableOffset, 1e6, true);
    } catch (error) {
      code = (error as { errorCode: number }).errorCode;
    }
    expect(code).toBe(ErrorCode.CORRUPT_MESSAGE);
  });
});

describe("by time", () => {
  const record = (ms: number) => ({ value: Uint8Array.of(1), timestamp: NOW + ms });

  function timed(codec: Codec = Codec.none): OpenedLog {
    const opened = openLog({ config: { ...os, segmentBytes: 600, indexIntervalBytes: 100 } });
    const batches = [[0, 5, 3], [10, 10], [7], [30, 20], [25], [40, 41, 42], [42]];
    for (const times of batches) appended(opened.log, makeBatch(times.map(record), { codec }));
    opened.clock.endTick();
    return opened;
  }
  /** The same by looking at every record. */
  const TIMES = [0, 5, 3, 10, 10, 7, 30, 20, 25, 40, 41, 42, 42];

  test.each(Object.values(Codec))("the first record at or after the time, codec %d", async (codec) => {
    const { log } = timed(codec);
    for (let target = -5; target <= 45; target++) {
      const expected = TIMES.findIndex((each) => each >= target);
      const found = await log.offsetForTimestamp(time(NOW + target), log.stableOffset);
      expect<unknown>(found === null ? -1 : found.offset).toBe(expected);
      if (found !== null) expect<number>(found.timestamp).toBe(NOW + TIMES[expected]!);
    }
    expect<unknown>(await log.offsetOfMaxTimestamp(log.stableOffset)).toMatchObject({ offset: 11, timestamp: NOW + 42 });
  });

  test("an uncompressed answer takes no promise", () => {
    const { log } = timed();
    expect(log.offsetForTimestamp(time(NOW + 20), log.stableOffset)).not.toBeInstanceOf(Promise);
  });

  test.each(Object.values(Codec))("bounds count: the log start and the high watermark, codec %d", async (codec) => {
    const { log } = timed(codec);
    for (const start of [0, 1, 4, 7]) {
      log.deleteRecordsBefore(offset(start));
      for (const upTo of [8, 9, 12, 13]) { // a high watermark lies between batches
        const within = TIMES.map((each, index) => (index >= start && index < upTo ? each : -1));
        for (const target of [0, 5, 21, 42]) {
          const found = await log.offsetForTimestamp(time(NOW + target), offset(upTo));
          expect<unknown>(found?.offset ?? -1).toBe(within.findIndex((each) => each >= target));
        }
        const largest = await log.offsetOfMaxTimestamp(offset(upTo));
        expect<unknown>(largest?.offset ?? -1).toBe(within.indexOf(Math.max(...within)));
      }
    }
  });

  test("a header that promises more than its records hold is passed over", async () => {
    const opened = openLog({ config: os });
    const boast = makeBatch([record(1)], { codec: Codec.gzip });
    writeInt64(boast, batch.MAX_TIMESTAMP_AT, NOW + 1000);
    writeInt32(boast, batch.CRC_AT, crc32c(boast, batch.ATTRIBUTES_AT, boast.length));
    appended(opened.log, boast);
    appended(opened.log, makeBatch([record(2)], { codec: Codec.gzip }));
    appended(opened.log, makeBatch([record(500)], { codec: Codec.gzip }));
    opened.clock.endTick();
    expect(await opened.log.offsetForTimestamp(time(NOW + 3), opened.log.stableOffset)).toMatchObject({ offset: 2 });
    expect(await opened.log.offsetForTimestamp(time(NOW + 600), opened.log.stableOffset)).toBe(null);
  });

  test("on a topic that stamps, every record has the batch's time", () => {
    const opened = openLog({ config: { ...os, messageTimestampType: "LogAppendTime" } });
    opened.clock.now = NOW + 100;
    appended(opened.log, makeBatch([record(-9), record(-8)], { codec: Codec.lz4 }));
    opened.clock.now = NOW + 200;
    appended(opened.log, makeBatch([record(-9), record(-8)], { codec: Codec.lz4 }));
    opened.clock.endTick();
    expect(opened.log.offsetForTimestamp(time(NOW + 101), opened.log.stableOffset))
      .toEqual({ offset: 2, timestamp: NOW + 200, leaderEpoch: 0 } as never);
  });

  test("after a clean stop the sealed indexes answer the same", async () => {
    const opened = timed();
    await opened.log.close();
    const { log } = openLog({ disk: opened.disk.kill(), config: opened.log.config, cleanStop: true });
    for (let target = 0; target <= 43; target++) {
      const found = await log.offsetForTimestamp(time(NOW + target), log.stableOffset);
      expect<unknown>(found?.offset ?? -1).toBe(TIMES.findIndex((each) => each >= target));
    }
  });

  test("damaged records are an error of the stored data", async () => {
    const opened = timed(Codec.gzip);
    opened.disk.flip(`${LOG_DIR}/00000000000000000000.log`, 75, 0xff);
    let code: unknown = null;
    try {
      await opened.log.offsetForTimestamp(time(NOW + 1), opened.log.stableOffset);
    } catch (error) {
      code = (error as { errorCode: number }).errorCode;
    }
    expect(code).toBe(ErrorCode.CORRUPT_MESSAGE);
  });
});

test("aborted transactions are found in every segment that a range overlaps", () => {
  const opened = openLog({ config: { ...os, segmentBytes: 700 } });
  const transactional = (producerId: number, sequence: number) => makeBatch(["t".repeat(100)], {
    producerId,
    baseSequence: sequence,
    attributes: batch.TRANSACTIONAL_BIT,
  });
  for (let round = 0; round < 5; round++) {
    appended(opened.log, transactional(1, round));
    appended(opened.log, transactional(2, round));
    appended(opened.log, marker(1, 0, true), "coordinator");
    appended(opened.log, batchOfSize(200));
    appended(opened.log, marker(2, 0, round % 2 === 0), "coordinator");
  }
  opened.clock.endTick();
  const { log } = opened;
  expect(log.segments.length).toBeGreaterThan(3);
  const all = log.abortedTransactions(offset(0), log.logEndOffset);
  expect(all).toHaveLength(8);
  for (let from = 0; from < 25; from++) {
    for (let upTo = from + 1; upTo <= 25; upTo++) {
      const expected = all.filter((each) => each.lastOffset >= from && each.firstOffset < upTo);
      const found = log.abortedTransactions(offset(from), offset(upTo));
      // More than needed may be told of, never less.
      expect(expected.every((each) => found.some((one) => one.lastOffset === each.lastOffset))).toBe(true);
      expect(found.every((each) => each.lastOffset >= from && each.firstOffset < upTo)).toBe(true);
    }
  }
});
