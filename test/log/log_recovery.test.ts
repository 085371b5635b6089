/** Opening what a stop, clean or not, left behind: tails, indexes, interrupted deletions and compactions. */
import { describe, expect, test } from "bun:test";
import type { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import type { Log } from "../../engine/log/log.ts";
import { crc32 } from "../../engine/base/crc32.ts";
import { writeInt32, writeInt64 } from "../../engine/base/int64.ts";
import { DataDirectoryError } from "../../engine/model/errors.ts";
import type { Offset } from "../../engine/model/offsets.ts";
import * as batch from "../../engine/model/record_batch.ts";
import { crashVariants, enumerateCrashes } from "../support/crash_states.ts";
import {
  LOG_DIR,
  NOW,
  appended,
  batchOfSize,
  crc32c,
  makeBatch,
  marker,
  microtasks,
  openLog,
  readBatches,
  readValues,
  simulatedDisk,
} from "../support/log_harness.ts";
import type { OpenedLog, Opening } from "../support/log_harness.ts";

const SMALL = { segmentBytes: 1000, indexIntervalBytes: 200 };
const path = (name: string) => `${LOG_DIR}/${name}`;
const logFile = (base: number) => path(`${String(base).padStart(20, "0")}.log`);

/** A log that was written to, synced, and whose process then died. */
async function killed(batches: readonly Uint8Array[], config = {}): Promise<SimulatedDisk> {
  const { log, clock, disk } = openLog({ config });
  for (const bytes of batches) {
    appended(log, bytes);
    clock.endTick();
  }
  await log.flush();
  return disk.kill();
}

/** The same, closed cleanly. */
async function stopped(batches: readonly Uint8Array[], config = {}): Promise<SimulatedDisk> {
  const { log, disk } = openLog({ config });
  for (const bytes of batches) appended(log, bytes);
  await log.close();
  return disk.kill();
}

const texts = (count: number) => Array.from({ length: count }, (_, index) => makeBatch([`v${index}`]));

/** Replaces a file's bytes, durably. */
function install(disk: SimulatedDisk, file: string, bytes: Uint8Array): SimulatedDisk {
  disk.install(file, bytes);
  return disk;
}

describe("a torn tail", () => {
  test("every single-byte truncation leaves the whole batches before it", async () => {
    const disk = await killed([makeBatch(["a", "b"]), makeBatch(["c"]), batchOfSize(200), makeBatch(["d"])]);
    const ends: number[] = [];
    const { log } = openLog({ disk: disk.kill() });
    for (const { bytes } of readBatches(log)) ends.push((ends.at(-1) ?? 0) + bytes.length);
    const whole = disk.readAll(logFile(0))!.slice(0, ends.at(-1));
    for (let length = 0; length <= whole.length; length++) {
      const cut = install(disk.kill(), logFile(0), whole.slice(0, length));
      const recovered = openLog({ disk: cut }).log;
      const expected = ends.filter((end) => end <= length).length;
      expect(readBatches(recovered)).toHaveLength(expected);
      expect(cut.fileSize(logFile(0))).toBe(ends[expected - 1] ?? 0);
    }
  });

  test("every flipped byte is found and ends the log there, unless the format leaves it unprotected", async () => {
    const batches = texts(4);
    const disk = await killed(batches);
    const size = batches[0]!.length;
    const whole = disk.readAll(logFile(0))!.slice(0, size * 4);
    for (let position = 0; position < whole.length; position++) {
      const flipped = whole.slice();
      flipped[position]! ^= 0x40;
      const recovered = openLog({ disk: install(disk.kill(), logFile(0), flipped) }).log;
      const stored = readBatches(recovered);
      const hit = Math.floor(position / size);
      // Base offset and leader epoch lie outside the CRC. An offset that goes back is found, one that
      // jumps ahead looks like the gap that compaction leaves; so does the batch after it then not.
      const at = position % size;
      const isUnprotected = at < 8 || at >= 12 && at < 16;
      if (!isUnprotected) expect(stored).toHaveLength(hit);
      for (let index = 1; index < stored.length; index++) {
        expect(stored[index]!.baseOffset).toBeGreaterThan(stored[index - 1]!.lastOffset);
      }
    }
  });

  test("a valid batch that belongs elsewhere does not pass for the next one", async () => {
    const batches = texts(3);
    const disk = await killed(batches);
    const size = batches[0]!.length;
    const bytes = disk.readAll(logFile(0))!.slice(0, size * 4);
    bytes.set(bytes.slice(size, size * 2), size * 3); // the second batch once more
    const { log } = openLog({ disk: install(disk, logFile(0), bytes) });
    expect(readValues(log)).toEqual(["v0", "v1", "v2"]);
    expect(log.recovery.truncatedBytes).toBe(size);
    expect(log.recovery.notes.join()).toContain("offset 1 where 3 or more was expected");
  });

  test("damage in the middle: what follows is removed before the file is cut, so a crash leaves no hole", async () => {
    const batches = Array.from({ length: 8 }, () => batchOfSize(450));
    const source = await killed(batches, SMALL);
    // On a compacted topic a hole between segments is no sign of loss: the order alone protects.
    const config = { ...SMALL, cleanupPolicy: ["compact" as const] };
    const report = await enumerateCrashes<{ done: boolean }, OpenedLog>({
      makeDisk: () => {
        const disk = source.kill();
        disk.flip(logFile(2), 300, 0xff);
        return disk;
      },
      makeModel: () => ({ done: false }),
      copyModel: (model) => ({ ...model }),
      workload: (disk, model) => {
        const { log } = openLog({ disk, config });
        expect(log.logEndOffset).toBe(2 as never);
        expect(log.recovery.deletedSegments).toBe(2);
        model.done = true;
      },
      recover: (disk) => openLog({ disk, config }),
      verify: ({ log }) => {
        expect(readBatches(log).map((each) => each.baseOffset)).toEqual([0, 1]);
        expect(log.logEndOffset).toBe(2 as never);
      },
      variants: crashVariants(3),
      againEvery: 3,
    });
    expect(report.points).toBeGreaterThan(10);
  });
});

describe("what is scanned", () => {
  test("after an unclean stop only segments at or beyond the recovery point", async () => {
    const disk = await killed(Array.from({ length: 8 }, () => batchOfSize(450)), SMALL);
    const at = (recoveryPoint: number) =>
      openLog({ disk: disk.kill(), config: SMALL, recoveryPoint }).log.recovery.scannedSegments;
    expect([0, 1, 2, 5, 6, 7, 8].map(at)).toEqual([4, 4, 3, 2, 1, 1, 1]);
  });

  test("after a clean stop nothing: no segment but the last is touched, no map is made", async () => {
    const disk = await stopped(Array.from({ length: 8 }, () => batchOfSize(450)), SMALL);
    const reads: string[] = [];
    disk.planRead = (file) => {
      reads.push(file.slice(LOG_DIR.length + 1));
      return null;
    };
    const points = disk.points;
    const { log, environment } = openLog({ disk, config: SMALL, cleanStop: true });
    expect(log.logEndOffset).toBe(8 as never);
    expect(reads.filter((name) => !/checkpoint|snapshot/.test(name)).sort()).toEqual([
      "00000000000000000006.index",
      "00000000000000000006.log",
    ]);
    expect(disk.points).toBe(points);
    expect(environment.indexCache.size).toBe(0);
    expect(readBatches(log)).toHaveLength(8);
  });

  test("a clean stop of an untouched log writes nothing", async () => {
    const disk = await stopped(texts(3));
    const { log } = openLog({ disk, cleanStop: true });
    const points = disk.points;
    await log.close();
    expect(disk.points).toBe(points);
  });

  test.each(["index", "timeindex"])("a missing .%s is rebuilt, whatever the stop", async (suffix) => {
    const disk = await stopped(Array.from({ length: 8 }, () => batchOfSize(450)), SMALL);
    for (const base of [2, 6]) {
      const file = path(`${String(base).padStart(20, "0")}.${suffix}`);
      const before = disk.readAll(file);
      const other = disk.kill();
      other.remove(file);
      const { log } = openLog({ disk: other, config: SMALL, cleanStop: true });
      expect(log.recovery.scannedSegments).toBe(1);
      expect(other.readAll(file)).toEqual(before);
      expect(readBatches(log)).toHaveLength(8);
    }
  });

  test("an end that no clean stop leaves is scanned, marker or not", async () => {
    const disk = await stopped(texts(3));
    const bytes = disk.readAll(logFile(0))!;
    install(disk, logFile(0), bytes.slice(0, bytes.length - 5));
    const { log } = openLog({ disk, cleanStop: true });
    expect(log.recovery.scannedSegments).toBe(1);
    expect(readValues(log)).toEqual(["v0", "v1"]);
  });

  describe("from a checkpoint within the segment on", () => {
    const config = { indexIntervalBytes: 300, segmentBytes: 1_000_000 };
    const transactional = (sequence: number) => makeBatch(["t"], {
      producerId: 9,
      baseSequence: sequence,
      attributes: batch.TRANSACTIONAL_BIT,
    });

    /** Twenty batches, a checkpoint, five more; all synced, then the process dies. */
    async function checkpointed() {
      const { log, clock, disk } = openLog({ config });
      const send = (from: number, upTo: number) => {
        for (let index = from; index < upTo; index++) {
          appended(log, makeBatch(["v".repeat(index * 7 % 90)], {
            producerId: 5,
            baseSequence: index,
            nowMs: NOW + index * 37 % 100,
          }));
        }
        clock.endTick();
      };
      send(0, 18);
      appended(log, transactional(0));
      appended(log, marker(9, 0, true), "coordinator");
      await log.flush();
      const recoveryPoint = log.recoveryPoint;
      log.checkpoint();
      await microtasks();
      const bytesBefore = log.sizeBytes;
      send(18, 23);
      await log.flush();
      return { disk: disk.kill(), recoveryPoint, bytesBefore, bytes: log.sizeBytes };
    }
    const filesOf = (disk: SimulatedDisk) => disk.list(LOG_DIR).filter((name) => !name.endsWith(".snapshot"))
      .map((name) => `${name} ${Buffer.from(disk.readAll(path(name))!).toString("hex")}`);

    test("nothing below it is scanned, and everything is as if it had been", async () => {
      const { disk, recoveryPoint, bytesBefore, bytes } = await checkpointed();
      expect(disk.list(LOG_DIR)).toContain("00000000000000000020.snapshot");
      const whole = disk.kill();
      const scanned = openLog({ disk: whole, config, recoveryPoint: 0 }).log;
      const resumed = openLog({ disk, config, recoveryPoint }).log;
      expect(scanned.recovery.scannedBytes).toBe(bytes);
      expect(resumed.recovery.scannedBytes).toBe(bytes - bytesBefore);
      expect(filesOf(disk)).toEqual(filesOf(whole));
      expect(resumed.producers.activeProducers()).toEqual(scanned.producers.activeProducers());
      expect(readBatches(resumed)).toEqual(readBatches(scanned));
      expect(resumed.abortedTransactions(0 as Offset, resumed.logEndOffset)).toHaveLength(1);
      expect(disk.list(LOG_DIR).filter((name) => name.endsWith(".snapshot")))
        .toEqual(["00000000000000000020.snapshot"]);
      await resumed.close();
      const closed = openLog({ disk: disk.kill(), config, cleanStop: true }).log;
      expect(closed.producers.activeProducers()).toEqual(scanned.producers.activeProducers());
    });

    test("the snapshot that vouches for the indexes is written once they are synced", async () => {
      const { log, clock, disk } = openLog({ config });
      for (let index = 0; index < 20; index++) appended(log, batchOfSize(200));
      clock.endTick();
      await log.flush();
      disk.holdSyncs = true;
      log.checkpoint();
      await microtasks();
      const snapshots = () => disk.list(LOG_DIR).filter((name) => name.endsWith(".snapshot"));
      expect(disk.fileSize(path("00000000000000000000.index"))).toBeGreaterThan(0);
      expect(disk.crash({}).readAll(path("00000000000000000000.index")) ?? []).toHaveLength(0);
      expect(snapshots()).toEqual([]);
      while (disk.heldSyncs > 0) {
        disk.releaseSyncs();
        await microtasks();
      }
      expect(snapshots()).toEqual(["00000000000000000020.snapshot"]);
      expect(disk.crash({}).fileSize(path("00000000000000000000.index"))).toBeGreaterThan(0);
      appended(log, batchOfSize(200));
      clock.endTick();
      log.checkpoint();
      await microtasks();
      while (disk.heldSyncs > 0) {
        disk.releaseSyncs();
        await microtasks();
      }
      expect(snapshots()).toEqual(["00000000000000000021.snapshot"]); // one at a time
    });

    test.each([
      ["no recovery point", "", () => null],
      ["the snapshot is damaged", "20.snapshot", (bytes: Uint8Array) => bytes.with(9, 77)],
      ["the index is full of zeros", "0.index", () => new Uint8Array(10_000)],
      ["an entry leads into a batch", "0.index", (bytes: Uint8Array) => bytes.with(bytes.length - 1, 7)],
      ["the index is gone", "0.index", null],
      ["the time index goes back", "0.timeindex", (bytes: Uint8Array) => bytes.with(2, 9)],
      ["the time index is zeros", "0.timeindex", () => new Uint8Array(24)],
      ["the transaction index names another", "0.txnindex", (bytes: Uint8Array) => bytes.with(9, 8)],
    ] as [string, string, ((bytes: Uint8Array) => Uint8Array | null) | null][])(
      "%s: all is scanned, with the same result",
      async (_name, suffix, damage) => {
        const { disk, recoveryPoint, bytes } = await checkpointed();
        const whole = disk.kill();
        openLog({ disk: whole, config, recoveryPoint: 0 });
        const name = disk.list(LOG_DIR).find((each) => suffix !== "" && each.endsWith(suffix));
        if (name !== undefined && damage === null) disk.remove(path(name));
        else if (name !== undefined) disk.install(path(name), damage!(disk.readAll(path(name))!)!);
        const { log } = openLog({ disk, config, recoveryPoint: name === undefined ? 0 : recoveryPoint });
        expect(log.recovery.scannedBytes).toBe(bytes);
        expect(readBatches(log)).toHaveLength(25);
        expect(log.producers.activeProducers()).toHaveLength(2);
        expect(log.abortedTransactions(0 as Offset, log.logEndOffset)).toMatchObject([{ producerId: 9 }]);
        expect(filesOf(disk)).toEqual(filesOf(whole));
      },
    );
  });

  test("a log that ends below its start is emptied and goes on from the start", async () => {
    const disk = await killed(texts(3));
    const { log, clock } = openLog({ disk, logStartOffset: 10 });
    expect([log.logStartOffset, log.logEndOffset]).toEqual([10, 10] as never);
    expect(disk.exists(logFile(0))).toBe(false);
    const next = appended(log, makeBatch(["on"]));
    clock.endTick();
    await next.settled;
    expect(next.baseOffset).toBe(10 as never);
    expect(readValues(log)).toEqual(["on"]);
  });
});

describe("interrupted deletion and compaction", () => {
  async function segmented(): Promise<SimulatedDisk> {
    return stopped(Array.from({ length: 8 }, () => batchOfSize(450)), SMALL);
  }
  const suffixes = [".log", ".index", ".timeindex"];
  const named = (base: number, suffix: string, state = "") =>
    path(`${String(base).padStart(20, "0")}${suffix}${state}`);

  test(".deleted files are removed", async () => {
    const disk = await segmented();
    for (const suffix of suffixes) disk.rename(named(0, suffix), named(0, suffix, ".deleted"));
    const { log } = openLog({ disk, config: SMALL, cleanStop: true });
    expect(log.logStartOffset).toBe(2 as never);
    expect(disk.list(LOG_DIR).filter((name) => name.endsWith(".deleted"))).toEqual([]);
  });

  test(".cleaned files are removed, with the .swap files of the same split", async () => {
    const disk = await segmented();
    for (const suffix of suffixes) {
      disk.install(named(2, suffix, ".cleaned"), new Uint8Array(10));
      disk.install(named(4, suffix, ".swap"), new Uint8Array(10));
    }
    const { log } = openLog({ disk, config: SMALL, cleanStop: true });
    expect(readBatches(log)).toHaveLength(8);
    expect(disk.list(LOG_DIR).filter((name) => /cleaned|swap/.test(name))).toEqual([]);
  });

  test.each([true, false])("a .swap replaces the segments in its range (all of its files there: %p)", async (allThere) => {
    const disk = await segmented();
    // Segments 0 and 2 (offsets 0 to 3) were compacted into one that starts at 0 and keeps offset 3.
    const kept = disk.readAll(named(2, ".log"))!.slice(450 - 2);
    const size = batch.batchBytesOf(disk.readAll(named(2, ".log"))!, 0);
    const last = disk.readAll(named(2, ".log"))!.slice(size);
    expect(kept.length).toBeGreaterThan(0);
    disk.install(named(0, ".log", ".swap"), last);
    if (allThere) {
      disk.install(named(0, ".index", ".swap"), new Uint8Array(0));
      disk.install(named(0, ".timeindex", ".swap"), timeEntry(NOW, 3));
    }
    const { log } = openLog({ disk, config: SMALL, cleanStop: true });
    expect(readBatches(log).map((each) => each.baseOffset)).toEqual([3, 4, 5, 6, 7]);
    expect(log.logStartOffset).toBe(0 as never);
    expect(disk.list(LOG_DIR).filter((name) => name.includes("swap"))).toEqual([]);
    expect(disk.exists(named(2, ".log"))).toBe(false);
    expect(disk.exists(named(2, ".index"))).toBe(false);
  });

  test("indexes without a log are removed", async () => {
    const disk = await segmented();
    disk.install(named(50, ".index"), new Uint8Array(8));
    disk.install(named(50, ".txnindex"), new Uint8Array(34));
    openLog({ disk, config: SMALL, cleanStop: true });
    expect(disk.list(LOG_DIR).filter((name) => name.includes("050"))).toEqual([]);
  });

  function timeEntry(timestamp: number, relative: number): Uint8Array {
    const bytes = new Uint8Array(12);
    writeInt64(bytes, 0, timestamp);
    writeInt32(bytes, 8, relative);
    return bytes;
  }
});

describe("batches that only other writers leave", () => {
  /** Any header fields, with a CRC that fits. */
  function withHeader(bytes: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
    const changed = bytes.slice();
    change(changed);
    writeInt32(changed, batch.CRC_AT, crc32c(changed, batch.ATTRIBUTES_AT, changed.length));
    return changed;
  }
  const placed = (bytes: Uint8Array, baseOffset: number) => {
    const stamped = bytes.slice();
    batch.stampBatch(stamped, 0, baseOffset as Offset, 0 as never);
    return stamped;
  };

  test("sparse, empty and delete-horizon batches and gaps between offsets are kept", () => {
    const sparse = withHeader(makeBatch(["a"]), (bytes) => writeInt32(bytes, batch.LAST_OFFSET_DELTA_AT, 9));
    const empty = withHeader(makeBatch(["x"]).slice(0, batch.BATCH_HEADER_BYTES), (bytes) => {
      writeInt32(bytes, batch.BATCH_LENGTH_AT, batch.BATCH_LENGTH_MIN);
      writeInt32(bytes, batch.RECORDS_COUNT_AT, 0);
      writeInt32(bytes, batch.LAST_OFFSET_DELTA_AT, 4);
      writeInt64(bytes, batch.BASE_TIMESTAMP_AT, -1);
    });
    const horizon = withHeader(makeBatch(["h"]), (bytes) => {
      bytes[batch.ATTRIBUTES_AT + 1] = batch.DELETE_HORIZON_BIT;
    });
    const bytes = Buffer.concat([placed(sparse, 0), placed(empty, 20), placed(horizon, 1000)]);
    const disk = simulatedDisk();
    disk.install(logFile(0), bytes);
    const { log } = openLog({ disk });
    expect(log.recovery.truncatedBytes).toBe(0);
    expect(readBatches(log).map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset]))
      .toEqual([[0, 9], [20, 24], [1000, 1000]]);
    // Offsets that compaction took lead to the next batch.
    for (const [from, found] of [[5, 0], [12, 20], [25, 1000], [999, 1000]] as const) {
      const plan = log.planRead(from as Offset, log.stableOffset, 1, true);
      expect(plan).toMatchObject({ startOffset: found });
    }
  });

  /** A message of magic 0 or 1 with a CRC-32 that fits. */
  function legacy(magic: number): Uint8Array {
    const bytes = new Uint8Array(60);
    writeInt32(bytes, 8, bytes.length - 12);
    bytes[16] = magic;
    writeInt32(bytes, 12, crc32(bytes, 16, bytes.length));
    return bytes;
  }

  test.each([0, 1])("a log of magic %d is refused and left as it is", (magic) => {
    const disk = simulatedDisk();
    const bytes = Buffer.concat([legacy(magic), legacy(magic)]);
    for (const cleanStop of [false, true]) {
      disk.install(logFile(0), bytes);
      disk.install(path("00000000000000000000.index"), new Uint8Array(0));
      disk.install(path("00000000000000000000.timeindex"), new Uint8Array(0));
      expect(() => openLog({ disk, cleanStop })).toThrow(DataDirectoryError);
      expect(disk.readAll(logFile(0))).toEqual(new Uint8Array(bytes));
    }
  });

  test("a torn header whose magic reads as 0 is damage, no legacy message", async () => {
    const disk = await killed(texts(2));
    const size = makeBatch(["v0"]).length;
    const torn = disk.readAll(logFile(0))!.slice(0, size * 2);
    torn.fill(0, size + 16); // the second sector of the header never made it
    const { log } = openLog({ disk: install(disk, logFile(0), torn) });
    expect(readValues(log)).toEqual(["v0"]);
  });
});

describe("small files", () => {
  const producers = (log: Log) => log.producers.activeProducers();
  const idempotent = (count: number) => Array.from({ length: count }, (_, index) =>
    makeBatch([`p${index}`, "x".repeat(300)], { producerId: 77, producerEpoch: 1, baseSequence: index * 2 }));

  test.each([true, false])("producers survive a stop (clean: %p), from the snapshot or the log", async (isClean) => {
    const disk = await (isClean ? stopped : killed)(idempotent(6), SMALL);
    const { log } = openLog({ disk, config: SMALL, cleanStop: isClean });
    expect(producers(log)).toMatchObject([{ producerId: 77, producerEpoch: 1, lastSequence: 11 }]);
    const again = appended(log, idempotent(6)[5]!);
    expect(again).toMatchObject({ duplicate: true, baseOffset: 10, lastOffset: 11 });
  });

  test("a damaged snapshot is removed and an older one used", async () => {
    const disk = await stopped(idempotent(6), SMALL);
    const snapshots = disk.list(LOG_DIR).filter((name) => name.endsWith(".snapshot"));
    expect(snapshots.length).toBeGreaterThan(2);
    disk.flip(path(snapshots.at(-1)!), 8, 0xff);
    const { log } = openLog({ disk, config: SMALL, cleanStop: true });
    expect(producers(log)).toMatchObject([{ producerId: 77, lastSequence: 11 }]);
    expect(log.recovery.notes.join()).toContain("CRC");
  });

  test("all snapshots gone: the log itself tells", async () => {
    const disk = await stopped(idempotent(6), SMALL);
    for (const name of disk.list(LOG_DIR)) if (name.endsWith(".snapshot")) disk.remove(path(name));
    const { log } = openLog({ disk, config: SMALL, cleanStop: true });
    expect(producers(log)).toMatchObject([{ producerId: 77, lastSequence: 11 }]);
  });

  test("snapshots of no segment are removed, but the newest beyond the last base", async () => {
    const disk = await stopped(idempotent(6), SMALL);
    const before = disk.list(LOG_DIR).filter((name) => name.endsWith(".snapshot"));
    disk.install(path("00000000000000000003.snapshot"), new Uint8Array(10));
    openLog({ disk, config: SMALL, cleanStop: true });
    expect(disk.list(LOG_DIR).filter((name) => name.endsWith(".snapshot"))).toEqual(before);
  });

  test("epochs beyond the end or damaged are set right", async () => {
    const { log, clock, disk } = openLog();
    for (const epoch of [0, 3, 5]) {
      appended(log, makeBatch([`e${epoch}`]), "client", epoch);
      clock.endTick();
    }
    await log.flush();
    const size = makeBatch(["e0"]).length;
    const cut = install(disk.kill(), logFile(0), disk.readAll(logFile(0))!.slice(0, size * 2));
    expect(openLog({ disk: cut }).log.epochs.entries as never).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 3, startOffset: 1 },
    ] as never);
    const text = (value: string) => new TextEncoder().encode(value);
    const damaged = install(disk.kill(), path("leader-epoch-checkpoint"), text("0\n9\nnonsense"));
    expect(openLog({ disk: damaged }).log.epochs.entries as never).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 3, startOffset: 1 },
      { epoch: 5, startOffset: 2 },
    ] as never);
  });

  test("aborted transactions and the open one are found again by the scan", async () => {
    const opening: Opening = { config: SMALL };
    const { log, clock, disk } = openLog(opening);
    const transactional = (producerId: number, sequence: number) =>
      makeBatch(["t".repeat(200)], {
        producerId,
        producerEpoch: 0,
        baseSequence: sequence,
        attributes: batch.TRANSACTIONAL_BIT,
      });
    appended(log, transactional(1, 0));
    appended(log, transactional(2, 0));
    appended(log, marker(1, 0, true), "coordinator");
    appended(log, transactional(3, 0));
    appended(log, batchOfSize(600));
    appended(log, marker(3, 0, false), "coordinator");
    clock.endTick();
    await log.flush();
    const before = log.abortedTransactions(0 as Offset, log.logEndOffset);
    expect(before as never).toEqual([
      { producerId: 1, firstOffset: 0, lastOffset: 2, lastStableOffset: 1 },
    ] as never);
    for (const recoveryPoint of [0, log.recoveryPoint]) {
      const { log: after } = openLog({ ...opening, disk: disk.kill(), recoveryPoint });
      expect(after.abortedTransactions(0 as Offset, after.logEndOffset)).toEqual(before);
      expect(after.firstUnstableOffset).toBe(1 as never);
    }
  });
});
