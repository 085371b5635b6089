/** Who waits for what to become durable, and work that gives way to others. */
import { describe, expect, test } from "bun:test";
import { TURN_MS_MAX } from "../../engine/broker/broker_limits.ts";
import { Settlements } from "../../engine/broker/settlements.ts";
import { mapInTurns } from "../../engine/broker/turns.ts";
import { ManualClock } from "../support/manual_clock.ts";

class Waiter {
  readonly told: unknown[] = [];
  swept = 0;
  onSettled(_settled: Promise<void>, error: unknown): void {
    this.told.push(error);
  }
  onSweep(): boolean {
    this.swept++;
    return false;
  }
}

describe("settlements", () => {
  test("tell everybody who waits for one promise, in order, once for each wait", async () => {
    const settlements = new Settlements();
    const { promise, resolve } = Promise.withResolvers<void>();
    const order: string[] = [];
    const waiter = (name: string) => ({ onSettled: () => void order.push(name), onSweep: () => false });
    const a = waiter("a");
    settlements.wait(promise, a);
    settlements.wait(promise, waiter("b"));
    settlements.wait(promise, a);
    expect([settlements.size, order]).toEqual([1, []]);
    resolve();
    await promise;
    expect([settlements.size, order]).toEqual([0, ["a", "b", "a"]]);
  });

  test("hand errors on, each promise its own", async () => {
    const settlements = new Settlements();
    const [good, bad] = [new Waiter(), new Waiter()];
    const failure = new Error("disk");
    settlements.wait(Promise.resolve(), good);
    settlements.wait(Promise.reject(failure), bad);
    settlements.sweep(0 as never);
    await Promise.resolve();
    await Promise.resolve();
    expect([good.told, bad.told, good.swept, bad.swept]).toEqual([[null], [failure], 1, 1]);
  });

  test("take a promise that was settled before, again and again", async () => {
    const settlements = new Settlements();
    const settled = Promise.resolve();
    const waiter = new Waiter();
    for (let round = 0; round < 3; round++) {
      settlements.wait(settled, waiter);
      await Promise.resolve();
    }
    expect(waiter.told).toEqual([null, null, null]);
  });
});

describe("work in turns", () => {
  test("stops for others whenever its turn is over, and keeps the order", async () => {
    const clock = new ManualClock();
    let done = 0;
    const all = mapInTurns(clock, [1, 2, 3, 4, 5], (item) => {
      done++;
      clock.now += TURN_MS_MAX / 2;
      return item % 2 === 0 ? Promise.resolve(item * 10) : item * 10;
    });
    const seen: number[] = [];
    for (let step = 0; step < 10; step++) {
      await Promise.resolve();
      await Promise.resolve();
      if (seen.at(-1) !== done) seen.push(done);
      clock.endTick();
    }
    expect(await all).toEqual([10, 20, 30, 40, 50]);
    expect(seen).toEqual([2, 4, 5]);
  });
});
