/**
 * The load benchmarks: `bun bench/load/run.ts SCENARIO... [--quick] [--json] [--vs kafka]`; `--help` for the
 * rest. bench/README.md tells how to read the figures.
 */
import { cpus } from "node:os";
import { machineFacts } from "./machine.ts";
import { type RunOptions, runNetworkScenario } from "./network_run.ts";
import { formatOutcome, type Outcome, type Report } from "./report.ts";
import { NETWORK_SCENARIOS } from "./scenarios.ts";
import { SPECIAL_SCENARIOS } from "./special_scenarios.ts";

const USAGE = `bun bench/load/run.ts SCENARIO... [options]      ("all" runs every scenario that has a goal)
  --list               name the scenarios
  --quick              3 rounds of 1 s and nothing thrown out: an indication, not a figure to report
  --rounds N           rounds that must count (default 10)
  --duration-ms N      length of a slice (default 2000); --warmup-ms N before it (default 1000)
  --vs kafka           an Apache Kafka 4.3.1 beside (Java; Maven fetches it, or $KAFKA_LIB)
  --floors-only        without Millrace: what this machine gives
  --steal-max X        throw slices out above this share of stolen processor time (default 0.01)
  --foreign-max X      likewise for processes that are not ours (default 0.12)
  --set KEY=VALUE      a broker property of Millrace's; may be repeated
  --dir DIR            where data directories are made (default: the temporary folder)
  --seed N             of payloads and of the bootstrap (default 1)
  --json               one JSON document on the standard output; progress goes to the standard error
`;

interface Arguments {
  readonly names: readonly string[];
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly properties: Readonly<Record<string, string>>;
}

const FLAGS = new Set(["list", "quick", "json", "floors-only", "help"]);
const VALUES = new Set(["rounds", "duration-ms", "warmup-ms", "vs", "steal-max", "foreign-max", "dir", "seed"]);

function parseArguments(words: readonly string[]): Arguments {
  const names: string[] = [];
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const properties: Record<string, string> = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const name = word.slice(2);
    if (!word.startsWith("--")) names.push(word);
    else if (FLAGS.has(name)) flags.add(name);
    else if (name === "set" && i + 1 < words.length) {
      const [key, ...value] = words[++i]!.split("=");
      properties[key!] = value.join("=");
    } else if (VALUES.has(name) && i + 1 < words.length) values.set(name, words[++i]!);
    else throw new Error(`unknown option ${word}; --help lists them`);
  }
  return { names, flags, values, properties };
}

function runOptions(parsed: Arguments): RunOptions {
  const quick = parsed.flags.has("quick");
  const number = (name: string, fallback: number): number => Number(parsed.values.get(name) ?? fallback);
  return {
    rounds: number("rounds", quick ? 3 : 10),
    durationMs: number("duration-ms", quick ? 1000 : 2000),
    warmupMs: number("warmup-ms", quick ? 700 : 1000),
    seed: number("seed", 1),
    rule: {
      stealShareMax: number("steal-max", quick ? 1 : 0.01),
      foreignShareMax: number("foreign-max", quick ? 1 : 0.12),
      processors: cpus().length,
    },
    dirRoot: parsed.values.get("dir") ?? null,
    properties: parsed.properties,
    withKafka: parsed.values.get("vs") === "kafka",
    withMillrace: !parsed.flags.has("floors-only"),
    log: (line) => process.stderr.write(`${line}\n`),
  };
}

function listScenarios(): void {
  for (const scenario of [...NETWORK_SCENARIOS, ...SPECIAL_SCENARIOS]) {
    console.log(`${scenario.name.padEnd(20)} ${scenario.about}`);
  }
}

async function runScenario(name: string, options: RunOptions): Promise<Outcome> {
  const network = NETWORK_SCENARIOS.find((scenario) => scenario.name === name);
  if (network !== undefined) return runNetworkScenario(network, options);
  const special = SPECIAL_SCENARIOS.find((scenario) => scenario.name === name);
  if (special !== undefined) return special.run(options);
  throw new Error(`no scenario ${name}; --list names them`);
}

function goalScenarios(): string[] {
  const network = NETWORK_SCENARIOS.filter((scenario) => scenario.goals.length > 0);
  return [...network, ...SPECIAL_SCENARIOS].map((scenario) => scenario.name);
}

async function main(): Promise<void> {
  const parsed = parseArguments(process.argv.slice(2));
  if (parsed.flags.has("list")) return listScenarios();
  if (parsed.flags.has("help") || parsed.names.length === 0) return console.log(USAGE);
  const options = runOptions(parsed);
  const names = parsed.names.includes("all") ? goalScenarios() : parsed.names;
  const outcomes: Outcome[] = [];
  const failures: string[] = [];
  for (const name of names) {
    options.log(`${name} ...`);
    try {
      const outcome = await runScenario(name, options);
      outcomes.push(outcome);
      if (!parsed.flags.has("json")) console.log(formatOutcome(outcome));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      failures.push(`${name}: ${message}`);
      options.log(`${name} failed: ${message}`);
    }
  }
  const commandLine = ["bun", "bench/load/run.ts", ...process.argv.slice(2)].join(" ");
  const report: Report = { commandLine, seed: options.seed, machine: machineFacts(), outcomes };
  if (parsed.flags.has("json")) console.log(JSON.stringify(report, null, 1));
  else console.log(`${Object.values(report.machine).join(" | ")}\n${commandLine}, seed ${options.seed}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

await main();
