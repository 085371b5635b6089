/** Stores on a real disk: directories that Apache Kafka 4.3.1 left, and several opens of one directory. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../engine/io/clock.ts";
import { SILENT_LOGGER } from "../../engine/io/logger.ts";
import { SystemRandom } from "../../engine/io/random.ts";
import { recordsOfBatch } from "../../engine/model/batch_run.ts";
import { parseBrokerConfig } from "../../engine/model/broker_config.ts";
import type { Partition } from "../../engine/partition/partition.ts";
import { Store } from "../../engine/store/store.ts";
import type { GoldenName } from "../support/golden.ts";
import { unpackGolden } from "../support/golden.ts";
import { codecs, readBatches } from "../support/log_harness.ts";
import { append, createTopics, topic } from "../support/store_harness.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-store-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function open(dir: string): Promise<Store> {
  const { config } = parseBrokerConfig(new Map());
  const random = new SystemRandom();
  return Store.open({ dir, config: config!, clock: new SystemClock(), random, codecs, logger: SILENT_LOGGER });
}

/** "offset key payload" of every record from the log start on, in order. */
function recordsOf(partition: Partition): string[] {
  const found: string[] = [];
  const text = (bytes: Uint8Array | null) => (bytes === null ? "null" : new TextDecoder().decode(bytes));
  const { logStartOffset } = partition.log;
  for (const { bytes } of readBatches(partition.log)) {
    for (const record of recordsOfBatch(bytes, { start: 0, end: bytes.length }, logStartOffset, codecs)) {
      found.push(`${record.offset} ${text(record.key)} ${text(record.value)}`);
    }
  }
  return found;
}

describe("a directory of Kafka 4.3.1", () => {
  const names: readonly GoldenName[] = ["clean", "killed", "snapshotted", "trimmed", "transactions"];
  test.each(names)("%s: serves every record, takes more, and starts again", async (name) => {
    const golden = unpackGolden(name);
    try {
      const store = await open(golden.dir);
      const expected = new Map<Partition, string[]>();
      for (const record of Object.values(golden.records).flat()) {
        const partition = store.partitions.find(record.topic, record.partition)!;
        expect(partition, `${record.topic}-${record.partition}`).toBeDefined();
        const lines = expected.get(partition) ?? [];
        lines.push(`${record.offset} ${record.key} ${record.payload}`);
        expected.set(partition, lines);
      }
      expect(expected.size).toBeGreaterThan(0);
      for (const [partition, lines] of expected) {
        const found = recordsOf(partition);
        // kcat does not show what was aborted; the log holds it all the same.
        if (name === "transactions") for (const line of lines) expect(found).toContain(line);
        else {
          lines.sort((one, other) => parseInt(one) - parseInt(other));
          // A log start that was not checkpointed before the kill is forgotten, by Kafka as well.
          const from = name === "killed" ? found.length - lines.length : 0;
          expect(found.slice(from), partition.topic).toEqual(lines);
        }
      }
      const [busiest] = [...expected.keys()].filter((partition) => !partition.topic.startsWith("__"));
      const at = await append(busiest!, "one more");
      await store.close();
      const again = await open(golden.dir);
      expect(again.clusterId).toBe(store.clusterId);
      expect(again.image.topicCount).toBe(store.image.topicCount);
      const back = again.partitions.find(busiest!.topic, busiest!.index)!;
      expect(recordsOf(back).at(-1)).toBe(`${at} null one more`);
      await again.close();
      expect(readdirSync(golden.dir).filter((entry) => entry.endsWith("-stray"))).toEqual([]);
    } finally {
      golden.remove();
    }
  });
});

describe("several opens of one directory", () => {
  test("share one store, by whatever path, until the last has closed it", async () => {
    const dir = join(root, "shared");
    mkdirSync(dir);
    symlinkSync(dir, join(root, "alias"));
    const [one, other] = await Promise.all([open(dir), open(join(root, "alias"))]);
    expect(other).toBe(one);
    await createTopics(one, topic("t"));
    await one.close();
    expect(await append(other.partitions.find("t", 0)!, "x")).toBe(0);
    await other.close();
    const again = await open(dir);
    expect(again).not.toBe(one);
    expect(recordsOf(again.partitions.find("t", 0)!)).toEqual(["0 null x"]);
    await again.close();
  });

  test("wait for a stop that is under way", async () => {
    const dir = join(root, "waiting");
    const first = await open(dir);
    const closing = first.close();
    const second = await open(dir);
    await closing;
    expect(second).not.toBe(first);
    await second.close();
  });

  test("fail each for itself when the directory cannot be opened", async () => {
    const dir = join(root, "foreign");
    mkdirSync(dir);
    await Bun.write(join(dir, "notes.txt"), "mine");
    const results = await Promise.allSettled([open(dir), open(dir)]);
    expect(results.map((result) => result.status)).toEqual(["rejected", "rejected"]);
  });
});
