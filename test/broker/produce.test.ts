/**
 * Produce, rule by rule, over a socket: what is refused and how, what acks mean, and that requests in
 * flight together keep their order.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import { writeInt16, writeInt32 } from "../../engine/base/int64.ts";
import type { Client } from "../../engine/client/client.ts";
import { ConnectionLost } from "../../engine/client/connection_lost.ts";
import { Codec } from "../../engine/model/compression.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import {
  ATTRIBUTES_AT,
  CRC_AT,
  MAGIC_AT,
  RECORDS_COUNT_AT,
  TRANSACTIONAL_BIT,
} from "../../engine/model/record_batch.ts";
import { produceRequest, produceResponse } from "../../engine/wire/api/00_produce.ts";
import { batchOf, native, startTestBroker, until } from "./harness.ts";
import type { TestBroker } from "./harness.ts";

const PRODUCE = { request: produceRequest, response: produceResponse };
const VERSION = 9;
let running: TestBroker;
let client: Client;

beforeAll(async () => {
  running = await startTestBroker();
  client = await running.connect();
  const topic = (name: string, configs: Record<string, string> = {}) => ({
    name,
    numPartitions: 2,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  });
  await running.store.createTopics([
    topic("plain"),
    topic("pipelined"),
    topic("small", { "max.message.bytes": "200" }),
    topic("stamped", { "message.timestamp.type": "LogAppendTime" }),
    topic("gzipped", { "compression.type": "gzip" }),
    topic("durable", { "flush.mode": "commit" }),
  ], { validateOnly: false });
});

afterAll(async () => {
  client.close();
  await running.stop();
});

interface Sent {
  readonly topic?: string;
  readonly index?: number;
  readonly records: Uint8Array | null;
  readonly acks?: number;
  readonly version?: number;
  readonly transactionalId?: string | null;
}

function requestOf({ topic = "plain", index = 0, records, acks = 1, transactionalId = null }: Sent) {
  return {
    transactionalId,
    acks,
    timeoutMs: 5000,
    topicData: [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index, records }] }],
  };
}

async function produce(sent: Sent) {
  const answer = await client.call(PRODUCE, requestOf(sent), sent.version ?? VERSION);
  return answer.responses[0]!.partitionResponses[0]!;
}

/** The batch with some of its header changed and a CRC that fits. */
function changed(batch: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = batch.slice();
  change(bytes);
  writeInt32(bytes, CRC_AT, native.crc32c(bytes, ATTRIBUTES_AT, bytes.length) | 0);
  return bytes;
}

describe("what is refused", () => {
  const good = batchOf(["a", "b"]);
  const cases: readonly (readonly [string, Sent, ErrorCode])[] = [
    ["no records", { records: null }, ErrorCode.INVALID_RECORD],
    ["empty records", { records: new Uint8Array(0) }, ErrorCode.INVALID_RECORD],
    ["half a header", { records: good.subarray(0, 40) }, ErrorCode.INVALID_RECORD],
    ["two batches", { records: Buffer.concat([good, good]) }, ErrorCode.INVALID_RECORD],
    ["acks 2", { records: good, acks: 2 }, ErrorCode.INVALID_REQUIRED_ACKS],
    ["acks -2", { records: good, acks: -2 }, ErrorCode.INVALID_REQUIRED_ACKS],
    ["an unknown topic", { records: good, topic: "absent" }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ["an unknown partition", { records: good, index: 2 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ["a negative partition", { records: good, index: -1 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ["zstd before version 7", { records: batchOf(["a"], { codec: Codec.zstd }), version: 6 },
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE],
    ["a damaged batch", { records: good.map((byte, at) => at === 70 ? byte ^ 1 : byte) },
      ErrorCode.CORRUPT_MESSAGE],
    ["another magic", { records: changed(good, (bytes) => (bytes[MAGIC_AT] = 3)) }, ErrorCode.CORRUPT_MESSAGE],
    ["an old magic", { records: changed(good, (bytes) => (bytes[MAGIC_AT] = 1)) }, ErrorCode.INVALID_RECORD],
    ["a count that lies", { records: changed(good, (bytes) => writeInt32(bytes, RECORDS_COUNT_AT, 3)) },
      ErrorCode.INVALID_RECORD],
    ["a transactional batch without transaction",
      { records: changed(good, (bytes) => writeInt16(bytes, ATTRIBUTES_AT, TRANSACTIONAL_BIT)) },
      ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED],
    ["a transaction", { records: good, transactionalId: "tx" }, ErrorCode.INVALID_TXN_STATE],
    ["a batch too large", { records: batchOf(["x".repeat(300)]), topic: "small" }, ErrorCode.MESSAGE_TOO_LARGE],
  ];

  for (const [name, sent, errorCode] of cases) {
    test(name, async () => {
      const answer = await produce(sent);
      expect(answer).toMatchObject({ errorCode, baseOffset: -1, logAppendTimeMs: -1 });
    });
  }

  test("leaves the connection and the log as they were", async () => {
    const { highWatermark } = running.store.partitions.find("plain", 0)!;
    expect(highWatermark as number).toBe(0);
    expect(await produce({ records: good })).toMatchObject({ errorCode: 0, baseOffset: 0 });
  });

  test("names the records to blame from version 8 on", async () => {
    const bad = changed(good, (bytes) => (bytes[61 + 3] = 0x08)); // offset delta of the first record
    const answer = await produce({ records: bad, version: 8 });
    expect(answer.errorCode).toBe(ErrorCode.INVALID_RECORD);
    expect(answer.errorMessage).not.toBeNull();
    expect((await produce({ records: bad, version: 7 })).errorCode).toBe(ErrorCode.INVALID_RECORD);
  });

  test("one partition alone: the others are appended", async () => {
    const before = running.store.partitions.find("plain", 1)!.log.logEndOffset;
    const answer = await client.call(PRODUCE, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        { name: "plain", partitionData: [{ index: 1, records: good }, { index: 9, records: good }] },
        { name: "absent", partitionData: [{ index: 0, records: good }] },
      ],
    }, VERSION);
    expect(answer.responses.map(({ partitionResponses }) =>
      partitionResponses.map(({ errorCode, baseOffset }) => [errorCode, baseOffset]))).toEqual([
      [[0, before], [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1]],
      [[ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1]],
    ]);
  });
});

describe("acks=0", () => {
  test("has no answer, and the records are there", async () => {
    const quiet = await running.connect();
    const before = running.store.partitions.find("plain", 0)!.log.logEndOffset;
    quiet.tell(produceRequest, requestOf({ records: batchOf(["q1"]), acks: 0 }), VERSION);
    quiet.tell(produceRequest, requestOf({ records: batchOf(["q2"]), acks: 0 }), VERSION);
    // The next answer belongs to the next request, or the client would complain.
    const answer = await quiet.call(PRODUCE, requestOf({ records: batchOf(["loud"]) }), VERSION);
    expect(answer.responses[0]!.partitionResponses[0]!.baseOffset).toBe(before + 2);
    quiet.close();
  });

  test("ends the connection on an error", async () => {
    const quiet = await running.connect();
    quiet.tell(produceRequest, requestOf({ records: null, acks: 0 }), VERSION);
    const next = quiet.call(PRODUCE, requestOf({ records: batchOf(["late"]) }), VERSION);
    expect(await next.then(() => null, (error: unknown) => error)).toBeInstanceOf(ConnectionLost);
  });
});

describe("requests in flight together", () => {
  test("are appended and answered in their order", async () => {
    const many = Array.from({ length: 500 }, (_, id) =>
      client.call(PRODUCE, requestOf({ topic: "pipelined", records: batchOf([`r${id}`]) }), VERSION));
    const offsets = (await Promise.all(many)).map((answer) =>
      answer.responses[0]!.partitionResponses[0]!.baseOffset);
    expect(offsets).toEqual(Array.from({ length: 500 }, (_, id) => id));
  });

  test("keep it where some batches must be packed anew", async () => {
    const codecs = [Codec.none, Codec.gzip, Codec.lz4, Codec.gzip, Codec.zstd, Codec.none, Codec.snappy];
    const answers = await Promise.all(codecs.map((codec, id) =>
      client.call(PRODUCE, requestOf({
        topic: "gzipped",
        records: batchOf([`r${id}`.repeat(100)], { codec }),
      }), VERSION)));
    expect(answers.map((answer) => answer.responses[0]!.partitionResponses[0])).toMatchObject(
      codecs.map((_, baseOffset) => ({ errorCode: 0, baseOffset })),
    );
  });

  test("are answered once durable under flush.mode=commit", async () => {
    const partition = running.store.partitions.find("durable", 0)!;
    const answers = await Promise.all([1, 2, 3].map((id) =>
      client.call(PRODUCE, requestOf({ topic: "durable", records: batchOf([`d${id}`]) }), VERSION)
        .then((answer) => {
          const { baseOffset, errorCode } = answer.responses[0]!.partitionResponses[0]!;
          return [errorCode, baseOffset, partition.log.syncedOffset > baseOffset];
        })));
    expect(answers).toEqual([[0, 0, true], [0, 1, true], [0, 2, true]]);
  });
});

test("LogAppendTime is told in the answer", async () => {
  const before = Date.now();
  const answer = await produce({ topic: "stamped", records: batchOf(["x"], { timestamp: 1 }) });
  expect(answer.errorCode).toBe(0);
  expect(answer.logAppendTimeMs).toBeGreaterThanOrEqual(before);
});

test("a request of many pieces is appended whole", async () => {
  const value = "m".repeat(900_000);
  const answer = await produce({ index: 1, records: batchOf([value]) });
  expect(answer.errorCode).toBe(0);
  await until(() => {
    const { highWatermark } = running.store.partitions.find("plain", 1)!;
    return highWatermark > answer.baseOffset;
  }, "the high watermark passes it");
});
