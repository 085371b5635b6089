/**
 * heap: JavaScript heap that the broker allocates for one request. The broker runs with garbage
 * collection off, so the growth of its heap over a known number of requests is exactly what they
 * allocated (cells and small typed arrays; the bytes of received buffers lie outside that heap).
 */
import { join } from "node:path";
import { createTopic } from "./admin.ts";
import { generatorCommand, measureWith, type RunOptions } from "./network_run.ts";
import { type Outcome, shortNumber, type Verdict } from "./report.ts";
import { newDir, removeDir, startMillrace, type Target } from "./targets.ts";

const HEAP_PER_REQUEST_MAX = 2048;
const WARMUP_REQUESTS = 20_000;
const COLLECTION_OFF = { BUN_JSC_useGC: "0" } as const;

interface Load {
  readonly name: string;
  readonly generator: Readonly<Record<string, string | number>>;
  /** Requests measured, after as many to warm up; nothing is collected, so the buffers pile up. */
  readonly requests: number;
}

const KIB = 1024;
const SIZES: readonly Load[] = [
  { name: "1 record of 100 B", generator: { "batch-bytes": 170, "value-bytes": 100 }, requests: 20_000 },
  { name: "15 records of 1 KB", generator: { "batch-bytes": 16 * KIB, "value-bytes": KIB }, requests: 8_000 },
  { name: "140 records of 100 B", generator: { "batch-bytes": 16 * KIB, "value-bytes": 100 }, requests: 8_000 },
  { name: "253 records of 1 KB", generator: { "batch-bytes": 256 * KIB, "value-bytes": KIB }, requests: 1_500 },
  { name: "1,014 records of 1 KB", generator: { "batch-bytes": 1024 * KIB, "value-bytes": KIB }, requests: 800 },
];

interface Probe {
  readonly heapTotal: number;
  readonly objectTypeCounts: Readonly<Record<string, number>>;
}

async function readProbe(path: string): Promise<Probe> {
  const answer = Promise.withResolvers<Probe>();
  let text = "";
  await Bun.connect({
    unix: path,
    socket: {
      open(socket) {
        socket.write("?");
      },
      data(_, data) {
        text += data.toString();
      },
      close() {
        answer.resolve(JSON.parse(text) as Probe);
      },
    },
  });
  return answer.promise;
}

interface HeapResult {
  readonly load: string;
  readonly request: "produce" | "fetch";
  readonly mode: string;
  readonly bytesPerRequest: number;
  /** Objects a request by type, those of a tenth and more. */
  readonly objectsPerRequest: Readonly<Record<string, number>>;
}

type Growth = Pick<HeapResult, "bytesPerRequest" | "objectsPerRequest">;

async function heapOf(
  load: Load,
  flush: "os" | "commit",
  pipelined: boolean,
  options: RunOptions,
): Promise<HeapResult[]> {
  const probeDir = newDir(options.dirRoot, "probe");
  const probe = join(probeDir, "heap.sock");
  const broker = await startMillrace({
    flush,
    dirRoot: options.dirRoot,
    properties: options.properties,
    environment: { ...COLLECTION_OFF, MILLRACE_HEAP_PROBE: probe },
    bunArguments: ["--preload", join(import.meta.dir, "heap_probe.ts")],
  });
  const results: HeapResult[] = [];
  const inFlight: Record<string, number> = pipelined ? { "in-flight": 10 } : {};
  const mode = `${flush}${pipelined ? ", 10 in flight" : ""}`;
  try {
    await warmUp(broker.port, options);
    await createTopic(broker.port, { name: "bench", partitions: 1, configs: {} });
    const produced = await growth(broker, probe, load, { mode: "produce", ...inFlight });
    results.push({ load: load.name, request: "produce", mode, ...produced });
    if (!pipelined && flush === "os") {
      const fetched = await growth(broker, probe, load, { mode: "fetch", batches: load.requests });
      results.push({ load: load.name, request: "fetch", mode, ...fetched });
    }
    return results;
  } finally {
    await broker.stop();
    removeDir(probeDir);
  }
}

/** A fixed load of small requests compiles the code before anything is counted. */
async function warmUp(port: number, options: RunOptions): Promise<void> {
  await createTopic(port, { name: "warm", partitions: 1, configs: {} });
  const small = { port, topic: "warm", "batch-bytes": 170, "value-bytes": 100, count: WARMUP_REQUESTS };
  for (const mode of ["produce", "fetch"]) {
    const load = { ...small, mode, batches: WARMUP_REQUESTS, seed: options.seed };
    await measureWith(generatorCommand(load));
  }
}

/** Heap growth per request, after as many requests of the same kind. */
async function growth(
  broker: Target,
  probe: string,
  load: Load,
  settings: Readonly<Record<string, string | number>>,
): Promise<Growth> {
  const all = { ...load.generator, ...settings, topic: "bench", port: broker.port, count: load.requests };
  const checked = async (): Promise<number> => {
    const measured = await measureWith(generatorCommand(all));
    if ((measured.errors ?? 0) > 0) throw new Error(`heap: ${measured.firstProblem}`);
    return measured.requests;
  };
  await checked();
  const before = await readProbe(probe);
  const requests = await checked();
  const after = await readProbe(probe);
  const objects = Object.entries(after.objectTypeCounts)
    .map(([type, count]) => [type, (count - (before.objectTypeCounts[type] ?? 0)) / requests] as const)
    .filter(([, perRequest]) => perRequest >= 0.1)
    .sort((a, b) => b[1] - a[1]);
  return {
    bytesPerRequest: (after.heapTotal - before.heapTotal) / requests,
    objectsPerRequest: Object.fromEntries(objects),
  };
}

function describeObjects(result: HeapResult): string {
  const list = Object.entries(result.objectsPerRequest).map(([type, count]) => `${shortNumber(count)} ${type}`);
  return `${result.request}, ${result.load}, ${result.mode}: ${list.join(", ")}`;
}

export async function runHeapScenario(options: RunOptions): Promise<Outcome> {
  const results: HeapResult[] = [];
  for (const load of SIZES) {
    for (const [flush, pipelined] of [["os", false], ["os", true], ["commit", true]] as const) {
      const measured = await heapOf(load, flush, pipelined, options);
      for (const result of measured) {
        options.log(`  ${result.request} ${result.load} (${result.mode}): ${shortNumber(result.bytesPerRequest)} B`);
      }
      results.push(...measured);
    }
  }
  const verdicts: Verdict[] = results.map((result) => ({
    goal: `at most ${HEAP_PER_REQUEST_MAX} B a request, ${result.request}, ${result.load}, ${result.mode}`,
    value: result.bytesPerRequest,
    met: result.bytesPerRequest <= HEAP_PER_REQUEST_MAX,
  }));
  return {
    scenario: "heap",
    about: "JavaScript heap allocated for one request",
    table: [
      ["request", "batch", "mode", "bytes"],
      ...results.map((row) => [row.request, row.load, row.mode, shortNumber(row.bytesPerRequest)]),
    ],
    verdicts,
    notes: ["objects allocated for a request:", ...results.map(describeObjects)],
    details: { results },
  };
}
