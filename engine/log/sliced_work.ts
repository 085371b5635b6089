import type { Cancel, Clock } from "../io/clock.ts";

/** How long upkeep may hold the loop at a time: a request that arrives meanwhile waits this long. */
const SLICE_MS = 2;

/**
 * Does a long piece of upkeep in slices, with the loop free in between. `stop` ends all that is under
 * way: its promises resolve, what was left is not done.
 */
export class SlicedWork {
  readonly #clock: Clock;
  readonly #pending = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `action` for each item as it is reached. An error of an action rejects the promise. */
  run<Item>(items: Iterable<Item>, action: (item: Item) => void): Promise<void> {
    const iterator = items[Symbol.iterator]();
    return new Promise((resolve, reject) => {
      let cancel: Cancel = () => {};
      const stop = () => {
        cancel();
        this.#pending.delete(stop);
        resolve();
      };
      const slice = () => {
        try {
          const until = this.#clock.monotonicMs() + SLICE_MS;
          do {
            const next = iterator.next();
            if (next.done === true) return stop();
            action(next.value);
          } while (this.#clock.monotonicMs() < until);
        } catch (error) {
          this.#pending.delete(stop);
          return reject(error);
        }
        cancel = this.#clock.after(0, slice);
      };
      this.#pending.add(stop);
      slice();
    });
  }

  stop(): void {
    for (const stop of [...this.#pending]) stop();
  }
}
