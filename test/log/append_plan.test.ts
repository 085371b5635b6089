/** What a leader refuses, with which code, in which order; and what it rewrites. */
import { describe, expect, test } from "bun:test";
import { readInt64, writeInt16, writeInt32, writeInt64 } from "../../engine/base/int64.ts";
import type { AppendSource } from "../../engine/log/append_result.ts";
import { Codec } from "../../engine/model/compression.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import type { LogConfig } from "../../engine/model/log_config.ts";
import * as batch from "../../engine/model/record_batch.ts";
import { Partition } from "../../engine/partition/partition.ts";
import {
  NOW,
  append,
  appended,
  batchOfSize,
  crc32c,
  makeBatch,
  microtasks,
  openLog,
  readBatches,
  readValues,
  verifyAfterEach,
} from "../support/log_harness.ts";

verifyAfterEach();

const HOUR = 3_600_000;

function sealed(bytes: Uint8Array): Uint8Array {
  writeInt32(bytes, batch.CRC_AT, crc32c(bytes, batch.ATTRIBUTES_AT, bytes.length));
  return bytes;
}

/** A batch changed after it was made; sealed again, so that the CRC is right. */
function changed(bytes: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
  change(bytes);
  return sealed(bytes);
}

const withAttributes = (attributes: number, bytes = makeBatch(["a"])) =>
  changed(bytes, (each) => writeInt16(each, batch.ATTRIBUTES_AT, attributes));

function refusal(bytes: Uint8Array, config: Partial<LogConfig> = {}, source: AppendSource = "client") {
  const { log } = openLog({ config });
  const result = append(log, bytes, source);
  if (!result.ok) {
    expect(log.logEndOffset).toBe(0 as never);
    expect(result.logStartOffset).toBe(0 as never);
  }
  return result.ok ? "accepted" : result;
}

const refusedWith = (errorCode: number, part?: string) => ({
  ok: false,
  errorCode,
  ...(part === undefined ? {} : { message: expect.stringContaining(part) }),
});

describe("a client's batch is refused", () => {
  const INVALID = ErrorCode.INVALID_RECORD;
  const CORRUPT = ErrorCode.CORRUPT_MESSAGE;
  const cases: [string, () => Uint8Array, number, Partial<LogConfig>?][] = [
    ["nothing at all", () => new Uint8Array(0), INVALID],
    ["less than a header", () => makeBatch(["a"]).slice(0, 60), INVALID],
    ["two batches", () => Buffer.concat([makeBatch(["a"]), makeBatch(["b"])]), INVALID],
    ["half a batch", () => makeBatch(["a".repeat(100)]).slice(0, 90), INVALID],
    ["a length below the header's", () => {
      const bytes = makeBatch(["a"]);
      writeInt32(bytes, batch.BATCH_LENGTH_AT, 48);
      return bytes;
    }, CORRUPT],
    ["magic 1", () => changed(makeBatch(["a"]), (bytes) => { bytes[batch.MAGIC_AT] = 1; }), INVALID],
    ["magic 3", () => changed(makeBatch(["a"]), (bytes) => { bytes[batch.MAGIC_AT] = 3; }), CORRUPT],
    ["a base offset", () => {
      const bytes = makeBatch(["a"]);
      writeInt64(bytes, batch.BASE_OFFSET_AT, 1);
      return bytes;
    }, INVALID],
    ["more than max.message.bytes", () => batchOfSize(500), ErrorCode.MESSAGE_TOO_LARGE, { maxMessageBytes: 400 }],
    ["more than max.message.bytes, damaged too", () => {
      const bytes = batchOfSize(500);
      bytes[100]!++;
      return bytes;
    }, ErrorCode.MESSAGE_TOO_LARGE, { maxMessageBytes: 400 }],
    ["a damaged byte", () => {
      const bytes = makeBatch(["abc"]);
      bytes[bytes.length - 2]!++;
      return bytes;
    }, CORRUPT],
    ["a count that is not the delta's", () =>
      changed(makeBatch(["a", "b"]), (bytes) => writeInt32(bytes, batch.LAST_OFFSET_DELTA_AT, 2)), INVALID],
    ["no records", () => changed(makeBatch(["a"]).slice(0, 61), (bytes) => {
      writeInt32(bytes, batch.BATCH_LENGTH_AT, 49);
      writeInt32(bytes, batch.RECORDS_COUNT_AT, 0);
      writeInt32(bytes, batch.LAST_OFFSET_DELTA_AT, -1);
    }), INVALID],
    ["a control batch", () => withAttributes(batch.CONTROL_BIT), INVALID],
    ["a producer without a sequence", () =>
      makeBatch(["a"], { producerId: 4, producerEpoch: 0, baseSequence: -1 }), INVALID],
    ["reserved attributes", () => withAttributes(0x80), INVALID],
    ["a delete horizon", () => withAttributes(batch.DELETE_HORIZON_BIT), INVALID],
    ["an unknown codec", () => withAttributes(5), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE],
    ["a record that is too long for its batch", () =>
      changed(makeBatch(["abc"]), (bytes) => { bytes[61] = 120; }), INVALID],
    ["more than a segment", () => batchOfSize(3000), ErrorCode.RECORD_LIST_TOO_LARGE, { segmentBytes: 2000 }],
  ];
  test.each(cases.map(([name, ...rest]) => ({ name, rest })))("$name", ({ rest }) => {
    const [make, errorCode, config] = rest;
    expect(refusal(make(), config)).toMatchObject(refusedWith(errorCode));
  });

  test("the broker's own batches may be control batches", () => {
    expect(refusal(withAttributes(batch.CONTROL_BIT), {}, "raft")).toBe("accepted");
    expect(refusal(withAttributes(batch.CONTROL_BIT), {}, "coordinator")).toBe("accepted");
    expect(refusal(batchOfSize(500), { maxMessageBytes: 400 }, "raft")).toBe("accepted");
  });

  test("a batch in pieces is one batch", () => {
    const { log, clock } = openLog({ config: { flushMode: "os" } });
    const bytes = makeBatch(["abc", "def"]);
    const pieces = [bytes.slice(0, 61), bytes.slice(61, 64), bytes.slice(64)];
    expect(log.appendAsLeader(pieces, 0 as never, "client")).toMatchObject({ ok: true, lastOffset: 1 });
    const large = batchOfSize(50_000);
    const halves = [large.slice(0, 20_000), large.slice(20_000)];
    expect(log.appendAsLeader(halves, 0 as never, "client")).toMatchObject({ ok: true, lastOffset: 2 });
    clock.endTick();
    expect(readValues(log).slice(0, 2)).toEqual(["abc", "def"]);
    expect(readBatches(log)[1]!.bytes.length).toBe(large.length);
  });
});

describe("timestamps", () => {
  const at = (...timestamps: number[]) =>
    makeBatch(timestamps.map((timestamp) => ({ value: Uint8Array.of(1), timestamp })));

  test.each([
    ["an hour ahead", [NOW + HOUR], {}, "accepted"],
    ["more than an hour ahead", [NOW, NOW + HOUR + 1], {}, ErrorCode.INVALID_TIMESTAMP],
    ["without a timestamp", [-1], {}, "accepted"],
    ["as old as the limit", [NOW - 10], { messageTimestampBeforeMaxMs: 10 }, "accepted"],
    ["older than the limit", [NOW, NOW - 11], { messageTimestampBeforeMaxMs: 10 }, ErrorCode.INVALID_TIMESTAMP],
    ["any age by default", [0], {}, "accepted"],
    ["ahead on a topic that stamps", [NOW + 9 * HOUR], { messageTimestampType: "LogAppendTime" }, "accepted"],
  ] as [string, number[], Partial<LogConfig>, number | "accepted"][])(
    "%s",
    (_name, timestamps, config, expected) => {
      const result = refusal(at(...timestamps), config);
      if (expected === "accepted") expect(result).toBe("accepted");
      else expect(result).toMatchObject(refusedWith(expected));
    },
  );

  test("of a compressed batch the header's word is judged", () => {
    const bytes = makeBatch(["a"], { codec: Codec.gzip });
    const ahead = changed(bytes, (each) => writeInt64(each, batch.MAX_TIMESTAMP_AT, NOW + 2 * HOUR));
    expect(refusal(ahead)).toMatchObject(refusedWith(ErrorCode.INVALID_TIMESTAMP));
  });

  test("LogAppendTime stamps the batch and refuses a producer's own stamp", () => {
    const { log, clock } = openLog({ config: { messageTimestampType: "LogAppendTime", flushMode: "os" } });
    clock.now = NOW + 77;
    const result = appended(log, at(NOW - 5, NOW - 9));
    expect(result.logAppendTimeMs).toBe(NOW + 77 as never);
    clock.endTick();
    const { bytes } = readBatches(log)[0]!;
    expect(batch.maxTimestampOf(bytes, 0)).toBe(NOW + 77 as never);
    expect(batch.attributesOf(bytes, 0)).toBe(batch.TIMESTAMP_TYPE_BIT);
    expect(batch.crcOf(bytes, 0)).toBe(crc32c(bytes, batch.ATTRIBUTES_AT, bytes.length));
    const forged = withAttributes(batch.TIMESTAMP_TYPE_BIT);
    expect(append(log, forged)).toMatchObject(refusedWith(ErrorCode.INVALID_TIMESTAMP));
  });

  test("CreateTime clears a forged stamp and corrects a maximum that the records do not bear out", () => {
    const { log, clock } = openLog({ config: { flushMode: "os" } });
    const stamped = withAttributes(batch.TIMESTAMP_TYPE_BIT, at(NOW - 5));
    appended(log, changed(stamped, (bytes) => writeInt64(bytes, batch.MAX_TIMESTAMP_AT, NOW - 2)));
    appended(log, changed(at(NOW - 5, NOW - 9), (bytes) => writeInt64(bytes, batch.MAX_TIMESTAMP_AT, NOW)));
    appended(log, at(NOW - 3));
    clock.endTick();
    const stored = readBatches(log).map(({ bytes }) => {
      expect(batch.crcOf(bytes, 0)).toBe(crc32c(bytes, batch.ATTRIBUTES_AT, bytes.length));
      return [batch.attributesOf(bytes, 0), readInt64(bytes, batch.MAX_TIMESTAMP_AT) - NOW];
    });
    expect(stored).toEqual([[0, -5], [0, -5], [0, -3]]);
  });
});

describe("topics with rules about records", () => {
  const keyed = (key: string | null, codec?: Codec) => makeBatch(
    [
      { key: new TextEncoder().encode("k"), value: Uint8Array.of(1) },
      { key: key === null ? null : new TextEncoder().encode(key), value: Uint8Array.of(2) },
    ],
    codec === undefined ? {} : { codec },
  );
  const compact = { cleanupPolicy: ["compact" as const], flushMode: "os" as const };
  function partitionWith(config: Partial<LogConfig>) {
    const opened = openLog({ config });
    return { ...opened, partition: new Partition(opened.log, 0 as never) };
  }

  test("a compacted topic takes no record without a key, compressed or not", async () => {
    const { partition, log, clock } = partitionWith(compact);
    expect(partition.appendInOrder([keyed(null)])).toMatchObject({
      ...refusedWith(ErrorCode.INVALID_RECORD),
      recordErrors: [{ batchIndex: 1 }],
    });
    const packed = partition.appendInOrder([keyed(null, Codec.lz4)]);
    expect(packed).toBeInstanceOf(Promise);
    expect(await packed).toMatchObject({
      ...refusedWith(ErrorCode.INVALID_RECORD),
      recordErrors: [{ batchIndex: 1 }],
    });
    expect(await partition.appendInOrder([keyed("x", Codec.lz4)])).toMatchObject({ ok: true });
    clock.endTick();
    expect(log.logEndOffset).toBe(2 as never);
  });

  test("a limit on age looks into compressed batches", async () => {
    const { partition } = partitionWith({ messageTimestampBeforeMaxMs: 10 });
    const old = makeBatch([
      { value: Uint8Array.of(1), timestamp: NOW },
      { value: Uint8Array.of(1), timestamp: NOW - 11 },
    ], { codec: Codec.zstd });
    expect(await partition.appendInOrder([old])).toMatchObject(refusedWith(ErrorCode.INVALID_TIMESTAMP));
  });

  test.each(["uncompressed", "gzip", "snappy", "lz4", "zstd"] as const)(
    "compression.type %s packs anew what came otherwise",
    async (compressionType) => {
      const { partition, log, clock } = partitionWith({ compressionType, flushMode: "os" });
      const target = compressionType === "uncompressed" ? Codec.none : Codec[compressionType];
      for (const codec of Object.values(Codec)) {
        const result = await partition.appendInOrder([makeBatch(["a", "b"], { codec })]);
        expect(result).toMatchObject({ ok: true });
      }
      clock.endTick();
      const stored = readBatches(log);
      expect(stored.map(({ bytes }) => batch.attributesOf(bytes, 0))).toEqual(stored.map(() => target));
      expect(readValues(log)).toEqual(stored.flatMap(() => ["a", "b"]));
    },
  );

  test("appends keep the order of the calls, whichever had to be unpacked", async () => {
    const { partition, log, clock } = partitionWith({ ...compact, compressionType: "producer" });
    const results = [
      partition.appendInOrder([keyed("1", Codec.gzip)]),
      partition.appendInOrder([keyed("2")]),
      partition.appendInOrder([keyed("3", Codec.zstd)]),
      partition.appendInOrder([keyed("4")]),
    ];
    const settled = await Promise.all(results);
    expect(settled.map((each) => (each.ok ? each.baseOffset : -1) as number)).toEqual([0, 2, 4, 6]);
    await microtasks();
    // Nothing is being prepared any more: the direct way is open again.
    expect(partition.appendInOrder([keyed("5")])).not.toBeInstanceOf(Promise);
    clock.endTick();
    expect(log.logEndOffset).toBe(10 as never);
  });

  test("a batch that unpacks to nothing readable is refused for good", async () => {
    const { partition } = partitionWith(compact);
    const bytes = keyed("x", Codec.gzip);
    bytes.fill(0xff, 70, 80);
    expect(await partition.appendInOrder([sealed(bytes)])).toMatchObject(refusedWith(ErrorCode.INVALID_RECORD));
    const miscounted = changed(keyed("x", Codec.gzip), (each) => {
      writeInt32(each, batch.RECORDS_COUNT_AT, 3);
      writeInt32(each, batch.LAST_OFFSET_DELTA_AT, 2);
    });
    expect(await partition.appendInOrder([miscounted])).toMatchObject(refusedWith(ErrorCode.INVALID_RECORD));
  });
});

test("clients are refused while the gate is closed, the broker itself is not", () => {
  const { log, environment } = openLog();
  environment.gate.reason = "the disk is nearly full";
  expect(append(log, makeBatch(["a"]))).toMatchObject(refusedWith(ErrorCode.KAFKA_STORAGE_ERROR, "nearly full"));
  expect(append(log, makeBatch(["a"]), "coordinator")).toMatchObject({ ok: true });
  environment.gate.reason = null;
  expect(append(log, makeBatch(["a"]))).toMatchObject({ ok: true });
});
