/** A log with leader epoch, high watermark and waiters; and parked fetches, case by case. */
import { describe, expect, test } from "bun:test";
import { ErrorCode } from "../../engine/model/error_code.ts";
import type { LogConfig } from "../../engine/model/log_config.ts";
import type { LeaderEpoch, Offset } from "../../engine/model/offsets.ts";
import * as batch from "../../engine/model/record_batch.ts";
import { ANSWER_NOW, parkFetch } from "../../engine/partition/fetch_wait.ts";
import { Partition } from "../../engine/partition/partition.ts";
import { PartitionTable } from "../../engine/partition/partition_table.ts";
import { makeBatch, marker, microtasks, openLog, verifyAfterEach } from "../support/log_harness.ts";

verifyAfterEach();

const epoch = (value: number) => value as LeaderEpoch;
const offset = (value: number) => value as Offset;

function partitionWith(config: Partial<LogConfig> = {}, dir?: string) {
  const opened = openLog({ config: { flushMode: "os", ...config }, ...(dir === undefined ? {} : { dir }) });
  return { ...opened, partition: new Partition(opened.log, epoch(3)) };
}

describe("a partition", () => {
  test("stamps its leader epoch and records it with the first batch written under it", () => {
    const { partition, clock, log } = partitionWith();
    partition.append([makeBatch(["a"])], "client");
    partition.becomeLeader(epoch(5));
    expect(partition.leaderEpoch).toBe(epoch(5));
    expect(log.epochs.latestEpoch).toBe(epoch(3));
    expect(partition.endOffsetFor(epoch(5))).toEqual({ epoch: epoch(5), endOffset: offset(1) });
    expect(partition.endOffsetFor(epoch(3))).toEqual({ epoch: epoch(3), endOffset: offset(1) });
    partition.append([makeBatch(["b"])], "client");
    clock.endTick();
    expect(log.epochs.entries as unknown).toEqual([
      { epoch: 3, startOffset: 0 },
      { epoch: 5, startOffset: 1 },
    ]);
    expect(partition.endOffsetFor(epoch(4))).toEqual({ epoch: epoch(3), endOffset: offset(1) });
    expect(partition.endOffsetFor(epoch(9))).toBe(null);
    expect(() => partition.becomeLeader(epoch(4))).toThrow("goes back");
  });

  test("wakes waiters when the high watermark moves, before the append settles", async () => {
    const { partition, clock, disk } = partitionWith({ flushMode: "commit" });
    disk.holdSyncs = true;
    const events: string[] = [];
    const cancel = partition.wait({ onProgress: () => events.push(`watermark ${partition.highWatermark}`) });
    const result = partition.append([makeBatch(["a"])], "client");
    if (!result.ok) throw new Error("refused");
    void result.settled.then(() => events.push("settled"));
    clock.endTick();
    await microtasks();
    expect(events).toEqual([]);
    while (disk.heldSyncs > 0) {
      disk.releaseSyncs();
      await microtasks();
    }
    expect(events).toEqual(["watermark 1", "settled"]);
    cancel();
    partition.append([makeBatch(["b"])], "client");
    clock.endTick();
    await microtasks();
    expect(events).toHaveLength(2);
  });

  test("read_committed ends below the first transaction whose end is not visible, and names the aborted", () => {
    const { partition, clock } = partitionWith();
    const transactional = (producerId: number) =>
      makeBatch(["t"], { producerId, attributes: batch.TRANSACTIONAL_BIT });
    const send = (bytes: Uint8Array, source: "client" | "coordinator" = "client") => {
      partition.append([bytes], source);
      clock.endTick();
    };
    const read = (from: number) => {
      const plan = partition.planRead(offset(from), 1e6, "committed", true);
      return [plan.byteCount > 0, plan.lastStableOffset, plan.abortedTransactions] as unknown[];
    };
    send(makeBatch(["plain"]));
    send(transactional(1));
    send(transactional(2));
    expect(partition.highWatermark).toBe(offset(3));
    expect(read(0)).toEqual([true, 1, []]);
    expect(read(1)).toEqual([false, 1, []]);
    send(marker(1, 0, true), "coordinator");
    expect(read(1)).toEqual([true, 2, [{ producerId: 1, firstOffset: 1 }]]);
    send(marker(2, 0, false), "coordinator");
    expect(read(1)).toEqual([true, 5, [{ producerId: 1, firstOffset: 1 }]]);
    expect(read(4)).toEqual([true, 5, []]);
    expect(partition.planRead(offset(1), 1e6, "uncommitted", true).abortedTransactions).toBe(null);
  });

  test("plans carry codes: out of range, damage, gone", async () => {
    const { partition, clock, disk, log } = partitionWith();
    for (const value of ["a", "b"]) partition.append([makeBatch([value])], "client");
    clock.endTick();
    const code = (from: number) => partition.planRead(offset(from), 100, "uncommitted", true).errorCode;
    expect([0, 2, 3, -1].map(code) as number[]).toEqual([
      ErrorCode.NONE,
      ErrorCode.NONE,
      ErrorCode.OFFSET_OUT_OF_RANGE,
      ErrorCode.OFFSET_OUT_OF_RANGE,
    ]);
    disk.flip("/data/t-0/00000000000000000000.log", batch.MAGIC_AT, 0x7f);
    expect<number>(code(0)).toBe(ErrorCode.CORRUPT_MESSAGE);
    disk.flip("/data/t-0/00000000000000000000.log", batch.MAGIC_AT, 0x7f);
    await log.close();
    expect(partition.isGone).toBe(true);
    expect<number>(code(0)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(partition.append([makeBatch(["c"])], "client"))
      .toMatchObject({ ok: false, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
  });

  test("deletes records up to the high watermark and no further", () => {
    const { partition, clock, log } = partitionWith();
    for (const value of ["a", "b", "c"]) partition.append([makeBatch([value])], "client");
    clock.endTick();
    expect(partition.deleteRecordsBefore(offset(2))).toBe(offset(2));
    expect(partition.deleteRecordsBefore(offset(4))).toBe(null);
    expect(partition.deleteRecordsBefore(offset(-2))).toBe(null);
    expect(partition.deleteRecordsBefore(offset(-1))).toBe(offset(3));
    expect(log.logStartOffset).toBe(offset(3));
  });

  test("retired, it wakes everybody for the last time", () => {
    const { partition } = partitionWith();
    let woken = 0;
    partition.wait({ onProgress: () => woken++ });
    partition.retire();
    partition.retire();
    expect(woken).toBe(1);
    expect(partition.planRead(offset(0), 1, "uncommitted", true).errorCode)
      .toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });
});

describe("the table", () => {
  test("finds by name and by id; a topic made anew under its old name is another", () => {
    const table = new PartitionTable();
    const { partition: first } = partitionWith();
    table.add(first);
    expect(table.find("t", 0)).toBe(first);
    expect(table.findById(first.topicId, 0)).toBe(first);
    expect([table.find("t", 1), table.find("u", 0)]).toEqual([undefined, undefined]);
    expect([...table]).toEqual([first]);
    expect([...table.ofTopic("t")]).toEqual([first]);
    expect(() => table.add(first)).toThrow("twice");
    table.remove(first);
    expect(table.size).toBe(0);
    expect([table.find("t", 0), table.findById(first.topicId, 0)]).toEqual([undefined, undefined]);
    expect(() => table.remove(first)).toThrow("not here");
  });
});

describe("a fetch that finds too little", () => {
  /** Partitions whose available bytes a test sets, parked together. */
  function parked(minBytes: number, maxWaitMs: number, counts: number[]) {
    const first = partitionWith();
    const second = partitionWith();
    const partitions = [first.partition, second.partition];
    const state = { answers: 0, looks: 0, counts };
    const cancel = parkFetch(first.clock, {
      minBytes,
      maxWaitMs,
      partitions: partitions.map((partition, index) => ({
        partition,
        available: () => {
          state.looks++;
          return state.counts[index]!;
        },
      })),
      answer: () => state.answers++,
    });
    const progress = async (...indexes: number[]) => {
      for (const index of indexes) {
        const { partition, clock } = [first, second][index]!;
        partition.append([makeBatch(["x"])], "client");
        clock.endTick();
      }
      await microtasks();
    };
    return { state, cancel, progress, clock: first.clock, partitions };
  }

  test("A: there is enough, or something to say, at once", () => {
    expect(parked(10, 500, [4, 6]).state.answers).toBe(1);
    expect(parked(10, 500, [0, ANSWER_NOW]).state.answers).toBe(1);
    expect(parked(0, 500, [0, 0]).state.answers).toBe(1);
  });

  test("B: no wait was asked for", () => {
    const { state, clock } = parked(10, 0, [1, 1]);
    expect(state.answers).toBe(1);
    expect(clock.timerCount).toBe(0);
  });

  test("C, D: progress is counted by the partition that made it, until there is enough", async () => {
    const { state, progress, clock } = parked(10, 500, [1, 1]);
    expect([state.answers, state.looks]).toEqual([0, 2]);
    state.counts[0] = 5;
    await progress(0);
    expect([state.answers, state.looks]).toEqual([0, 3]);
    state.counts[1] = 5;
    await progress(1);
    expect([state.answers, state.looks]).toEqual([1, 4]);
    expect(clock.timerCount).toBe(0);
    await progress(0, 1);
    clock.advance(1000);
    expect([state.answers, state.looks]).toEqual([1, 4]);
  });

  test("progress of many in one tick is looked at once", async () => {
    const { state, progress } = parked(10, 500, [0, 0]);
    state.counts = [5, 5];
    await progress(0, 1, 0, 1, 0);
    expect([state.answers, state.looks]).toEqual([1, 4]);
  });

  test("E: a partition goes away or has an error", async () => {
    const { state, partitions } = parked(10, 500, [0, 0]);
    state.counts[1] = ANSWER_NOW;
    partitions[1]!.retire();
    await microtasks();
    expect(state.answers).toBe(1);
  });

  test("F: the deadline passes", async () => {
    const { state, clock, progress } = parked(10, 500, [1, 1]);
    clock.advance(499);
    expect(state.answers).toBe(0);
    clock.advance(1);
    expect(state.answers).toBe(1);
    state.counts = [50, 50];
    await progress(0);
    expect(state.answers).toBe(1);
  });

  test("G: cancelled, nothing is answered and nothing kept, not even by progress on its way", async () => {
    const { state, cancel, clock, progress } = parked(10, 500, [0, 0]);
    state.counts = [50, 50];
    const moving = progress(0);
    cancel();
    await moving;
    clock.advance(1000);
    expect([state.answers, state.looks, clock.timerCount]).toEqual([0, 2, 0]);
  });
});
