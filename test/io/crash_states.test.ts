/** The enumeration must find what it is for: a toy log with each of three classic mistakes. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Disk } from "../../engine/io/disk.ts";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { DiskFault } from "../../engine/model/errors.ts";
import { loadNative } from "../../native/native.ts";
import { crashVariants, enumerateCrashes, enumerateFaults } from "../support/crash_states.ts";

// A machine that is busy with other tests takes its time.
setDefaultTimeout(60_000);

const RECORD_BYTES = 600; // more than a sector, so that one can tear

type Mistake = "none" | "ack before sync" | "no directory sync" | "no torn check";

/** A record is its number, repeated; a valid one is whole. */
const record = (value: number) => new Uint8Array(RECORD_BYTES).fill(value);

async function workload(disk: Disk, acknowledged: number[], mistake: Mistake): Promise<void> {
  const file = disk.file("/d/log");
  file.create("keep");
  if (mistake !== "no directory sync") disk.syncDirectory("/d");
  for (let value = 1; value <= 5; value++) {
    file.write([record(value)], (value - 1) * RECORD_BYTES);
    if (mistake === "ack before sync") acknowledged.push(value);
    await file.sync();
    if (mistake !== "ack before sync") acknowledged.push(value);
  }
  file.close();
}

function recover(disk: Disk, mistake: Mistake): number[] {
  const bytes = disk.readAll("/d/log") ?? new Uint8Array(0);
  const found: number[] = [];
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    const value = bytes[at]!;
    const whole = bytes.subarray(at, at + RECORD_BYTES).every((byte) => byte === value);
    if (mistake !== "no torn check" && !(whole && value === found.length + 1)) break;
    found.push(whole ? value : -1);
  }
  if (disk.exists("/d/log")) {
    const file = disk.file("/d/log");
    file.truncate(found.length * RECORD_BYTES);
    file.syncNow();
    file.close();
  }
  return found;
}

function verify(found: readonly number[], acknowledged: readonly number[]): void {
  expect(found.slice(0, acknowledged.length)).toEqual([...acknowledged]);
  expect(found).toEqual(found.map((_, index) => index + 1));
}

function makeDisk(): SimulatedDisk {
  const disk = new SimulatedDisk({ native: loadNative("off") });
  disk.makeDirectory("/d");
  disk.settle();
  return disk;
}

const enumerate = (mistake: Mistake) =>
  enumerateCrashes<number[], number[]>({
    makeDisk,
    workload: (disk, model) => workload(disk, model, mistake),
    makeModel: () => [],
    copyModel: (model) => [...model],
    recover: (disk) => recover(disk, mistake),
    verify,
    variants: crashVariants(1, 8),
    againEvery: 1,
  });

describe("crash enumeration", () => {
  test("passes a log without mistakes, also when its recovery is cut", async () => {
    const report = await enumerate("none");
    expect(report.points).toBe(12);
    expect(report.crashes).toBe(13 * 16);
    expect(report.crashesDuringRecovery).toBeGreaterThan(100);
  });

  test.each(["ack before sync", "no directory sync", "no torn check"] as const)(
    "finds %s",
    async (mistake) => {
      await expect(enumerate(mistake)).rejects.toThrow("crash state: ");
    },
  );
});

describe("fault enumeration", () => {
  const enumerateFor = (mistake: Mistake) =>
    enumerateFaults<number[]>({
      makeDisk,
      makeModel: () => [],
      async workload(disk, model) {
        try {
          await workload(disk, model, mistake);
        } catch (error) {
          if (!(error instanceof DiskFault)) throw error;
        }
      },
      verify: (disk, model) => verify(recover(disk.crash({}), mistake), model),
      outcomes: ["EIO", "ENOSPC", "short"],
    });

  test("fails every point once for each outcome", async () => {
    expect(await enumerateFor("none")).toBe(3 * 12);
  });

  test("finds an acknowledgement that a failed sync takes back", async () => {
    await expect(enumerateFor("ack before sync")).rejects.toThrow(/^(EIO|ENOSPC|short) at point/);
  });
});
