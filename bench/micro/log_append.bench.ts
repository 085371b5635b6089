/**
 * Appending to a log in mode "os", without a broker: 64 KiB batches beside a bare pwrite loop, single
 * records, and where staging stops to pay. Rounds of each are run in turn, and the fastest of each
 * counts: a round that the machine disturbed says nothing. Files are removed after each round, so that
 * all write into fresh blocks.
 *
 *   bun bench/micro/log_append.bench.ts [directory]
 */
import { mkdtempSync, openSync, closeSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../engine/io/clock.ts";
import { NativeCodecs } from "../../engine/io/compression.ts";
import { DescriptorPool } from "../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../engine/io/disk_node.ts";
import { SystemRandom } from "../../engine/io/random.ts";
import { Log } from "../../engine/log/log.ts";
import { createLogEnvironment } from "../../engine/log/log_environment.ts";
import { METADATA_TOPIC_ID } from "../../engine/base/uuid.ts";
import { LOG_CONFIG_DEFAULTS } from "../../engine/model/log_config.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../../engine/model/offsets.ts";
import { stampBatch } from "../../engine/model/record_batch.ts";
import { plainBatch } from "../../engine/model/records.ts";
import { loadNative } from "../../native/native.ts";

const ROUNDS = 15;
const native = loadNative();
const dir = mkdtempSync(join(process.argv[2] ?? tmpdir(), "millrace-bench-log-"));
const disk = new NodeDisk({ native, descriptors: new DescriptorPool(64), readOnly: false });
const environment = createLogEnvironment({
  disk,
  clock: new SystemClock(),
  random: new SystemRandom(),
  codecs: new NativeCodecs(),
});
let logs = 0;

function openLog(): Log {
  const partition = logs++;
  return Log.open({
    environment,
    dir: join(dir, `bench-${partition}`),
    topic: "bench",
    partition,
    topicId: METADATA_TOPIC_ID,
    config: { ...LOG_CONFIG_DEFAULTS, flushMode: "os" },
    cleanStop: true,
    recoveryPoint: 0 as Offset,
    logStartOffset: 0 as Offset,
  });
}

function batchOf(bytes: number, records: number): Uint8Array {
  const value = new Uint8Array(Math.max(1, Math.floor((bytes - 61) / records) - 12)).fill(90);
  return plainBatch(
    Array.from({ length: records }, () => ({ value })),
    Date.now() as TimestampMs,
    (each, start, end) => native.crc32c(each, start, end),
  );
}

function append(log: Log, batch: Uint8Array): void {
  stampBatch(batch, 0, 0 as Offset, -1 as LeaderEpoch);
  const result = log.appendAsLeader([batch], 0 as LeaderEpoch, "client");
  if (!result.ok) throw new Error(result.message);
}

const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Microseconds an operation, wall clock and processor; the fastest round of each. */
class Best {
  wallUs = Infinity;
  cpuUs = Infinity;

  async round(count: number, run: () => void | Promise<void>): Promise<void> {
    const cpu = process.cpuUsage();
    const start = Bun.nanoseconds();
    await run();
    const used = process.cpuUsage(cpu);
    this.wallUs = Math.min(this.wallUs, (Bun.nanoseconds() - start) / 1000 / count);
    this.cpuUs = Math.min(this.cpuUs, (used.user + used.system) / count);
  }

  get text(): string {
    return `${this.wallUs.toFixed(2)} us (${this.cpuUs.toFixed(2)} us cpu)`;
  }
}

async function large(records: number): Promise<void> {
  const count = 500;
  const batch = batchOf(65_536, records);
  const bare = new Best();
  const ours = new Best();
  for (let round = 0; round < ROUNDS; round++) {
    const path = join(dir, "bare");
    const fd = openSync(path, "w+");
    await bare.round(count, () => {
      for (let index = 0; index < count; index++) {
        native.pwrite(fd, batch, 0, batch.length, index * batch.length);
      }
    });
    closeSync(fd);
    rmSync(path);
    const log = openLog();
    append(log, batch); // the first makes directory and files
    await ours.round(count, () => {
      for (let index = 0; index < count; index++) append(log, batch);
    });
    log.discard();
    rmSync(log.dir, { recursive: true });
  }
  console.log(`64 KiB of ${records} records: bare pwrite ${bare.text}, append ${ours.text}: ` +
    `${(bare.wallUs / ours.wallUs * 100).toFixed(0)} % (${(bare.cpuUs / ours.cpuUs * 100).toFixed(0)} % cpu)`);
}

async function small(bytes: number, perTick: number): Promise<void> {
  const count = 20_000;
  const batch = batchOf(bytes, 1);
  const best = new Best();
  for (let round = 0; round < ROUNDS; round++) {
    const log = openLog();
    append(log, batch);
    await best.round(count, async () => {
      for (let index = 0; index < count; index++) {
        append(log, batch);
        if (index % perTick === perTick - 1) await nextTick();
      }
    });
    log.discard();
    rmSync(log.dir, { recursive: true });
  }
  console.log(`one record of ${batch.length} bytes, ${perTick} a tick: ${best.text}`);
}

/** What staging saves and costs: a copy into the stage and a share of one write, or a write of its own. */
async function staging(): Promise<void> {
  const stage = new Uint8Array(128 * 1024);
  const fd = openSync(join(dir, "staging"), "w+");
  for (const bytes of [256, 1024, 4096, 8192, 16_384, 32_768, 65_536]) {
    const batch = new Uint8Array(bytes).fill(90);
    const together = Math.max(1, Math.floor(stage.length / bytes));
    const staged = new Best();
    const alone = new Best();
    for (let round = 0; round < ROUNDS; round++) {
      native.ftruncate(fd, 0);
      await staged.round(100 * together, () => {
        for (let write = 0; write < 100; write++) {
          for (let index = 0; index < together; index++) stage.set(batch, index * bytes);
          native.pwrite(fd, stage, 0, together * bytes, write * together * bytes % 16_777_216);
        }
      });
      native.ftruncate(fd, 0);
      await alone.round(100 * together, () => {
        for (let index = 0; index < 100 * together; index++) {
          native.pwrite(fd, batch, 0, bytes, index * bytes % 16_777_216);
        }
      });
    }
    console.log(`${bytes} bytes: staged ${staged.text}, written alone ${alone.text}`);
  }
  closeSync(fd);
}

try {
  await large(1);
  await large(60);
  await small(100, 100);
  await small(1024, 100);
  await small(1024, 1);
  await staging();
} finally {
  rmSync(dir, { recursive: true });
}
