import type { Clock } from "../io/clock.ts";
import type { Log } from "../log/log.ts";

/**
 * After so many early writes in one turn of the event loop the next one waits for its end. A program that
 * awaits one append after the other would otherwise never let timers and sockets have their turn.
 */
const EARLY_WRITES_MAX = 64;

/**
 * Writes what appends have staged as soon as the program pauses, in a microtask: for whoever awaits a
 * single append, half the latency of the end of the tick (bench/micro/embed.bench.ts). Appends of one
 * piece of code without an await in between are still one write.
 */
export class EarlyWriter {
  readonly #log: Log;
  readonly #clock: Clock;
  #isAsked = false;
  #writesInTurn = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Something was appended. The log has seen to it that the end of the tick writes it in any case. */
  soon(): void {
    if (this.#isAsked || this.#writesInTurn >= EARLY_WRITES_MAX) return;
    this.#isAsked = true;
    queueMicrotask(this.#write);
  }

  readonly #write = (): void => {
    this.#isAsked = false;
    if (this.#writesInTurn === 0) this.#clock.atEndOfTick(this.#endTurn);
    this.#writesInTurn++;
    this.#log.writeStaged();
  };

  readonly #endTurn = (): void => {
    this.#writesInTurn = 0;
  };
}
