import { assert } from "../base/assert.ts";
import type { Cancel, Clock } from "../io/clock.ts";
import type { Partition } from "./partition.ts";

/** What a parked fetch asks of one of its partitions. */
export interface ParkedPartition {
  readonly partition: Partition;
  /**
   * Plans again. Bytes that would be sent now, or ANSWER_NOW: an error, or anything else that the client
   * must hear of without waiting.
   */
  available(): number;
}

export const ANSWER_NOW = Infinity;

export interface ParkedFetch {
  readonly partitions: readonly ParkedPartition[];
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /** Called exactly once, unless cancelled. Plan once more: what was counted may have changed. */
  answer(): void;
}

/**
 * Parks fetches that found too little, until there is enough. Cases:
 *
 *  A  enough bytes, or something to say, at once: answered before `park` returns
 *  B  maxWaitMs of 0 or less: answered at once with what there is
 *  C  a partition made progress and now there is enough: answered
 *  D  a partition made progress, still too little: stays, with the new count of that partition alone
 *  E  a partition went away, or has an error: answered
 *  F  the deadline passes: answered with what there is
 *  G  the connection closed: cancelled, nothing is answered, nothing is kept
 *
 * Progress of many partitions in one tick is looked at once, in a microtask: a fetch over hundreds of
 * partitions is counted by what changed, and answered with all of it. After the answer nothing refers to
 * the fetch any more.
 */
export function parkFetch(clock: Clock, fetch: ParkedFetch): Cancel {
  const wait = new FetchWait(fetch);
  wait.start(clock);
  return () => wait.finish();
}

class FetchWait {
  readonly #fetch: ParkedFetch;
  readonly #counts: number[];
  #total = 0;
  #cancels: Cancel[] = [];
  /** Partitions that made progress since the last look. */
  readonly #progressed = new Set<number>();
  #isDone = false;

  constructor(fetch: ParkedFetch) {
    assert(fetch.minBytes >= 0, "a fetch for less than nothing", fetch.minBytes);
    this.#fetch = fetch;
    this.#counts = fetch.partitions.map((parked) => parked.available());
    for (const count of this.#counts) this.#total += count;
  }

  start(clock: Clock): void {
    const { maxWaitMs, minBytes, partitions } = this.#fetch;
    if (this.#total >= minBytes || maxWaitMs <= 0) { // A, B
      this.#answer();
      return;
    }
    partitions.forEach((parked, index) => {
      const waiter = { onProgress: () => this.#onProgress(index) };
      this.#cancels.push(parked.partition.wait(waiter));
    });
    this.#cancels.push(clock.after(maxWaitMs, () => this.#answer())); // F
  }

  /** G, and the end of every other case. */
  finish(): void {
    this.#isDone = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }

  #onProgress(index: number): void {
    this.#progressed.add(index);
    if (this.#progressed.size === 1) queueMicrotask(() => this.#look());
  }

  #look(): void {
    const progressed = [...this.#progressed];
    this.#progressed.clear();
    if (this.#isDone) return;
    for (const index of progressed) {
      const count = this.#fetch.partitions[index]!.available();
      if (count === ANSWER_NOW) { // E
        this.#answer();
        return;
      }
      this.#total += count - this.#counts[index]!;
      this.#counts[index] = count;
    }
    if (this.#total >= this.#fetch.minBytes) this.#answer(); // C, else D
  }

  #answer(): void {
    if (this.#isDone) return;
    this.finish();
    this.#fetch.answer();
  }
}
