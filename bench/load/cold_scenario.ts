/**
 * cold: does a reader of cold data move the tail of a hot producer? Slices in turn: the producer alone,
 * and with a consumer that reads a log that is not in the page cache, evicted before each slice.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createTopic } from "./admin.ts";
import { touchMemory } from "./machine.ts";
import type { Measured } from "./measurement.ts";
import { buildProgram } from "./native_build.ts";
import { measureWith, type RunOptions } from "./network_run.ts";
import { type Outcome, shortNumber, type Verdict } from "./report.ts";
import { bootstrapMedian, median } from "./statistics.ts";
import { startKafka, startMillrace, type Target } from "./targets.ts";

const RATIO_MAX = 1.5;
const COLD_GIB = 10;
const COLD_GIB_QUICK = 3;
const BATCH_BYTES = 2 ** 20;
const HOT_RATE = 2000;
const QUICK_ROUNDS = 3;
/** A device of these machines reads about 2.5 GB/s: the reader must not reach the end and start over. */
const COLD_BYTES_PER_MS = 2.6e6;
const WARMUP_SHARE = 0.2;
const HEADER = [
  "target", "p50 alone", "p99 alone", "p50 beside", "p99 beside", "reader MB/s", "p99 ratio",
] as const;

interface Size {
  readonly batches: number;
  readonly warmupMs: number;
  readonly durationMs: number;
}

function sizeOf(gib: number): Size {
  const totalMs = (gib * 2 ** 30) / COLD_BYTES_PER_MS;
  const warmupMs = Math.round(totalMs * WARMUP_SHARE);
  return { batches: gib * 1024, warmupMs, durationMs: Math.round(totalMs) - warmupMs };
}

function window(size: Size): string[] {
  return ["--warmup-ms", String(size.warmupMs), "--duration-ms", String(size.durationMs)];
}

interface Round {
  readonly alone: Measured;
  readonly beside: Measured;
  readonly cold: Measured;
}

function hotCommand(broker: Target, size: Size): string[] {
  return [
    buildProgram("generator"),
    ...["--port", String(broker.port), "--pid", String(broker.pid), "--topic", "hot"],
    ...["--batch-bytes", "1100", "--connections", "4", "--in-flight", "100", "--rate", String(HOT_RATE)],
    ...window(size),
  ];
}

function coldCommand(broker: Target, size: Size): string[] {
  return [
    buildProgram("generator"),
    ...["--mode", "fetch", "--port", String(broker.port), "--topic", "cold"],
    ...["--batch-bytes", String(BATCH_BYTES), "--batches", String(size.batches)],
    ...window(size),
  ];
}

function evictCold(dir: string): void {
  const files = (readdirSync(dir, { recursive: true }) as string[])
    .filter((name) => /(^|\/)cold-0\/.*\.log$/.test(name))
    .map((name) => join(dir, name));
  const result = Bun.spawnSync([buildProgram("evict"), ...files]);
  if (!result.success) throw new Error(`evicting: ${result.stderr.toString()}`);
}

async function fill(broker: Target, batches: number): Promise<void> {
  const retention = { "retention.bytes": String(2 ** 28), "segment.bytes": String(2 ** 27) };
  await createTopic(broker.port, { name: "hot", partitions: 1, configs: retention });
  await createTopic(broker.port, { name: "cold", partitions: 1, configs: {} });
  const load = ["--port", String(broker.port), "--topic", "cold", "--count", String(batches)];
  const sizes = ["--batch-bytes", String(BATCH_BYTES), "--in-flight", "4"];
  const filled = await measureWith([buildProgram("generator"), ...load, ...sizes]);
  if ((filled.errors ?? 0) > 0) throw new Error(`filling: ${filled.firstProblem}`);
}

async function takeRounds(broker: Target, size: Size, options: RunOptions): Promise<Round[]> {
  const taken: Round[] = [];
  for (let i = 0; i < options.rounds; i++) {
    touchMemory();
    const alone = await measureWith(hotCommand(broker, size));
    evictCold(broker.dir);
    const [beside, cold] = await Promise.all([
      measureWith(hotCommand(broker, size)),
      measureWith(coldCommand(broker, size)),
    ]);
    taken.push({ alone, beside, cold });
    options.log(
      `  ${broker.name} ${i} p99 ${shortNumber(alone.latencyUs.p99)} us alone, ` +
        `${shortNumber(beside.latencyUs.p99)} us beside a reader of ` +
        `${shortNumber(cold.megabytesPerSecond ?? Number.NaN)} MB/s`,
    );
  }
  return taken;
}

export async function runColdScenario(options: RunOptions): Promise<Outcome> {
  const quick = options.rounds <= QUICK_ROUNDS;
  const size = sizeOf(quick ? COLD_GIB_QUICK : COLD_GIB);
  const broker = {
    flush: "os",
    dirRoot: options.dirRoot,
    properties: options.properties,
    environment: {},
    bunArguments: [],
  } as const;
  const results: { name: string; rounds: Round[] }[] = [];
  const starts = options.withMillrace ? [startMillrace] : [];
  if (options.withKafka) starts.push(startKafka);
  for (const start of starts) {
    const target = await start(broker);
    try {
      await fill(target, size.batches);
      results.push({ name: target.name, rounds: await takeRounds(target, size, options) });
    } finally {
      await target.stop();
    }
  }
  const rows: string[][] = [];
  const verdicts: Verdict[] = [];
  for (const { name, rounds } of results) {
    const pick = (get: (round: Round) => number): string => shortNumber(median(rounds.map(get)));
    const ratios = rounds.map((round) => round.beside.latencyUs.p99 / round.alone.latencyUs.p99);
    const ratio = bootstrapMedian(ratios, options.seed);
    rows.push([
      name,
      pick((round) => round.alone.latencyUs.p50),
      pick((round) => round.alone.latencyUs.p99),
      pick((round) => round.beside.latencyUs.p50),
      pick((round) => round.beside.latencyUs.p99),
      pick((round) => round.cold.megabytesPerSecond ?? Number.NaN),
      `${shortNumber(ratio.median)} [${shortNumber(ratio.low)}, ${shortNumber(ratio.high)}]`,
    ]);
    if (name === "millrace") {
      const goal = `at most ${RATIO_MAX} times the p99 alone`;
      verdicts.push({ goal, value: ratio.median, met: ratio.median <= RATIO_MAX });
    }
  }
  return {
    scenario: "cold",
    about:
      `${HOT_RATE} requests/s of 1 KB, with and without a reader of ` +
      `${size.batches / 1024} GiB of cold log`,
    table: [HEADER, ...rows],
    verdicts,
    notes: ["latencies in microseconds from the intended send time"],
    details: { results },
  };
}
