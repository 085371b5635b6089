import { expect, test } from "bun:test";
import { AssertionError } from "../../engine/base/assert.ts";
import { INT64_MAX } from "../../engine/base/int64.ts";
import { fetchRequest, fetchResponse } from "../../engine/wire/api/01_fetch.ts";
import { listOffsetsRequest } from "../../engine/wire/api/02_list_offsets.ts";
import { metadataRequest } from "../../engine/wire/api/03_metadata.ts";
import { heartbeatRequest } from "../../engine/wire/api/12_heartbeat.ts";
import { apiVersionsResponse } from "../../engine/wire/api/18_api_versions.ts";
import { decode, decodeExactly, encode, encodeInto } from "../../engine/wire/codec.ts";
import { array, int32, int64, message, string } from "../../engine/wire/schema.ts";
import type { WireErrorCode } from "../../engine/wire/wire_error.ts";
import { WireError } from "../../engine/wire/wire_error.ts";
import { RecordsHole, Writer } from "../../engine/wire/writer.ts";

function codeOf(run: () => unknown): WireErrorCode | string {
  try {
    run();
    return "no error";
  } catch (error) {
    return error instanceof WireError ? error.code : String(error);
  }
}

const HEARTBEAT = { groupId: "g", generationId: 3, memberId: "m" };

test("heartbeat in its old and its flexible form, byte for byte", () => {
  expect([...encode(heartbeatRequest, 3, HEARTBEAT)]).toEqual([
    ...[0, 1, 0x67], ...[0, 0, 0, 3], ...[0, 1, 0x6d], ...[255, 255],
  ]);
  expect([...encode(heartbeatRequest, 4, { ...HEARTBEAT, groupInstanceId: "" })]).toEqual([
    ...[2, 0x67], ...[0, 0, 0, 3], ...[2, 0x6d], 1, 0,
  ]);
});

test("what a version lacks decodes as its default", () => {
  const bytes = encode(heartbeatRequest, 0, HEARTBEAT);
  expect(decode(heartbeatRequest, 0, bytes)).toEqual({ ...HEARTBEAT, groupInstanceId: null });
});

test("bytes behind a message are ignored, unless the end is known", () => {
  const bytes = Buffer.concat([encode(heartbeatRequest, 0, HEARTBEAT), Buffer.of(1)]);
  expect(decode(heartbeatRequest, 0, bytes).groupId).toBe("g");
  expect(codeOf(() => decodeExactly(heartbeatRequest, 0, bytes))).toBe("MALFORMED");
});

// Tagged fields.

function flexibleHeartbeat(...tags: number[]): Uint8Array {
  return Uint8Array.from([...encode(heartbeatRequest, 4, HEARTBEAT).slice(0, -1), ...tags]);
}

test("unknown tagged fields are skipped", () => {
  const bytes = flexibleHeartbeat(2, 5, 3, 9, 9, 9, 0x80, 1, 0);
  expect(decodeExactly(heartbeatRequest, 4, bytes)).toEqual({ ...HEARTBEAT, groupInstanceId: null });
});

test("tagged fields that are not well formed are refused", () => {
  const sixtyFour = Array.from({ length: 64 }, (_, tag) => [tag, 0]).flat();
  expect(codeOf(() => decodeExactly(heartbeatRequest, 4, flexibleHeartbeat(64, ...sixtyFour)))).toBe("no error");
  expect(codeOf(() => decode(heartbeatRequest, 4, flexibleHeartbeat(65, ...sixtyFour, 64, 0)))).toBe("MALFORMED");
  expect(codeOf(() => decode(heartbeatRequest, 4, flexibleHeartbeat(2, 5, 0, 5, 0)))).toBe("MALFORMED");
  expect(codeOf(() => decode(heartbeatRequest, 4, flexibleHeartbeat(2, 5, 0, 4, 0)))).toBe("MALFORMED");
  expect(codeOf(() => decode(heartbeatRequest, 4, flexibleHeartbeat(1, 5, 9, 0)))).toBe("TRUNCATED");
  expect(codeOf(() => decode(heartbeatRequest, 4, flexibleHeartbeat(0x81, 0x80, 0x80, 0x80, 0x10)))).toBe("MALFORMED");
});

test("a known tagged field must have the size of its content", () => {
  // Tag 1 of the response is the int64 epoch of the features.
  const body = [0, 0, 1, 0, 0, 0, 0];
  const epoch = (size: number, ...data: number[]): Uint8Array => Uint8Array.of(...body, 1, 1, size, ...data);
  const eight = [0, 0, 0, 0, 0, 0, 0, 7];
  expect(decode(apiVersionsResponse, 3, epoch(8, ...eight)).finalizedFeaturesEpoch).toBe(7);
  expect(codeOf(() => decode(apiVersionsResponse, 3, epoch(9, ...eight, 0)))).toBe("MALFORMED");
  expect(codeOf(() => decode(apiVersionsResponse, 3, epoch(7, ...eight)))).toBe("MALFORMED");
});

test("a tagged field of more than 127 bytes gets a longer size", () => {
  const finalizedFeatures = Array.from({ length: 30 }, (_, index) => ({
    name: `feature.${index}`,
    maxVersionLevel: index,
    minVersionLevel: 0,
  }));
  const value = { errorCode: 0, apiKeys: [], throttleTimeMs: 1, finalizedFeatures };
  const decoded = decodeExactly(apiVersionsResponse, 3, encode(apiVersionsResponse, 3, value));
  expect(decoded.finalizedFeatures).toEqual(finalizedFeatures);
  expect(decoded.finalizedFeaturesEpoch).toBe(-1);
});

// Counts and the heap budget.

test("an array count that the bytes cannot hold is refused at once", () => {
  const claims = Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0);
  expect(codeOf(() => decode(metadataRequest, 1, claims))).toBe("TRUNCATED");
  const compact = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0);
  expect(codeOf(() => decode(metadataRequest, 9, compact))).toBe("TRUNCATED");
});

test("an array that would take more heap than the budget is refused before it is built", () => {
  const count = 1_000_000;
  const bytes = new Uint8Array(4 + count * 2);
  new DataView(bytes.buffer).setInt32(0, count);
  const started = performance.now();
  expect(codeOf(() => decode(metadataRequest, 1, bytes))).toBe("TOO_LARGE");
  expect(performance.now() - started).toBeLessThan(50);
  expect(decode(metadataRequest, 1, bytes, 0, bytes.length, 2 ** 31).topics?.length).toBe(count);
});

test("long texts count against the budget", () => {
  const bytes = encode(heartbeatRequest, 4, { ...HEARTBEAT, memberId: "x".repeat(30_000) });
  expect(codeOf(() => decode(heartbeatRequest, 4, bytes, 0, bytes.length, 20_000))).toBe("TOO_LARGE");
});

test("elements of no size at all are bounded by the budget", () => {
  const nothing = message({
    name: "Nothing",
    type: "data",
    versions: "0",
    flexible: "none",
    fields: () => ({ elements: array({ later: int32({ versions: "1+" }) }) }),
  });
  const claims = Uint8Array.of(0x7f, 0xff, 0xff, 0xff);
  expect(codeOf(() => decode(nothing, 0, claims))).toBe("TOO_LARGE");
});

test("null where the schema allows none is refused", () => {
  expect(codeOf(() => decode(metadataRequest, 0, Uint8Array.of(255, 255, 255, 255)))).toBe("MALFORMED");
  expect(decode(metadataRequest, 1, Uint8Array.of(255, 255, 255, 255)).topics).toBe(null);
  expect(codeOf(() => encode(metadataRequest, 0, { topics: null }))).toBe("UNSUPPORTED_FIELD");
});

test("a text longer than 32767 bytes is refused in both directions", () => {
  const longText = "é".repeat(16_384);
  expect(codeOf(() => encode(heartbeatRequest, 4, { ...HEARTBEAT, memberId: longText }))).toBe("UNSUPPORTED_FIELD");
  expect(codeOf(() => encode(heartbeatRequest, 3, { ...HEARTBEAT, memberId: longText }))).toBe("UNSUPPORTED_FIELD");
  const bytes = Uint8Array.of(2, 0x67, 0, 0, 0, 0, 0x81, 0x80, 2, ...new Uint8Array(32_768), 0, 0);
  expect(codeOf(() => decode(heartbeatRequest, 4, bytes))).toBe("MALFORMED");
});

// What a version cannot express.

test("a value for a field that the version lacks is an error, unless it may be dropped", () => {
  const topics = [{ name: "t", partitions: [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch: 5 }] }];
  // The leader epoch is ignorable, the isolation level is not.
  const plain = { replicaId: -1, topics, isolationLevel: 0 };
  expect(codeOf(() => encode(listOffsetsRequest, 1, plain))).toBe("no error");
  expect(codeOf(() => encode(listOffsetsRequest, 1, { ...plain, isolationLevel: 1 }))).toBe("UNSUPPORTED_FIELD");
  expect(codeOf(() => encode(listOffsetsRequest, 2, { ...plain, isolationLevel: 1 }))).toBe("no error");
});

test("a struct that the version lacks may be there when it is all defaults", () => {
  const request = { maxWaitMs: 0, minBytes: 0, topics: [] };
  const state = (replicaId: number) => ({ ...request, replicaState: { replicaId, replicaEpoch: -1 } });
  expect(codeOf(() => encode(fetchRequest, 12, state(-1)))).toBe("no error");
  expect(codeOf(() => encode(fetchRequest, 12, state(3)))).toBe("UNSUPPORTED_FIELD");
  expect(codeOf(() => encode(fetchRequest, 15, state(3)))).toBe("no error");
});

test("a value of another type or range is a programmer's error", () => {
  for (const generationId of [2 ** 31, 1.5, Number.NaN, undefined, null, "3", -(2 ** 31) - 1]) {
    const value = { ...HEARTBEAT, generationId } as unknown as typeof HEARTBEAT;
    expect(() => encode(heartbeatRequest, 0, value)).toThrow(AssertionError);
  }
  const noText = { ...HEARTBEAT, groupId: 7 } as unknown as typeof HEARTBEAT;
  expect(() => encode(heartbeatRequest, 0, noText)).toThrow(AssertionError);
  const noArray = { topics: {} } as unknown as { topics: null };
  expect(() => encode(metadataRequest, 1, noArray)).toThrow(AssertionError);
});

test("64-bit values: the safe range, and Kafka's highest", () => {
  const box = message({
    name: "Box",
    type: "data",
    versions: "0",
    flexible: "none",
    fields: () => ({ value: int64() }),
  });
  for (const value of [0, -1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53) + 1, INT64_MAX]) {
    expect(decode(box, 0, encode(box, 0, { value })).value).toBe(value);
  }
  expect([...encode(box, 0, { value: INT64_MAX })]).toEqual([127, 255, 255, 255, 255, 255, 255, 255]);
});

test("text of all planes survives, whatever it costs in bytes", () => {
  const box = message({
    name: "TextBox",
    type: "data",
    versions: "0-1",
    flexible: "1+",
    fields: () => ({ text: string() }),
  });
  const texts = ["", "a", "é", "日本語", "🎉", "\u0000", "\ufeffmark", "x".repeat(127), "é".repeat(64), "é".repeat(9000)];
  for (const text of texts) {
    for (const version of [0, 1]) {
      // Twice: the second time it may come from the memory of strings.
      for (let round = 0; round < 2; round++) {
        expect(decodeExactly(box, version, encode(box, version, { text })).text).toBe(text);
      }
    }
  }
  const invalid = Uint8Array.of(0, 3, 0x61, 0xff, 0x62);
  expect(decode(box, 0, invalid).text).toBe("a\ufffdb");
});

// Holes: records that are sent from files.

const PARTITION = {
  errorCode: 0,
  highWatermark: 9,
  lastStableOffset: 9,
  abortedTransactions: null,
} as const;

function fetchOf(first: Uint8Array | RecordsHole, second: Uint8Array | RecordsHole) {
  const partitions = [first, second].map((records, partitionIndex) => ({ ...PARTITION, partitionIndex, records }));
  return { throttleTimeMs: 0, responses: [{ topic: "t", partitions }] };
}

test("a response with holes is the response with records, once the holes are filled", () => {
  const records = [new Uint8Array(300).fill(1), new Uint8Array(5).fill(2)] as const;
  const holes = [new RecordsHole(300), new RecordsHole(5)] as const;
  for (const version of [4, 11, 12]) {
    const whole = encode(fetchResponse, version, fetchOf(...records));
    const writer = new Writer(16);
    writer.beginFrame();
    encodeInto(writer, fetchResponse, version, fetchOf(...holes));
    writer.endFrame();
    const segments = writer.takeSegments();
    const filled = segments.map((segment) =>
      segment instanceof RecordsHole ? records[holes.indexOf(segment)]! : segment,
    );
    const frame = Buffer.concat(filled);
    expect(frame.readInt32BE(0)).toBe(whole.length);
    expect(Buffer.compare(frame.subarray(4), whole)).toBe(0);
    expect(segments.filter((segment) => segment instanceof RecordsHole)).toEqual([...holes]);
  }
});

test("several frames in one writer, the length of each with its own holes", () => {
  const writer = new Writer(16);
  for (const length of [10, 0, 20]) {
    writer.beginFrame();
    encodeInto(writer, fetchResponse, 12, fetchOf(new RecordsHole(length), new Uint8Array(3)));
    writer.endFrame();
  }
  const segments = writer.takeSegments();
  const stream = Buffer.concat(
    segments.map((segment) => (segment instanceof RecordsHole ? new Uint8Array(segment.length) : segment)),
  );
  let at = 0;
  for (const length of [10, 0, 20]) {
    const size = stream.readInt32BE(at);
    const { records } = decodeExactly(fetchResponse, 12, stream, at + 4, at + 4 + size).responses[0]!
      .partitions[0]!;
    expect(records?.length).toBe(length);
    at += 4 + size;
  }
  expect(at).toBe(stream.length);
});

test("a failed message leaves the writer as it was, holes included", () => {
  const writer = new Writer(16);
  encodeInto(writer, heartbeatRequest, 0, HEARTBEAT);
  const [first] = fetchOf(new RecordsHole(10), new Uint8Array(1)).responses;
  const late = { throttleTimeMs: 0, responses: [first!, { topic: "x".repeat(40_000), partitions: [] }] };
  expect(codeOf(() => encodeInto(writer, fetchResponse, 4, late))).toBe("UNSUPPORTED_FIELD");
  expect(writer.holeCount).toBe(0);
  expect(writer.take()).toEqual(encode(heartbeatRequest, 0, HEARTBEAT));
});

test("what was taken from a writer stays as it is", () => {
  const writer = new Writer(64);
  const taken = Array.from({ length: 100 }, (_, generationId) => {
    encodeInto(writer, heartbeatRequest, 0, { ...HEARTBEAT, generationId });
    return writer.take();
  });
  taken.forEach((bytes, index) => expect(decode(heartbeatRequest, 0, bytes).generationId).toBe(index));
});

test("records are a view of the bytes, and may be given in pieces", () => {
  const bytes = encode(fetchResponse, 4, {
    throttleTimeMs: 0,
    responses: [
      {
        topic: "t",
        partitions: [{ ...PARTITION, partitionIndex: 0, records: [Uint8Array.of(1, 2), Uint8Array.of(3)] }],
      },
    ],
  });
  const { records } = decode(fetchResponse, 4, bytes).responses[0]!.partitions[0]!;
  expect([...records!]).toEqual([1, 2, 3]);
  expect(records!.buffer).toBe(bytes.buffer);
});
