/**
 * Directories that Apache Kafka 4.3.1 left behind: every record is served, and what we write for the
 * same batches has the same bytes as what Kafka wrote.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Uuid } from "../../engine/base/uuid.ts";
import { Log } from "../../engine/log/log.ts";
import { createLogEnvironment } from "../../engine/log/log_environment.ts";
import type { LogEnvironment } from "../../engine/log/log_environment.ts";
import { Codec } from "../../engine/model/compression.ts";
import { LOG_CONFIG_DEFAULTS } from "../../engine/model/log_config.ts";
import type { LogConfig } from "../../engine/model/log_config.ts";
import type { Offset } from "../../engine/model/offsets.ts";
import * as batch from "../../engine/model/record_batch.ts";
import { readRecords } from "../../engine/model/records.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { unpackGolden } from "../support/golden.ts";
import type { Golden, GoldenName, GoldenRecord } from "../support/golden.ts";
import { TOPIC_ID, codecs, noRandom, nodeDisk, readBatches } from "../support/log_harness.ts";

const ALL: readonly GoldenName[] = ["clean", "killed", "snapshotted", "trimmed", "transactions"];
const opened: Golden[] = [];
const folders: string[] = [];
afterAll(() => {
  for (const golden of opened) golden.remove();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** Just after the directories were made: producers in them have not expired. */
const GOLDEN_NOW = Date.UTC(2026, 10, 21, 12);

function environmentOnDisk(): LogEnvironment {
  const clock = new ManualClock(GOLDEN_NOW);
  return createLogEnvironment({ disk: nodeDisk(), clock, random: noRandom, codecs });
}

function unpack(name: GoldenName): Golden {
  const golden = unpackGolden(name);
  opened.push(golden);
  return golden;
}

/** `topic partition offset` lines of a checkpoint file. */
function checkpointOf(dir: string, file: string): Map<string, number> {
  const lines = readFileSync(join(dir, file), "utf8").trim().split("\n").slice(2);
  return new Map(lines.map((line) => {
    const [topic, partition, offset] = line.split(" ");
    return [`${topic}-${partition}`, Number(offset)];
  }));
}

function openPartition(
  golden: Golden,
  name: string,
  cleanStop: boolean,
  environment: LogEnvironment,
  config: Partial<LogConfig> = {},
): Log {
  const dash = name.lastIndexOf("-");
  const recoveryPoints = checkpointOf(golden.dir, "recovery-point-offset-checkpoint");
  const logStarts = checkpointOf(golden.dir, "log-start-offset-checkpoint");
  return Log.open({
    environment,
    dir: join(golden.dir, name),
    topic: name.slice(0, dash),
    partition: Number(name.slice(dash + 1)),
    topicId: TOPIC_ID as Uuid,
    config: { ...LOG_CONFIG_DEFAULTS, ...config },
    cleanStop,
    recoveryPoint: (recoveryPoints.get(name) ?? 0) as Offset,
    logStartOffset: (logStarts.get(name) ?? 0) as Offset,
  });
}

function partitionsOf(golden: Golden): string[] {
  return readdirSync(golden.dir).filter((name) => /^[\w.]+(-[a-z0-9]+)*-\d+$/.test(name));
}

/** As a read_committed consumer sees them: batches of aborted transactions are skipped. */
function recordsOf(log: Log): { offset: number }[] {
  const aborted = log.abortedTransactions(log.logStartOffset, log.logEndOffset);
  const isAborted = (bytes: Uint8Array) => aborted.some((each) =>
    (batch.attributesOf(bytes, 0) & batch.TRANSACTIONAL_BIT) !== 0 &&
    each.producerId === batch.producerIdOf(bytes, 0) &&
    each.firstOffset <= batch.baseOffsetOf(bytes, 0) &&
    each.lastOffset >= batch.lastOffsetOf(bytes, 0)
  );
  const decoder = new TextDecoder();
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : decoder.decode(bytes));
  return readBatches(log).flatMap(({ bytes }) => {
    const attributes = batch.attributesOf(bytes, 0);
    if ((attributes & batch.CONTROL_BIT) !== 0 || isAborted(bytes)) return [];
    const codec = (attributes & batch.CODEC_MASK) as Codec;
    const packed = bytes.subarray(batch.BATCH_HEADER_BYTES);
    const unpacked = codec === Codec.none ? packed : codecs.decompressNow(codec, packed, 1 << 28);
    return [...readRecords(bytes, 0, unpacked)]
      .filter((record) => record.offset >= log.logStartOffset)
      .map((record) => ({
        offset: record.offset,
        ts: record.timestamp,
        key: text(record.key),
        payload: text(record.value),
      }));
  });
}

const expectedOf = (records: readonly GoldenRecord[], partition: number) =>
  records.filter((record) => record.partition === partition)
    .map(({ offset, ts, key, payload }) => ({ offset, ts, key, payload }));

describe.each(ALL)("golden directory %s", (name) => {
  test("every record of every partition is served", async () => {
    const golden = unpack(name);
    const isClean = readdirSync(golden.dir).includes(".kafka_cleanshutdown");
    const environment = environmentOnDisk();
    let compared = 0;
    for (const partition of partitionsOf(golden)) {
      const log = openPartition(golden, partition, isClean, environment);
      const expected = golden.records[log.topic];
      if (expected !== undefined) {
        const known = expectedOf(expected, log.partition);
        // A log start that Kafka had moved, but not checkpointed when it was killed, is back at 0.
        const from = name === "killed" ? known[0]?.offset ?? 0 : 0;
        const stored = recordsOf(log).filter((record) => record.offset >= from);
        expect(stored).toEqual(known);
        compared++;
      }
      if (isClean) expect(log.recovery.scannedSegments).toBe(0);
      expect(log.recovery.truncatedBytes).toBe(0);
      await log.close();
    }
    expect(compared).toBeGreaterThan(name === "snapshotted" || name === "trimmed" ? 0 : 1);
  });

  test("a scan of everything finds what a clean stop knew", async () => {
    const golden = unpack(name);
    const environment = environmentOnDisk();
    for (const partition of partitionsOf(golden)) {
      const isClean = readdirSync(golden.dir).includes(".kafka_cleanshutdown");
      if (!isClean) continue;
      const clean = openPartition(golden, partition, true, environment);
      const before = { ...boundsOf(clean), producers: clean.producers.activeProducers() };
      clean.discard();
      const files = filesOf(join(golden.dir, partition), /\.(index|timeindex|txnindex)$/);
      const scanned = openPartition(golden, partition, false, environment);
      const after = { ...boundsOf(scanned), producers: scanned.producers.activeProducers() };
      expect(after).toEqual(before);
      await scanned.close();
      expect(filesOf(join(golden.dir, partition), /\.(index|timeindex|txnindex)$/)).toEqual(files);
    }
  });
});

const boundsOf = (log: Log) => ({
  logStartOffset: log.logStartOffset,
  logEndOffset: log.logEndOffset,
  epochs: log.epochs.entries,
  firstUnstableOffset: log.firstUnstableOffset,
});

function filesOf(dir: string, pattern: RegExp): Record<string, string> {
  return Object.fromEntries(readdirSync(dir).filter((name) => pattern.test(name)).sort()
    .map((name) => [name, readFileSync(join(dir, name)).toString("hex")]));
}

describe("the same batches give the same bytes", () => {
  const cases: readonly [GoldenName, string, Partial<LogConfig>][] = [
    ["clean", "segments-0", { segmentBytes: 1048576, maxMessageBytes: 2_000_000 }],
    ["clean", "codec-none-0", {}],
    ["clean", "codec-zstd-0", {}],
    ["transactions", "txn-0", { segmentBytes: 1048576 }],
    ["transactions", "txn-1", { segmentBytes: 1048576 }],
  ];
  test.each(cases)("%s %s", async (name, partition, config) => {
    const golden = unpack(name);
    const source = join(golden.dir, partition);
    const folder = mkdtempSync(join(tmpdir(), "millrace-log-"));
    folders.push(folder);
    const environment = environmentOnDisk();
    const reader = openPartition(golden, partition, true, environment);
    const { topicId } = JSON.parse(
      `{"topicId":"${/topic_id: (.*)/.exec(readFileSync(join(source, "partition.metadata"), "utf8"))![1]}"}`,
    ) as { topicId: Uuid };
    const log = Log.open({
      environment,
      dir: join(folder, partition),
      topic: reader.topic,
      partition: reader.partition,
      topicId,
      config: { ...LOG_CONFIG_DEFAULTS, ...config },
      cleanStop: true,
      recoveryPoint: 0 as Offset,
      logStartOffset: 0 as Offset,
    });
    for (const { bytes } of readBatches(reader)) {
      // A produced batch comes with base offset 0 and no leader epoch.
      const epoch = batch.leaderEpochOf(bytes, 0);
      const produced = bytes.slice();
      batch.stampBatch(produced, 0, 0 as Offset, -1 as never);
      const isControl = (batch.attributesOf(bytes, 0) & batch.CONTROL_BIT) !== 0;
      const result = log.appendAsLeader([produced], epoch, isControl ? "coordinator" : "client");
      expect(result.ok).toBe(true);
      log.writeStaged();
    }
    await log.close();
    const written = filesOf(join(folder, partition), /./);
    const expected = filesOf(source, /./);
    expect(Object.keys(written)).toEqual(Object.keys(expected));
    for (const file of Object.keys(expected)) {
      expect(`${file} ${written[file]}`).toBe(`${file} ${expected[file]}`);
    }
  });
});
