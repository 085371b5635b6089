/**
 * Appends to an embedded log for a while and prints what it measured, in the form of the floors:
 *
 *   bun bench/load/embed_child.ts --dir DIR --mode batches|records|pipelined [--duration-ms 2000] [--flush os]
 *
 * batches: 64 KiB batches already encoded, one after another; records: one record an append, each awaited,
 * latency from call to acknowledgement; pipelined: a hundred single records between two awaits, latency is
 * that of the group over its size. A process of its own, so that each slice starts from the same state.
 */
import { openLog } from "../../engine/embed/index.ts";
import { processCpuSeconds, processMemory } from "./machine.ts";
import type { Latency, Measured } from "./measurement.ts";

type Log = Awaited<ReturnType<typeof openLog>>;

const VALUE_BYTES = 1024;
const RECORD_OVERHEAD_BYTES = 10;
const BATCH_BYTES = 65_536;
const BATCH_HEADER_BYTES = 61;
const SINGLE_VALUE_BYTES = 100;
const PIPELINED = 100;
const WARMUP_SHARE = 0.5;
const SAMPLES_MAX = 4_000_000;

function argument(name: string, fallback: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? fallback);
}

class Samples {
  readonly #values = new Float64Array(SAMPLES_MAX);
  #count = 0;

  add(microseconds: number): void {
    this.#values[this.#count++ % SAMPLES_MAX] = microseconds;
  }

  get latency(): Latency {
    const sorted = this.#values.subarray(0, Math.min(this.#count, SAMPLES_MAX)).sort();
    const at = (fraction: number): number => sorted[Math.floor((sorted.length - 1) * fraction)] ?? 0;
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    return { count: this.#count, mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
  }
}

/** A batch of full size as the log itself encodes it. */
async function encodedBatch(log: Log): Promise<Uint8Array> {
  const count = Math.floor((BATCH_BYTES - BATCH_HEADER_BYTES) / (VALUE_BYTES + RECORD_OVERHEAD_BYTES));
  const value = new Uint8Array(VALUE_BYTES).map((_, i) => (i * 167) & 255);
  const from = await log.append(Array.from({ length: count }, () => ({ value })));
  for await (const batch of log.readBatches({ from })) return batch.bytes.slice();
  throw new Error("the batch cannot be read back");
}

interface Result {
  readonly requests: number;
  readonly bytes: number;
}

async function appendBatches(log: Log, template: Uint8Array, untilMs: number, samples: Samples): Promise<Result> {
  const bytes = template.slice();
  let requests = 0;
  let now = performance.now();
  while (now < untilMs) {
    bytes.set(template.subarray(0, BATCH_HEADER_BYTES)); // the log stamped the last one
    await log.appendBatch(bytes);
    const after = performance.now();
    samples.add((after - now) * 1000);
    now = after;
    requests++;
  }
  return { requests, bytes: requests * bytes.length };
}

async function appendRecords(log: Log, untilMs: number, samples: Samples): Promise<Result> {
  const value = new Uint8Array(SINGLE_VALUE_BYTES).fill(90);
  let requests = 0;
  let now = performance.now();
  while (now < untilMs) {
    await log.append({ value });
    const after = performance.now();
    samples.add((after - now) * 1000);
    now = after;
    requests++;
  }
  return { requests, bytes: requests * SINGLE_VALUE_BYTES };
}

async function appendPipelined(log: Log, untilMs: number, samples: Samples): Promise<Result> {
  const value = new Uint8Array(SINGLE_VALUE_BYTES).fill(90);
  let requests = 0;
  let now = performance.now();
  while (now < untilMs) {
    const group: Promise<unknown>[] = [];
    for (let i = 0; i < PIPELINED; i++) group.push(log.append({ value }));
    await Promise.all(group);
    const after = performance.now();
    samples.add(((after - now) * 1000) / PIPELINED);
    now = after;
    requests += PIPELINED;
  }
  return { requests, bytes: requests * SINGLE_VALUE_BYTES };
}

async function main(): Promise<void> {
  const mode = argument("mode", "batches");
  const durationMs = Number(argument("duration-ms", "2000"));
  const flush = argument("flush", "os") === "commit" ? "commit" : "os";
  const log = await openLog({
    dir: argument("dir", ""),
    topic: "bench",
    partition: 0,
    flush,
    config: { "segment.bytes": String(2 ** 26), "retention.bytes": String(2 ** 27), "file.delete.delay.ms": "0" },
    properties: { "log.retention.check.interval.ms": "100", "log.initial.task.delay.ms": "0" },
  });
  const template = await encodedBatch(log);
  const run = (untilMs: number, samples: Samples): Promise<Result> => {
    if (mode === "batches") return appendBatches(log, template, untilMs, samples);
    if (mode === "pipelined") return appendPipelined(log, untilMs, samples);
    return appendRecords(log, untilMs, samples);
  };
  await run(performance.now() + durationMs * WARMUP_SHARE, new Samples());
  const samples = new Samples();
  const cpuBefore = processCpuSeconds(process.pid);
  const began = performance.now();
  const { requests, bytes } = await run(began + durationMs, samples);
  const seconds = (performance.now() - began) / 1000;
  const cpu = processCpuSeconds(process.pid) - cpuBefore;
  const memory = processMemory(process.pid);
  await log.close();
  const measured: Measured = {
    seconds,
    requests,
    requestsPerSecond: requests / seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    brokerUserSeconds: cpu,
    brokerSystemSeconds: 0,
    residentKib: memory.residentMib * 1024,
    latencyUs: samples.latency,
  };
  console.log(JSON.stringify(measured));
}

await main();
