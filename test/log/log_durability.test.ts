/**
 * The rules of group commit, one test each: every rule missed is a silent loss. Syncs are held and let go
 * by hand, so that "before" and "after" are facts.
 */
import { describe, expect, test } from "bun:test";
import type { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import type { DiskPoint, PointOutcome } from "../../engine/io/disk_simulated_point.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import {
  append,
  appended,
  batchOfSize,
  makeBatch,
  microtasks,
  openLog,
  outcomeOf,
  readBatches,
  readValues,
  simulatedDisk,
  verifyAfterEach,
} from "../support/log_harness.ts";

verifyAfterEach();

const LOG = "/data/t-0/00000000000000000000.log";

/** Runs `steps` syncs to their end, each time all that are held. */
async function syncAll(disk: SimulatedDisk): Promise<void> {
  await microtasks();
  while (disk.heldSyncs > 0) {
    disk.releaseSyncs();
    await microtasks();
  }
}

/** A log in mode commit whose first batch is down, and whose syncs are held from here on. */
async function openedAndHeld(config = {}) {
  const opened = openLog({ config });
  const { log, clock, disk } = opened;
  const first = appended(log, makeBatch(["first"]));
  clock.endTick();
  await first.settled;
  disk.holdSyncs = true;
  return opened;
}

/** Fails the next point of `kind` on a path that ends in `suffix`. */
function failNext(disk: SimulatedDisk, kind: DiskPoint["kind"], outcome: PointOutcome, suffix = ".log") {
  let isDone = false;
  disk.plan = (point) => {
    if (isDone || point.kind !== kind || !point.path.endsWith(suffix)) return "go";
    isDone = true;
    return outcome;
  };
}

describe("group commit", () => {
  test("in mode commit nothing is visible before it is synced, and everything kept by recovery is", async () => {
    const { log, clock, disk } = await openedAndHeld();
    let moves = 0;
    log.onStable(() => moves++);
    const second = appended(log, makeBatch(["second"]));
    clock.endTick();
    await microtasks();
    expect(readValues(log)).toEqual(["first"]);
    expect(moves).toBe(0);
    await syncAll(disk);
    expect(await outcomeOf(second.settled)).toBe("done");
    expect(readValues(log)).toEqual(["first", "second"]);
    expect(moves).toBe(1);
  });

  test("the stable offset has moved when an append settles", async () => {
    const { log, clock } = openLog();
    const seen: number[] = [];
    const { settled } = appended(log, makeBatch(["a"]));
    void settled.then(() => seen.push(log.stableOffset));
    clock.endTick();
    await settled;
    await microtasks();
    expect(seen).toEqual([1]);
  });

  test("recovery syncs the tail that it keeps before it is served", () => {
    const disk = simulatedDisk();
    const { log, clock } = openLog({ disk });
    disk.holdSyncs = true;
    appended(log, makeBatch(["written, never synced"]));
    clock.endTick();
    const killed = disk.kill();
    // The process died, the machine lives: the tail is in the page cache only.
    const synced: string[] = [];
    killed.plan = (point) => {
      if (point.kind === "sync" || point.kind === "sync directory") synced.push(point.path);
      return "go";
    };
    const recovered = openLog({ disk: killed });
    expect(readValues(recovered.log)).toEqual(["written, never synced"]);
    expect(synced).toContain(LOG);
    expect(synced).toContain("/data/t-0");
    expect(recovered.log.stableOffset).toBe(1 as never);
  });

  test("a log that ends at its recovery point is opened without a sync", async () => {
    const { log, clock, disk } = openLog();
    appended(log, makeBatch(["a"]));
    clock.endTick();
    await log.flush();
    const { recoveryPoint } = log;
    const killed = disk.kill();
    let syncs = 0;
    killed.plan = (point) => {
      if (point.kind === "sync" || point.kind === "sync directory") syncs++;
      return "go";
    };
    expect(readValues(openLog({ disk: killed, recoveryPoint }).log)).toEqual(["a"]);
    expect(syncs).toBe(0);
    openLog({ disk: disk.kill(), recoveryPoint: 0 });
  });

  test("an append joins the next sync, never the one in flight", async () => {
    const { log, clock, disk } = await openedAndHeld();
    const second = appended(log, makeBatch(["second"]));
    clock.endTick();
    const third = appended(log, makeBatch(["third"]));
    clock.endTick();
    await microtasks();
    expect(disk.heldSyncs).toBe(1); // at most one in flight
    disk.releaseSyncs(1);
    expect(await outcomeOf(second.settled)).toBe("done");
    expect(await outcomeOf(third.settled)).toBe("pending");
    expect(log.stableOffset).toBe(2 as never);
    expect(disk.heldSyncs).toBe(1); // the next one started at once
    await syncAll(disk);
    expect(await outcomeOf(third.settled)).toBe("done");
  });

  test("across a roll nothing is acknowledged before both files and the directory are synced", async () => {
    const { log, clock, disk } = await openedAndHeld({ segmentBytes: 1000 });
    const before = appended(log, batchOfSize(600));
    const after = appended(log, batchOfSize(700));
    expect(log.segments.map((segment) => segment.baseOffset)).toEqual([0, 2] as never);
    const synced = new Set<string>();
    disk.plan = (point) => {
      if (point.kind === "sync" || point.kind === "sync directory") synced.add(point.path);
      return "go";
    };
    clock.endTick();
    const needed = [LOG, "/data/t-0/00000000000000000002.log", "/data/t-0"];
    for (let step = 0; step < 40; step++) {
      await microtasks();
      const isSettled = await outcomeOf(after.settled) === "done";
      const isComplete = needed.every((path) => synced.has(path));
      if (isSettled) expect(isComplete).toBe(true);
      if (isSettled) break;
      disk.releaseSyncs(1);
    }
    expect(await outcomeOf(before.settled)).toBe("done");
    expect(await outcomeOf(after.settled)).toBe("done");
  });

  test("a duplicate waits for the sync of the original", async () => {
    const { log, clock, disk } = await openedAndHeld();
    const batch = () => makeBatch(["once"], { producerId: 5, baseSequence: 0 });
    const original = appended(log, batch());
    const whileStaged = appended(log, batch());
    clock.endTick();
    await microtasks();
    const whileInFlight = appended(log, batch());
    expect([whileStaged.duplicate, whileInFlight.duplicate]).toEqual([true, true]);
    expect(whileInFlight.baseOffset).toBe(original.baseOffset);
    expect(await outcomeOf(whileStaged.settled)).toBe("pending");
    expect(await outcomeOf(whileInFlight.settled)).toBe("pending");
    await syncAll(disk);
    expect(await outcomeOf(whileStaged.settled)).toBe("done");
    expect(await outcomeOf(whileInFlight.settled)).toBe("done");
    expect(await outcomeOf(appended(log, batch()).settled)).toBe("done");
    expect(readValues(log)).toEqual(["first", "once"]);
  });

  test("a duplicate of a batch whose sync fails is not acknowledged either", async () => {
    const { log, clock, disk } = await openedAndHeld();
    const batch = () => makeBatch(["once"], { producerId: 5, baseSequence: 0 });
    appended(log, batch());
    clock.endTick();
    const duplicate = appended(log, batch());
    failNext(disk, "sync", "EIO");
    await syncAll(disk);
    expect(await outcomeOf(duplicate.settled)).toBeInstanceOf(Error);
  });

  test("a short write is cut off before the next append, and what it carried is undone", async () => {
    const { log, clock, disk } = openLog();
    const kept = appended(log, makeBatch(["kept"], { producerId: 5, baseSequence: 0 }));
    clock.endTick();
    await kept.settled;
    failNext(disk, "write", "short");
    const lost = appended(log, makeBatch(["lost"], { producerId: 5, baseSequence: 1 }));
    clock.endTick();
    expect(await outcomeOf(lost.settled)).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    expect(log.logEndOffset).toBe(1 as never);
    expect(disk.fileSize(LOG)).toBe(readBatches(log)[0]!.bytes.length);
    // The same sequence is expected again: producer state went back too.
    const again = appended(log, makeBatch(["again"], { producerId: 5, baseSequence: 1 }));
    expect(again.duplicate).toBe(false);
    clock.endTick();
    await again.settled;
    expect(readValues(log)).toEqual(["kept", "again"]);
    const reopened = openLog({ disk: disk.kill() });
    expect(readValues(reopened.log)).toEqual(["kept", "again"]);
  });

  test.each(["ENOSPC", "short"] as const)("%s of a large batch is refused at once; the log goes on", async (outcome) => {
    const { log, clock, disk } = await openedAndHeld();
    disk.holdSyncs = false;
    const staged = appended(log, makeBatch(["staged before it"]));
    failNext(disk, "write", outcome);
    const large = append(log, batchOfSize(40_000));
    expect(large).toMatchObject({ ok: false, errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    expect(await outcomeOf(staged.settled)).toBeInstanceOf(Error);
    expect(log.logEndOffset).toBe(1 as never);
    expect(disk.fault).toBe(null);
    const next = appended(log, batchOfSize(40_000));
    clock.endTick();
    await next.settled;
    expect(readBatches(log)).toHaveLength(2);
  });

  test("a failed sync fails every later promise, is never retried, and what is synced stays readable", async () => {
    const { log, clock, disk } = await openedAndHeld();
    const second = appended(log, makeBatch(["second"]));
    clock.endTick();
    const third = appended(log, makeBatch(["third"]));
    clock.endTick();
    let syncs = 0;
    disk.plan = (point) => {
      if (point.kind !== "sync") return "go";
      syncs++;
      return "EIO";
    };
    await syncAll(disk);
    expect(await outcomeOf(second.settled)).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    expect(await outcomeOf(third.settled)).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    disk.plan = (point) => {
      if (point.kind === "sync") syncs++;
      return "go";
    };
    expect(append(log, makeBatch(["fourth"]))).toMatchObject({
      ok: false,
      errorCode: ErrorCode.KAFKA_STORAGE_ERROR,
    });
    expect(await outcomeOf(log.flush())).toBeInstanceOf(Error);
    expect(log.stableOffset).toBe(1 as never);
    expect(readValues(log)).toEqual(["first"]);
    expect(await outcomeOf(log.close())).toBeInstanceOf(Error);
    expect(syncs).toBe(1);
  });

  test.each(["commit", "os"] as const)("the recovery point never passes the synced offset in mode %s", async (flushMode) => {
    const { log, clock, disk } = openLog({ config: { flushMode, segmentBytes: 1000 } });
    disk.holdSyncs = true;
    const durable = () => openLog({ disk: disk.crash({}) }).log.logEndOffset;
    for (let index = 0; index < 6; index++) {
      appended(log, batchOfSize(400));
      clock.endTick();
      await microtasks();
      expect(log.recoveryPoint).toBeLessThanOrEqual(log.syncedOffset);
    }
    expect(log.recoveryPoint).toBe(0 as never);
    expect(log.segments.length).toBe(3);
    disk.releaseSyncs(1);
    await microtasks();
    expect(log.recoveryPoint).toBeLessThanOrEqual(log.syncedOffset);
    await syncAll(disk);
    const { recoveryPoint } = log;
    expect(recoveryPoint).toBeGreaterThan(0);
    expect(durable()).toBeGreaterThanOrEqual(recoveryPoint);
  });

  test("an active file is reserved in steps, and trimmed at a roll and at a stop", async () => {
    const { log, clock, disk } = openLog({ config: { segmentBytes: 6_000_000 } });
    const size = () => disk.fileSize(LOG);
    const first = appended(log, makeBatch(["a"]));
    clock.endTick();
    await first.settled;
    expect(size()).toBeGreaterThan(log.sizeBytes);
    const reserved = size();
    const recovered = openLog({ disk: disk.kill() });
    expect(readValues(recovered.log)).toEqual(["a"]);
    expect(recovered.log.recovery).toMatchObject({ truncatedBytes: 0, deletedSegments: 0 });
    expect(recovered.log.recovery.notes.join()).toContain("never written");
    const second = appended(log, makeBatch(["b"]));
    clock.endTick();
    await second.settled;
    expect(size()).toBe(reserved);
    const sizeBytes = log.sizeBytes;
    log.roll();
    expect(size()).toBe(sizeBytes);
    appended(log, makeBatch(["c"]));
    await log.close();
    expect(disk.fileSize("/data/t-0/00000000000000000002.log")).toBeLessThan(100);
  });

  test("EIO on a write latches: appends are refused, reads go on, the log still closes", async () => {
    const { log, clock, disk } = await openedAndHeld();
    failNext(disk, "write", "EIO");
    const second = appended(log, makeBatch(["second"]));
    clock.endTick();
    expect(await outcomeOf(second.settled)).toBeInstanceOf(Error);
    expect(disk.fault).not.toBe(null);
    expect(append(log, makeBatch(["third"]))).toMatchObject({
      ok: false,
      errorCode: ErrorCode.KAFKA_STORAGE_ERROR,
    });
    expect(readValues(log)).toEqual(["first"]);
    expect(await outcomeOf(log.close())).toBeInstanceOf(Error);
  });

  test("an unclean stop in mode os is reported, so that the leader epoch is raised", async () => {
    const { log, clock, disk } = openLog({ config: { flushMode: "os" } });
    appended(log, makeBatch(["a"]));
    clock.endTick();
    expect(openLog({ disk: disk.kill(), config: { flushMode: "os" } }).log.recovery.wasUnclean).toBe(true);
    await log.close();
    const after = openLog({ disk: disk.kill(), config: { flushMode: "os" }, cleanStop: true });
    expect(after.log.recovery).toMatchObject({ wasUnclean: false, scannedSegments: 0 });
  });
});

describe("flush settings make mode os stricter", () => {
  test("flush.messages: the append that fills the measure waits for the sync", async () => {
    const { log, clock, disk } = openLog({ config: { flushMode: "os", flushMessages: 3 } });
    disk.holdSyncs = true;
    const first = appended(log, makeBatch(["a"]));
    clock.endTick();
    expect(await outcomeOf(first.settled)).toBe("done");
    const second = appended(log, makeBatch(["b", "c"]));
    clock.endTick();
    expect(await outcomeOf(second.settled)).toBe("pending");
    await syncAll(disk);
    expect(await outcomeOf(second.settled)).toBe("done");
    expect(log.syncedOffset).toBe(3 as never);
  });

  test("flush.ms: what is written is on the device that much later", async () => {
    const { log, clock } = openLog({ config: { flushMode: "os", flushMs: 1000 } });
    appended(log, makeBatch(["a"]));
    clock.endTick();
    clock.advance(999);
    await microtasks();
    expect(log.syncedOffset).toBe(0 as never);
    clock.advance(1);
    await microtasks();
    expect(log.syncedOffset).toBe(1 as never);
    expect(clock.timerCount).toBe(0);
  });

  test("a change of mode never hides what was shown", async () => {
    const { log, clock, disk } = openLog({ config: { flushMode: "os" } });
    disk.holdSyncs = true;
    appended(log, makeBatch(["a"]));
    clock.endTick();
    expect(log.stableOffset).toBe(1 as never);
    log.configure({ ...log.config, flushMode: "commit" });
    expect(log.stableOffset).toBe(1 as never);
    const second = appended(log, makeBatch(["b"]));
    clock.endTick();
    expect(log.stableOffset).toBe(1 as never);
    await syncAll(disk);
    expect(await outcomeOf(second.settled)).toBe("done");
    expect(log.stableOffset).toBe(2 as never);
  });
});
