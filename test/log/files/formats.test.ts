/** The small files of a data directory: exact bytes, round trips, and a reason for whatever is damaged. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Uuid } from "../../../engine/base/uuid.ts";
import { METADATA_TOPIC_ID, ZERO_UUID } from "../../../engine/base/uuid.ts";
import {
  OffsetCheckpoint,
  formatOffsetCheckpoint,
  parseOffsetCheckpoint,
} from "../../../engine/log/checkpoint_file.ts";
import { formatCleanShutdown, parseCleanShutdown } from "../../../engine/log/clean_shutdown.ts";
import {
  parsePartitionDirectory,
  partitionDirectoryName,
  suffixedDirectoryName,
} from "../../../engine/log/directory_names.ts";
import { formatEpochCheckpoint, parseEpochCheckpoint } from "../../../engine/log/epoch_checkpoint.ts";
import {
  formatMetaProperties,
  isReservedDirectoryId,
  metaPropertiesVersion,
  parseMetaProperties,
} from "../../../engine/log/meta_properties.ts";
import type { Parsed } from "../../../engine/log/parsed.ts";
import {
  formatPartitionMetadata,
  parsePartitionMetadata,
} from "../../../engine/log/partition_metadata.ts";
import {
  encodeProducerSnapshot,
  parseProducerSnapshot,
} from "../../../engine/log/producer_snapshot.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../../../engine/model/offsets.ts";
import { goldenFiles } from "../../support/golden_disk.ts";
import { crc32cBitwise } from "../../support/crc32c_bitwise.ts";

// A machine that is busy with other tests takes its time.
setDefaultTimeout(60_000);

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Why a file was refused and which of its text is to blame. */
function refusal<Value>(
  parse: (bytes: Uint8Array) => Parsed<Value>,
  text: string,
): [reason: string, blamed: string] {
  const result = parse(bytesOf(text));
  if (result.ok) throw new Error(`accepted: ${JSON.stringify(text)}`);
  return [result.reason, text.slice(result.start, result.end)];
}

function valueOf<Value>(result: Parsed<Value>): Value {
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

describe("offset checkpoints", () => {
  test("have Kafka's bytes and read back", () => {
    const checkpoint = new OffsetCheckpoint();
    checkpoint.set("orders", 0, 17 as Offset);
    checkpoint.set("orders", 11, 2 ** 40 as Offset);
    checkpoint.set("a.b_c-d", 3, 0 as Offset);
    const bytes = formatOffsetCheckpoint(checkpoint);
    expect(textOf(bytes)).toBe("0\n3\norders 0 17\norders 11 1099511627776\na.b_c-d 3 0\n");
    expect([...valueOf(parseOffsetCheckpoint(bytes))]).toEqual([...checkpoint]);
    expect(textOf(formatOffsetCheckpoint(new OffsetCheckpoint()))).toBe("0\n0\n");
  });

  test("an empty file holds nothing; white space and order do not matter", () => {
    expect(valueOf(parseOffsetCheckpoint(new Uint8Array(0))).size).toBe(0);
    const read = valueOf(parseOffsetCheckpoint(bytesOf("0\r\n2\nb 1  7\na\t0 5")));
    expect(read.get("b", 1)).toBe(7 as Offset);
    expect(read.get("a", 0)).toBe(5 as Offset);
    expect(read.get("a", 1)).toBeUndefined();
  });

  test("sets, replaces and deletes", () => {
    const checkpoint = new OffsetCheckpoint();
    checkpoint.set("a", 0, 1 as Offset);
    checkpoint.set("a", 0, 2 as Offset);
    checkpoint.set("a", 1, 3 as Offset);
    expect(checkpoint.size).toBe(2);
    checkpoint.delete("a", 0);
    checkpoint.delete("a", 0);
    checkpoint.delete("b", 0);
    expect(checkpoint.size).toBe(1);
    expect([...checkpoint]).toEqual([{ topic: "a", partition: 1, offset: 3 as Offset }]);
  });

  test.each([
    ["1\n0\n", "unknown version 1", "1"],
    ["x\n0\n", "the first line is not a version", "x"],
    ["0 0\n", "the first line is not a version", "0 0"],
    ["0\n", "the line count is missing", "0\n"],
    ["0\nmany\n", "the second line is not a count", "many"],
    ["0\n-1\n", "the second line is not a count", "-1"],
    ["0\n2\na 0 1\n", "2 lines announced, 1 found", "2"],
    ["0\n1\na 0 1\nb 0 1\n", "1 lines announced, 2 found", "1"],
    ["0\n1\na 0\n", "a line needs 3 fields", "a 0"],
    ["0\n1\na 0 1 2\n", "a line needs 3 fields", "a 0 1 2"],
    ["0\n1\n\n", "a line needs 3 fields", ""],
    ["0\n1\na -1 1\n", "not a partition number", "a -1 1"],
    ["0\n1\na b 1\n", "not a partition number", "a b 1"],
    ["0\n1\na 0 1e3\n", "not an offset", "a 0 1e3"],
    ["0\n1\na 0 -1\n", "not an offset", "a 0 -1"],
    ["0\n1\na 0 99999999999999999999\n", "not an offset", "a 0 99999999999999999999"],
  ])("refuse %j: %s", (text, reason, blamed) => {
    expect(refusal(parseOffsetCheckpoint, text)).toEqual([reason, blamed]);
  });
});

describe("epoch checkpoints", () => {
  test("have Kafka's bytes and read back", () => {
    const entries = [
      { epoch: 0 as LeaderEpoch, startOffset: 0 as Offset },
      { epoch: 4 as LeaderEpoch, startOffset: 120 as Offset },
    ];
    const bytes = formatEpochCheckpoint(entries);
    expect(textOf(bytes)).toBe("0\n2\n0 0\n4 120\n");
    expect(valueOf(parseEpochCheckpoint(bytes))).toEqual(entries);
  });

  test.each([
    ["0\n2\n1 0\n1 5\n", "epochs do not rise", "1 5"],
    ["0\n2\n1 5\n2 5\n", "start offsets do not rise", "2 5"],
    ["0\n1\n-1 0\n", "not a leader epoch", "-1 0"],
    ["0\n1\n2147483648 0\n", "not a leader epoch", "2147483648 0"],
    ["0\n1\n1 x\n", "not an offset", "1 x"],
  ])("refuse %j: %s", (text, reason, blamed) => {
    expect(refusal(parseEpochCheckpoint, text)).toEqual([reason, blamed]);
  });
});

describe("producer snapshots", () => {
  const entry = {
    producerId: 4242,
    producerEpoch: 3,
    lastSequence: 99,
    lastOffset: 1099 as Offset,
    offsetDelta: 9,
    timestamp: 1_700_000_000_000 as TimestampMs,
    coordinatorEpoch: -1,
    currentTxnFirstOffset: -1 as Offset,
  };

  test("have Kafka's layout and read back", () => {
    const bytes = encodeProducerSnapshot([entry, { ...entry, producerId: 1, lastSequence: -1 }], crc32cBitwise);
    expect(bytes.length).toBe(2 + 4 + 4 + 2 * 46);
    expect(Buffer.from(bytes).toString("hex")).toMatchInlineSnapshot(`"00012233a0c9000000020000000000001092000300000063000000000000044b000000090000018bcfe56800ffffffffffffffffffffffff00000000000000010003ffffffff000000000000044b000000090000018bcfe56800ffffffffffffffffffffffff"`);
    expect(valueOf(parseProducerSnapshot(bytes, crc32cBitwise))).toEqual([
      entry,
      { ...entry, producerId: 1, lastSequence: -1 },
    ]);
    const empty = encodeProducerSnapshot([], crc32cBitwise);
    expect(valueOf(parseProducerSnapshot(empty, crc32cBitwise))).toEqual([]);
  });

  test("show every flipped bit and every missing byte", () => {
    const bytes = encodeProducerSnapshot([entry], crc32cBitwise);
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        const damaged = bytes.slice();
        damaged[at]! ^= bit;
        expect(parseProducerSnapshot(damaged, crc32cBitwise).ok).toBe(false);
      }
      expect(parseProducerSnapshot(bytes.subarray(0, at), crc32cBitwise).ok).toBe(false);
    }
  });

  test("say what is wrong", () => {
    const bytes = encodeProducerSnapshot([entry], crc32cBitwise);
    const reasonFor = (change: (copy: Uint8Array) => Uint8Array) => {
      const result = parseProducerSnapshot(change(bytes.slice()), crc32cBitwise);
      return result.ok ? "accepted" : result.reason;
    };
    const sealed = (copy: Uint8Array) => {
      new DataView(copy.buffer).setUint32(2, crc32cBitwise(copy, 6, copy.length));
      return copy;
    };
    expect(reasonFor((copy) => copy.subarray(0, 9))).toBe("shorter than its header");
    expect(reasonFor((copy) => ((copy[1] = 2), copy))).toBe("unknown version 2");
    expect(reasonFor((copy) => ((copy[20]! ^= 1), copy))).toBe("CRC-32C does not match");
    expect(reasonFor((copy) => ((copy[9] = 2), sealed(copy)))).toBe("2 entries do not fill the file");
    expect(reasonFor((copy) => ((copy[6] = 0xff), sealed(copy)))).toMatch(/entries do not fill/);
  });
});

describe("partition.metadata", () => {
  const id = "-s2YmQ7kR8mrjgXwWkkxPA" as Uuid;

  test("has Kafka's bytes and reads back", () => {
    const bytes = formatPartitionMetadata({ topicId: id });
    expect(textOf(bytes)).toBe(`version: 0\ntopic_id: ${id}`);
    expect(valueOf(parsePartitionMetadata(bytes))).toEqual({ topicId: id });
    expect(valueOf(parsePartitionMetadata(bytesOf(`version:0\r\ntopic_id:${id}\n`)))).toEqual({ topicId: id });
  });

  test.each([
    ["", "version is missing"],
    [`topic_id: ${id}`, "version is missing"],
    [`version: 1\ntopic_id: ${id}`, "unknown version 1"],
    ["version: 0\n", "topic_id is missing or no uuid"],
    [`version: 0\ntopic_id: ${id}A`, "topic_id is missing or no uuid"],
    [`version: 0\ntopic_id: ${ZERO_UUID}`, "topic_id is the id of no topic"],
  ])("refuses %j: %s", (text, reason) => {
    expect(refusal(parsePartitionMetadata, text)[0]).toBe(reason);
  });
});

describe("meta.properties", () => {
  const directoryId = "Y3NzRS0xQUJDREVGR0hJSg" as Uuid;

  test("reads what it wrote", () => {
    const bytes = formatMetaProperties({ clusterId: "my cluster", nodeId: 1, directoryId }, 1_795_243_088_000);
    expect(textOf(bytes)).toBe(
      "#\n#Sat Nov 21 06:38:08 UTC 2026\nnode.id=1\n" +
        `directory.id=${directoryId}\nversion=1\ncluster.id=my cluster\n`,
    );
    expect(valueOf(parseMetaProperties(bytes))).toEqual({
      version: 1,
      clusterId: "my cluster",
      nodeId: 1,
      directoryId,
    });
  });

  test("reads version 0 and directories without an id", () => {
    expect(valueOf(parseMetaProperties(bytesOf("version=0\nbroker.id=3\n")))).toEqual({
      version: 0, clusterId: null, nodeId: 3, directoryId: null,
    });
    expect(valueOf(parseMetaProperties(bytesOf("version=1\ncluster.id=c\nnode.id=3\n")))).toEqual({
      version: 1, clusterId: "c", nodeId: 3, directoryId: null,
    });
  });

  test.each([
    ["version=2\ncluster.id=c\nnode.id=1\n", "unknown version 2"],
    ["version=x\n", "version is no number"],
    ["version=\\u00zz\n", "not a properties file"],
    ["version=1\nnode.id=1\n", "cluster.id is missing"],
    ["version=1\ncluster.id=c\n", "node.id is missing"],
    ["version=1\ncluster.id=c\nnode.id=-1\n", "node.id is no node number"],
    ["version=1\ncluster.id=c\nnode.id=1\ndirectory.id=short\n", "directory.id is no uuid"],
    [`version=1\ncluster.id=c\nnode.id=1\ndirectory.id=${METADATA_TOPIC_ID}\n`, "directory.id is reserved"],
  ])("refuses %j: %s", (text, reason) => {
    expect(refusal(parseMetaProperties, text)[0]).toBe(reason);
  });

  test("tells a later version from damage, and reserved ids", () => {
    expect(metaPropertiesVersion(bytesOf("version=7\n"))).toBe(7);
    expect(metaPropertiesVersion(bytesOf("verzion=7\n"))).toBe(0);
    expect(metaPropertiesVersion(bytesOf("version=seven\n"))).toBeNull();
    expect(isReservedDirectoryId(ZERO_UUID)).toBe(true);
    expect(isReservedDirectoryId(directoryId)).toBe(false);
  });
});

describe("the clean-shutdown marker", () => {
  test("has Kafka's bytes and reads back, old empty ones included", () => {
    expect(textOf(formatCleanShutdown({ brokerEpoch: 12 }))).toBe('{"version":0,"brokerEpoch":12}');
    expect(valueOf(parseCleanShutdown(bytesOf('{"version":0,"brokerEpoch":12}')))).toEqual({ brokerEpoch: 12 });
    expect(valueOf(parseCleanShutdown(new Uint8Array(0)))).toEqual({ brokerEpoch: -1 });
  });

  test.each([
    ["{", "not JSON"],
    ["7", "not a JSON object"],
    ["null", "not a JSON object"],
    ['{"version":1,"brokerEpoch":1}', "unknown version 1"],
    ['{"version":0}', "brokerEpoch is missing or no integer"],
    ['{"version":0,"brokerEpoch":1.5}', "brokerEpoch is missing or no integer"],
  ])("refuses %j: %s", (text, reason) => {
    expect(refusal(parseCleanShutdown, text)[0]).toBe(reason);
  });
});

describe("directory names", () => {
  const unique = "Y3NzRS0xQUJDREVGR0hJSg" as Uuid;

  test("of partitions read back", () => {
    for (const topic of ["a", "a-b", "a-1", "-", "a.b_c", "x".repeat(249)]) {
      for (const partition of [0, 7, 2 ** 31 - 1]) {
        const name = partitionDirectoryName(topic, partition);
        expect(parsePartitionDirectory(name)).toEqual({ topic, partition, kind: "live" });
      }
    }
  });

  test("with a suffix read back and fit into 255 bytes", () => {
    for (const kind of ["delete", "stray"] as const) {
      expect(suffixedDirectoryName("orders", 5, kind, unique)).toMatch(
        new RegExp(`^orders-5\\.[0-9a-f]{32}-${kind}$`),
      );
      for (const topic of ["a", "a.b-3", "x".repeat(249)]) {
        const name = suffixedDirectoryName(topic, 12, kind, unique);
        expect(name.length).toBeLessThanOrEqual(255);
        const read = parsePartitionDirectory(name)!;
        expect(topic.startsWith(read.topic)).toBe(true);
        expect([read.partition, read.kind]).toEqual([12, kind]);
      }
    }
    const future = `orders-5.${"0".repeat(32)}-future`;
    expect(parsePartitionDirectory(future)).toEqual({ topic: "orders", partition: 5, kind: "future" });
  });

  test.each([
    "", "orders", "-1", "orders-", "orders-x", "orders-1.5", "orders-00", "orders-2147483648",
    "orders-1-delete", "orders-delete", "orders-1.abc-delete2", "lost+found", "journal",
  ])("%j is none", (name) => {
    expect(parsePartitionDirectory(name)).toBeNull();
  });
});

describe("every small file that Kafka left is read, and written back byte for byte", () => {
  const rewrite: [RegExp, (bytes: Uint8Array) => Uint8Array][] = [
    [/offset-checkpoint$/, (bytes) => formatOffsetCheckpoint(valueOf(parseOffsetCheckpoint(bytes)))],
    [/leader-epoch-checkpoint$/, (bytes) => formatEpochCheckpoint(valueOf(parseEpochCheckpoint(bytes)))],
    [/partition\.metadata$/, (bytes) => formatPartitionMetadata(valueOf(parsePartitionMetadata(bytes)))],
    [/\.kafka_cleanshutdown$/, (bytes) => formatCleanShutdown(valueOf(parseCleanShutdown(bytes)))],
    [/\.snapshot$/, (bytes) => {
      const entries = valueOf(parseProducerSnapshot(bytes, crc32cBitwise));
      return encodeProducerSnapshot(entries, crc32cBitwise);
    }],
    [/meta\.properties$/, (bytes) => {
      const { clusterId, nodeId, directoryId } = valueOf(parseMetaProperties(bytes));
      const date = /^#(\w.*)$/m.exec(textOf(bytes))![1]!;
      const meta = { clusterId: clusterId!, nodeId: nodeId!, directoryId: directoryId! };
      return formatMetaProperties(meta, Date.parse(date));
    }],
  ];

  test.each(["clean", "transactions"] as const)("%s", (name) => {
    const seen = new Set<RegExp>();
    for (const [path, bytes] of goldenFiles(name)) {
      const rule = rewrite.find(([pattern]) => pattern.test(path));
      if (rule === undefined) continue;
      seen.add(rule[0]);
      if (bytes.length === 0) continue; // Kafka leaves an empty cleaner checkpoint at times
      // Kafka writes the partitions of a checkpoint in the order of a hash map.
      const ordered = (text: string) =>
        path.endsWith("offset-checkpoint") ? text.split("\n").sort().join("\n") : text;
      expect([path, ordered(textOf(rule[1](bytes)))]).toEqual([path, ordered(textOf(bytes))]);
    }
    expect(seen.size).toBe(rewrite.length);
  });

  test("every directory name is read", () => {
    for (const path of goldenFiles("clean").keys()) {
      const dir = /^([^/]+)\//.exec(path)?.[1];
      if (dir !== undefined) expect([dir, parsePartitionDirectory(dir)]).toEqual([dir, expect.anything()]);
    }
  });
});
