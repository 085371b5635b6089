/**
 * Power cuts under load: the device is copied at one instant, the machine goes on from the copy. In mode
 * `commit` everything acknowledged or read is there again; in mode `os` what is left is sound.
 *
 *   MILLRACE_ROUNDS=50 MILLRACE_SEED=... bun test ./test/foreign/power_cut.check.ts
 */
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { PowerCutMachine, whyNoPowerCuts } from "./support/block_device.ts";
import { Load, type LoadOptions } from "./support/load.ts";
import { Millrace, problemsIn } from "./support/millrace.ts";
import { Program } from "./support/process.ts";
import { SeededRandom, seedFromEnvironment } from "./support/seeded_random.ts";
import { TopicHistory } from "./support/topic_history.ts";

const ROUNDS = Number(process.env["MILLRACE_ROUNDS"] ?? 50);
const LOAD_MS = { least: 30, most: 400 } as const;
/** Share of cuts that come while the broker recovers from the one before. */
const CUT_RECOVERY = 0.2;
const FULL_EVERY = 10;
const WHY_NOT = whyNoPowerCuts();
if (WHY_NOT !== null) console.error(`skipped: power cuts: ${WHY_NOT}`);

function loadOptions(random: SeededRandom, prefix = ""): LoadOptions {
  return {
    topics: [
      { name: `${prefix}plain`, partitions: 2, configs: {} },
      { name: `${prefix}rolled-often`, partitions: 1, configs: { "segment.ms": "100" } },
      { name: `${prefix}rolled-by-size`, partitions: 1, configs: { "segment.bytes": "1048576" } },
    ],
    idempotentProducers: 3,
    plainProducers: 1,
    inFlightMax: 5,
    recordsPerBatchMax: 20,
    valueBytesMax: 200,
    random,
    pauseMs: 1,
  };
}

/** Cuts the power while the broker starts: what recovery had done by then is on the device or not. */
async function cutWhileStarting(machine: PowerCutMachine, dataDir: string, afterMs: number): Promise<void> {
  const starting = Millrace.start({ dataDir }).catch(() => null);
  await Bun.sleep(afterMs);
  machine.copyDevice();
  await (await starting)?.kill();
  machine.switchOn();
}

afterAll(Program.killAll);

test.skipIf(WHY_NOT !== null)(`${ROUNDS} power cuts in mode commit`, async () => {
  const seed = seedFromEnvironment();
  console.error(`seed ${seed}`);
  const random = new SeededRandom(seed);
  const machine = new PowerCutMachine();
  const dataDir = join(machine.mountPoint, "data");
  const load = new Load(loadOptions(random));
  const topics = new TopicHistory();
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      if (round > 0 && random.chance(CUT_RECOVERY)) {
        await cutWhileStarting(machine, dataDir, random.between(1, 200));
      }
      const where = `seed ${seed}, round ${round}`;
      const broker = await Millrace.start({ dataDir });
      // Only now: what recovery makes anew - indexes, snapshots of producers - may be torn before it.
      expect(await problemsIn(dataDir), where).toBe("");
      if (round === 0) await load.createTopics(broker.port);
      await load.settle(broker.port);
      const problems = await load.verify(broker.port, round === ROUNDS || round % FULL_EVERY === 0);
      problems.push(...(await topics.verify(broker.port)));
      expect(problems, `${where}\n${broker.log.slice(-2_000)}`).toEqual([]);
      if (round === ROUNDS) {
        await broker.stop();
        break;
      }
      const running = [load.run(broker.port), topics.change(broker.port)];
      await Bun.sleep(random.between(LOAD_MS.least, LOAD_MS.most));
      load.freeze();
      topics.freeze();
      machine.copyDevice();
      await broker.kill();
      await Promise.all(running);
      machine.switchOn();
      if (round % FULL_EVERY === FULL_EVERY - 1) {
        console.error(`cut ${round + 1}/${ROUNDS}, ${load.acknowledgedRecords} records acknowledged`);
      }
    }
    expect(await problemsIn(dataDir)).toBe("");
    expect(load.acknowledgedRecords).toBeGreaterThan(ROUNDS);
  } finally {
    machine.remove();
  }
}, 3_600_000);

const OS_ROUNDS = Math.ceil(ROUNDS / 5);

test.skipIf(WHY_NOT !== null)(`${OS_ROUNDS} power cuts in mode os leave a sound log without holes`, async () => {
  const seed = seedFromEnvironment();
  console.error(`seed ${seed}`);
  const random = new SeededRandom(seed);
  const machine = new PowerCutMachine();
  const dataDir = join(machine.mountPoint, "data");
  const args = ["--flush", "os"];
  try {
    for (let round = 0; round < OS_ROUNDS; round++) {
      const load = new Load(loadOptions(random, `r${round}-`));
      const broker = await Millrace.start({ dataDir, args });
      await load.createTopics(broker.port);
      const running = load.run(broker.port);
      await Bun.sleep(random.between(LOAD_MS.least, LOAD_MS.most * 3));
      load.freeze();
      machine.copyDevice();
      await broker.kill();
      await running;
      machine.switchOn();
      const where = `seed ${seed}, round ${round}`;
      const again = await Millrace.start({ dataDir, args });
      expect(await problemsIn(dataDir), where).toBe("");
      expect(await load.verify(again.port, true, true), `${where}\n${again.log.slice(-2_000)}`).toEqual([]);
      await again.kill();
    }
  } finally {
    machine.remove();
  }
}, 3_600_000);
