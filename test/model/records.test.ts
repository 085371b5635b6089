import { describe, expect, test } from "bun:test";
import { encodeRecords, plainBatch, readRecords, RecordsError } from "../../engine/model/records.ts";
import type { RecordInput, StoredRecord } from "../../engine/model/records.ts";
import type { TimestampMs } from "../../engine/model/offsets.ts";
import { RECORDS_AT } from "../../engine/model/record_batch.ts";
import { crc32cBitwise } from "../support/crc32c_bitwise.ts";

const NOW = 1_700_000_000_000 as TimestampMs;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Two records, independent of this code: (k1 -> v1 at +0), (null -> v2, header h=x, at +5 ms). */
const TWO_RECORDS =
  "00000000000000000000004900000000026a8990a30000000000010000018bcfe568000000018bcfe56805" +
  "ffffffffffffffffffffffffffff0000000214000000046b310476310018000a02010476320202680278";

const twoRecords: RecordInput[] = [
  { key: text("k1"), value: text("v1") },
  { key: null, value: text("v2"), headers: [{ key: "h", value: text("x") }], timestamp: NOW + 5 },
];

function read(bytes: Uint8Array): StoredRecord[] {
  return [...readRecords(bytes, 0, bytes.subarray(RECORDS_AT))];
}

describe("records of a batch", () => {
  test("are written byte for byte as Kafka writes them", () => {
    const bytes = plainBatch(twoRecords, NOW, crc32cBitwise);
    bytes.set([0, 0, 0, 0], 12); // the leader epoch that the vector was stamped with
    expect(Buffer.from(bytes).toString("hex")).toBe(TWO_RECORDS);
  });

  test("come back as they went in, nulls, empties, headers and old timestamps included", () => {
    const records: RecordInput[] = [
      { key: text(""), value: null, timestamp: NOW },
      { key: null, value: text("x".repeat(300)), timestamp: 5 },
      { value: text("ü"), timestamp: NOW + 2 ** 41, headers: [{ key: "", value: null }] },
    ];
    const back = read(plainBatch(records, NOW, crc32cBitwise));
    expect(back.map((record) => record.offset as number)).toEqual([0, 1, 2]);
    expect(back.map((record) => record.timestamp as number)).toEqual([NOW, 5, NOW + 2 ** 41]);
    expect(back[0]!.key).toEqual(new Uint8Array(0));
    expect(back[0]!.value).toBeNull();
    expect(back[1]!.value!.length).toBe(300);
    expect(back[2]!.headers).toEqual([{ key: "", value: null }]);
  });

  test("every truncation and every flipped byte is a RecordsError or a record, nothing else", () => {
    const bytes = plainBatch(twoRecords, NOW, crc32cBitwise);
    for (let length = 0; length < bytes.length - RECORDS_AT; length++) {
      expect(() => [...readRecords(bytes, 0, bytes.subarray(RECORDS_AT, RECORDS_AT + length))])
        .toThrow(RecordsError);
    }
    for (let at = RECORDS_AT; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0xff;
      try {
        read(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(RecordsError);
      }
    }
  });

  test("the largest timestamp is the batch's, wherever it stands", () => {
    const region = encodeRecords([{ value: null, timestamp: 9 }, { value: null, timestamp: 3 }], NOW);
    expect([region.baseTimestamp, region.maxTimestamp] as number[]).toEqual([9, 9]);
  });
});
