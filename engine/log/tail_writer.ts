import type { Clock } from "../io/clock.ts";

/** A log that has staged bytes. */
export interface StagedTail {
  /** Writes what is still staged; from now on the tail must ask again. */
  endTick(): void;
}

/**
 * Writes what the appends of one tick staged, once per log: one registration at the clock serves all
 * logs, however many were written to.
 *
 * Owner: one per data directory. A log that wrote earlier (its stage was full, it rolled) is asked
 * again at the end of the tick and has nothing left to do.
 */
export class TailWriter {
  readonly #clock: Clock;
  #staged: StagedTail[] = [];
  readonly #writeAll = () => this.writeAll();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** At most once per tail and tick: the tail remembers that it asked. */
  writeAtEndOfTick(tail: StagedTail): void {
    this.#staged.push(tail);
    if (this.#staged.length === 1) this.#clock.atEndOfTick(this.#writeAll);
  }

  writeAll(): void {
    const staged = this.#staged;
    this.#staged = [];
    for (const tail of staged) tail.endTick();
  }
}
