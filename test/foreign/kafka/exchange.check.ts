/**
 * One data directory, two brokers: Apache Kafka 4.3.1 opens what Millrace wrote and Millrace what Kafka
 * wrote, after clean stops and after kill -9, with snapshots of the metadata and without, and back again.
 * Every record, offset and config must be the same to the eyes of a third program.
 */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GoldenName, unpackGolden } from "../../support/golden.ts";
import { differences, type Everything, fillBroker, readEverything, topicConfigs, withoutFront } from "../support/everything.ts";
import { Load } from "../support/load.ts";
import { Millrace, problemsIn } from "../support/millrace.ts";
import { Program } from "../support/process.ts";
import { SeededRandom, seedFromEnvironment } from "../support/seeded_random.ts";
import { formatKafka, Kafka, whyNoKafka } from "./kafka.ts";

const TIMEOUT_MS = 300_000;
const UNDER_LOAD_MS = 700;
const WHY_NOT = whyNoKafka();
if (WHY_NOT !== null) console.error(`skipped: exchange of directories: ${WHY_NOT}`);

/** What Kafka says on a directory that is as it should be: everything else it warns of is a finding. */
const HARMLESS = [
  /Performing controller activation/,
  /Attempting to close NetworkClient that has already been closed/,
  /Using default value .* for AuthorizerStats/,
  /is deprecated/i,
  /ISR .* is below min/,
  /Reset topic partition .* offset to/,
  // On a busy machine a Kafka of one node registers with itself before it has become the leader; it
  // tries again, and serves only when that succeeded.
  /Unexpected error handling request RequestHeader\(apiKey=CONTROLLER_REGISTRATION/,
];

/**
 * What Kafka says besides when it recovers: a killed Millrace leaves preallocated, unwritten tails, and a
 * high watermark may not have been written down since the log start moved.
 */
const HARMLESS_AFTER_KILL = [
  ...HARMLESS,
  /Found invalid messages in log segment/,
  /Corruption found in segment/,
  /Non-monotonic update of high watermark .* to \(offset=0, /,
];

function complaintsOf(kafka: Kafka, harmless: readonly RegExp[]): string[] {
  return kafka.log.split("\n").filter((line) =>
    /\] (WARN|ERROR|FATAL) /.test(line) && !harmless.some((pattern) => pattern.test(line)));
}

/** Logs that Kafka scanned at its start. After a clean stop: the metadata log alone, as always. */
function recoveredLogs(kafka: Kafka): string[] {
  const lines = kafka.log.matchAll(/partition=([^,]+), [^\n]*Recovering unflushed segment/g);
  return [...new Set([...lines].map((match) => match[1]!))].sort();
}

const roots: string[] = [];
function newDir(): string {
  const root = mkdtempSync(join(tmpdir(), "millrace-exchange-"));
  roots.push(root);
  return join(root, "data");
}
afterEach(async () => {
  await Program.killAll();
});
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

type End = "stop" | "kill";

/** Starts Millrace, does the work, ends it, and looks for damage. */
async function withMillrace<T>(dataDir: string, end: End, work: (broker: Millrace) => Promise<T>): Promise<T> {
  const broker = await Millrace.start({ dataDir });
  const result = await work(broker);
  await (end === "stop" ? broker.stop() : broker.kill());
  expect(await problemsIn(dataDir), "millrace check").toBe("");
  return result;
}

/** `before` is how the broker before it ended. */
async function withKafka<T>(
  dataDir: string,
  { before, end }: { readonly before: End; readonly end: End },
  work: (kafka: Kafka) => Promise<T>,
  properties: Readonly<Record<string, string>> = {},
): Promise<T> {
  const kafka = await Kafka.start({ dataDir, properties });
  const result = await work(kafka);
  await (end === "stop" ? kafka.stop() : kafka.kill());
  const harmless = before === "kill" ? HARMLESS_AFTER_KILL : HARMLESS;
  expect(complaintsOf(kafka, harmless), "Kafka's complaints").toEqual([]);
  return result;
}

async function expectSame(expected: Everything, address: string): Promise<void> {
  expect(differences(expected, await readEverything(address))).toEqual([]);
}

/** After a kill of Kafka: it may have forgotten which records were deleted, none else. */
async function expectSameBehindStarts(expected: Everything, address: string): Promise<void> {
  expect(differences(expected, withoutFront(await readEverything(address), expected))).toEqual([]);
}

describe.skipIf(WHY_NOT !== null)("one directory, two brokers", () => {
  for (const end of ["stop", "kill"] as const) {
    test(`Kafka opens what Millrace wrote before a ${end}, and gives it back`, async () => {
      const dataDir = newDir();
      const written = await withMillrace(dataDir, end, async (broker) => {
        await fillBroker(broker.address, "m");
        return readEverything(broker.address);
      });
      expect(Object.keys(written).length).toBe(5 * 2 + 1 + 1 + 3);
      const both = await withKafka(dataDir, { before: end, end }, async (kafka) => {
        await expectSame(written, kafka.address);
        expect(await topicConfigs(kafka.address, "m-empty")).toEqual({ "max.message.bytes": "123456" });
        if (end === "stop") expect(recoveredLogs(kafka)).toEqual(["__cluster_metadata-0"]);
        await fillBroker(kafka.address, "k");
        return readEverything(kafka.address);
      });
      const all = await withMillrace(dataDir, "stop", async (broker) => {
        await (end === "stop" ? expectSame : expectSameBehindStarts)(both, broker.address);
        expect(await topicConfigs(broker.address, "k-empty")).toEqual({ "max.message.bytes": "123456" });
        await fillBroker(broker.address, "m2");
        return readEverything(broker.address);
      });
      await withKafka(dataDir, { before: "stop", end: "stop" }, (kafka) => expectSame(all, kafka.address));
    }, TIMEOUT_MS);
  }

  test("the server.properties of the README opens a directory that Millrace wrote", async () => {
    const readme = readFileSync(join(import.meta.dir, "../../../README.md"), "utf8");
    const page = /^```properties\n([^]*?)^```$/m.exec(readme)![1]!;
    const dataDir = newDir();
    const written = await withMillrace(dataDir, "stop", async (broker) => {
      await fillBroker(broker.address, "m");
      return readEverything(broker.address);
    });
    const kafka = await Kafka.start({
      dataDir,
      propertiesText: ({ client, controller }) =>
        page.replaceAll(":9092", `:${client}`).replaceAll(":9093", `:${controller}`)
          .replace(/^log\.dirs=.*$/m, `log.dirs=${dataDir}`),
    });
    await expectSame(written, kafka.address);
    await kafka.stop();
    expect(complaintsOf(kafka, HARMLESS)).toEqual([]);
  }, TIMEOUT_MS);

  test("Millrace opens a directory whose metadata Kafka has snapshotted, and Kafka opens it again", async () => {
    const dataDir = newDir();
    const properties = { "metadata.log.max.record.bytes.between.snapshots": "3000" };
    await formatKafka({ dataDir, properties });
    const written = await withKafka(dataDir, { before: "stop", end: "stop" }, async (kafka) => {
      await fillBroker(kafka.address, "k");
      return readEverything(kafka.address);
    }, properties);
    const both = await withMillrace(dataDir, "stop", async (broker) => {
      await expectSame(written, broker.address);
      await fillBroker(broker.address, "m");
      return readEverything(broker.address);
    });
    await withKafka(dataDir, { before: "stop", end: "stop" }, (kafka) => expectSame(both, kafka.address), properties);
  }, TIMEOUT_MS);

  test("producers go on while Millrace and Kafka take turns, each killed under load", async () => {
    const dataDir = newDir();
    const seed = seedFromEnvironment();
    const load = new Load({
      topics: [
        { name: "plain", partitions: 2, configs: {} },
        { name: "rolled-often", partitions: 1, configs: { "segment.ms": "100" } },
        { name: "rolled-by-size", partitions: 1, configs: { "segment.bytes": "1048576" } },
      ],
      idempotentProducers: 2,
      plainProducers: 1,
      inFlightMax: 5,
      recordsPerBatchMax: 20,
      valueBytesMax: 200,
      random: new SeededRandom(seed),
      pauseMs: 1,
    });
    for (let round = 0; round < 6; round++) {
      const isKafka = round % 2 === 1;
      const broker = isKafka ? await Kafka.start({ dataDir }) : await Millrace.start({ dataDir });
      if (round === 0) await load.createTopics(broker.port);
      const where = `seed ${seed}, round ${round} on ${isKafka ? "Kafka" : "Millrace"}`;
      if (isKafka) {
        expect(await load.verify(broker.port, true), where).toEqual([]);
        load.acknowledgeStored();
      }
      await load.settle(broker.port); // what the other left unanswered: stored there or not, never twice
      expect(await load.verify(broker.port, true), where).toEqual([]);
      const running = load.run(broker.port);
      await Bun.sleep(UNDER_LOAD_MS);
      await broker.kill();
      await running;
      if (!isKafka) expect(await problemsIn(dataDir), where).toBe("");
    }
    const last = await Millrace.start({ dataDir });
    await load.settle(last.port);
    expect(await load.verify(last.port, true), `seed ${seed}, at last`).toEqual([]);
    await last.stop();
    expect(await problemsIn(dataDir)).toBe("");
    expect(load.acknowledgedRecords).toBeGreaterThan(1_000);
  }, TIMEOUT_MS);

  for (const name of ["clean", "killed", "snapshotted", "trimmed", "transactions"] as const satisfies GoldenName[]) {
    test(`the golden directory "${name}" serves the same from both, by turns`, async () => {
      const golden = unpackGolden(name);
      try {
        const first = await withMillrace(golden.dir, "kill", async (broker) => {
          const found = await readEverything(broker.address);
          for (const [topic, records] of Object.entries(golden.records)) {
            // kcat passes over control records and aborted ones; so many it must be at least.
            const read = Object.entries(found).filter(([key]) => key.replace(/-\d+$/, "") === topic);
            const count = read.reduce((sum, [, content]) => sum + content.records.length, 0);
            expect(count, topic).toBeGreaterThanOrEqual(records.length);
          }
          await fillBroker(broker.address, "m");
          return readEverything(broker.address);
        });
        const second = await withKafka(golden.dir, { before: "kill", end: "kill" }, async (kafka) => {
          await expectSame(first, kafka.address);
          await fillBroker(kafka.address, "k");
          return readEverything(kafka.address);
        });
        await withMillrace(golden.dir, "stop", (broker) => expectSameBehindStarts(second, broker.address));
      } finally {
        golden.remove();
      }
    }, TIMEOUT_MS);
  }
});
