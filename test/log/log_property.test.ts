/**
 * Random operations against a model: appends of all kinds, ends of ticks, rolls, retention, checkpoints,
 * stops, deaths of the process and power cuts. After each reopening, and at the end, everything that
 * readers can see is compared. A failure prints its seed.
 */
import { describe, expect, test } from "bun:test";
import type { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { Codec } from "../../engine/model/compression.ts";
import type { LogConfig } from "../../engine/model/log_config.ts";
import type { Offset } from "../../engine/model/offsets.ts";
import { crashVariants, randomBits } from "../support/crash_states.ts";
import {
  appended,
  batchOfSize,
  logProblems,
  makeBatch,
  microtasks,
  openLog,
  readBatches,
} from "../support/log_harness.ts";
import type { OpenedLog } from "../support/log_harness.ts";

interface Sent {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
  readonly lastOffset: number;
  isSettled: boolean;
}

const CODECS = Object.values(Codec);

class World {
  readonly bits: () => number;
  readonly config: Partial<LogConfig>;
  opened: OpenedLog;
  /** Every batch that may still be there, in order. */
  sent: Sent[] = [];
  logStart = 0;
  sequences = new Map<number, number>();
  lastIdempotent: Uint8Array | null = null;
  recoveryPoint = 0;

  constructor(seed: number) {
    this.bits = randomBits(seed);
    this.config = {
      flushMode: seed % 2 === 0 ? "commit" : "os",
      segmentBytes: 1500 + this.below(4000),
      indexIntervalBytes: this.below(600),
      segmentIndexBytes: 120 + this.below(2000),
      retentionBytes: seed % 3 === 0 ? 6000 : -1,
      fileDeleteDelayMs: 1000,
    };
    this.opened = openLog({ config: this.config });
  }

  below(bound: number): number {
    return this.bits() % bound;
  }

  makeOne(): Uint8Array {
    const count = 1 + this.below(4);
    const values = Array.from({ length: count }, (_, index) => `${index}`.repeat(1 + this.below(80)));
    if (this.below(3) > 0) return makeBatch(values, { codec: CODECS[this.below(CODECS.length)]! });
    if (this.below(8) === 0) return batchOfSize(600 + this.below(800));
    const producerId = 1 + this.below(3);
    const baseSequence = this.sequences.get(producerId) ?? 0;
    this.sequences.set(producerId, baseSequence + count);
    this.lastIdempotent = makeBatch(values, { producerId, baseSequence });
    return this.lastIdempotent.slice();
  }

  send(): void {
    const isDuplicate = this.lastIdempotent !== null && this.below(10) === 0;
    const bytes = isDuplicate ? this.lastIdempotent!.slice() : this.makeOne();
    const result = appended(this.opened.log, bytes);
    expect(result.duplicate).toBe(isDuplicate);
    if (isDuplicate) return;
    const { baseOffset, lastOffset } = result;
    const sent: Sent = { bytes, baseOffset, lastOffset, isSettled: false };
    this.sent.push(sent);
    void result.settled.then(() => (sent.isSettled = true), () => {});
  }

  async step(): Promise<void> {
    const { log, clock, disk } = this.opened;
    const choice = this.below(100);
    if (choice < 60) this.send();
    else if (choice < 78) clock.endTick();
    else if (choice < 86) await microtasks();
    else if (choice < 88) log.roll();
    else if (choice < 90) await log.flush();
    else if (choice < 92) log.checkpoint();
    else if (choice < 94) {
      log.enforceRetention(clock.wallMs(), log.stableOffset);
      clock.advance(this.below(1500));
    } else if (choice < 95) {
      log.deleteRecordsBefore(this.below(log.stableOffset + 1) as Offset);
    } else if (choice < 96) this.recoveryPoint = log.recoveryPoint;
    else if (choice < 97) await this.stop();
    else if (choice < 98) this.reopen(disk.kill(), "killed");
    else if (choice < 99 && this.config.flushMode === "commit") this.cut(disk);
    this.logStart = this.opened.log.logStartOffset;
  }

  async stop(): Promise<void> {
    const { log, disk } = this.opened;
    const before = log.producers.activeProducers();
    await log.close();
    await microtasks();
    expect(this.sent.every((each) => each.isSettled || each.lastOffset < this.logStart)).toBe(true);
    // A damaged partition.metadata is written again by the data directory around the logs.
    expect(logProblems(disk).filter((each) => !each.includes("partition.metadata"))).toEqual([]);
    this.reopen(disk.kill(), "clean");
    expect(this.opened.log.producers.activeProducers()).toEqual(before);
  }

  cut(disk: SimulatedDisk): void {
    const variants = crashVariants(this.bits());
    this.reopen(disk.crash(variants[this.below(variants.length)]!.choice), "cut");
  }

  /** What must be there: all of it after a stop, what was settled else. */
  reopen(disk: SimulatedDisk, how: "clean" | "killed" | "cut"): void {
    const settled = this.sent.findLast((each) => each.isSettled)?.lastOffset ?? -1;
    this.opened = openLog({
      disk,
      config: this.config,
      cleanStop: how === "clean",
      recoveryPoint: this.recoveryPoint,
      logStartOffset: this.opened.log.logStartOffset,
    });
    const { log } = this.opened;
    expect(log.logEndOffset).toBeGreaterThan(settled);
    this.sent = this.sent.filter((each) => each.lastOffset < log.logEndOffset);
    for (const each of this.sent) each.isSettled = true; // kept by recovery, so it stays
    if (how !== "clean") {
      // What was not settled may be gone: the producers start over as the log knows them.
      this.sequences = new Map(log.producers.activeProducers()
        .map((each) => [each.producerId, each.lastSequence + 1]));
      this.lastIdempotent = null;
    }
    this.compare();
  }

  compare(): void {
    const { log } = this.opened;
    const visible = this.sent.filter((each) =>
      each.lastOffset >= log.logStartOffset && each.lastOffset < log.stableOffset
    );
    const stored = readBatches(log);
    expect(stored.length).toBe(visible.length);
    stored.forEach((each, index) => {
      expect(each.baseOffset).toBe(visible[index]!.baseOffset);
      expect(Buffer.compare(each.bytes, visible[index]!.bytes)).toBe(0);
    });
    for (let round = 0; round < 5 && visible.length > 0; round++) {
      const wanted = visible[this.below(visible.length)]!;
      const from = Math.max(wanted.baseOffset, log.logStartOffset);
      const plan = log.planRead(from as Offset, log.stableOffset, 1, true);
      expect(plan).toMatchObject({ startOffset: wanted.baseOffset, byteCount: wanted.bytes.length });
    }
  }
}

describe("random operations", () => {
  test.each(Array.from({ length: 24 }, (_, seed) => seed))("seed %d", async (seed) => {
    const world = new World(seed);
    for (let step = 0; step < 400; step++) await world.step();
    const { log, clock, disk } = world.opened;
    clock.endTick();
    await log.flush();
    world.compare();
    expect(world.sent.at(-1)?.lastOffset ?? log.logEndOffset - 1).toBe(log.logEndOffset - 1);
    await world.stop();
    expect(disk.fault).toBe(null);
  });
});
