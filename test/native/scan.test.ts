/**
 * The C scans against their TypeScript twins, on random batches, valid and damaged: same reason, same
 * fields. A failing round prints its seed; MILLRACE_SEED=n runs that round alone.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { scanBatch, scanRun } from "../../native/batch_scan.ts";
import type { Native } from "../../native/native.ts";
import {
  BatchScan,
  RunScan,
  SCAN_BAD_MAGIC,
  SCAN_DENSE,
  SCAN_OK,
  SCAN_PARTIAL,
  SCAN_RECORDS,
  scanReasonText,
} from "../../native/scan.ts";
import { BUILDS } from "./builds.ts";
import { cutAtRandom, mutate, randomBatch, randomBytes, randomFrom } from "./batches.ts";

setDefaultTimeout(60_000); // thousands of rounds: seconds on a busy machine
const ROUNDS = 3000;
const FLAGS = [0, SCAN_DENSE, SCAN_RECORDS, SCAN_DENSE | SCAN_RECORDS];
const onlySeed = process.env["MILLRACE_SEED"];
const seeds = onlySeed === undefined ? Array.from({ length: ROUNDS }, (_, i) => i) : [Number(onlySeed)];

function fieldsOf(out: BatchScan, reason: number): unknown {
  // A batch refused for its length has no header to report.
  return reason > SCAN_OK && reason < SCAN_BAD_MAGIC ? { sizeBytes: out.sizeBytes, badRecord: out.badRecord } : { ...out };
}

function rowsOf(out: RunScan): unknown {
  const columns = [
    out.baseOffset, out.lastOffset, out.position, out.baseTimestamp, out.maxTimestamp, out.producerId,
    out.size, out.leaderEpoch, out.attributes, out.lastOffsetDelta, out.producerEpoch, out.baseSequence,
    out.recordsCount,
  ];
  const { count, stoppedAt, neededBytes, badRecord } = out;
  return { count, stoppedAt, neededBytes, badRecord, rows: columns.map((c) => Array.from(c.subarray(0, count))) };
}

/** One round: scans the same bytes both ways and returns the reason. */
function batchRound(native: Native, seed: number): number {
  const random = randomFrom(seed);
  const batch = randomBatch(random, random(20) === 0 ? 20_000 : 60);
  const bytes = random(4) === 0 ? batch : mutate(random, batch);
  const flags = FLAGS[random(4)]!;
  const pieces = random(2) === 0 ? [bytes] : cutAtRandom(random, bytes);
  const native1 = new BatchScan();
  const twin = new BatchScan();
  const reason = native.scanBatch(pieces, native1, flags);
  const twinReason = scanBatch([bytes], twin, flags);
  if (reason !== twinReason || !Bun.deepEquals(fieldsOf(native1, reason), fieldsOf(twin, twinReason))) {
    throw new Error(
      `seed ${seed}: ${scanReasonText(reason)} against ${scanReasonText(twinReason)}\n` +
        `${JSON.stringify(native1)}\n${JSON.stringify(twin)}\n${Buffer.from(bytes).toString("hex")}`,
    );
  }
  return reason;
}

function runRound(native: Native, seed: number, outs: readonly [RunScan, RunScan]): number {
  const random = randomFrom(seed ^ 0x5eed);
  const parts = Array.from({ length: random(6) }, () => randomBatch(random));
  if (random(3) > 0) parts.push(mutate(random, randomBatch(random)));
  if (random(4) === 0) parts.push(randomBytes(random, random(80)));
  const start = random(9);
  const bytes = Buffer.concat([new Uint8Array(start), ...parts]);
  const end = random(3) === 0 ? start + random(bytes.length - start + 1) : bytes.length;
  const flags = FLAGS[random(4)]!;
  const reason = native.scanRun(bytes, start, end, outs[0], flags);
  const twinReason = scanRun(bytes, start, end, outs[1], flags);
  if (reason !== twinReason || !Bun.deepEquals(rowsOf(outs[0]), rowsOf(outs[1]))) {
    throw new Error(
      `seed ${seed}: ${scanReasonText(reason)} against ${scanReasonText(twinReason)}\n` +
        `${JSON.stringify(rowsOf(outs[0]))}\n${JSON.stringify(rowsOf(outs[1]))}`,
    );
  }
  return reason;
}

for (const { name, native, missing } of BUILDS) {
  if (name === "off") continue; // it is the twin
  describe(`scans of build ${name}`, () => {
    if (native === null) {
      test.skip(`cannot be had here: ${missing}`, () => {});
      return;
    }
    test(`scanBatch agrees with its twin over ${seeds.length} batches`, () => {
      const reasons = new Set(seeds.map((seed) => batchRound(native, seed)));
      // The generator reaches every reason but those of scanRun.
      const every = Array.from({ length: SCAN_PARTIAL }, (_, reason) => reason);
      if (onlySeed === undefined) expect([...reasons].sort((a, b) => a - b)).toEqual(every);
    });

    test(`scanRun agrees with its twin over ${seeds.length} runs`, () => {
      const outs = [new RunScan(64), new RunScan(64)] as const;
      const reasons = new Set(seeds.map((seed) => runRound(native, seed, outs)));
      if (onlySeed === undefined) expect(reasons.size).toBeGreaterThan(10);
    });

    test("reads nothing beyond the bytes it was given", () => {
      // In a process of its own: a read too far ends at a page that is not mapped.
      const run = Bun.spawnSync([process.execPath, join(import.meta.dir, "guard_page.ts"), name]);
      expect(run.stderr.toString()).toBe("");
      expect(run.stdout.toString()).toMatch(/^scanned \d+ times\n$/);
      expect(run.exitCode).toBe(0);
    });
  });
}
