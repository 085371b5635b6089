/**
 * The network scenarios as data: what the generator does, what runs beside the broker as a floor, and the
 * goal. Scenarios of another shape (start, heap, cold, embed) have files of their own.
 */
import type { Program } from "./native_build.ts";

export type Metric = "megabytesPerSecond" | "requestsPerSecond";

export type FloorSpec =
  | { readonly kind: "server"; readonly program: Program; readonly options: readonly string[] }
  | { readonly kind: "program"; readonly program: Program; readonly options: readonly string[] }
  | { readonly kind: "bun" };

/** A bound on a figure of ours, or on its ratio to the first floor. */
export interface Goal {
  readonly figure: Metric | "ratio" | "cpuSecondsPerGib" | "cpuUsPerRequest" | "p50Us" | "p99Us";
  readonly bound: "at least" | "at most";
  readonly value: number;
}

export interface NetworkScenario {
  readonly name: string;
  readonly about: string;
  readonly metric: Metric;
  readonly flush: "os" | "commit";
  readonly generator: Readonly<Record<string, string | number>>;
  /** Batches stored before a fetch scenario; null for produce. */
  readonly fillBatches: number | null;
  readonly floors: readonly FloorSpec[];
  readonly goals: readonly Goal[];
  /** Slices that write gigabytes are preceded by touching memory. */
  readonly touchesMemory: boolean;
}

const RECORD = 1024;
const MIB = 2 ** 20;

function produceFloor(...options: string[]): FloorSpec {
  return { kind: "server", program: "produce", options };
}

function atLeast(figure: Goal["figure"], value: number): Goal {
  return { figure, bound: "at least", value };
}

function atMost(figure: Goal["figure"], value: number): Goal {
  return { figure, bound: "at most", value };
}

function produce(
  name: string,
  about: string,
  generator: Record<string, string | number>,
  goals: readonly Goal[],
): NetworkScenario {
  return {
    name,
    about,
    metric: "megabytesPerSecond",
    flush: "os",
    generator: { "mode": "produce", "value-bytes": RECORD, "acks": 1, ...generator },
    fillBatches: null,
    floors: [produceFloor()],
    goals,
    touchesMemory: true,
  };
}

function small(
  name: string,
  about: string,
  generator: Record<string, string | number>,
  goals: readonly Goal[],
): NetworkScenario {
  return {
    ...produce(name, about, { "batch-bytes": 170, "value-bytes": 100, ...generator }, goals),
    metric: "requestsPerSecond",
    floors: [produceFloor(), { kind: "bun" }],
    touchesMemory: false,
  };
}

function fetch(
  name: string,
  about: string,
  setting: { batchBytes: number; batches: number; connections: number; floors: FloorSpec[] },
  rest: Pick<NetworkScenario, "metric" | "goals">,
): NetworkScenario {
  const { batchBytes, batches, connections, floors } = setting;
  return {
    name,
    about,
    flush: "os",
    generator: {
      mode: "fetch",
      "batch-bytes": batchBytes,
      "value-bytes": batchBytes > 1000 ? RECORD : 100,
      batches,
      connections,
    },
    fillBatches: batches,
    floors,
    touchesMemory: false,
    ...rest,
  };
}

function fetchFloor(batchBytes: number, batches: number, ...options: string[]): FloorSpec {
  const sizes = ["--batch-bytes", String(batchBytes), "--batches", String(batches)];
  const values = ["--value-bytes", String(batchBytes > 1000 ? RECORD : 100)];
  return { kind: "server", program: "fetch", options: [...sizes, ...values, ...options] };
}

function durable(
  name: string,
  about: string,
  generator: Record<string, string | number>,
  goals: readonly Goal[],
): NetworkScenario {
  return {
    ...produce(name, about, { "batch-bytes": 1100, ...generator }, goals),
    metric: "requestsPerSecond",
    flush: "commit",
    floors: [{ kind: "program", program: "fdatasync", options: [] }],
    touchesMemory: false,
  };
}

export const NETWORK_SCENARIOS: readonly NetworkScenario[] = [
  produce(
    "produce-1m",
    "1 MiB batches of 1 KB records, one connection, five in flight",
    { "batch-bytes": MIB, "connections": 1, "in-flight": 5 },
    [atLeast("ratio", 0.6), atMost("cpuSecondsPerGib", 0.7)],
  ),
  produce(
    "produce-256k",
    "256 KiB batches of 1 KB records, one connection, five in flight",
    { "batch-bytes": MIB / 4, "connections": 1, "in-flight": 5 },
    [atLeast("ratio", 0.6), atMost("cpuSecondsPerGib", 0.9)],
  ),
  produce(
    "produce-16k",
    "16 KiB batches of 1 KB records, ten connections, five in flight each",
    { "batch-bytes": MIB / 64, "connections": 10, "in-flight": 5 },
    [],
  ),
  produce(
    "produce-256k-16p",
    "256 KiB batches spread over 16 partitions, four connections, five in flight each",
    { "batch-bytes": MIB / 4, "connections": 4, "in-flight": 5, "partitions": 16 },
    [],
  ),
  small(
    "small-100x1",
    "one 100 B record a request, 100 connections, one in flight each",
    { "connections": 100, "in-flight": 1 },
    [atLeast("requestsPerSecond", 100_000)],
  ),
  small(
    "small-10x100",
    "one 100 B record a request, 10 connections, 100 in flight each, five requests a write",
    { "connections": 10, "in-flight": 100, "coalesce": 5 },
    [atLeast("requestsPerSecond", 250_000)],
  ),
  small(
    "small-10x10",
    "one 100 B record a request, 10 connections, 10 in flight each, a write a request",
    { "connections": 10, "in-flight": 10 },
    [],
  ),
  small(
    "open-10k",
    "10,000 requests a second of one 1 KB record, open loop, 10 connections",
    { "connections": 10, "in-flight": 100, "rate": 10_000, "batch-bytes": 1100, "value-bytes": RECORD },
    [],
  ),
  fetch(
    "fetch-1m",
    "1 MiB answers from the page cache, one consumer",
    { batchBytes: MIB, batches: 512, connections: 1, floors: [fetchFloor(MIB, 512)] },
    { metric: "megabytesPerSecond", goals: [atLeast("ratio", 0.95), atMost("cpuSecondsPerGib", 0.2)] },
  ),
  fetch(
    "fetch-1m-10",
    "1 MiB answers from the page cache, ten consumers",
    { batchBytes: MIB, batches: 512, connections: 10, floors: [fetchFloor(MIB, 512)] },
    { metric: "megabytesPerSecond", goals: [] },
  ),
  fetch(
    "fetch-16k-100",
    "16 KiB answers from the page cache, 100 consumers",
    {
      batchBytes: MIB / 64,
      batches: 16_384,
      connections: 100,
      floors: [fetchFloor(MIB / 64, 16_384, "--way", "pread"), fetchFloor(MIB / 64, 16_384)],
    },
    { metric: "requestsPerSecond", goals: [atLeast("ratio", 0.75)] },
  ),
  fetch(
    "fetch-170b-100",
    "answers of one 100 B record, 100 consumers",
    { batchBytes: 170, batches: 16_384, connections: 100, floors: [fetchFloor(170, 16_384, "--way", "pread")] },
    { metric: "requestsPerSecond", goals: [] },
  ),
  durable(
    "durable-1",
    "durable acks, 1 KB, one partition, one in flight",
    { "connections": 1, "in-flight": 1 },
    [atLeast("ratio", 0.75)],
  ),
  durable(
    "durable-16",
    "durable acks, 1 KB, one partition, 16 in flight on 4 connections",
    { "connections": 4, "in-flight": 4 },
    [atLeast("requestsPerSecond", 80_000)],
  ),
  durable(
    "durable-128",
    "durable acks, 1 KB, one partition, 128 in flight on 4 connections",
    { "connections": 4, "in-flight": 32, "coalesce": 5 },
    [atLeast("requestsPerSecond", 250_000), atMost("p99Us", 1500)],
  ),
];
