import { describe, expect, test } from "bun:test";
import { SlicedWork } from "../../../engine/log/sliced_work.ts";
import type { MonotonicMs } from "../../../engine/model/offsets.ts";
import { outcomeOf } from "../../support/log_harness.ts";
import { ManualClock } from "../../support/manual_clock.ts";

/** Every look at it takes a millisecond. */
class SlowClock extends ManualClock {
  override monotonicMs(): MonotonicMs {
    return this.now++ as MonotonicMs;
  }
}

describe("long work goes in slices", () => {
  test("and lets the loop go on between them", async () => {
    const clock = new SlowClock();
    const done: number[] = [];
    const all = new SlicedWork(clock).run([1, 2, 3, 4, 5], (item) => done.push(item));
    expect(done.length).toBeLessThan(5);
    expect(done.length).toBeGreaterThan(0);
    expect(await outcomeOf(all)).toBe("pending");
    for (let turn = 0; turn < 10; turn++) clock.advance(10);
    expect(done).toEqual([1, 2, 3, 4, 5]);
    expect(await outcomeOf(all)).toBe("done");
    expect(clock.timerCount).toBe(0);
  });

  test("and stops in the middle when told", async () => {
    const clock = new SlowClock();
    const done: number[] = [];
    const work = new SlicedWork(clock);
    const all = work.run([1, 2, 3, 4, 5], (item) => done.push(item));
    const before = done.length;
    work.stop();
    for (let turn = 0; turn < 10; turn++) clock.advance(10);
    expect(done.length).toBe(before);
    expect(await outcomeOf(all)).toBe("done");
  });

  test("and hands on what an action throws", async () => {
    const clock = new ManualClock();
    const all = new SlicedWork(clock).run([1], () => {
      throw new Error("broken");
    });
    expect(String(await outcomeOf(all))).toBe("Error: broken");
  });
});
