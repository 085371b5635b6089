/**
 * The power goes at every point of a directory's life - opening, appending, checkpoints, deletion, clean
 * stops - and again during the recovery: what was acknowledged is there, what was deleted for good stays
 * so, a clean-shutdown marker never lies, and the verifier finds nothing after the next clean stop.
 */
import { expect, test } from "bun:test";
import type { Disk } from "../../../engine/io/disk.ts";
import { checkDirectory } from "../../../engine/log/check.ts";
import type { LogConfig } from "../../../engine/model/log_config.ts";
import { LOG_CONFIG_DEFAULTS } from "../../../engine/model/log_config.ts";
import type { Offset } from "../../../engine/model/offsets.ts";
import { crashVariants, enumerateCrashes } from "../../support/crash_states.ts";
import { DATA, formattedDisk, openDirectory, topicIdOf } from "../../support/directory_harness.ts";
import { appended, batchOfSize, codecs, makeBatch, microtasks, readValues } from "../../support/log_harness.ts";
import type { ManualClock } from "../../support/manual_clock.ts";

interface Model {
  /** Values by topic, in order, acknowledged. */
  acknowledged: Record<string, string[]>;
}

const CONFIG: Partial<LogConfig> = { segmentBytes: 1 << 20 };
const source = {
  describe: (topic: string) => ({ topicId: topicIdOf(topic), config: { ...LOG_CONFIG_DEFAULTS, ...CONFIG } }),
  highWatermarkOf: (log: { stableOffset: Offset }) => log.stableOffset,
};

type Opened = ReturnType<typeof openDirectory>;

async function write(opened: Opened, model: Model, topic: string, value: string): Promise<void> {
  const { settled } = appended(opened.log(topic, 0, CONFIG), makeBatch([value]));
  opened.clock.endTick();
  await settled;
  (model.acknowledged[topic] ??= []).push(value);
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  clock.advance(ms);
  await microtasks();
}

async function workload(disk: Disk, model: Model): Promise<void> {
  const first = openDirectory({ disk });
  first.directory.start(source);
  await write(first, model, "a", "a1");
  await write(first, model, "b", "b1");
  await pass(first.clock, 60_000);
  await write(first, model, "a", "a2");
  first.log("a").roll();
  await write(first, model, "a", "a3");
  await write(first, model, "doomed", "d1");
  await first.directory.close(7);

  const second = openDirectory({ disk });
  second.directory.start(source);
  await write(second, model, "b", "b2");
  delete model.acknowledged["doomed"];
  second.directory.deleteLog("doomed", 0);
  await pass(second.clock, 60_000);
  await write(second, model, "a", "a4");
  const { settled } = appended(second.log("a"), batchOfSize(5_000));
  second.clock.endTick();
  await settled;
  await second.directory.close(8);
}

/** Opens, recovers all, reads; then a clean stop must satisfy the verifier in full. */
async function recover(disk: Disk): Promise<Record<string, string[]>> {
  const opened = openDirectory({ disk });
  opened.directory.start(source);
  await microtasks();
  const values: Record<string, string[]> = {};
  for (const { topic } of opened.directory.partitions()) {
    values[topic] = readValues(opened.log(topic, 0, CONFIG));
  }
  const found = opened.directory.wasCleanlyClosed ? [] : errors(disk);
  expect(found).toEqual([]);
  expect(await opened.directory.close()).toBe(true);
  return values;
}

function errors(disk: Disk): string[] {
  return checkDirectory(disk, DATA, { codecs })
    .filter(({ severity }) => severity === "error")
    .map(({ path, message }) => `${path}: ${message}`);
}

function verify(values: Record<string, string[]>, model: Model, disk: Disk): void {
  for (const [topic, acknowledged] of Object.entries(model.acknowledged)) {
    expect([topic, values[topic]?.slice(0, acknowledged.length)]).toEqual([topic, acknowledged]);
  }
  const problems = checkDirectory(disk, DATA, { codecs }).map(({ path, message }) => `${path}: ${message}`);
  expect(problems).toEqual([]);
}

test("a power cut at every point", async () => {
  const report = await enumerateCrashes<Model, Record<string, string[]>>({
    makeDisk: formattedDisk,
    makeModel: () => ({ acknowledged: {} }),
    copyModel: (model) => structuredClone(model),
    workload,
    recover,
    verify,
    variants: crashVariants(11, 2),
    // Ten variants, two a point: neighbouring points see the others.
    variantsPerPoint: 2,
    againEvery: 31,
  });
  expect(report.points).toBeGreaterThan(80);
  expect(report.crashesDuringRecovery).toBeGreaterThan(100);
}, 60_000);
