/** What only a verifier looks at: batches whose bytes are whole, and yet do not fit the log they are in. */
import { describe, expect, test } from "bun:test";
import { writeInt32, writeInt64 } from "../../../engine/base/int64.ts";
import type { SimulatedDisk } from "../../../engine/io/disk_simulated.ts";
import { checkDirectory } from "../../../engine/log/check.ts";
import { formatEpochCheckpoint } from "../../../engine/log/epoch_checkpoint.ts";
import { formatPartitionMetadata } from "../../../engine/log/partition_metadata.ts";
import { encodeProducerSnapshot } from "../../../engine/log/producer_snapshot.ts";
import type { ProducerSnapshotEntry } from "../../../engine/log/producer_snapshot.ts";
import { Codec } from "../../../engine/model/compression.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../../../engine/model/offsets.ts";
import * as batch from "../../../engine/model/record_batch.ts";
import { DATA, formattedDisk, topicIdOf } from "../../support/directory_harness.ts";
import { goldenFiles, keepDirectories, diskOf } from "../../support/golden_disk.ts";
import { codecs, crc32c, makeBatch, marker } from "../../support/log_harness.ts";

const LOG = `${DATA}/t-0/00000000000000000000`;

/** The batches one after the other, with offsets and epoch 0, in a directory that was not cleanly stopped. */
function directoryOf(batches: readonly Uint8Array[], extra: Record<string, Uint8Array> = {}): SimulatedDisk {
  const disk = formattedDisk();
  let next = 0;
  for (const bytes of batches) {
    batch.stampBatch(bytes, 0, next as Offset, 0 as LeaderEpoch);
    next += batch.lastOffsetDeltaOf(bytes, 0) + 1;
  }
  disk.install(`${LOG}.log`, new Uint8Array(Buffer.concat(batches)));
  disk.install(`${DATA}/t-0/partition.metadata`, formatPartitionMetadata({ topicId: topicIdOf("t") }));
  const epochs = [{ epoch: 0 as LeaderEpoch, startOffset: 0 as Offset }];
  disk.install(`${DATA}/t-0/leader-epoch-checkpoint`, formatEpochCheckpoint(epochs));
  for (const [path, bytes] of Object.entries(extra)) disk.install(path, bytes);
  return disk;
}

const check = (disk: SimulatedDisk) =>
  checkDirectory(disk, DATA, { codecs }).map(({ severity, path, message }) =>
    `${severity} ${path.replace(`${DATA}/`, "")}: ${message}`);

/** Changes a header field and makes the CRC right again. */
function forged(bytes: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
  change(bytes);
  writeInt32(bytes, batch.CRC_AT, crc32c(bytes, batch.ATTRIBUTES_AT, bytes.length));
  return bytes;
}

const NAME = "t-0/00000000000000000000";

describe("the header is held against the records", () => {
  test("of whole batches, in every codec", () => {
    for (const codec of Object.values(Codec)) {
      expect(check(directoryOf([makeBatch(["a", "b"], { codec }), makeBatch(["c"], { codec })]))).toEqual([]);
    }
  });

  test.each([Codec.none, Codec.zstd])("its largest time (codec %d)", (codec) => {
    const lying = forged(makeBatch(["a"], { codec, nowMs: 1000 }), (bytes) =>
      writeInt64(bytes, batch.MAX_TIMESTAMP_AT, 1001));
    expect(check(directoryOf([lying]))).toEqual([
      `error ${NAME}.log: maxTimestamp is 1001, but the records' largest is 1000`,
    ]);
    // With LogAppendTime the header alone tells the time.
    const stamped = forged(makeBatch(["a"], { codec, nowMs: 1000, attributes: batch.TIMESTAMP_TYPE_BIT }), (bytes) =>
      writeInt64(bytes, batch.MAX_TIMESTAMP_AT, 1001));
    expect(check(directoryOf([stamped]))).toEqual([]);
  });

  test.each([Codec.none, Codec.gzip])("its count (codec %d)", (codec) => {
    const lying = forged(makeBatch(["a", "b"], { codec }), (bytes) =>
      writeInt32(bytes, batch.RECORDS_COUNT_AT, 1));
    expect(check(directoryOf([lying]))[0]).toContain("bytes are left over after the last record");
  });

  test("its compression", () => {
    const lying = forged(makeBatch(["a"]), (bytes) => (bytes[batch.ATTRIBUTES_AT + 1] = Codec.zstd));
    expect(check(directoryOf([lying]))[0]).toContain("records do not unpack (zstd)");
    const unknown = forged(makeBatch(["a"]), (bytes) => (bytes[batch.ATTRIBUTES_AT + 1] = 6));
    expect(check(directoryOf([unknown]))).toEqual([`error ${NAME}.log: codec 6 does not exist`]);
    const reserved = forged(makeBatch(["a"]), (bytes) => (bytes[batch.ATTRIBUTES_AT] = 1));
    expect(check(directoryOf([reserved]))).toEqual([`error ${NAME}.log: reserved attribute bits are set`]);
  });

  test("gaps inside a batch, unless the log was compacted", () => {
    const sparse = () => forged(makeBatch(["a", "b"]), (bytes) => writeInt32(bytes, batch.LAST_OFFSET_DELTA_AT, 4));
    expect(check(directoryOf([sparse(), makeBatch(["c"])]))).toEqual([
      `error ${NAME}.log: 2 records for 5 offsets in a log that was never compacted`,
    ]);
    const cleaned = { [`${DATA}/cleaner-offset-checkpoint`]: new TextEncoder().encode("0\n1\nt 0 5\n") };
    expect(check(directoryOf([sparse(), makeBatch(["c"])], cleaned))).toEqual([]);
  });

  test("a format that is too old to be checked", () => {
    const old = makeBatch(["a"]);
    old[batch.MAGIC_AT] = 1;
    expect(check(directoryOf([makeBatch(["b"]), old, makeBatch(["c"])]))[0]).toContain("message format 1 is too old");
  });
});

describe("producers are followed through the log", () => {
  const from = (baseSequence: number, producerEpoch = 0, records = ["a"]) =>
    makeBatch(records, { producerId: 7, producerEpoch, baseSequence });

  test.each([
    [[from(0), from(1), from(2, 0, ["x", "y"]), from(4)], []],
    [[from(5), from(6)], []], // nothing is known of what came before
    [[from(2 ** 31 - 2, 0, ["x", "y"]), from(0)], []], // wraps
    [[from(0), from(2)], ["sequence 2 after 0"]],
    [[from(0), from(0)], ["sequence 0 after 0"]],
    [[from(0), from(0, 1)], []],
    [[from(0), from(3, 1)], ["sequence starts at 3 in a new producer epoch"]],
    [[from(0, 1), from(1, 0)], ["producer epoch goes back to 0"]],
  ])("%#", (batches, odd) => {
    expect(check(directoryOf(batches))).toEqual(odd.map((reason) => `warning ${NAME}.log: ${reason}`));
  });

  const entry: ProducerSnapshotEntry = {
    producerId: 7, producerEpoch: 0, lastSequence: 1, lastOffset: 1 as Offset, offsetDelta: 0,
    timestamp: 0 as TimestampMs, coordinatorEpoch: -1, currentTxnFirstOffset: -1 as Offset,
  };
  const snapshotOf = (changes: Partial<ProducerSnapshotEntry>) => ({
    [`${DATA}/t-0/00000000000000000002.snapshot`]: encodeProducerSnapshot([{ ...entry, ...changes }], crc32c),
  });

  test.each([
    [{}, []],
    [{ producerEpoch: 1 }, ["producer 7 has epoch 1, the log says 0"]],
    [{ lastSequence: 5 }, ["producer 7 has last sequence 5, the log says 1"]],
    [{ lastOffset: 0 as Offset }, ["producer 7 has last offset 0, the log says 1"]],
    [{ lastOffset: 2 as Offset }, ["producer 7 has written 2 already"]],
    [{ currentTxnFirstOffset: 1 as Offset }, []], // it may have begun before the log does
  ])("a snapshot with %j", (changes, reasons) => {
    const disk = directoryOf([from(0), from(1), from(2)], snapshotOf(changes));
    expect(check(disk)).toEqual(reasons.map((reason) => `error t-0/00000000000000000002.snapshot: ${reason}`));
  });

  test("open transactions stand in snapshots", () => {
    const open = makeBatch(["a"], { producerId: 7, attributes: batch.TRANSACTIONAL_BIT });
    const more = makeBatch(["b"], { producerId: 7, baseSequence: 1, attributes: batch.TRANSACTIONAL_BIT });
    const batches = () => [open.slice(), more.slice(), marker(7, 0, false)];
    expect(check(directoryOf(batches(), snapshotOf({ currentTxnFirstOffset: 0 as Offset })))).toEqual([]);
    expect(check(directoryOf(batches(), snapshotOf({})))).toEqual([
      "error t-0/00000000000000000002.snapshot: producer 7 has its open transaction at -1, the log at 0",
    ]);
  });

  test("an aborted transaction without its index entry", () => {
    const open = makeBatch(["a"], { producerId: 7, attributes: batch.TRANSACTIONAL_BIT });
    expect(check(directoryOf([open, marker(7, 0, true)]))).toEqual([
      `error ${NAME}.txnindex: no entry for the marker at 1`,
    ]);
  });
});

describe("time index entries are held against all batches before them", () => {
  const entryOf = (timestamp: number, offset: number) => {
    const bytes = new Uint8Array(12);
    writeInt64(bytes, 0, timestamp);
    writeInt32(bytes, 8, offset);
    return bytes;
  };
  const batches = () => [5000, 9000, 7000].map((nowMs) => makeBatch(["a"], { nowMs }));
  const withEntries = (...entries: Uint8Array[]) =>
    check(directoryOf(batches(), { [`${LOG}.timeindex`]: new Uint8Array(Buffer.concat(entries)) }));

  test("largest times, in order", () => {
    expect(withEntries(entryOf(5000, 0), entryOf(9000, 1))).toEqual([]);
    expect(withEntries(entryOf(9000, 1), entryOf(7000, 2))).toEqual([
      `warning ${NAME}.timeindex: an earlier batch has a later time than the entry's 7000`,
    ]);
    expect(withEntries(entryOf(9000, 1), entryOf(9000, 1))).toEqual([
      `warning ${NAME}.timeindex: time 9000 was entered before`,
    ]);
    expect(withEntries(entryOf(8999, 1))).toEqual([
      `warning ${NAME}.timeindex: entry says time 8999, its batch 9000`,
    ]);
  });
});

test("a batch that is being written while the check comes by is no problem", () => {
  const whole = [makeBatch(["a"]), makeBatch(["b".repeat(500)])];
  const disk = directoryOf(whole);
  const bytes = disk.readAll(`${LOG}.log`)!;
  const half = bytes.slice();
  half.fill(0, bytes.length - 300);
  disk.install(`${LOG}.log`, half);
  expect(check(disk)[0]).toContain("unfinished tail, cut away by the next start");
  let reads = 0;
  disk.planRead = (path, position) => {
    if (path === `${LOG}.log` && position > 0 && reads++ === 0) disk.file(path).write([bytes], 0);
    return null;
  };
  expect(check(disk)).toEqual([]);
  expect(reads).toBeGreaterThan(0);
});

test("a metadata snapshot without its footer", () => {
  const files = new Map(keepDirectories(goldenFiles("snapshotted"), ["__cluster_metadata-0"]));
  const path = [...files.keys()].find((name) => name.endsWith("1.checkpoint"))!;
  const bytes = files.get(path)!;
  let last = 0;
  for (let at = 0; at < bytes.length; at += batch.batchBytesOf(bytes, at)) last = at;
  files.set(path, bytes.slice(0, last));
  const problems = checkDirectory(diskOf(files), DATA, { codecs });
  expect(problems.map(({ message }) => message)).toEqual(["header or footer is missing"]);
});
