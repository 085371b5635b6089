/**
 * Zeros behind the batches: the policy by itself, then what a log writes to its file, call by call.
 */
import { describe, expect, test } from "bun:test";
import type { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { ZERO_STEP_BYTES_MAX, ZerosAhead } from "../../engine/log/zeros_ahead.ts";
import {
  append,
  appended,
  batchOfSize,
  makeBatch,
  openLog,
  outcomeOf,
  readValues,
  simulatedDisk,
  verifyAfterEach,
} from "../support/log_harness.ts";

verifyAfterEach();

const LOG = "/data/t-0/00000000000000000000.log";
const ENDLESS = 2 ** 40;
const BATCH_BYTES = batchOfSize(1000).length;

interface Written {
  readonly position: number;
  /** With the zeros. */
  readonly end: number;
}

/** Notes every write to the log file. */
function watched(disk: SimulatedDisk): Written[] {
  const writes: Written[] = [];
  const open = disk.file.bind(disk);
  disk.file = (path) => {
    const file = open(path);
    const write = file.write.bind(file);
    file.write = (pieces, position) => {
      const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
      if (path === LOG) writes.push({ position, end: position + bytes });
      write(pieces, position);
    };
    return file;
  };
  return writes;
}

/** Appends `count` batches of `bytes`, each written and synced alone. */
async function appendOneByOne(opened: ReturnType<typeof openLog>, count: number) {
  for (let index = 0; index < count; index++) {
    const { settled } = appended(opened.log, batchOfSize(1000));
    opened.clock.endTick();
    await settled;
  }
}

/** Writes of `bytes` each, from `opened` on: how far each reached. */
function reach(opened: number, bytes: number, count: number, reserved = ENDLESS): number[] {
  const zeros = new ZerosAhead(opened);
  return Array.from({ length: count }, (_, index) => {
    const from = opened + index * bytes;
    const ahead = zeros.behind(from, from + bytes, reserved);
    expect(ahead.every((byte) => byte === 0)).toBe(true);
    zeros.wrote(from + bytes + ahead.length);
    return from + bytes + ahead.length;
  });
}

describe("how much is written ahead", () => {
  test("steps grow with what was written since the file was opened, up to a bound", () => {
    for (const opened of [0, 12_345_678]) {
      const ends = reach(opened, 1000, 3000).filter((end, index) => end > opened + (index + 1) * 1000);
      const steps = ends.map((end, index) => end - (ends[index - 1] ?? opened));
      expect(steps[0]).toBeLessThan(32 * 1024);
      expect(Math.max(...steps)).toBeLessThan(ZERO_STEP_BYTES_MAX + 8192);
      expect(steps.at(-1)).toBeGreaterThan(ZERO_STEP_BYTES_MAX - 8192);
      for (const [index, step] of steps.entries()) {
        if (index > 0) expect(step).toBeLessThan(ends[index - 1]! - opened + 8192);
      }
    }
  });

  test("most writes lie within what was written before", () => {
    const ends = reach(0, 1000, 3000);
    expect(ends.filter((end, index) => end > (index + 1) * 1000).length).toBeLessThan(20);
  });

  test("large writes get none, and those between them neither", () => {
    expect(reach(0, 100_000, 10)).toEqual(Array.from({ length: 10 }, (_, index) => (index + 1) * 100_000));
    const zeros = new ZerosAhead(0);
    let at = 0;
    for (let index = 0; index < 20; index++) {
      const bytes = index % 2 === 0 ? 120_000 : 8000;
      const ahead = zeros.behind(at, at + bytes, ENDLESS).length;
      if (index > 3) expect(ahead).toBe(0);
      at += bytes;
      zeros.wrote(at + ahead);
    }
  });

  test("never beyond what is reserved", () => {
    expect(Math.max(...reach(0, 1000, 50, 50_000))).toBe(50_000);
    expect(reach(0, 1000, 2, 0)).toEqual([1000, 2000]);
  });
});

describe("a log writes zeros behind its batches", () => {
  test("in mode commit: most syncs find no block that was never written", async () => {
    const disk = simulatedDisk();
    const writes = watched(disk);
    const opened = openLog({ disk });
    await appendOneByOne(opened, 200);
    let written = 0;
    let fresh = 0;
    for (const { position, end } of writes) {
      expect(position).toBeLessThanOrEqual(written);
      if (end > written) fresh++;
      written = Math.max(written, end);
    }
    expect(writes.length).toBe(200);
    expect(fresh).toBeLessThan(10);
    expect(written).toBeLessThanOrEqual(disk.fileSize(LOG));
    expect(opened.log.logEndOffset).toBe(200 as never);
  });

  test("in mode os: never", async () => {
    const disk = simulatedDisk();
    const writes = watched(disk);
    const opened = openLog({ disk, config: { flushMode: "os", preallocate: true, segmentBytes: 1_000_000 } });
    await appendOneByOne(opened, 50);
    expect(writes.map(({ end }) => end)).toEqual(writes.map((_, index) => (index + 1) * BATCH_BYTES));
  });

  test("a full disk refuses no batch for them", async () => {
    const disk = simulatedDisk();
    disk.capacityBytes = 20_000;
    const writes = watched(disk);
    const opened = openLog({ disk });
    await appendOneByOne(opened, 5);
    expect(writes.at(-1)).toEqual({ position: 4 * BATCH_BYTES, end: 5 * BATCH_BYTES });
  });

  test("after a write that failed the file is cut, and zeros are written anew", async () => {
    const disk = simulatedDisk();
    const writes = watched(disk);
    const opened = openLog({ disk });
    await appendOneByOne(opened, 1);
    const [first] = writes;
    expect(first!.end).toBeGreaterThan(10_000);
    disk.plan = (point) => point.kind === "write" && point.path === LOG ? "ENOSPC" : "go";
    const failed = append(opened.log, makeBatch(["lost"]));
    opened.clock.endTick();
    expect(failed.ok && await outcomeOf(failed.settled)).toBeInstanceOf(Error);
    expect(disk.fileSize(LOG)).toBe(BATCH_BYTES);
    disk.plan = null;
    await appendOneByOne(opened, 1);
    expect(writes.at(-1)).toMatchObject({ position: BATCH_BYTES });
    expect(writes.at(-1)!.end).toBeGreaterThan(10_000);
  });

  test("recovery cuts them off", async () => {
    const { log, clock, disk } = openLog();
    const { settled } = appended(log, makeBatch(["kept"]));
    clock.endTick();
    await settled;
    for (const after of [disk.kill(), disk.crash({})]) {
      const { log: recovered } = openLog({ disk: after });
      expect(readValues(recovered)).toEqual(["kept"]);
      expect(after.fileSize(LOG)).toBe(recovered.sizeBytes);
    }
  });
});
