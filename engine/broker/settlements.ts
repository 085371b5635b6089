import type { MonotonicMs } from "../model/offsets.ts";

/** Somebody whose answer depends on appends becoming durable. */
export interface SettlementWaiter {
  /** The appends behind `settled` may be acknowledged, or failed with `error`. */
  onSettled(settled: Promise<void>, error: unknown): void;
  /** Asked now and then; true when the waiter has given up by itself. */
  onSweep(now: MonotonicMs): boolean;
}

/**
 * Settlements: who waits for which append to become durable.
 *
 * The appends of one write share one promise, so that a hundred pipelined requests cost one reaction
 * here instead of a hundred: all of them are told in the same turn, and their answers leave in one
 * write per connection (bench/micro/broker_settle.bench.ts).
 *
 * Invariant: a waiter is told exactly once for each `wait`.
 *
 * Owner: one broker. Errors: handed on to the waiters.
 */
export class Settlements {
  readonly #groups = new Map<Promise<void>, SettlementWaiter[]>();

  /** Promises that are waited for. */
  get size(): number {
    return this.#groups.size;
  }

  wait(settled: Promise<void>, waiter: SettlementWaiter): void {
    const group = this.#groups.get(settled);
    if (group !== undefined) group.push(waiter);
    else this.#open(settled, waiter);
  }

  #open(settled: Promise<void>, waiter: SettlementWaiter): void {
    this.#groups.set(settled, [waiter]);
    settled.then(
      () => this.#tell(settled, null),
      (error: unknown) => this.#tell(settled, error),
    );
  }

  sweep(now: MonotonicMs): void {
    for (const group of this.#groups.values()) {
      for (const waiter of group) waiter.onSweep(now);
    }
  }

  #tell(settled: Promise<void>, error: unknown): void {
    const group = this.#groups.get(settled);
    if (group === undefined) return;
    this.#groups.delete(settled);
    for (const waiter of group) waiter.onSettled(settled, error);
  }
}
