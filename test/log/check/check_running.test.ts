/** A directory in use is checked without a lock: whatever happens between two reads, nothing is wrong. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { checkDirectory } from "../../../engine/log/check.ts";
import type { LogConfig } from "../../../engine/model/log_config.ts";
import { LOG_CONFIG_DEFAULTS } from "../../../engine/model/log_config.ts";
import type { LeaderEpoch, Offset } from "../../../engine/model/offsets.ts";
import { randomBits } from "../../support/crash_states.ts";
import { DATA, formattedDisk, openDirectory, topicIdOf } from "../../support/directory_harness.ts";
import { batchOfSize, codecs, makeBatch, microtasks } from "../../support/log_harness.ts";

// A machine that is busy with other tests takes its time.
setDefaultTimeout(60_000);

const SEEDS = 15;

async function checkWhileWriting(mode: "commit" | "os", seed: number): Promise<{ problems: string[]; steps: number }> {
  const bits = randomBits(seed);
  const disk = formattedDisk();
  const opened = openDirectory({ disk });
  const config: LogConfig = {
    ...LOG_CONFIG_DEFAULTS, flushMode: mode, segmentBytes: 1 << 20, retentionBytes: 1 << 20, fileDeleteDelayMs: 1_000,
  };
  opened.directory.start({
    describe: (topic) => ({ topicId: topicIdOf(topic), config }),
    highWatermarkOf: (log) => log.stableOffset,
  });
  const topics = ["a", "b", "c"];
  let epoch = 0;
  let sequence = 0;
  const step = () => {
    const topic = topics[bits() % topics.length]!;
    const log = opened.directory.openLog(topic, 0, topicIdOf(topic), config);
    const append = (bytes: Uint8Array) => {
      const result = log.appendAsLeader([bytes], epoch as LeaderEpoch, "client");
      if (result.ok) result.settled.catch(() => {});
    };
    switch (bits() % 12) {
      case 0: log.roll(); break;
      case 1: epoch++; break;
      case 2: opened.clock.advance(bits() % 400_000); break;
      case 3: log.deleteRecordsBefore(Math.floor(log.stableOffset / 2) as Offset); break;
      case 4: append(batchOfSize(300_000)); break;
      case 5: append(makeBatch(["p"], { producerId: bits() % 3, producerEpoch: sequence++, baseSequence: 0 })); break;
      default: append(makeBatch(Array.from({ length: 1 + bits() % 5 }, (_, index) => `value ${index}`)));
    }
    if (bits() % 2 === 0) opened.clock.endTick();
  };
  for (let count = 0; count < 40; count++) {
    step();
    opened.clock.endTick();
    await microtasks();
  }
  let steps = 0;
  let isInside = false;
  disk.planRead = () => {
    if (isInside) return null; // the log itself reads
    isInside = true;
    for (let count = bits() % 3; count > 0; count--) {
      step();
      steps++;
    }
    isInside = false;
    return null;
  };
  const problems = checkDirectory(disk, DATA, { codecs })
    .map(({ severity, path, position, message }) => `${severity} ${path} ${JSON.stringify(position)}: ${message}`);
  disk.planRead = null;
  opened.clock.endTick();
  await microtasks();
  await opened.directory.close();
  const after = checkDirectory(disk, DATA, { codecs }).map(({ path, message }) => `${path}: ${message}`);
  return { problems: [...problems, ...after], steps };
}

test.each(["commit", "os"] as const)("in mode %s", async (mode) => {
  let steps = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await checkWhileWriting(mode, seed);
    expect([seed, outcome.problems]).toEqual([seed, []]);
    steps += outcome.steps;
  }
  expect(steps).toBeGreaterThan(50);
});
