/** Rolling, retention, delayed deletion, DeleteRecords. */
import { describe, expect, test } from "bun:test";
import { countExpired } from "../../engine/log/retention.ts";
import type { RetainedSegment } from "../../engine/log/retention.ts";
import { LOG_CONFIG_DEFAULTS } from "../../engine/model/log_config.ts";
import type { LogConfig } from "../../engine/model/log_config.ts";
import type { Offset, TimestampMs } from "../../engine/model/offsets.ts";
import * as batch from "../../engine/model/record_batch.ts";
import {
  LOG_DIR,
  NOW,
  append,
  appended,
  batchOfSize,
  doNotVerify,
  makeBatch,
  microtasks,
  openLog,
  readBatches,
  readValues,
  verifyAfterEach,
} from "../support/log_harness.ts";
import type { OpenedLog } from "../support/log_harness.ts";

verifyAfterEach();

const at = (timestamp: number) => makeBatch([{ value: Uint8Array.of(1), timestamp }]);
const bases = ({ log }: OpenedLog) => log.segments.map((segment) => segment.baseOffset as number);
const os = { flushMode: "os" as const };

function filled(config: Partial<LogConfig>, batches: readonly Uint8Array[]): OpenedLog {
  const opened = openLog({ config: { ...os, ...config } });
  for (const bytes of batches) appended(opened.log, bytes);
  opened.clock.endTick();
  return opened;
}

describe("rolls", () => {
  test("by size: a segment never passes segment.bytes", () => {
    const opened = filled({ segmentBytes: 1000 }, [batchOfSize(400), batchOfSize(600), batchOfSize(1), batchOfSize(925)]);
    const sizes = opened.log.segments.map((segment) => segment.sizeBytes);
    expect(bases(opened)).toEqual([0, 2]);
    expect(sizes.every((size) => size <= 1000)).toBe(true);
    expect(sizes[0]).toBe(990);
  });

  test("by event time: the first batch's timestamp against the incoming one's", () => {
    const opened = filled({ segmentMs: 1000 }, [at(NOW - 5000), at(NOW - 4000), at(NOW - 3999), at(NOW - 3000)]);
    expect(bases(opened)).toEqual([0, 2]);
  });

  test("by the clock, when batches carry no time", () => {
    const opened = openLog({ config: { ...os, segmentMs: 1000 } });
    appended(opened.log, at(-1));
    opened.clock.advance(1000);
    appended(opened.log, at(-1));
    opened.clock.advance(1);
    appended(opened.log, at(-1));
    expect(bases(opened)).toEqual([0, 2]);
  });

  test("sooner by the random jitter, and on compacted topics by max.compaction.lag.ms", () => {
    const jittered = openLog({ config: { ...os, segmentMs: 1000, segmentJitterMs: 500 } });
    (jittered.environment.random as { below: (bound: number) => number }).below = (bound) => bound - 1;
    for (const ms of [0, 500, 502]) appended(jittered.log, at(NOW + ms));
    (jittered.environment.random as { below: (bound: number) => number }).below = () => 0;
    expect(bases(jittered)).toEqual([0, 2]);
    const keyed = (timestamp: number) => makeBatch([{ key: Uint8Array.of(1), value: null, timestamp }]);
    const compacted = filled({ cleanupPolicy: ["compact"], maxCompactionLagMs: 10 }, [keyed(NOW), keyed(NOW + 11)]);
    expect(bases(compacted)).toEqual([0, 1]);
  });

  test("by a full index, offset or time", () => {
    const many = Array.from({ length: 12 }, (_, index) => at(NOW + index));
    expect(bases(filled({ indexIntervalBytes: 0, segmentIndexBytes: 36 }, many))).toEqual([0, 3, 6, 9]);
    const same = Array.from({ length: 12 }, () => at(NOW));
    expect(bases(filled({ indexIntervalBytes: 0, segmentIndexBytes: 36 }, same))).toEqual([0, 5, 10]);
  });

  test("by offset span: followers may leave gaps of more than 2^31 offsets", () => {
    const opened = openLog({ config: os });
    const placed = (baseOffset: number) => {
      const bytes = makeBatch(["a"]);
      batch.stampBatch(bytes, 0, baseOffset as Offset, 0 as never);
      return opened.log.appendAsFollower([bytes]);
    };
    expect(placed(5)).toMatchObject({ ok: true, baseOffset: 5 });
    expect(placed(5 + 2 ** 31 - 1)).toMatchObject({ ok: true });
    expect(placed(5 + 2 ** 31)).toMatchObject({ ok: true });
    expect(placed(7)).toMatchObject({ ok: false });
    opened.clock.endTick();
    expect(bases(opened)).toEqual([5, 5 + 2 ** 31]);
    expect(readValues(opened.log)).toEqual(["a", "a", "a"]);
    doNotVerify(); // gaps on a topic that was never compacted
  });

  test("an empty active segment is never rolled, only replaced when its base no longer fits", async () => {
    const opened = filled({}, [at(NOW)]);
    opened.log.roll();
    opened.log.roll();
    expect(bases(opened)).toEqual([0, 1]);
    const bytes = makeBatch(["far"]);
    batch.stampBatch(bytes, 0, 2 ** 33 as Offset, 0 as never);
    expect(opened.log.appendAsFollower([bytes])).toMatchObject({ ok: true });
    expect(bases(opened)).toEqual([0, 2 ** 33]);
    expect(opened.disk.list(LOG_DIR)).not.toContain("00000000000000000001.log");
    await opened.log.close();
    doNotVerify(); // gaps on a topic that was never compacted
  });

  test("a roll that the disk refuses leaves the active segment in use", () => {
    const opened = filled({ segmentBytes: 1000 }, [batchOfSize(600)]);
    opened.disk.plan = (point) =>
      point.kind === "name" && point.path.endsWith("00001.log") ? "ENOSPC" : "go";
    expect(append(opened.log, batchOfSize(600))).toMatchObject({ ok: false });
    expect(opened.log.logEndOffset).toBe(1 as never);
    expect(append(opened.log, batchOfSize(100))).toMatchObject({ ok: true, baseOffset: 1 });
    opened.disk.plan = null;
    expect(append(opened.log, batchOfSize(600))).toMatchObject({ ok: true, baseOffset: 2 });
    opened.clock.endTick();
    expect(bases(opened)).toEqual([0, 2]);
    expect(readBatches(opened.log)).toHaveLength(3);
  });
});

describe("retention decides", () => {
  const config = (changes: Partial<LogConfig>): LogConfig =>
    ({ ...LOG_CONFIG_DEFAULTS, retentionMs: -1, ...changes });
  /** Four segments of 100 bytes and 10 offsets each, a minute apart; the last is the active one. */
  const segments = (lastSize = 100): RetainedSegment[] => [0, 1, 2, 3].map((index) => ({
    endOffset: (index * 10 + 10) as Offset,
    sizeBytes: index === 3 ? lastSize : 100,
    isLast: index === 3,
    newestMs: () => (NOW + index * 60_000) as TimestampMs,
  }));
  const bounds = (changes: Partial<LogConfig>, more = {}) => ({
    config: config(changes),
    logStartOffset: 0 as Offset,
    highWatermark: 40 as Offset,
    nowMs: (NOW + 180_000) as TimestampMs,
    ...more,
  });

  test.each([
    ["nothing", {}, {}, 0],
    ["size: whole segments beyond the limit only", { retentionBytes: 250 }, {}, 1],
    ["size: exactly", { retentionBytes: 200 }, {}, 2],
    ["size 0: all, the active one too", { retentionBytes: 0 }, {}, 4],
    ["time: older than, not as old as", { retentionMs: 120_000 }, {}, 1],
    ["time 0: all but one that is of this moment", { retentionMs: 0 }, {}, 3],
    ["never beyond the high watermark", { retentionBytes: 0 }, { highWatermark: 15 }, 1],
    ["the log start, whatever the policy", { cleanupPolicy: ["compact"], retentionBytes: 0 }, { logStartOffset: 20 }, 2],
    ["the log start inside a segment keeps it", {}, { logStartOffset: 19 }, 1],
    ["the active segment is not deleted for the log start", {}, { logStartOffset: 40 }, 3],
    ["an empty policy deletes for the log start only", { cleanupPolicy: [], retentionMs: 0 }, { logStartOffset: 10 }, 1],
    ["both policies", { cleanupPolicy: ["compact", "delete"], retentionBytes: 300 }, {}, 1],
    ["size counts what the log start leaves", { retentionBytes: 300 }, { logStartOffset: 20 }, 2],
  ] as [string, Partial<LogConfig>, object, number][])("%s", (_name, changes, more, expected) => {
    expect(countExpired(segments(), bounds(changes, more))).toBe(expected);
  });

  test("an empty active segment stays", () => {
    expect(countExpired(segments(0), bounds({ retentionBytes: 0 }))).toBe(3);
    expect(countExpired(segments(0), bounds({ retentionMs: 0 }, { nowMs: NOW * 2 }))).toBe(3);
  });
});

describe("retention acts", () => {
  const enforce = ({ log, clock }: OpenedLog) => log.enforceRetention(clock.wallMs(), log.stableOffset);

  test("an active segment that has expired is rolled first, then all go", async () => {
    const opened = filled({ segmentBytes: 1000, retentionMs: 1000 }, [
      batchOfSize(600, { nowMs: NOW - 3000 }),
      batchOfSize(600, { nowMs: NOW - 2000 }),
    ]);
    expect(enforce(opened)).toBe(2);
    expect(bases(opened)).toEqual([2]);
    expect([opened.log.logStartOffset, opened.log.logEndOffset]).toEqual([2, 2] as never);
    expect(enforce(opened)).toBe(0);
    expect(appended(opened.log, at(NOW)).baseOffset).toBe(2 as never);
    await opened.log.close();
    const { log } = openLog({ disk: opened.disk.kill(), config: os, cleanStop: true });
    expect([log.logStartOffset, log.logEndOffset]).toEqual([2, 3] as never);
  });

  test("files get their .deleted names at once and go after the delay; readers keep what they hold", () => {
    const opened = filled({ segmentBytes: 1000, retentionBytes: 700, fileDeleteDelayMs: 5000 }, [
      batchOfSize(600),
      batchOfSize(600),
      batchOfSize(600),
    ]);
    const plan = opened.log.planRead(0 as Offset, 1 as Offset, 1000, true);
    expect(enforce(opened)).toBe(1);
    const names = opened.disk.list(LOG_DIR);
    expect(names.filter((name) => name.endsWith(".deleted"))).toEqual([
      "00000000000000000000.index.deleted",
      "00000000000000000000.log.deleted",
      "00000000000000000000.timeindex.deleted",
    ]);
    expect(opened.log.planRead(0 as Offset, 1 as Offset, 1000, true)).toEqual({ outOfRange: true });
    const [range] = (plan as { ranges: readonly { file: { read: Function }; position: number; length: number }[] }).ranges;
    expect(range!.file.read(new Uint8Array(600), 0, range!.length, range!.position)).toBe(range!.length);
    opened.clock.advance(4999);
    expect(opened.disk.list(LOG_DIR)).toEqual(names);
    opened.clock.advance(1);
    expect(opened.disk.list(LOG_DIR).some((name) => name.endsWith(".deleted"))).toBe(false);
  });

  test("snapshots go with their segments, epochs with their offsets", () => {
    const opened = openLog({ config: { ...os, segmentBytes: 1000, retentionBytes: 0 } });
    for (const epoch of [0, 1, 2]) appended(opened.log, batchOfSize(700), "client", epoch);
    opened.clock.endTick();
    const snapshots = () => opened.disk.list(LOG_DIR).filter((name) => name.endsWith(".snapshot"));
    expect(snapshots()).toHaveLength(2);
    opened.log.enforceRetention(NOW, 2 as Offset);
    expect(bases(opened)).toEqual([2]);
    expect(snapshots()).toEqual(["00000000000000000002.snapshot"]);
    expect(opened.log.epochs.entries).toEqual([{ epoch: 2, startOffset: 2 }] as never);
  });

  test("a crash between the renames leaves a log without a gap", async () => {
    const opened = filled({ segmentBytes: 1000 }, Array.from({ length: 5 }, () => batchOfSize(600)));
    await opened.log.flush();
    for (let point = 0; point < 12; point++) {
      const disk = opened.disk.kill();
      const again = openLog({ disk, config: { ...os, segmentBytes: 1000, retentionBytes: 1300 } });
      const start = disk.points;
      disk.plan = (each) => (each.index - start === point ? "cut" : "go");
      try {
        again.log.enforceRetention(NOW, again.log.stableOffset);
      } catch {
        // The power is gone.
      }
      const { log } = openLog({ disk: disk.kill(), config: { ...os, segmentBytes: 1000 } });
      const stored = readBatches(log).map((each) => each.baseOffset);
      expect(stored.at(-1)).toBe(4);
      expect(stored).toEqual(Array.from({ length: stored.length }, (_, index) => 5 - stored.length + index));
    }
  });
});

describe("DeleteRecords", () => {
  test("moves the start at once, deletes with the next retention, and survives by the checkpoint", async () => {
    const opened = openLog({ config: { ...os, segmentBytes: 1000 } });
    for (const epoch of [0, 1, 2]) appended(opened.log, batchOfSize(700), "client", epoch);
    opened.clock.endTick();
    expect(opened.log.deleteRecordsBefore(2 as Offset)).toBe(2 as never);
    expect(opened.log.deleteRecordsBefore(1 as Offset)).toBe(2 as never);
    expect(opened.log.recoveryPoint).toBe(2 as never);
    expect(opened.log.epochs.entries).toEqual([{ epoch: 2, startOffset: 2 }] as never);
    expect(opened.log.planRead(1 as Offset, 3 as Offset, 10, true)).toEqual({ outOfRange: true });
    expect(bases(opened)).toEqual([0, 1, 2]);
    expect(opened.log.enforceRetention(NOW, 3 as Offset)).toBe(2);
    expect(bases(opened)).toEqual([2]);
    await opened.log.close();
    const { log } = openLog({ disk: opened.disk.kill(), config: os, cleanStop: true, logStartOffset: 2 });
    expect(readBatches(log)).toHaveLength(1);
  });

  test("up to the end: the log is empty, the offsets go on", async () => {
    const opened = filled({}, [at(NOW), at(NOW)]);
    opened.log.deleteRecordsBefore(2 as Offset);
    expect(opened.log.planRead(2 as Offset, 2 as Offset, 10, true)).toMatchObject({ byteCount: 0 });
    await opened.log.close();
    const { log } = openLog({ disk: opened.disk.kill(), config: os, logStartOffset: 2 });
    expect([log.logStartOffset, log.logEndOffset]).toEqual([2, 2] as never);
    await microtasks();
    doNotVerify(); // no checkpoint file tells of the log start
  });
});

test("a log takes no space before its first append, and its names are durable with the first sync", async () => {
  const { log, disk, clock } = openLog();
  expect([log.isOnDisk, disk.exists(LOG_DIR), log.sizeBytes]).toEqual([false, false, 0]);
  await log.flush();
  const first = appended(log, makeBatch(["a"]));
  clock.endTick();
  await first.settled;
  expect(disk.crash({}).list(LOG_DIR)).toEqual([
    "00000000000000000000.log",
    "leader-epoch-checkpoint",
    "partition.metadata",
  ]);
  const untouched = openLog();
  await untouched.log.close();
  expect(untouched.disk.exists(LOG_DIR)).toBe(false);
});
