import type { Cancel } from "./clock.ts";

/** The longest time that a timer takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Timers of a Clock let a process end; this holds it until cancelled, for whoever waits for another one. */
export function keepProcessAlive(): Cancel {
  const timer = setInterval(() => {}, TIMER_MS_MAX);
  return () => clearInterval(timer);
}
