/** Appending through the tick, settling in both modes, and reading back. */
import { describe, expect, test } from "bun:test";
import { appended, makeBatch, microtasks, openLog, outcomeOf, readValues, verifyAfterEach } from "../support/log_harness.ts";

verifyAfterEach();

describe("appending", () => {
  test("offsets are decided at once, bytes are written at the end of the tick", async () => {
    const { log, disk, clock } = openLog({ config: { flushMode: "os" } });
    const first = appended(log, makeBatch(["a", "b"]));
    const second = appended(log, makeBatch(["c"]));
    expect([first.baseOffset, first.lastOffset, second.baseOffset]).toEqual([0, 1, 2] as never);
    expect(first.settled).toBe(second.settled);
    expect(log.logEndOffset).toBe(3 as never);
    expect(log.writtenOffset).toBe(0 as never);
    expect(await outcomeOf(first.settled)).toBe("pending");
    const points = disk.points;
    clock.endTick();
    expect(disk.points - points).toBe(1);
    expect(await outcomeOf(first.settled)).toBe("done");
    expect(log.stableOffset).toBe(3 as never);
    expect(readValues(log)).toEqual(["a", "b", "c"]);
  });

  test("mode commit settles only once synced", async () => {
    const { log, disk, clock } = openLog();
    disk.holdSyncs = true;
    const first = appended(log, makeBatch(["a"]));
    clock.endTick();
    expect(await outcomeOf(first.settled)).toBe("pending");
    expect(log.stableOffset).toBe(0 as never);
    expect(log.writtenOffset).toBe(1 as never);
    while (disk.heldSyncs > 0) {
      disk.releaseSyncs();
      await microtasks();
    }
    expect(await outcomeOf(first.settled)).toBe("done");
    expect(log.stableOffset).toBe(1 as never);
    expect(readValues(log)).toEqual(["a"]);
  });
});
