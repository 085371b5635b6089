import type { Clock } from "../io/clock.ts";
import type { Log } from "../log/log.ts";

/**
 * So many pauses of one turn of the event loop are used; then appends settle at its end. A program that
 * awaits one append after the other would otherwise never let timers and sockets have their turn.
 */
const PAUSES_MAX = 64;

/**
 * Writes what appends have staged as soon as the program pauses, in a microtask: for whoever awaits a
 * single append, half the latency of the end of the tick (bench/micro/embed.bench.ts). Appends of one
 * piece of code without an await in between are still one write.
 */
export class EarlyWriter {
  readonly #log: Log;
  readonly #clock: Clock;
  #isAsked = false;
  #pausesInTurn = 0;
  #turnEnd: PromiseWithResolvers<void> | null = null;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * To be called after each append, with the promise of its settlement; returns the one to hand out. The
   * log has seen to it that the end of the tick writes in any case.
   */
  appended(settled: Promise<void>): Promise<void> {
    if (this.#pausesInTurn >= PAUSES_MAX) {
      this.#turnEnd ??= Promise.withResolvers();
      const { promise } = this.#turnEnd;
      return settled.then(() => promise);
    }
    if (!this.#isAsked) {
      this.#isAsked = true;
      queueMicrotask(this.#pause);
    }
    return settled;
  }

  readonly #pause = (): void => {
    this.#isAsked = false;
    if (this.#pausesInTurn === 0) this.#clock.atEndOfTick(this.#endTurn);
    this.#pausesInTurn++;
    this.#log.writeStaged();
  };

  readonly #endTurn = (): void => {
    this.#pausesInTurn = 0;
    const turnEnd = this.#turnEnd;
    this.#turnEnd = null;
    turnEnd?.resolve();
  };
}
