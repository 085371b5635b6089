/**
 * Durable appends of 1 KiB: how far ahead of the writes to reserve a file, and what a log in mode "commit"
 * adds to a bare loop of pwrite and fdatasync. Rounds in turn; medians, and the fastest.
 *
 *   bun bench/micro/log_sync.bench.ts [directory]
 */
import { closeSync, fdatasync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../engine/io/clock.ts";
import { NativeCodecs } from "../../engine/io/compression.ts";
import { DescriptorPool } from "../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../engine/io/disk_node.ts";
import { SystemRandom } from "../../engine/io/random.ts";
import { METADATA_TOPIC_ID } from "../../engine/base/uuid.ts";
import { Log } from "../../engine/log/log.ts";
import { createLogEnvironment } from "../../engine/log/log_environment.ts";
import { LOG_CONFIG_DEFAULTS } from "../../engine/model/log_config.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../../engine/model/offsets.ts";
import { stampBatch } from "../../engine/model/record_batch.ts";
import { plainBatch } from "../../engine/model/records.ts";
import { loadNative } from "../../native/native.ts";

const ROUNDS = 9;
const COUNT = 400;
const native = loadNative();
const dir = mkdtempSync(join(process.argv[2] ?? tmpdir(), "millrace-bench-sync-"));
const disk = new NodeDisk({ native, descriptors: new DescriptorPool(64), readOnly: false });
const environment = createLogEnvironment({
  disk,
  clock: new SystemClock(),
  random: new SystemRandom(),
  codecs: new NativeCodecs(),
});
const batch = plainBatch(
  [{ value: new Uint8Array(950).fill(90) }],
  Date.now() as TimestampMs,
  (bytes, start, end) => native.crc32c(bytes, start, end),
);
let logs = 0;

function openLog(): Log {
  const partition = logs++;
  return Log.open({
    environment,
    dir: join(dir, `bench-${partition}`),
    topic: "bench",
    partition,
    topicId: METADATA_TOPIC_ID,
    config: LOG_CONFIG_DEFAULTS,
    cleanStop: true,
    recoveryPoint: 0 as Offset,
    logStartOffset: 0 as Offset,
  });
}

function append(log: Log, bytes: Uint8Array): Promise<void> {
  stampBatch(bytes, 0, 0 as Offset, -1 as LeaderEpoch);
  const result = log.appendAsLeader([bytes], 0 as LeaderEpoch, "client");
  if (!result.ok) throw new Error(result.message);
  return result.settled;
}

async function timed(run: () => void | Promise<void>): Promise<number> {
  const start = Bun.nanoseconds();
  await run();
  return (Bun.nanoseconds() - start) / 1000 / COUNT;
}

/** A bare loop on a file that is reserved `step` bytes ahead; 0: it grows with each write. */
async function bare(step: number, wait: (fd: number) => void | Promise<void>): Promise<number> {
  const path = join(dir, "bare");
  const fd = openSync(path, "w+");
  let reserved = 0;
  const us = await timed(async () => {
    for (let index = 0; index < COUNT; index++) {
      const at = index * batch.length;
      if (step > 0 && at + batch.length > reserved) {
        native.fallocate(fd, 0, reserved, step);
        reserved += step;
      }
      native.pwrite(fd, batch, 0, batch.length, at);
      await wait(fd);
    }
  });
  closeSync(fd);
  rmSync(path);
  return us;
}

const onLoop = (fd: number): void => void native.fdatasync(fd);
const offLoop = (fd: number) => new Promise<void>((resolve) => fdatasync(fd, () => resolve()));

async function oneInFlight(): Promise<number> {
  const log = openLog();
  await append(log, batch); // directory, files and first sync are not the question
  const us = await timed(async () => {
    for (let index = 0; index < COUNT; index++) await append(log, batch);
  });
  log.discard();
  rmSync(log.dir, { recursive: true });
  return us;
}

/** `depth` appends in flight; returns thousands a second and the 99th percentile in milliseconds. */
async function pipelined(depth: number): Promise<[number, number]> {
  const total = 20_000;
  const log = openLog();
  await append(log, batch);
  const batches = Array.from({ length: depth }, () => batch.slice());
  const latencies: number[] = [];
  let sent = 0;
  const start = Bun.nanoseconds();
  await Promise.all(batches.map(async (bytes) => {
    while (sent++ < total) {
      const at = Bun.nanoseconds();
      await append(log, bytes);
      latencies.push((Bun.nanoseconds() - at) / 1e6);
    }
  }));
  const seconds = (Bun.nanoseconds() - start) / 1e9;
  latencies.sort((one, other) => one - other);
  log.discard();
  rmSync(log.dir, { recursive: true });
  return [total / seconds / 1000, latencies[Math.floor(latencies.length * 0.99)]!];
}

const figures = new Map<string, number[]>();
const note = (name: string, figure: number) => figures.set(name, [...figures.get(name) ?? [], figure]);

try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const kib of [0, 64, 256, 1024, 4096, 16_384]) {
      note(`bare, reserved ${kib} KiB ahead`, await bare(kib * 1024, onLoop));
    }
    note("bare, 4096 KiB ahead, sync off the loop", await bare(4 << 20, offLoop));
    note("log, one in flight", await oneInFlight());
    for (const depth of [16, 128]) {
      const [rate, p99] = await pipelined(depth);
      note(`log, ${depth} in flight: thousand a second`, rate);
      note(`log, ${depth} in flight: p99 ms`, p99);
    }
  }
  for (const [name, values] of figures) {
    values.sort((one, other) => one - other);
    const median = values[values.length >> 1]!;
    console.log(`${name.padEnd(44)} median ${median.toFixed(2)}  best ${values[0]!.toFixed(2)} .. ${values.at(-1)!.toFixed(2)}`);
  }
} finally {
  rmSync(dir, { recursive: true });
}
