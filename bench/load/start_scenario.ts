/**
 * start: from exec of bun to the ready line and to the first Metadata answer, on a data directory that
 * exists and lies in the cache; then the memory of the idle broker.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { countBrokers, createTopic } from "./admin.ts";
import { processMemory } from "./machine.ts";
import { buildProgram } from "./native_build.ts";
import { measureWith, type RunOptions } from "./network_run.ts";
import { type Outcome, shortNumber, type Verdict } from "./report.ts";
import { quantile } from "./statistics.ts";
import { bundledEntry, millraceEntry, newDir, removeDir, startMillrace } from "./targets.ts";

const READY_MS_MAX = 30;
const IDLE_MIB_MAX = 50;
const STARTS_PER_ROUND = 2;
const TOPICS = 5;
const IDLE_MS = 3000;

interface Start {
  readonly readyMs: number;
  readonly answerMs: number;
  readonly residentMib: number;
  readonly anonymousMib: number;
}

/** A directory with topics, records and a clean stop behind it. */
async function prepareDir(root: string, options: RunOptions): Promise<string> {
  const dir = join(root, "data");
  mkdirSync(dir, { recursive: true });
  const broker = await startMillrace({
    flush: "os",
    dirRoot: root,
    properties: options.properties,
    environment: {},
    bunArguments: [],
    dir,
  });
  for (let i = 0; i < TOPICS; i++) {
    await createTopic(broker.port, { name: `bench-${i}`, partitions: 1, configs: {} });
    const load = ["--port", String(broker.port), "--topic", `bench-${i}`, "--count", "100"];
    const sizes = ["--batch-bytes", "16384", "--seed", String(options.seed)];
    await measureWith([buildProgram("generator"), ...load, ...sizes]);
  }
  await broker.stop();
  return dir;
}

async function startOnce(entry: string, dir: string, idleMs: number): Promise<Start> {
  const command = [process.execPath, entry, "serve", "--port", "0", "--dir", dir];
  const began = performance.now();
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  let text = "";
  for await (const chunk of child.stdout as ReadableStream<Uint8Array>) {
    text += new TextDecoder().decode(chunk);
    if (/127\.0\.0\.1:\d+/.test(text)) break;
  }
  const readyMs = performance.now() - began;
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(text)?.[1]);
  if (!Number.isInteger(port)) throw new Error(`no ready line: ${text}`);
  await countBrokers(port);
  const answerMs = performance.now() - began;
  if (idleMs > 0) await Bun.sleep(idleMs);
  const memory = processMemory(child.pid);
  child.kill("SIGTERM");
  await child.exited;
  return { readyMs, answerMs, ...memory };
}

export async function runStartScenario(options: RunOptions): Promise<Outcome> {
  const root = newDir(options.dirRoot, "start");
  const entries = { bundle: bundledEntry(), sources: millraceEntry() } as const;
  const starts: Record<keyof typeof entries, Start[]> = { bundle: [], sources: [] };
  try {
    const dir = await prepareDir(root, options);
    for (const name of ["bundle", "sources"] as const) {
      await startOnce(entries[name], dir, 0);
      for (let i = 0; i < options.rounds * STARTS_PER_ROUND; i++) {
        const start = await startOnce(entries[name], dir, i === 0 ? IDLE_MS : 0);
        starts[name].push(start);
        options.log(`  ${name}: ready ${start.readyMs.toFixed(1)} ms, answer ${start.answerMs.toFixed(1)} ms`);
      }
    }
  } finally {
    removeDir(root);
  }
  return summarize(starts.bundle, starts.sources);
}

function summarize(bundle: readonly Start[], sources: readonly Start[]): Outcome {
  const spread = (starts: readonly Start[], pick: (start: Start) => number): string[] =>
    [0, 0.5, 0.9].map((fraction) => shortNumber(quantile(starts.map(pick), fraction)));
  const readyMs = quantile(bundle.map((start) => start.readyMs), 0.5);
  const idleMib = bundle[0]!.residentMib;
  const verdicts: Verdict[] = [
    { goal: `at most ${READY_MS_MAX} ms to ready`, value: readyMs, met: readyMs <= READY_MS_MAX },
    { goal: `at most ${IDLE_MIB_MAX} MiB idle`, value: idleMib, met: idleMib <= IDLE_MIB_MAX },
  ];
  return {
    scenario: "start",
    about: "exec of bun to ready on an existing directory",
    table: [
      ["", "fastest", "median", "p90"],
      ["bundle: ready line, ms", ...spread(bundle, (start) => start.readyMs)],
      ["bundle: first answer, ms", ...spread(bundle, (start) => start.answerMs)],
      ["sources: ready line, ms", ...spread(sources, (start) => start.readyMs)],
      ["sources: first answer, ms", ...spread(sources, (start) => start.answerMs)],
    ],
    verdicts,
    notes: [bundle, sources].map(
      (starts, i) =>
        `idle after ${IDLE_MS / 1000} s, ${i === 0 ? "bundle" : "sources"}: ` +
        `${shortNumber(starts[0]!.residentMib)} MiB resident, ` +
        `${shortNumber(starts[0]!.anonymousMib)} of them anonymous`,
    ),
    details: { bundle, sources },
  };
}
