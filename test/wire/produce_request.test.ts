import { expect, test } from "bun:test";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import { BATCH_HEADER_BYTES } from "../../engine/model/record_batch.ts";
import { produceRequest } from "../../engine/wire/api/00_produce.ts";
import { decode, encode } from "../../engine/wire/codec.ts";
import type { Frame } from "../../engine/wire/frame_splitter.ts";
import { decodeProduce } from "../../engine/wire/produce_request.ts";
import type { PiecedProduceRequest } from "../../engine/wire/produce_request.ts";
import { WireError } from "../../engine/wire/wire_error.ts";
import type { ValueOf } from "../../engine/wire/schema.ts";
import { Dice, randomMessage } from "./random_values.ts";

const BODY_AT = 5;

/** The body behind BODY_AT bytes of something else, in pieces that end at `cuts`. */
function frameOf(body: Uint8Array, cuts: readonly number[]): Frame {
  const whole = Buffer.concat([Buffer.alloc(BODY_AT, 0xee), body]);
  const ends = [...cuts.map((cut) => cut + BODY_AT), whole.length];
  let from = 0;
  const pieces = ends.map((end) => {
    const piece = Uint8Array.from(whole.subarray(from, end));
    from = end;
    return piece;
  });
  const [first, ...rest] = pieces;
  // Bytes around the first piece belong to other frames.
  const bytes = Buffer.concat([Buffer.alloc(3, 0xff), first!, Buffer.alloc(9, 0xff)]);
  return { bytes, start: 3, end: 3 + first!.length, rest, length: whole.length };
}

function decodePieces(version: number, frame: Frame): PiecedProduceRequest {
  return decodeProduce(version, frame, frame.start + BODY_AT);
}

/** As the declared decoder gives it, and with the pieces of each partition checked and joined. */
function joined(request: PiecedProduceRequest): ValueOf<typeof produceRequest> {
  return {
    ...request,
    topicData: request.topicData.map((topic) => ({
      ...topic,
      partitionData: topic.partitionData.map(({ index, records }) => ({
        index,
        records: records === null ? null : joinRecords(records),
      })),
    })),
  };
}

function joinRecords(pieces: readonly Uint8Array[]): Uint8Array {
  const records = Uint8Array.from(Buffer.concat(pieces));
  if (pieces.length > 0) {
    expect(pieces[0]!.length).toBeGreaterThanOrEqual(Math.min(records.length, BATCH_HEADER_BYTES));
    expect(pieces.every((piece) => piece.length > 0)).toBe(true);
  }
  return records;
}

function randomCuts(dice: Dice, length: number): number[] {
  const cuts = Array.from({ length: dice.below(6) }, () => 1 + dice.below(Math.max(1, length - 1)));
  return [...new Set(cuts)].filter((cut) => cut < length).sort((first, second) => first - second);
}

test("random requests in random pieces decode as the declaration says", () => {
  const dice = new Dice(1);
  for (let round = 0; round < 600; round++) {
    const version = 3 + (round % 11);
    const value = randomMessage(produceRequest, version, dice);
    const body = encode(produceRequest, version, value as never);
    const cuts = randomCuts(dice, body.length);
    const request = joined(decodePieces(version, frameOf(body, cuts)));
    const expected: unknown = decode(produceRequest, version, body);
    if (!Bun.deepEquals(request, expected)) expect(request, `v${version} cut at ${cuts}`).toEqual(expected as never);
  }
});

const ONE_PARTITION = {
  transactionalId: "a",
  acks: -1,
  timeoutMs: 1500,
  topicData: [
    { name: "orders", partitionData: [{ index: 7, records: new Dice(2).bytes(150) }] },
    { name: "returns", partitionData: [{ index: 0, records: null }] },
  ],
};

test("a request cut at every two positions", () => {
  const body = encode(produceRequest, 9, ONE_PARTITION);
  const expected = decode(produceRequest, 9, body);
  for (let first = 1; first < body.length - 1; first++) {
    for (let second = first + 1; second < body.length; second += 3) {
      const request = joined(decodePieces(9, frameOf(body, [first, second])));
      if (!Bun.deepEquals(request, expected)) expect(request, `${first} ${second}`).toEqual(expected);
    }
  }
});

test("records of one piece are a view of the frame", () => {
  const body = encode(produceRequest, 9, ONE_PARTITION);
  const frame = frameOf(body, []);
  const { records } = decodePieces(9, frame).topicData[0]!.partitionData[0]!;
  expect(records!.length).toBe(1);
  expect(records![0]!.buffer).toBe(frame.bytes.buffer);
});

test("a truncated request is a WireError wherever it ends and is cut", () => {
  for (const version of [3, 9, 13]) {
    const value = { ...ONE_PARTITION, topicData: ONE_PARTITION.topicData.map((topic) => ({ ...topic })) };
    const body = encode(produceRequest, version, { ...value, topicData: named(value.topicData, version) });
    for (let end = 0; end < body.length; end++) {
      const cuts = end > 20 ? [10, 20] : [];
      expect(() => decodePieces(version, frameOf(body.subarray(0, end), cuts))).toThrow(WireError);
    }
  }
});

test("changed bytes give a request or a WireError, within the heap budget", () => {
  const dice = new Dice(3);
  for (let round = 0; round < 4000; round++) {
    const version = 3 + (round % 11);
    const topicData = named(ONE_PARTITION.topicData, version);
    const body = Uint8Array.from(encode(produceRequest, version, { ...ONE_PARTITION, topicData }));
    for (let change = 0; change <= dice.below(4); change++) body[dice.below(body.length)] = dice.below(256);
    try {
      decodePieces(version, frameOf(body, randomCuts(dice, body.length)));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
});

test("a count that the bytes cannot hold is refused, and one that the heap should not", () => {
  const header = [0xff, 0xff, 0, 1, 0, 0, 0, 1];
  const claims = Uint8Array.from([...header, 0x7f, 0xff, 0xff, 0xff, 0, 0]);
  expect(() => decodePieces(3, frameOf(claims, []))).toThrow("bytes end inside");
  const many = Uint8Array.from([...header, 0, 0, 0x10, 0, ...new Uint8Array(0x1000 * 6)]);
  const frame = frameOf(many, []);
  expect(decodeProduce(3, frame, frame.start + BODY_AT).topicData.length).toBe(0x1000);
  expect(() => decodeProduce(3, frame, frame.start + BODY_AT, 100_000)).toThrow("heap budget");
});

test("tagged fields are skipped, in pieces too, and refused when not well formed", () => {
  const plain = encode(produceRequest, 9, { ...ONE_PARTITION, topicData: [] });
  const tagged = (...tags: number[]): Uint8Array => Uint8Array.from([...plain.slice(0, -1), ...tags]);
  const skipped = tagged(2, 1, 3, 7, 7, 7, 2, 0);
  for (let cut = 1; cut < skipped.length; cut++) {
    expect(decodePieces(9, frameOf(skipped, [cut])).acks).toBe(-1);
  }
  const tooMany = [65, ...Array.from({ length: 65 }, (_, tag) => [tag, 0]).flat()];
  for (const tags of [[2, 5, 0, 5, 0], [2, 5, 0, 4, 0], [1, 5, 9, 0], tooMany]) {
    expect(() => decodePieces(9, frameOf(tagged(...tags), []))).toThrow(WireError);
  }
});

test("only the declared versions", () => {
  for (const version of [-1, 2, 14]) {
    expect(() => decodePieces(version, frameOf(new Uint8Array(20), []))).toThrow(WireError);
  }
});

function named<T extends { readonly name: string }>(topics: readonly T[], version: number): T[] {
  return topics.map((topic) => (version < 13 ? topic : { ...topic, name: "", topicId: ZERO_UUID }));
}
