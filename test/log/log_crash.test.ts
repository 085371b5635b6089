/**
 * Power cuts at every point of a workload, with many states of what was not synced, and again at points
 * of the recovery. Goal: what was acknowledged is there, what is there was sent, in order and whole, and
 * the log goes on from there.
 */
import { describe, expect, test } from "bun:test";
import type { Disk } from "../../engine/io/disk.ts";
import type { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import type { Log } from "../../engine/log/log.ts";
import type { LogConfig } from "../../engine/model/log_config.ts";
import type { CrashVariant } from "../support/crash_states.ts";
import { crashVariants, enumerateCrashes } from "../support/crash_states.ts";
import {
  DATA_DIR,
  appended,
  batchOfSize,
  makeBatch,
  marker,
  microtasks,
  openLog,
  readBatches,
  simulatedDisk,
  logProblems,
} from "../support/log_harness.ts";
import type { OpenedLog } from "../support/log_harness.ts";
import * as batch from "../../engine/model/record_batch.ts";

interface Model {
  /** Every batch sent, as stored, in order. */
  sent: Uint8Array[];
  /** One past the last offset that was acknowledged. */
  acknowledged: number;
}

const RECOVERY_POINT = `${DATA_DIR}/recovery-point`;
const CLEAN_MARKER = `${DATA_DIR}/clean`;
const TEXT = new TextEncoder();

/** What a data directory does around its logs: marker, recovery point. */
function openLikeDirectory(disk: Disk, config: Partial<LogConfig>): OpenedLog {
  const cleanStop = disk.exists(CLEAN_MARKER);
  if (cleanStop) {
    disk.remove(CLEAN_MARKER);
    disk.syncDirectory(DATA_DIR);
  }
  const stored = disk.readAll(RECOVERY_POINT);
  const recoveryPoint = stored === null ? 0 : Number(new TextDecoder().decode(stored));
  return openLog({ disk, config, cleanStop, recoveryPoint });
}

function checkpoint(disk: Disk, log: Log): void {
  disk.replaceFile(RECOVERY_POINT, TEXT.encode(String(log.recoveryPoint)));
}

async function closeLikeDirectory(disk: Disk, log: Log): Promise<void> {
  await log.close();
  checkpoint(disk, log);
  disk.replaceFile(CLEAN_MARKER, TEXT.encode("clean"));
}

const SMALL: Partial<LogConfig> = {
  segmentBytes: 3000,
  indexIntervalBytes: 400,
  segmentIndexBytes: 4096,
};

/** Small and large batches, producers, a transaction, rolls, a clean stop in the middle. */
function workload(config: Partial<LogConfig>) {
  return async (disk: Disk, model: Model): Promise<void> => {
    for (let session = 0; session < 2; session++) {
      const { log, clock } = openLikeDirectory(disk, config);
      const pending: Promise<void>[] = [];
      const send = (bytes: Uint8Array, source: "client" | "coordinator" = "client") => {
        const result = appended(log, bytes, source, session);
        model.sent.push(bytes);
        pending.push(result.settled.then(() => {
          model.acknowledged = Math.max(model.acknowledged, result.lastOffset + 1);
        }));
      };
      for (let round = 0; round < 4; round++) {
        const sequence = (session * 4 + round) * 2;
        send(makeBatch([`a${round}`, `b${round}`], { producerId: 7, baseSequence: sequence }));
        send(batchOfSize(300 + round * 500));
        clock.endTick();
        if (round === 1) await Promise.all(pending); // else: appends while a sync is in flight
        if (round === 2) {
          send(makeBatch(["in a transaction"], {
            producerId: 8,
            producerEpoch: session,
            baseSequence: 0,
            attributes: batch.TRANSACTIONAL_BIT,
          }));
          send(marker(8, session, true), "coordinator");
          checkpoint(disk, log);
          log.checkpoint();
        }
        await microtasks();
      }
      clock.endTick();
      await Promise.all(pending);
      if (session === 0) await closeLikeDirectory(disk, log);
    }
  };
}

/**
 * What was sent, without a hole, readable from every offset, with a state that fits; and it goes on. In
 * mode "os" the first segment's name may be what a dead machine lost: then the log starts later.
 */
async function verify(opened: OpenedLog, model: Model, enoughOffsets: number): Promise<void> {
  const { log, clock } = opened;
  expect(log.logEndOffset).toBeGreaterThanOrEqual(enoughOffsets);
  expect(log.stableOffset).toBe(log.logEndOffset);
  if (log.config.flushMode === "commit") expect(log.logStartOffset).toBe(0 as never);
  const stored = readBatches(log);
  const sent = model.sent.filter((bytes) => batch.baseOffsetOf(bytes, 0) >= log.logStartOffset);
  stored.forEach((each, index) => {
    expect(Buffer.compare(each.bytes, sent[index]!)).toBe(0);
    expect(each.baseOffset).toBe(index === 0 ? log.logStartOffset : stored[index - 1]!.lastOffset + 1);
  });
  expect(stored.at(-1)?.lastOffset ?? log.logStartOffset - 1).toBe(log.logEndOffset - 1);
  for (const each of stored) {
    const plan = log.planRead(each.baseOffset as never, log.stableOffset, 1, true);
    expect("startOffset" in plan && plan.startOffset).toBe(each.baseOffset as never);
  }
  const markers = stored.filter(({ bytes }) => (batch.attributesOf(bytes, 0) & batch.CONTROL_BIT) !== 0);
  expect(log.abortedTransactions(0 as never, log.logEndOffset)).toHaveLength(markers.length);
  const next = [makeBatch(["after the crash"]), batchOfSize(2500), batchOfSize(2500)]
    .map((bytes) => appended(log, bytes, "client", 9).settled);
  clock.endTick();
  await Promise.all(next);
  const all = readBatches(log);
  expect(all).toHaveLength(stored.length + 3);
  const again = openLog({
    disk: opened.disk.kill(),
    config: log.config,
    recoveryPoint: log.recoveryPoint,
    logStartOffset: log.logStartOffset,
  });
  expect(readBatches(again.log)).toEqual(all);
  // The verifier reads everything: a look at one state in so many is enough.
  if (verified++ % 8 === 0) {
    // A damaged partition.metadata is written again by the data directory around the logs.
    const problems = logProblems(again.disk).filter((each) => !each.includes("partition.metadata"));
    expect(problems).toEqual([]);
  }
}

let verified = 0;

const base = {
  makeDisk: () => simulatedDisk(),
  makeModel: (): Model => ({ sent: [], acknowledged: 0 }),
  // Bytes are stamped before the model sees them and never change again.
  copyModel: (model: Model): Model => ({ ...model, sent: [...model.sent] }),
};

describe("power cuts", () => {
  test("mode commit: nothing acknowledged is lost", async () => {
    const config: Partial<LogConfig> = { ...SMALL, flushMode: "commit" };
    const report = await enumerateCrashes<Model, OpenedLog>({
      ...base,
      workload: workload(config),
      recover: (disk) => openLikeDirectory(disk, config),
      verify: (opened, model) => verify(opened, model, model.acknowledged),
      variants: crashVariants(1, 2),
      againEvery: 17,
    });
    expect(report.points).toBeGreaterThan(60);
    expect(report.crashesDuringRecovery).toBeGreaterThan(100);
  }, 60_000);

  test("mode os: a dead process loses nothing acknowledged, a dead machine at most the tail", async () => {
    const config: Partial<LogConfig> = { ...SMALL, flushMode: "os" };
    const variants = crashVariants(2, 2);
    const alive = variants.filter((variant) => variant.name.startsWith("everything"));
    const run = (chosen: readonly CrashVariant[], isAlive: boolean) => enumerateCrashes<Model, OpenedLog>({
      ...base,
      workload: workload(config),
      recover: (disk) => openLikeDirectory(disk, config),
      verify: (opened, model, disk) => {
        const stored = (disk as SimulatedDisk).readAll(RECOVERY_POINT);
        const recoveryPoint = stored === null ? 0 : Number(new TextDecoder().decode(stored));
        return verify(opened, model, isAlive ? model.acknowledged : recoveryPoint);
      },
      variants: chosen,
      againEvery: 29,
    });
    await run(alive, true);
    await run(variants, false);
  }, 60_000);
});
