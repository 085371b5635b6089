/**
 * What a sync of an active file costs, by the state of the blocks that were written, and what it costs to
 * have it made off the loop, by the runtime's threads, with and without starting the transfer first. Short
 * slices in random order; the fastest slice, the quartile and the median.
 *
 *   bun bench/micro/sync.bench.ts [seconds] [directory]
 */
import { closeSync, fdatasync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FALLOCATE_GROW, SYNC_FILE_RANGE_WRITE, loadNative } from "../../native/native.ts";
import { ZerosAhead } from "../../engine/log/zeros_ahead.ts";

const native = loadNative();
const seconds = Number(process.argv[2] ?? 20);
const dir = mkdtempSync(join(process.argv[3] ?? tmpdir(), "millrace-bench-sync-"));
const FILE_BYTES = 32 << 20;
const SLICE_WRITES = 40;
const zeros = new Uint8Array(1 << 20);

type Blocks = "growing" | "reserved" | "zeros ahead" | "written";
type Wait = (fd: number, from: number, to: number) => void | Promise<void>;

/** A file that is written from front to back, again and again, `bytes` and one sync at a time. */
class Lane {
  readonly name: string;
  readonly means: number[] = [];
  readonly #blocks: Blocks;
  readonly #piece: Uint8Array;
  readonly #wait: Wait;
  readonly #fd: number;
  #at = 0;
  #ahead = new ZerosAhead(0);

  constructor(name: string, blocks: Blocks, bytes: number, wait: Wait) {
    this.name = `${name.padEnd(14)} ${blocks.padEnd(12)} ${String(bytes).padStart(6)} B`;
    this.#blocks = blocks;
    this.#piece = new Uint8Array(bytes).fill(90);
    this.#wait = wait;
    this.#fd = openSync(join(dir, `${lanes.length}`), "w+");
    this.#startOver();
  }

  #startOver(): void {
    native.ftruncate(this.#fd, 0);
    if (this.#blocks !== "growing") native.fallocate(this.#fd, FALLOCATE_GROW, 0, FILE_BYTES);
    for (let at = 0; this.#blocks === "written" && at < FILE_BYTES; at += zeros.length) {
      native.pwrite(this.#fd, zeros, 0, zeros.length, at);
    }
    native.fsync(this.#fd);
    this.#at = 0;
    this.#ahead = new ZerosAhead(0);
  }

  async slice(): Promise<void> {
    const bytes = this.#piece.length;
    if (this.#at + SLICE_WRITES * bytes > FILE_BYTES) this.#startOver();
    const start = Bun.nanoseconds();
    for (let index = 0; index < SLICE_WRITES; index++) {
      const end = this.#at + bytes;
      const ahead = this.#blocks === "zeros ahead"
        ? this.#ahead.behind(this.#at, end, FILE_BYTES)
        : zeros.subarray(0, 0);
      native.pwritev(this.#fd, ahead.length > 0 ? [this.#piece, ahead] : [this.#piece], this.#at);
      this.#ahead.wrote(end + ahead.length);
      const from = this.#at;
      this.#at = end;
      await this.#wait(this.#fd, from, end);
    }
    this.means.push((Bun.nanoseconds() - start) / SLICE_WRITES / 1000);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

const onLoop: Wait = (fd) => void native.fdatasync(fd);
const offLoop: Wait = (fd) => new Promise<void>((resolve) => fdatasync(fd, () => resolve()));
const startedEarly: Wait = (fd, from, to) => {
  native.syncFileRange(fd, from, to - from, SYNC_FILE_RANGE_WRITE);
  return offLoop(fd, from, to);
};

const lanes: Lane[] = [];
for (const bytes of [1100, 16 * 1024, 64 * 1024]) {
  for (const blocks of ["growing", "reserved", "zeros ahead", "written"] as const) {
    if (blocks !== "growing" || bytes === 1100) lanes.push(new Lane("on the loop", blocks, bytes, onLoop));
  }
}
for (const bytes of [1100, 16 * 1024]) {
  lanes.push(new Lane("off the loop", "written", bytes, offLoop));
  lanes.push(new Lane("started early", "written", bytes, startedEarly));
}

try {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) await lanes[Math.floor(Math.random() * lanes.length)]!.slice();
  console.log("microseconds a write and its sync".padEnd(44), "fastest  quartile  median");
  for (const { name, means } of lanes) {
    means.sort((one, other) => one - other);
    const at = (share: number) => means[Math.floor(means.length * share)]!.toFixed(0).padStart(7);
    if (means.length > 0) console.log(name.padEnd(44), at(0), at(0.25), at(0.5));
  }
} finally {
  for (const lane of lanes) lane.close();
  rmSync(dir, { recursive: true });
}
