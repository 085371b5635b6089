/**
 * kill -9 again and again under load: nothing acknowledged is lost, nothing is there twice, every lane
 * keeps its order, nothing that a consumer saw goes away, topics that were made or deleted stay so.
 *
 *   MILLRACE_ROUNDS=200 MILLRACE_SEED=... bun test ./test/foreign/kill_loop.check.ts
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Load } from "./support/load.ts";
import { MAIN, problemsIn } from "./support/millrace.ts";
import { Program } from "./support/process.ts";
import { SeededRandom, seedFromEnvironment } from "./support/seeded_random.ts";
import { prepareDirectory, serveDirectory, type Serving, servingKind } from "./support/serving.ts";
import { TopicHistory } from "./support/topic_history.ts";

const ROUNDS = Number(process.env["MILLRACE_ROUNDS"] ?? 200);
const KIND = servingKind();
/** Load before the kill. */
const LOAD_MS = { least: 20, most: 250 } as const;
/** Share of rounds in which recovery itself is killed first. */
const KILL_RECOVERY = 0.2;
const CHECK_EVERY = 10;
const FULL_EVERY = 25;

/** Starts the broker and kills it before it is ready, somewhere in its recovery. */
async function killWhileStarting(dataDir: string, afterMs: number, args: readonly string[]): Promise<void> {
  const program = Program.start([process.execPath, MAIN, "serve", "--port", "0", "--dir", dataDir, ...args]);
  await Bun.sleep(afterMs);
  await program.kill();
}

afterAll(Program.killAll);

test(`${ROUNDS} rounds of kill -9 under load (${KIND})`, async () => {
  const seed = seedFromEnvironment();
  console.error(`seed ${seed}`);
  const random = new SeededRandom(seed);
  const root = mkdtempSync(join(tmpdir(), "millrace-kill-"));
  const dataDir = join(root, "data");
  await prepareDirectory(KIND, dataDir);
  const load = new Load({
    topics: [
      { name: "plain", partitions: 2, configs: {} },
      { name: "rolled-often", partitions: 1, configs: { "segment.ms": "100" } },
      { name: "rolled-by-size", partitions: 1, configs: { "segment.bytes": "1048576" } },
    ],
    idempotentProducers: 3,
    plainProducers: 1,
    inFlightMax: 5,
    recordsPerBatchMax: 20,
    valueBytesMax: 200,
    random,
    pauseMs: 1,
  });
  const topics = new TopicHistory();
  const begun = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    const args = KIND === "kafka" ? [] : ["--flush", random.chance(0.5) ? "os" : "commit"];
    if (round > 0 && KIND === "millrace" && random.chance(KILL_RECOVERY)) {
      await killWhileStarting(dataDir, random.between(1, 150), args);
    }
    const where = `seed ${seed}, round ${round}, ${args.join(" ")}`;
    const broker: Serving = await serveDirectory(KIND, dataDir, args);
    if (round === 0) await load.createTopics(broker.port);
    await load.settle(broker.port);
    const problems = await load.verify(broker.port, round % FULL_EVERY === FULL_EVERY - 1);
    expect([...problems, ...(await topics.verify(broker.port))], `${where}\n${broker.log.slice(-2_000)}`).toEqual([]);
    const running = [load.run(broker.port), topics.change(broker.port)];
    await Bun.sleep(random.between(LOAD_MS.least, LOAD_MS.most));
    await broker.kill();
    await Promise.all(running);
    if (KIND === "millrace" && round % CHECK_EVERY === CHECK_EVERY - 1) {
      expect(await problemsIn(dataDir), where).toBe("");
      const seconds = ((performance.now() - begun) / 1000).toFixed(0);
      console.error(`round ${round + 1}/${ROUNDS}, ${load.acknowledgedRecords} records acknowledged, ${seconds} s`);
    }
  }
  const broker = await serveDirectory(KIND, dataDir);
  await load.settle(broker.port);
  expect(await load.verify(broker.port, true)).toEqual([]);
  expect(await topics.verify(broker.port)).toEqual([]);
  await broker.stop();
  if (KIND === "millrace") expect(await problemsIn(dataDir)).toBe("");
  console.error(`${ROUNDS} rounds, ${load.acknowledgedRecords} records acknowledged`);
  expect(load.acknowledgedRecords).toBeGreaterThan(ROUNDS);
  rmSync(root, { recursive: true });
}, 3_600_000);
