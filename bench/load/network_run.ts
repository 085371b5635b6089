/**
 * Runs one network scenario: starts every target, then takes slices in turn (ours, floor, ours, floor ...),
 * each with a topic of its own, until enough rounds count.
 */
import { createTopic, deleteTopic } from "./admin.ts";
import { touchMemory } from "./machine.ts";
import { foreignShare, type Measured, reasonToThrowOut, type RejectRule, type Slice } from "./measurement.ts";
import { buildProgram } from "./native_build.ts";
import { compare, describeComparison, figureTable, judge, medianFigures, type Outcome, shortNumber } from "./report.ts";
import type { FloorSpec, NetworkScenario } from "./scenarios.ts";
import { newDir, removeDir, startBunFloor, startFloor, startKafka, startMillrace, type Target } from "./targets.ts";

export interface RunOptions {
  readonly rounds: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  readonly seed: number;
  readonly rule: RejectRule;
  readonly dirRoot: string | null;
  /** Broker properties of Millrace's. */
  readonly properties: Readonly<Record<string, string>>;
  readonly withKafka: boolean;
  readonly withMillrace: boolean;
  readonly log: (line: string) => void;
}

/** How many more slices than rounds are tried before the run gives up on a disturbed machine. */
const ATTEMPTS_PER_ROUND = 3;
/** A JVM compiles for about a minute before it is itself. */
const KAFKA_WARMUP_MS = 60_000;
const KAFKA_WARMUP_QUICK_MS = 10_000;
const FILL_IN_FLIGHT = 8;

/**
 * About 300 MiB live at any time, like the floor's: a page that is freed and taken again at once is still
 * backed by the host, one that stays free for two seconds is not, and writing it costs five times as much.
 */
const PRODUCE_TOPIC = {
  "segment.bytes": String(64 * 2 ** 20),
  "retention.bytes": String(128 * 2 ** 20),
  "file.delete.delay.ms": "0",
} as const;
const BROKER_PROPERTIES = {
  "log.retention.check.interval.ms": "100",
  "log.initial.task.delay.ms": "100",
} as const;

interface Lane {
  readonly name: string;
  readonly target: Target | null;
  /** For a floor without a socket: its command, and the folder it writes in. */
  readonly program: readonly string[] | null;
  readonly programDir: string | null;
  readonly topicConfigs: Readonly<Record<string, string>>;
}

export function generatorCommand(settings: Readonly<Record<string, string | number>>): string[] {
  const options = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]);
  return [buildProgram("generator"), ...options];
}

/** Runs a measuring program to its end; what it prints is its result. */
export async function measureWith(command: readonly string[]): Promise<Measured> {
  const child = Bun.spawn([...command], { stdout: "pipe", stderr: "pipe" });
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")}: ${errors.trim()}`);
  return JSON.parse(output) as Measured;
}

async function startFloorLane(floor: FloorSpec, options: RunOptions): Promise<Lane> {
  if (floor.kind === "program") {
    const dir = newDir(options.dirRoot, "floor");
    const duration = ["--duration-ms", String(options.durationMs)];
    const program = [buildProgram(floor.program), "--dir", dir, ...floor.options, ...duration];
    return { name: `floor ${floor.program}`, target: null, program, programDir: dir, topicConfigs: {} };
  }
  const target =
    floor.kind === "bun"
      ? await startBunFloor("bench", options.dirRoot)
      : await startFloor(floor.program, floor.options, options.dirRoot);
  return { name: target.name, target, program: null, programDir: null, topicConfigs: {} };
}

async function startLanes(scenario: NetworkScenario, options: RunOptions): Promise<Lane[]> {
  const lanes: Lane[] = [];
  const broker = {
    flush: scenario.flush,
    dirRoot: options.dirRoot,
    properties: BROKER_PROPERTIES,
    environment: {},
    bunArguments: [],
  } as const;
  const asLane = (target: Target): Lane => ({
    name: target.name,
    target,
    program: null,
    programDir: null,
    topicConfigs: target.topicConfigs,
  });
  try {
    if (options.withMillrace) {
      const properties = { ...broker.properties, ...options.properties };
      lanes.push(asLane(await startMillrace({ ...broker, properties })));
    }
    for (const floor of scenario.floors) lanes.push(await startFloorLane(floor, options));
    if (options.withKafka) lanes.push(asLane(await startKafka(broker)));
    return lanes;
  } catch (error) {
    await stopLanes(lanes);
    throw error;
  }
}

async function stopLanes(lanes: readonly Lane[]): Promise<void> {
  await Promise.all(lanes.map((lane) => lane.target?.stop()));
  for (const { programDir } of lanes) {
    if (programDir !== null) removeDir(programDir);
  }
}

async function prepareTopic(lane: Lane, scenario: NetworkScenario, topic: string): Promise<void> {
  const target = lane.target;
  if (target === null || !target.isBroker) return;
  const partitions = Number(scenario.generator["partitions"] ?? 1);
  const retention = scenario.fillBatches === null ? PRODUCE_TOPIC : {};
  await createTopic(target.port, { name: topic, partitions, configs: { ...retention, ...lane.topicConfigs } });
  if (scenario.fillBatches === null) return;
  const { connections: _, verify: __, ...rest } = scenario.generator;
  const fill = {
    ...rest,
    mode: "produce",
    topic,
    port: target.port,
    count: scenario.fillBatches,
    "in-flight": FILL_IN_FLIGHT,
  };
  const filled = await measureWith(generatorCommand(fill));
  if ((filled.errors ?? 0) > 0) throw new Error(`filling ${lane.name}: ${filled.firstProblem}`);
}

async function takeSlice(lane: Lane, settings: Readonly<Record<string, string | number>>): Promise<Measured> {
  if (lane.program !== null) return measureWith(lane.program);
  const target = lane.target!;
  return measureWith(generatorCommand({ ...settings, port: target.port, pid: target.pid }));
}

class NetworkRun {
  readonly #scenario: NetworkScenario;
  readonly #options: RunOptions;
  readonly #lanes: readonly Lane[];
  readonly #slices: Slice[] = [];
  #topics = 0;

  constructor(scenario: NetworkScenario, options: RunOptions, lanes: readonly Lane[]) {
    this.#scenario = scenario;
    this.#options = options;
    this.#lanes = lanes;
  }

  async slices(): Promise<readonly Slice[]> {
    const { rounds, durationMs } = this.#options;
    const keepsTopic = this.#scenario.fillBatches !== null;
    if (keepsTopic) {
      for (const lane of this.#lanes) await prepareTopic(lane, this.#scenario, "bench");
    }
    const kafka = this.#lanes.find((lane) => lane.name.startsWith("kafka"));
    if (kafka !== undefined) {
      await this.#slice(kafka, durationMs < 1500 ? KAFKA_WARMUP_QUICK_MS : KAFKA_WARMUP_MS);
    }
    let complete = 0;
    for (let round = 0; complete < rounds && round < rounds * ATTEMPTS_PER_ROUND; round++) {
      let whole = true;
      for (const lane of this.#lanes) {
        if (this.#scenario.touchesMemory) touchMemory();
        const slice = await this.#measure(lane, round);
        this.#slices.push(slice);
        this.#options.log(sliceLine(slice, this.#options.rule.processors));
        whole &&= slice.thrownOut === null;
      }
      if (whole) complete++;
    }
    return this.#slices;
  }

  async #measure(lane: Lane, round: number): Promise<Slice> {
    const measured = await this.#slice(lane, this.#options.durationMs);
    return {
      target: lane.name,
      round,
      measured,
      thrownOut: reasonToThrowOut(measured, this.#options.rule),
    };
  }

  async #slice(lane: Lane, durationMs: number): Promise<Measured> {
    const keepsTopic = this.#scenario.fillBatches !== null;
    const ownTopic = !keepsTopic && lane.target?.isBroker === true;
    const topic = ownTopic ? `bench-${this.#topics++}` : "bench";
    if (ownTopic) await prepareTopic(lane, this.#scenario, topic);
    const measured = await takeSlice(lane, {
      ...this.#scenario.generator,
      topic,
      "warmup-ms": this.#options.warmupMs,
      "duration-ms": durationMs,
      seed: this.#options.seed,
    });
    if (ownTopic) await deleteTopic(lane.target!.port, topic);
    return measured;
  }
}

function sliceLine(slice: Slice, processors: number): string {
  const { measured } = slice;
  const rate = `${shortNumber(measured.megabytesPerSecond ?? Number.NaN)} MB/s`;
  const others = `others ${(foreignShare(measured, processors) * 100).toFixed(0)} %`;
  const steal = `steal ${(measured.stealSeconds ?? 0).toFixed(2)} s`;
  const fate = slice.thrownOut === null ? "" : `  thrown out: ${slice.thrownOut}`;
  return `  ${slice.round} ${slice.target}: ${rate}, ${shortNumber(measured.requestsPerSecond)} req/s, ${others}, ${steal}${fate}`;
}

export async function runNetworkScenario(scenario: NetworkScenario, options: RunOptions): Promise<Outcome> {
  const lanes = await startLanes(scenario, options);
  try {
    const slices = await new NetworkRun(scenario, options, lanes).slices();
    return summarize(scenario, lanes, slices, options);
  } finally {
    await stopLanes(lanes);
  }
}

function summarize(
  scenario: NetworkScenario,
  lanes: readonly Lane[],
  slices: readonly Slice[],
  options: RunOptions,
): Outcome {
  const names = lanes.map((lane) => lane.name);
  const ours = names[0]!;
  const others = names.slice(1);
  const comparisons = others.map((name) => compare(slices, [ours, name], scenario.metric, options.seed));
  const kept = slices.filter((slice) => slice.target === ours && slice.thrownOut === null);
  const figures = medianFigures(kept);
  const verdicts = options.withMillrace
    ? scenario.goals.map((goal) => judge(goal, figures, comparisons[0]?.ratio ?? null))
    : [];
  return {
    scenario: scenario.name,
    about: scenario.about,
    table: figureTable(names, slices),
    verdicts,
    notes: comparisons.map((comparison) => describeComparison(ours, scenario.metric, comparison)),
    details: {
      metric: scenario.metric,
      generator: scenario.generator,
      commands: lanes.map((lane) => lane.target?.commandLine ?? lane.program?.join(" ")),
      comparisons,
      medians: Object.fromEntries(
        names.map((name) => [
          name,
          medianFigures(slices.filter((slice) => slice.target === name && slice.thrownOut === null)),
        ]),
      ),
      slices,
    },
  };
}
