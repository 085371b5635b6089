/**
 * The verifier finds nothing in directories that Kafka left, and every single damaged byte in them:
 * each byte of each kind of file is flipped, and some problem must name it. The bytes that nothing can
 * find are listed, each with its reason.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Uuid } from "../../../engine/base/uuid.ts";
import { NativeCodecs } from "../../../engine/io/compression.ts";
import { checkDirectory } from "../../../engine/log/check.ts";
import type { CheckOptions } from "../../../engine/log/check.ts";
import type { CheckProgress, Problem } from "../../../engine/log/check_report.ts";
import { parseMetaProperties } from "../../../engine/log/meta_properties.ts";
import { parsePartitionMetadata } from "../../../engine/log/partition_metadata.ts";
import { DescriptorPool } from "../../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../../engine/io/disk_node.ts";
import { loadNative } from "../../../native/native.ts";
import { unpackGolden } from "../../support/golden.ts";
import { diskOf, goldenFiles, keepDirectories } from "../../support/golden_disk.ts";
import type { Files } from "../../support/golden_disk.ts";

// A machine that is busy with other tests takes its time.
setDefaultTimeout(60_000);

const codecs = new NativeCodecs();
const lines = (problems: readonly Problem[]) =>
  problems.map(({ severity, path, position, message }) => {
    const at = position === undefined ? "" : ` [${position.start}, ${position.end})`;
    return `${severity} ${path.replace("/data/", "")}${at}: ${message}`;
  });

/** What a caller that has read the metadata knows besides. */
function knownFrom(files: Files): CheckOptions {
  const ids = new Map<string, Uuid>();
  for (const [path, bytes] of files) {
    const dir = /^(.*)-\d+\/partition\.metadata$/.exec(path)?.[1];
    const metadata = dir === undefined ? null : parsePartitionMetadata(bytes);
    if (dir !== undefined && metadata?.ok === true) ids.set(dir, metadata.value.topicId);
  }
  const meta = parseMetaProperties(files.get("meta.properties")!);
  if (!meta.ok) throw new Error(meta.reason);
  return { codecs, identity: meta.value, topicIdOf: (topic) => ids.get(topic) };
}

describe("directories that Kafka left", () => {
  test.each(["clean", "killed", "snapshotted", "trimmed", "transactions"] as const)("%s", (name) => {
    const progress: CheckProgress[] = [];
    const golden = unpackGolden(name);
    try {
      const native = loadNative();
      const disk = new NodeDisk({ native, descriptors: new DescriptorPool(16), readOnly: true });
      const options = { codecs, onProgress: (now: CheckProgress) => progress.push(now) };
      expect(lines(checkDirectory(disk, golden.dir, options))).toEqual([]);
      expect(progress.at(-1)!.bytesDone).toBe(progress.at(-1)!.bytesTotal);
    } finally {
      golden.remove();
    }
  });
});

interface Undetectable {
  readonly path: RegExp;
  /** Finds the bytes in the file's text. */
  readonly text: RegExp;
  readonly reason: string;
}

const UNDETECTABLE: readonly Undetectable[] = [
  { path: /^meta\.properties$/, text: /#.*\n/g, reason: "comments" },
  { path: /^\.kafka_cleanshutdown$/, text: /\d+(?=\}$)/g, reason: "the broker epoch is written nowhere else" },
  {
    path: /quorum-state$/,
    text: /(?<="(?:leaderId|leaderEpoch|votedId|appliedOffset|voterId)":)-?\d+|"clusterId":""|"appliedOffset":|"voterId":|"currentVoters":/g,
    reason: "votes of a quorum of one are written nowhere else, and unknown keys are ignored",
  },
];

/** Leader epochs of batches below the log start: their line of the epoch checkpoint is gone. */
const BELOW_LOG_START = { path: "codec-none-1/00000000000000000000.log", offset: 20 };

function undetectableBytes(path: string, bytes: Uint8Array): Set<number> {
  const found = new Set<number>();
  const text = Buffer.from(bytes).toString("latin1");
  for (const rule of UNDETECTABLE) {
    if (!rule.path.test(path)) continue;
    for (const match of text.matchAll(rule.text)) {
      for (let at = match.index; at < match.index + match[0].length; at++) found.add(at);
    }
  }
  if (path === BELOW_LOG_START.path) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let at = 0; at < bytes.length; at += view.getInt32(at + 8) + 12) {
      if (Number(view.getBigInt64(at)) + view.getInt32(at + 23) >= BELOW_LOG_START.offset) break;
      for (let byte = at + 12; byte < at + 16; byte++) found.add(byte);
    }
  }
  return found;
}

/** Files whose problems must say exactly which bytes. */
const POSITIONED = /\.(log|index|timeindex|txnindex|snapshot|checkpoint)$/;

/** Flips one bit of each byte, another bit for each position; the flips that nobody noticed. */
function unnoticedFlips(files: Files, only: RegExp, step = 1): string[] {
  const disk = diskOf(files);
  const options = knownFrom(files);
  const unnoticed: string[] = [];
  for (const [path, bytes] of files) {
    if (!only.test(path)) continue;
    const excused = undetectableBytes(path, bytes);
    for (let at = 0; at < bytes.length; at += step) {
      const mask = 1 << ((at * 5) % 8);
      disk.flip(`/data/${path}`, at, mask);
      const problems = checkDirectory(disk, "/data", options);
      disk.flip(`/data/${path}`, at, mask);
      const isNamed = problems.some(({ path: where, position }) =>
        where === `/data/${path}` &&
        (position === undefined ? !POSITIONED.test(path) : position.start <= at && at < position.end));
      const isNoticed = POSITIONED.test(path) ? isNamed : problems.length > 0;
      if (!isNoticed && !excused.has(at)) unnoticed.push(`${path} byte ${at} ^ ${mask}`);
    }
  }
  return unnoticed;
}

describe("a flipped bit is found", () => {
  const clean = goldenFiles("clean");
  const trimmedStart = keepDirectories(clean, ["codec-none-1"]);
  const transactions = goldenFiles("transactions");
  const transaction = keepDirectories(transactions, ["txn-0"]);
  const metadata = keepDirectories(goldenFiles("snapshotted"), ["__cluster_metadata-0"]);

  test("in the files of the data directory", () => {
    expect(unnoticedFlips(trimmedStart, /^[^/]+$/)).toEqual([]);
  });

  test("in a partition whose start was deleted", () => {
    expect(unnoticedFlips(trimmedStart, /\//)).toEqual([]);
  });

  test("in transactions: markers, transaction index, producer snapshot", () => {
    expect(unnoticedFlips(transaction, /\//)).toEqual([]);
  });

  test.each(["codec-gzip-0", "codec-lz4-0", "codec-snappy-0", "codec-zstd-0"])("in %s", (directory) => {
    // The frame of a batch is the same in every codec: every byte of it was flipped above.
    expect(unnoticedFlips(keepDirectories(clean, [directory]), /\.log$/, 5)).toEqual([]);
  });

  test("in both indexes of a larger segment", () => {
    const files = keepDirectories(clean, ["segments-0"]);
    expect(unnoticedFlips(files, /index$/)).toEqual([]);
  });

  test("beside the metadata log: epochs, votes, identity, one snapshot", () => {
    const smallest = [...metadata.keys()].filter((path) => path.endsWith(".checkpoint")).sort()[0]!;
    const names = `(leader-epoch-checkpoint|quorum-state|partition.metadata)$|${smallest}`;
    expect(unnoticedFlips(metadata, new RegExp(names))).toEqual([]);
  });
});

describe("damage is told apart", () => {
  const clean = keepDirectories(goldenFiles("clean"), ["codec-none-0", "codec-none-1"]);
  const crashed = new Map([...clean].filter(([path]) => path !== ".kafka_cleanshutdown"));
  const log = "codec-none-0/00000000000000000000.log";

  /** The problems after a change to the files; null removes one. */
  function after(files: Files, change: Record<string, Uint8Array | string | null>): string[] {
    const changed = new Map(files);
    for (const [path, bytes] of Object.entries(change)) {
      if (bytes === null) changed.delete(path);
      else changed.set(path, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    }
    return lines(checkDirectory(diskOf(changed), "/data", { codecs }));
  }

  const bytesOf = (path: string) => clean.get(path)!.slice();
  const joined = (...pieces: Uint8Array[]) => new Uint8Array(Buffer.concat(pieces));
  /** Where each batch of the log starts, and where the last one ends. */
  const starts = (() => {
    const bytes = bytesOf(log);
    const view = new DataView(bytes.buffer);
    const found = [0];
    while (found.at(-1)! < bytes.length) found.push(found.at(-1)! + view.getInt32(found.at(-1)! + 8) + 12);
    return found;
  })();

  test("nothing", () => {
    expect(after(clean, {})).toEqual([]);
    expect(after(crashed, {})).toEqual([]);
  });

  test("a torn tail is an error after a clean stop, and expected after another", () => {
    const torn = bytesOf(log).subarray(0, bytesOf(log).length - 1);
    const last = starts.at(-2)!;
    const [first] = after(clean, { [log]: torn });
    expect(first).toStartWith(`error ${log} [${last}, ${torn.length}): a batch of`);
    const points = "recovery-point-offset-checkpoint";
    expect(after(crashed, { [log]: torn, [points]: "0\n0\n" })).toEqual([
      expect.stringMatching(/^warning codec-none-0.*unfinished tail, cut away by the next start/),
    ]);
    // ... but not below the recovery point, which says that it was synced
    expect(after(crashed, { [log]: torn }).some((line) => line.startsWith(`error ${log}`))).toBe(true);
    const reserved = joined(bytesOf(log), new Uint8Array(5000));
    expect(after(crashed, { [log]: reserved })).toEqual([]);
    expect(after(clean, { [log]: reserved })).toHaveLength(1);
  });

  test("one damaged batch among others is named alone, and so is a missing one", () => {
    const damaged = bytesOf(log);
    damaged[starts[1]! + 70]! ^= 1;
    expect(after(clean, { [log]: damaged })).toEqual([
      `error ${log} [${starts[1]}, ${starts[2]}): CRC-32C of the batch does not match`,
    ]);
    const without = joined(bytesOf(log).subarray(0, starts[1]), bytesOf(log).subarray(starts[2]));
    expect(after(clean, { [log]: without })[0]).toMatch(/batch starts at offset \d+, \d+ was expected/);
    const twice = joined(bytesOf(log), bytesOf(log).subarray(starts.at(-2)));
    expect(after(clean, { [log]: twice })[0]).toMatch(/batch starts at offset \d+, 80 was expected/);
    const inserted = joined(bytesOf(log).subarray(0, starts[1]), new Uint8Array(100), bytesOf(log).subarray(starts[1]));
    expect(after(crashed, { [log]: inserted })[0]).toStartWith(`error ${log} [${starts[1]}, ${starts[1]! + 100})`);
  });

  test("missing, foreign and left-over files", () => {
    const dir = "codec-none-0";
    const base = `${dir}/00000000000000000000`;
    expect(after(clean, {
      [`${base}.index`]: null,
      [`${base}.timeindex`]: null,
      [`${dir}/00000000000000000080.snapshot`]: null,
      [`${dir}/partition.metadata`]: null,
      [`${dir}/leader-epoch-checkpoint`]: null,
      [`${dir}/00000000000000000099.index`]: "",
      [`${base}.log.swap`]: "",
      [`${dir}/notes.txt`]: "",
      "notes.txt": "",
      "recovery-point-offset-checkpoint": null,
    })).toMatchInlineSnapshot(`
      [
        "warning recovery-point-offset-checkpoint: missing after a clean stop",
        "warning codec-none-0/partition.metadata: missing: nothing tells which topic this is",
        "warning codec-none-0/00000000000000000000.log.swap: left over: swap files are settled by the next start",
        "warning codec-none-0/notes.txt: no file of this name belongs here",
        "warning codec-none-0/00000000000000000099.index: index without its log",
        "warning codec-none-0/leader-epoch-checkpoint: missing: leader epochs cannot be checked",
        "error codec-none-0/00000000000000000000.index: missing",
        "error codec-none-0/00000000000000000000.timeindex: missing",
        "warning codec-none-0/00000000000000000080.snapshot: missing after a clean stop: Kafka would forget all producers",
        "warning notes.txt: no file of this name belongs here",
        "warning recovery-point-offset-checkpoint: no line for codec-none 0",
        "warning recovery-point-offset-checkpoint: no line for codec-none 1",
      ]
    `);
    expect(after(crashed, { [`${base}.index`]: null, [`${base}.timeindex`]: null })).toEqual([]);
  });

  test("checkpoints that promise what is not there", () => {
    expect(after(clean, {
      "recovery-point-offset-checkpoint": "0\n2\ncodec-none 0 81\ncodec-none 7 5\n",
      "log-start-offset-checkpoint": "0\n1\ncodec-none 1 51\n",
      "replication-offset-checkpoint": "0\n2\ncodec-none 0 79\ncodec-none 1 50\n",
      "cleaner-offset-checkpoint": "0\n1\ncodec-none 0 81\n",
      "codec-none-0/leader-epoch-checkpoint": "0\n2\n0 0\n1 15\n",
      "meta.properties": "version=1\n",
      ".kafka_cleanshutdown": "{",
    })).toMatchInlineSnapshot(`
      [
        "error meta.properties [0, 10): cluster.id is missing",
        "error .kafka_cleanshutdown [0, 1): not JSON",
        "error codec-none-0/00000000000000000000.log [2813, 2817): leader epoch is 0, the epoch checkpoint says 1 for offset 50",
        "error codec-none-0/00000000000000000000.log [3634, 3638): leader epoch is 0, the epoch checkpoint says 1 for offset 60",
        "error codec-none-0/00000000000000000000.log [4465, 4469): leader epoch is 0, the epoch checkpoint says 1 for offset 70",
        "warning codec-none-1/leader-epoch-checkpoint: epoch 0 starts at 20, the log at 51",
        "error recovery-point-offset-checkpoint: recovery point of codec-none 0 is 81, its log ends at 80",
        "warning recovery-point-offset-checkpoint: names codec-none 7, which has no directory",
        "error log-start-offset-checkpoint: log start of codec-none 1 is 51, its log spans 0 to 50",
        "error replication-offset-checkpoint: high watermark of codec-none 0 is 79, its log ends at 80",
        "error cleaner-offset-checkpoint: codec-none 0 is cleaned up to 81, but ends at 80",
        "warning recovery-point-offset-checkpoint: no line for codec-none 1",
      ]
    `);
  });

  test("directories that do not belong", () => {
    expect(after(clean, {
      "journal/file": "",
      "orders-0.0123456789abcdef0123456789abcdef-stray/file": "",
      "orders-0.0123456789abcdef0123456789abcdef-delete/file": "",
    })).toMatchInlineSnapshot(`
      [
        "error journal: is not of the form topic-partition: a broker would not start",
        "warning orders-0.0123456789abcdef0123456789abcdef-stray: not in use (stray)",
      ]
    `);
  });
});
