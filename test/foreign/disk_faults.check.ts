/**
 * Faults of the disk under a real broker: a full file system, EIO from a sync or a write, and death at
 * the Nth system call of each kind that changes the disk.
 */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LoopFileSystem, whyNoLoopDevices } from "./support/block_device.ts";
import { Load, type LoadOptions } from "./support/load.ts";
import { Millrace, problemsIn } from "./support/millrace.ts";
import { hasProgram, Program } from "./support/process.ts";
import { SeededRandom, seedFromEnvironment } from "./support/seeded_random.ts";

const SEED = seedFromEnvironment();
const TIMEOUT_MS = 300_000;
const LOAD_MS = 300;
const WAIT_MS = 20_000;

const WHY_NO_LOOP = whyNoLoopDevices();
if (WHY_NO_LOOP !== null) console.error(`skipped: full disk: ${WHY_NO_LOOP}`);
const WHY_NO_STRACE = hasProgram("strace") ? null : "no strace on this machine";
if (WHY_NO_STRACE !== null) console.error(`skipped: injected faults: ${WHY_NO_STRACE}`);

const roots: string[] = [];
function newDir(): string {
  const root = mkdtempSync(join(tmpdir(), "millrace-faults-"));
  roots.push(root);
  return join(root, "data");
}
afterEach(Program.killAll);
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

function options(random: SeededRandom, onStorageError: "retry" | "end"): LoadOptions {
  return {
    topics: [
      { name: "plain", partitions: 2, configs: {} },
      { name: "rolled-often", partitions: 1, configs: { "segment.ms": "50" } },
    ],
    idempotentProducers: 2,
    plainProducers: 1,
    inFlightMax: 5,
    recordsPerBatchMax: 10,
    valueBytesMax: 2_000,
    random,
    pauseMs: 1,
    onStorageError,
  };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not in ${WAIT_MS} ms: ${what}`);
    await Bun.sleep(20);
  }
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

/** Leaves about `bytes` free on the file system of `dir`; 0: not a block. */
function fillDisk(dir: string, bytes: number): string {
  const filler = join(dir, "filler");
  const descriptor = openSync(filler, "w");
  const chunk = new Uint8Array(1 << 20);
  try {
    while (freeBytes(dir) > bytes) writeSync(descriptor, chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(descriptor);
  }
  return filler;
}

describe.skipIf(WHY_NO_LOOP !== null)("a full disk", () => {
  for (const [name, leftBytes] of [["nearly full", 100 << 20], ["full to the last block", 0]] as const) {
    test(`${name}: produce is refused, reading goes on, and it resumes by itself`, async () => {
      const fileSystem = LoopFileSystem.make("600M");
      try {
        const dataDir = join(fileSystem.mountPoint, "data");
        const load = new Load(options(new SeededRandom(SEED), "retry"));
        const broker = await Millrace.start({ dataDir });
        await load.createTopics(broker.port);
        const running = load.run(broker.port);
        await until("some records", () => load.acknowledgedRecords > 500);
        const filler = fillDisk(fileSystem.mountPoint, leftBytes);
        await until("a refusal", () => load.storageErrors > 0);
        expect(broker.hasExited).toBe(false);
        const refusedAt = load.acknowledgedRecords;
        expect(await countReadable(broker.port, load)).toBeGreaterThan(0);
        unlinkSync(filler);
        await until("produce to resume", () => load.acknowledgedRecords > refusedAt + 500);
        load.stop();
        await running;
        await load.settle(broker.port);
        expect(await load.verify(broker.port, true), `seed ${SEED}`).toEqual([]);
        await broker.stop();
        expect(await problemsIn(dataDir)).toBe("");
        const again = await Millrace.start({ dataDir });
        expect(await load.verify(again.port, true), `seed ${SEED}`).toEqual([]);
        await again.stop();
      } finally {
        await Program.killAll();
        fileSystem.remove();
      }
    }, TIMEOUT_MS);
  }

  test("stops cleanly while the disk is full", async () => {
    const fileSystem = LoopFileSystem.make("600M");
    try {
      const dataDir = join(fileSystem.mountPoint, "data");
      const load = new Load(options(new SeededRandom(SEED), "end"));
      const broker = await Millrace.start({ dataDir });
      await load.createTopics(broker.port);
      const running = load.run(broker.port);
      await until("some records", () => load.acknowledgedRecords > 500);
      const filler = fillDisk(fileSystem.mountPoint, 0);
      await running;
      await broker.stop();
      unlinkSync(filler);
      expect(await problemsIn(dataDir)).toBe("");
      const again = await Millrace.start({ dataDir });
      await load.settle(again.port);
      expect(await load.verify(again.port, true), `seed ${SEED}`).toEqual([]);
      await again.stop();
    } finally {
      await Program.killAll();
      fileSystem.remove();
    }
  }, TIMEOUT_MS);
});

/** How many partitions answer a reader. */
async function countReadable(port: number, load: Load): Promise<number> {
  const ends = await load.endOffsets(port);
  return ends.filter((end) => end > 0).length;
}

/**
 * `strace -D` stays out of the way: the broker is our child, and signals reach it. Not with --seccomp-bpf,
 * under which strace 6.1 injects errors but no signals.
 */
function inject(rule: string): readonly string[] {
  const call = rule.split(":", 1)[0];
  return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${rule}`];
}

describe.skipIf(WHY_NO_STRACE !== null)("a disk that fails", () => {
  for (const rule of ["fdatasync:error=EIO:when=15+", "fdatasync:error=EIO:when=9", "pwrite64,pwritev:error=EIO:when=30"]) {
    test(`${rule}: no false answer, the rest can be read, and a restart has all`, async () => {
      const dataDir = newDir();
      const load = new Load(options(new SeededRandom(SEED), "end"));
      const first = await Millrace.start({ dataDir });
      await load.createTopics(first.port);
      await first.stop();
      const broker = await Millrace.start({ dataDir, wrapper: inject(rule) });
      await load.run(broker.port);
      expect(load.storageErrors).toBeGreaterThan(0);
      expect(broker.hasExited).toBe(false);
      expect(broker.log).toMatch(/EIO|I\/O error/);
      const before = load.acknowledgedRecords;
      await load.run(broker.port);
      expect(load.acknowledgedRecords, "acknowledged on a disk that has failed").toBe(before);
      await broker.kill();
      const again = await Millrace.start({ dataDir });
      await load.settle(again.port);
      expect(await load.verify(again.port, true), `seed ${SEED}`).toEqual([]);
      await again.stop();
      expect(await problemsIn(dataDir)).toBe("");
    }, TIMEOUT_MS);
  }
});

/** Calls that change the disk, and those on the way to it. */
const FATAL_CALLS = ["pwrite64", "pwritev", "fdatasync", "fsync", "ftruncate", "fallocate", "rename", "openat", "mkdir", "write"];
const NTH = [1, 2, 3, 5, 8, 13, 25];
/** And some that the seed chooses, up to this one. */
const NTH_RANDOM = { count: 4, most: 300 } as const;

describe.skipIf(WHY_NO_STRACE !== null)("death at the Nth call", () => {
  for (const call of FATAL_CALLS) {
    test(`${call}: nothing acknowledged is lost, whichever N`, async () => {
      const dataDir = newDir();
      const random = new SeededRandom(SEED);
      const load = new Load(options(random, "end"));
      const first = await Millrace.start({ dataDir });
      await load.createTopics(first.port);
      await first.stop();
      let deaths = 0;
      const chosen = Array.from({ length: NTH_RANDOM.count }, () => random.between(NTH.at(-1)!, NTH_RANDOM.most));
      for (const nth of [...NTH, ...chosen]) {
        const where = `seed ${SEED}, ${call} ${nth}`;
        const wrapper = inject(`${call}:signal=SIGKILL:when=${nth}`);
        // Death may come before it is ready: then recovery was what it interrupted.
        const broker = await Millrace.start({ dataDir, wrapper }).catch(() => null);
        if (broker === null) deaths++;
        if (broker !== null) {
          const running = load.run(broker.port);
          await Promise.race([broker.exited, Bun.sleep(LOAD_MS)]);
          if (broker.hasExited) deaths++;
          await broker.kill();
          await running;
        }
        expect(await problemsIn(dataDir), where).toBe("");
        const again = await Millrace.start({ dataDir });
        await load.settle(again.port);
        expect(await load.verify(again.port, false), where).toEqual([]);
        await again.kill();
      }
      const last = await Millrace.start({ dataDir });
      expect(await load.verify(last.port, true), `seed ${SEED}, ${call}`).toEqual([]);
      await last.stop();
      console.error(`${call}: died by it ${deaths} times of ${NTH.length + chosen.length}`);
      expect(deaths).toBeGreaterThan(0);
    }, TIMEOUT_MS);
  }
});
