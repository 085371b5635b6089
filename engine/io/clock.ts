import type { MonotonicMs, TimestampMs } from "../model/offsets.ts";

/** Cancels what it was returned for; harmless when that has already happened. */
export type Cancel = () => void;

/**
 * Time and timers. The wall clock stamps records and drives retention; every timeout uses the
 * monotonic clock, so that a clock jump moves none of them.
 */
export interface Clock {
  wallMs(): TimestampMs;
  monotonicMs(): MonotonicMs;
  /** Calls `action` once, `delayMs` from now. Does not keep the process alive. */
  after(delayMs: number, action: () => void): Cancel;
  /** Calls `action` again and again, `periodMs` after the last call ended. */
  every(periodMs: number, action: () => void): Cancel;
  /**
   * Calls `action` once, when the events at hand have all been taken: this is where the appends of
   * many requests become one write.
   */
  atEndOfTick(action: () => void): void;
}

export class SystemClock implements Clock {
  wallMs(): TimestampMs {
    return Date.now() as TimestampMs;
  }

  monotonicMs(): MonotonicMs {
    return performance.now() as MonotonicMs;
  }

  after(delayMs: number, action: () => void): Cancel {
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  }

  every(periodMs: number, action: () => void): Cancel {
    const timer = setInterval(action, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  atEndOfTick(action: () => void): void {
    setImmediate(action);
  }
}
