import type { Cancel, Clock } from "../../engine/io/clock.ts";
import type { MonotonicMs, TimestampMs } from "../../engine/model/offsets.ts";

interface Timer {
  readonly at: number;
  readonly action: () => void;
}

/** A clock that a test moves: timers fire inside `advance`, in the order of their times. */
export class ManualClock implements Clock {
  now: number;
  readonly #timers = new Set<Timer>();
  #endOfTick: (() => void)[] = [];

  constructor(now = 1_000_000) {
    this.now = now;
  }

  wallMs(): TimestampMs {
    return this.now as TimestampMs;
  }

  monotonicMs(): MonotonicMs {
    return this.now as MonotonicMs;
  }

  after(delayMs: number, action: () => void): Cancel {
    const timer = { at: this.now + delayMs, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  every(periodMs: number, action: () => void): Cancel {
    let cancel: Cancel = () => {};
    const again = (): void => {
      action();
      cancel = this.after(periodMs, again);
    };
    cancel = this.after(periodMs, again);
    return () => cancel();
  }

  atEndOfTick(action: () => void): void {
    this.#endOfTick.push(action);
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Ends the tick: runs what waits for that, and what it adds. */
  endTick(): void {
    while (this.#endOfTick.length > 0) {
      const actions = this.#endOfTick;
      this.#endOfTick = [];
      for (const action of actions) action();
    }
  }

  advance(ms: number): void {
    const target = this.now + ms;
    for (;;) {
      let next: Timer | null = null;
      for (const timer of this.#timers) {
        if (timer.at <= target && (next === null || timer.at < next.at)) next = timer;
      }
      if (next === null) break;
      this.#timers.delete(next);
      this.now = next.at;
      next.action();
    }
    this.now = target;
  }
}
