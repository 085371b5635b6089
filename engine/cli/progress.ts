import type { Terminal } from "./command.ts";
import type { Clock } from "../io/clock.ts";
import type { MonotonicMs } from "../model/offsets.ts";

/** Redrawing faster than this only burns time. */
const REDRAW_MS = 100;
const BAR_COLUMNS = 24;

/** A bar on standard error for work that takes long; draws nothing where nobody looks. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #label: string;
  #drawnAt: MonotonicMs | null = null;
  #drawn = false;

  constructor(label: string, terminal: Terminal, clock: Clock) {
    this.#label = label;
    this.#terminal = terminal;
    this.#clock = clock;
  }

  /** `total` 0 means that nobody knows how much there is. */
  update(done: number, total: number, unit: string): void {
    if (!this.#terminal.interactive) return;
    const now = this.#clock.monotonicMs();
    if (this.#drawnAt !== null && now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#drawn = true;
    const share = total > 0 ? Math.min(1, done / total) : 0;
    const filled = Math.round(share * BAR_COLUMNS);
    const bar = "#".repeat(filled).padEnd(BAR_COLUMNS, "-");
    const figure = total > 0 ? `${Math.floor(share * 100)} %` : `${done} ${unit}`;
    this.#terminal.error(`\r${this.#label} [${bar}] ${figure}   `);
  }

  end(): void {
    if (this.#drawn) this.#terminal.error("\r\x1b[K");
    this.#drawn = false;
  }
}
