/**
 * The text of our dumps is that of Kafka's own tool: test/golden/kafka-4.3.1/dump holds what
 * `kafka-dump-log` of 4.3.1 printed for the files of three golden directories, plain and with
 * `--print-data-log`.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { NativeCodecs } from "../../../engine/io/compression.ts";
import { SimulatedDisk } from "../../../engine/io/disk_simulated.ts";
import { dumpFile } from "../../../engine/log/dump.ts";
import type { DumpOptions } from "../../../engine/log/dump.ts";
import { encodeProducerSnapshot } from "../../../engine/log/producer_snapshot.ts";
import type { Offset, TimestampMs } from "../../../engine/model/offsets.ts";
import { loadNative } from "../../../native/native.ts";
import { goldenFiles } from "../../support/golden_disk.ts";
import { crc32c, makeBatch } from "../../support/log_harness.ts";

// A machine that is busy with other tests takes its time.
setDefaultTimeout(60_000);

const PLAIN: DumpOptions = { codecs: new NativeCodecs(), deepIteration: false, printData: false };
const DATA: DumpOptions = { ...PLAIN, printData: true };

const disk = new SimulatedDisk({ native: loadNative() });
for (const name of ["clean", "transactions", "snapshotted"] as const) {
  for (const [path, bytes] of goldenFiles(name)) disk.install(`/${name}/${path}`, bytes);
}

function printed(name: string): Map<string, string> {
  const path = join(import.meta.dir, "../../golden/kafka-4.3.1/dump", name);
  const files = gunzipSync(readFileSync(path)).toString("utf8").split(/^Dumping /m).slice(1);
  return new Map(files.map((text) => [text.slice(0, text.indexOf("\n")), `Dumping ${text}`]));
}

function ours(path: string, options: DumpOptions): string {
  return `${[...dumpFile(disk, `/${path}`, options)].join("\n")}\n`.replaceAll(` /${path}`, ` ${path}`)
    .replace(/^\/(.* is empty\.)$/m, "$1");
}

describe("as kafka-dump-log prints it", () => {
  test.each([["plain.txt.gz", PLAIN], ["data.txt.gz", DATA]] as const)("%s", (name, options) => {
    const files = printed(name);
    expect(files.size).toBeGreaterThan(100);
    const kinds = new Set<string>();
    for (const [path, text] of files) {
      kinds.add(path.slice(path.lastIndexOf(".")));
      if (ours(path, options) !== text) expect([path, ours(path, options)]).toEqual([path, text]);
    }
    expect([...kinds].sort()).toEqual([".checkpoint", ".index", ".log", ".snapshot", ".timeindex", ".txnindex"]);
  });
});

describe("beyond that tool", () => {
  const at = (path: string, options: DumpOptions = PLAIN) => [...dumpFile(disk, path, options)].slice(1);

  test("records without their data", () => {
    const lines = at("/clean/codec-zstd-0/00000000000000000000.log", { ...PLAIN, deepIteration: true });
    expect(lines.filter((line) => line.startsWith("|"))).toHaveLength(80);
    expect(lines[2]).toMatch(/^\| offset: 0 CreateTime: \d+ keySize: \d+ valueSize: \d+ sequence: -1 headerKeys: \[\]$/);
  });

  test("checkpoints in words", () => {
    expect(at("/clean/log-start-offset-checkpoint")).toEqual(["topic: codec-none partition: 1 offset: 20"]);
    expect(at("/clean/codec-none-0/leader-epoch-checkpoint")).toEqual(["epoch: 0 startOffset: 0"]);
    disk.install("/broken-offset-checkpoint", new TextEncoder().encode("0\n7\n"));
    expect(at("/broken-offset-checkpoint")).toEqual(["Damaged in bytes [2, 3): 7 lines announced, 0 found"]);
  });

  test("values through a hook, whose errors are told", () => {
    const path = "/clean/__cluster_metadata-0/00000000000000000000.log";
    const lines = at(path, {
      ...PLAIN,
      decodeValue(value) {
        if (value[1] === 2) throw new Error("a topic");
        return `${value.length} bytes`;
      },
    });
    expect(lines.some((line) => line.endsWith(" payload: 4 bytes"))).toBe(true);
    expect(lines.some((line) => line.includes(" payload: Error at ") && line.endsWith("skipping. a topic"))).toBe(true);
  });

  test("damage: a wrong CRC, records that do not read, a torn tail, unused space", () => {
    const batch = makeBatch(["one", "two"]);
    const damaged = batch.slice();
    damaged[61] = 0xff; // the length of the first record
    const bytes = new Uint8Array(Buffer.concat([batch, damaged, batch.subarray(0, 70), new Uint8Array(9)]));
    disk.install("/00000000000000000007.log", bytes);
    const lines = at("/00000000000000000007.log", DATA);
    expect(lines[0]).toBe("Log starting offset: 7");
    expect(lines.filter((line) => line.endsWith("isvalid: true"))).toHaveLength(1);
    expect(lines.filter((line) => line.endsWith("isvalid: false"))).toHaveLength(1);
    expect(lines).toContain("| cannot be read: record 0 of its batch is damaged: length");
    expect(lines.at(-1)).toBe("Found 79 invalid bytes at the end of 00000000000000000007.log");
    disk.install("/00000000000000000000.index", new Uint8Array(80));
    disk.install("/00000000000000000000.timeindex", new Uint8Array(120));
    expect(at("/00000000000000000000.index")).toEqual(["/00000000000000000000.index is empty."]);
    expect(at("/00000000000000000000.timeindex")).toEqual([]);
  });

  test("producers with an open transaction, or nothing but an epoch; damaged snapshots", () => {
    const entry = {
      producerId: 5, producerEpoch: 2, lastSequence: 1, lastOffset: 9 as Offset, offsetDelta: 3,
      timestamp: 1000 as TimestampMs, coordinatorEpoch: 4, currentTxnFirstOffset: 6 as Offset,
    };
    const bytes = encodeProducerSnapshot(
      [entry, { ...entry, lastSequence: -1, currentTxnFirstOffset: -1 as Offset }], crc32c);
    disk.install("/00000000000000000010.snapshot", bytes);
    expect(at("/00000000000000000010.snapshot")).toEqual([
      "producerId: 5 producerEpoch: 2 coordinatorEpoch: 4 currentTxnFirstOffset: OptionalLong[6] " +
        "lastTimestamp: 1000 firstSequence: 2147483646 lastSequence: 1 lastOffset: 9 offsetDelta: 3 timestamp: 1000",
      "producerId: 5 producerEpoch: 2 coordinatorEpoch: 4 currentTxnFirstOffset: OptionalLong.empty lastTimestamp: 1000 ",
    ]);
    disk.install("/00000000000000000010.snapshot", bytes.subarray(0, 20));
    expect(at("/00000000000000000010.snapshot")).toEqual(["Damaged in bytes [2, 20): CRC-32C does not match"]);
  });

  test("other files are refused by name", () => {
    expect(() => at("/none.log")).toThrow("/none.log does not exist");
    expect(() => at("/clean/meta.properties")).toThrow("/clean/meta.properties is none of the files that can be shown");
  });
});
