import { describe, expect, test } from "bun:test";
import type { Native } from "../../native/native.ts";
import {
  BatchScan,
  RunScan,
  SCAN_BAD_COUNT,
  SCAN_BAD_CRC,
  SCAN_BAD_HEADERS,
  SCAN_BAD_KEY,
  SCAN_BAD_MAGIC,
  SCAN_BAD_OFFSET_DELTA,
  SCAN_BAD_RECORD_LENGTH,
  SCAN_BAD_TIMESTAMP,
  SCAN_BAD_VALUE,
  SCAN_BATCH_LEFT_OVER,
  SCAN_FULL,
  SCAN_LENGTH_MISMATCH,
  SCAN_LENGTH_TOO_SMALL,
  SCAN_OK,
  SCAN_PARTIAL,
  SCAN_PRODUCE,
  SCAN_RECORD_LEFT_OVER,
  SCAN_RECORDS,
  SCAN_TOO_SHORT,
  scanReasonText,
} from "../../native/scan.ts";
import { writeInt32 } from "../../engine/base/int64.ts";
import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  LAST_OFFSET_DELTA_AT,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  RECORDS_AT,
  RECORDS_COUNT_AT,
} from "../../engine/model/record_batch.ts";
import { crc32cBitwise } from "../support/crc32c_bitwise.ts";
import { COMMIT_MARKER, TWO_RECORDS, encodeBatch, randomBytes, randomFrom, sealBatch } from "./batches.ts";

/** A copy of the two-record batch with one change and a CRC that fits. */
function changed(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = TWO_RECORDS.slice();
  change(bytes);
  return sealBatch(bytes);
}

function bytesOfSize(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((i * 7919) >>> 3) ^ i);
}

/** What every build promises about checksums and scans. */
export function bytesContract(native: Native): void {
  describe("crc32c", () => {
    test("the check value", () => {
      const digits = new TextEncoder().encode("123456789");
      expect(native.crc32c(digits, 0, 9)).toBe(0xe306_9283);
      expect(native.crc32c(digits, 3, 3)).toBe(0);
    });

    test("every length to 1100 at every alignment, and around each block size", () => {
      const bytes = bytesOfSize(40_000);
      for (let length = 0; length < 1100; length++) {
        const start = length % 19;
        expect(native.crc32c(bytes, start, start + length)).toBe(crc32cBitwise(bytes, start, start + length));
      }
      for (const block of [768, 4096, 12_288, 24_576, 36_864]) {
        for (let length = block - 2; length < block + 3; length++) {
          expect(native.crc32c(bytes, 5, 5 + length)).toBe(crc32cBitwise(bytes, 5, 5 + length));
        }
      }
    });

    test("goes on from a seed, over pieces of any kind", () => {
      const bytes = bytesOfSize(30_000);
      const whole = crc32cBitwise(bytes, 0, bytes.length);
      expect(native.crc32c(bytes, 17_000, 30_000, native.crc32c(bytes, 0, 17_000))).toBe(whole);
      const random = randomFrom(7);
      for (const count of [1, 2, 3, 17, 1024, 1025, 2500]) {
        const cuts = Array.from({ length: count - 1 }, () => random(30_001)).sort((a, b) => a - b);
        const ends = [...cuts, 30_000];
        const pieces = ends.map((end, i) =>
          i % 2 === 0 ? bytes.slice(ends[i - 1] ?? 0, end) : bytes.subarray(ends[i - 1], end),
        );
        expect(native.crc32cPieces(pieces)).toBe(whole);
      }
      expect(native.crc32cPieces([bytes.subarray(100)], native.crc32c(bytes, 0, 100))).toBe(whole);
      expect(native.crc32cPieces([])).toBe(0);
      expect(native.crc32cPieces([], 77)).toBe(77);
    });
  });

  describe("scanBatch", () => {
    const out = new BatchScan();

    function reasonOf(bytes: Uint8Array, flags = SCAN_PRODUCE): number {
      return native.scanBatch([bytes], out, flags);
    }

    test("a batch of two records", () => {
      expect(native.scanBatch([TWO_RECORDS], out)).toBe(SCAN_OK);
      expect({ ...out }).toEqual({
        sizeBytes: 85,
        leaderEpoch: 0,
        attributes: 0,
        codec: 0,
        baseOffset: 0,
        lastOffsetDelta: 1,
        baseTimestamp: 1_700_000_000_000,
        maxTimestamp: 1_700_000_000_005,
        producerId: -1,
        producerEpoch: -1,
        baseSequence: -1,
        recordsCount: 2,
        walked: true,
        walkedMaxTimestamp: 1_700_000_000_005,
        walkedMinTimestamp: 1_700_000_000_000,
        maxTimestampOffsetDelta: 1,
        hasNullKey: true,
        firstNullKey: 1,
        badRecord: -1,
      });
    });

    test("a commit marker", () => {
      expect(reasonOf(COMMIT_MARKER)).toBe(SCAN_OK);
      expect(out).toMatchObject({ baseOffset: 10, leaderEpoch: 3, producerId: 4242, producerEpoch: 1 });
      expect(out).toMatchObject({ attributes: 0x30, recordsCount: 1, hasNullKey: false });
    });

    test("cut into pieces at every place, and into single bytes", () => {
      for (let cut = 0; cut <= TWO_RECORDS.length; cut++) {
        const pieces = [TWO_RECORDS.slice(0, cut), TWO_RECORDS.subarray(cut)];
        expect(native.scanBatch(pieces, out)).toBe(SCAN_OK);
        expect(out).toMatchObject({ sizeBytes: 85, recordsCount: 2, maxTimestampOffsetDelta: 1, firstNullKey: 1 });
      }
      const bytes = Array.from(TWO_RECORDS, (byte) => Uint8Array.of(byte));
      expect(native.scanBatch(bytes, out)).toBe(SCAN_OK);
      expect(out.walkedMaxTimestamp).toBe(1_700_000_000_005);
    });

    test("more pieces than fit in one table", () => {
      const batch = encodeBatch({ ...PLAIN, records: [{ ...RECORD, value: new Uint8Array(2000) }] });
      const pieces = Array.from(batch, (byte) => Uint8Array.of(byte));
      expect(native.scanBatch(pieces, out)).toBe(SCAN_OK);
      expect(out.sizeBytes).toBe(batch.length);
    });

    test("every truncation and every added byte is refused", () => {
      for (let length = 0; length < TWO_RECORDS.length; length++) {
        const expected = length < 61 ? SCAN_TOO_SHORT : SCAN_LENGTH_MISMATCH;
        expect(reasonOf(TWO_RECORDS.slice(0, length))).toBe(expected);
        expect(out.sizeBytes).toBe(length);
      }
      expect(reasonOf(Uint8Array.from([...TWO_RECORDS, 0]))).toBe(SCAN_LENGTH_MISMATCH);
      expect(native.scanBatch([], out)).toBe(SCAN_TOO_SHORT);
    });

    test("every single flipped bit behind the CRC is found; offset and epoch lie outside", () => {
      for (let at = 0; at < TWO_RECORDS.length; at++) {
        const bytes = TWO_RECORDS.slice();
        bytes[at]! ^= 1 << (at % 8);
        const outside = at < 8 || (at >= 12 && at < 16);
        const expected = outside
          ? SCAN_OK
          : at < 12
            ? SCAN_LENGTH_MISMATCH
            : at === MAGIC_AT
              ? SCAN_BAD_MAGIC
              : SCAN_BAD_CRC;
        const reason = reasonOf(bytes);
        if (at >= 8 && at < 12) expect([SCAN_LENGTH_MISMATCH, SCAN_LENGTH_TOO_SMALL]).toContain(reason);
        else expect(reason).toBe(expected);
      }
    });

    test("a batch length below the minimum", () => {
      const tiny = changed((bytes) => writeInt32(bytes, BATCH_LENGTH_AT, 48));
      expect(reasonOf(tiny)).toBe(SCAN_LENGTH_TOO_SMALL);
      expect(reasonOf(changed((bytes) => writeInt32(bytes, BATCH_LENGTH_AT, -1)))).toBe(SCAN_LENGTH_TOO_SMALL);
      expect(reasonOf(changed((bytes) => writeInt32(bytes, BATCH_LENGTH_AT, 0x7fff_ffff)))).toBe(
        SCAN_LENGTH_MISMATCH,
      );
    });

    // In TWO_RECORDS the first record starts at 61: length 20/2, attributes, ts, delta, key length,
    // k 1, value length, v 1, headers; the second at 72.
    const SECOND = RECORDS_AT + 11;
    test.each([
      ["recordsCount too small", RECORDS_COUNT_AT + 3, 1, SCAN_BAD_COUNT, -1],
      ["recordsCount too large", RECORDS_COUNT_AT + 3, 3, SCAN_BAD_COUNT, -1],
      ["lastOffsetDelta too large", LAST_OFFSET_DELTA_AT + 3, 2, SCAN_BAD_COUNT, -1],
      ["first record longer than the batch", RECORDS_AT, 0x7e, SCAN_BAD_RECORD_LENGTH, 0],
      ["first record of negative length", RECORDS_AT, 1, SCAN_BAD_RECORD_LENGTH, 0],
      ["first record empty", RECORDS_AT, 0, SCAN_BAD_RECORD_LENGTH, 0],
      ["first record one byte short", RECORDS_AT, 18, SCAN_BAD_HEADERS, 0],
      ["first record one byte long", RECORDS_AT, 22, SCAN_RECORD_LEFT_OVER, 0],
      ["timestamp delta without an end", SECOND + 1, 0x80, SCAN_OK, -1],
      ["second offset delta repeated", SECOND + 3, 0, SCAN_BAD_OFFSET_DELTA, 1],
      ["second offset delta skips", SECOND + 3, 4, SCAN_BAD_OFFSET_DELTA, 1],
      ["first offset delta negative", RECORDS_AT + 3, 1, SCAN_BAD_OFFSET_DELTA, 0],
      ["key longer than the record", RECORDS_AT + 4, 0x40, SCAN_BAD_KEY, 0],
      ["key length -2", RECORDS_AT + 4, 3, SCAN_BAD_KEY, 0],
      ["value longer than the record", RECORDS_AT + 7, 0x40, SCAN_BAD_VALUE, 0],
      ["value length -2", RECORDS_AT + 7, 3, SCAN_BAD_VALUE, 0],
      ["header count negative", RECORDS_AT + 10, 1, SCAN_BAD_HEADERS, 0],
      ["header count too large", RECORDS_AT + 10, 2, SCAN_BAD_HEADERS, 0],
      ["header key null", SECOND + 9, 1, SCAN_BAD_HEADERS, 1],
      ["header value too long", SECOND + 11, 4, SCAN_BAD_HEADERS, 1],
    ])("%s", (_name, at, value, reason, record) => {
      expect(reasonOf(changed((bytes) => (bytes[at] = value)))).toBe(reason);
      expect(out.badRecord).toBe(record);
    });

    test("a timestamp delta without an end", () => {
      const endless = changed((bytes) => bytes.fill(0x80, RECORDS_AT + 2, RECORDS_AT + 11));
      expect(reasonOf(endless)).toBe(SCAN_BAD_TIMESTAMP);
    });

    test("numbers in more bytes than they need, up to the most they may have", () => {
      // length, attributes, timestamp delta, offset delta, key length -1, value length 0, headers 0
      const recordOf = (timestamp: number[], delta: number[]) =>
        Uint8Array.of((timestamp.length + delta.length + 4) * 2, 0, ...timestamp, ...delta, 1, 0, 0);
      const reasonFor = (timestamp: number[], delta: number[]) => {
        const record = recordOf(timestamp, delta);
        const empty = encodeBatch({ ...PLAIN, records: [] });
        const bytes = new Uint8Array(Buffer.concat([empty, record]));
        writeInt32(bytes, BATCH_LENGTH_AT, bytes.length - 12);
        const reason = reasonOf(sealBatch(bytes));
        for (let cut = RECORDS_AT; cut < bytes.length; cut++) {
          expect(native.scanBatch([bytes.slice(0, cut), bytes.slice(cut)], out)).toBe(reason);
        }
        return reason;
      };
      const more = (count: number) => Array<number>(count).fill(0x80);
      expect(reasonFor([0], [0])).toBe(SCAN_OK);
      expect(reasonFor([...more(9), 0], [...more(4), 0])).toBe(SCAN_OK);
      expect(reasonFor([0], [...more(4), 0x10])).toBe(SCAN_BAD_OFFSET_DELTA);
      expect(reasonFor([0], [...more(5), 0])).toBe(SCAN_BAD_OFFSET_DELTA);
      expect(reasonFor([...more(9), 1], [0])).toBe(SCAN_OK);
      expect(out.walkedMaxTimestamp).toBe(1000 + 2 ** 62);
      expect(reasonFor([...more(9), 2], [0])).toBe(SCAN_BAD_TIMESTAMP);
      expect(reasonFor([...more(10), 0], [0])).toBe(SCAN_BAD_TIMESTAMP);
    });

    test("the first of several records with the largest timestamp is the one told", () => {
      const deltas = [3, 9, 1, 9, 9];
      const records = deltas.map((timestampDelta, offsetDelta) => ({ ...RECORD, timestampDelta, offsetDelta }));
      const batch = encodeBatch({ ...PLAIN, lastOffsetDelta: 4, recordsCount: 5, records });
      expect(reasonOf(batch)).toBe(SCAN_OK);
      expect(out).toMatchObject({ maxTimestampOffsetDelta: 1, walkedMaxTimestamp: 1009, walkedMinTimestamp: 1001 });
    });

    test("bytes left over after the last record", () => {
      const bytes = new Uint8Array(TWO_RECORDS.length + 3);
      bytes.set(TWO_RECORDS);
      writeInt32(bytes, BATCH_LENGTH_AT, bytes.length - 12);
      expect(reasonOf(sealBatch(bytes))).toBe(SCAN_BATCH_LEFT_OVER);
      expect(out.badRecord).toBe(-1);
    });

    test("a wrong CRC outranks wrong records", () => {
      const bytes = changed((copy) => (copy[RECORDS_AT] = 0x7e));
      bytes[MAX_TIMESTAMP_AT]! ^= 1;
      expect(reasonOf(bytes)).toBe(SCAN_BAD_CRC);
      expect(out.badRecord).toBe(-1);
      expect(out.walked).toBe(false);
    });

    test("a compressed batch is taken by its header", () => {
      for (const codec of [1, 2, 3, 4, 5, 7]) {
        const bytes = changed((copy) => {
          copy[ATTRIBUTES_AT + 1] = codec;
          copy.fill(0xee, RECORDS_AT);
        });
        expect(reasonOf(bytes)).toBe(SCAN_OK);
        expect(out).toMatchObject({ codec, walked: false, walkedMaxTimestamp: -1, hasNullKey: false });
      }
      const count = changed((copy) => {
        copy[ATTRIBUTES_AT + 1] = 4;
        copy[RECORDS_COUNT_AT + 3] = 9;
      });
      expect(reasonOf(count)).toBe(SCAN_BAD_COUNT);
    });

    test("reserved attribute bits are reported, not judged", () => {
      expect(reasonOf(changed((bytes) => (bytes[ATTRIBUTES_AT] = 0xff)))).toBe(SCAN_OK);
      expect(out.attributes).toBe(-256);
      expect(out.codec).toBe(0);
    });

    test("sparse and empty batches pass only without SCAN_DENSE", () => {
      const sparse = encodeBatch({
        ...PLAIN,
        lastOffsetDelta: 9,
        recordsCount: 2,
        records: [
          { ...RECORD, offsetDelta: 3 },
          { ...RECORD, offsetDelta: 7, timestampDelta: -40 },
        ],
      });
      expect(reasonOf(sparse)).toBe(SCAN_BAD_COUNT);
      expect(reasonOf(sparse, SCAN_RECORDS)).toBe(SCAN_OK);
      expect(out).toMatchObject({ walkedMaxTimestamp: 1000, walkedMinTimestamp: 960, maxTimestampOffsetDelta: 3 });
      const empty = encodeBatch({ ...PLAIN, lastOffsetDelta: 4, recordsCount: 0, records: [] });
      expect(reasonOf(empty)).toBe(SCAN_BAD_COUNT);
      expect(reasonOf(empty, SCAN_RECORDS)).toBe(SCAN_OK);
      expect(out).toMatchObject({ walked: true, walkedMaxTimestamp: -1, maxTimestampOffsetDelta: -1 });
      const none = encodeBatch({ ...PLAIN, lastOffsetDelta: -1, recordsCount: 0, records: [] });
      expect(reasonOf(none)).toBe(SCAN_BAD_COUNT);
    });

    test("Long.MAX_VALUE reads as 2^63, and -1 as -1", () => {
      const bytes = encodeBatch({ ...PLAIN, maxTimestamp: 2 ** 63, producerId: -1 });
      expect(reasonOf(bytes)).toBe(SCAN_OK);
      expect(out.maxTimestamp).toBe(2 ** 63);
      expect(out.producerId).toBe(-1);
    });

    test("a batch of 1 MiB whose records cross every block", () => {
      const random = randomFrom(3);
      const records = Array.from({ length: 1000 }, (_, offsetDelta) => ({
        ...RECORD,
        offsetDelta,
        timestampDelta: offsetDelta === 777 ? 5000 : offsetDelta,
        value: randomBytes(random, 900 + random(200)),
      }));
      const batch = encodeBatch({ ...PLAIN, lastOffsetDelta: 999, recordsCount: 1000, records });
      for (const pieces of [[batch], [batch.slice(0, 300_000), batch.slice(300_000)]]) {
        expect(native.scanBatch(pieces, out)).toBe(SCAN_OK);
        expect(out).toMatchObject({ recordsCount: 1000, maxTimestampOffsetDelta: 777, walkedMaxTimestamp: 6000 });
      }
      batch[batch.length - 1]! ^= 1;
      expect(reasonOf(batch)).toBe(SCAN_BAD_CRC);
    });

    test("every reason has a text", () => {
      for (let reason = SCAN_OK; reason <= SCAN_FULL; reason++) {
        expect(scanReasonText(reason).length).toBeGreaterThan(4);
      }
      expect(() => scanReasonText(99)).toThrow("unknown scan reason");
    });
  });

  describe("scanRun", () => {
    test("consecutive batches, and where they lie", () => {
      const bytes = Buffer.concat([new Uint8Array(7), TWO_RECORDS, COMMIT_MARKER, new Uint8Array(5)]);
      const out = new RunScan(64);
      expect(native.scanRun(bytes, 7, 7 + 85 + 78, out)).toBe(SCAN_OK);
      expect(out.count).toBe(2);
      expect(out.stoppedAt).toBe(170);
      expect(out.badRecord).toBe(-1);
      const row = (i: number) =>
        [
          out.baseOffset, out.lastOffset, out.position, out.baseTimestamp, out.maxTimestamp, out.producerId,
          out.size, out.leaderEpoch, out.attributes, out.lastOffsetDelta, out.producerEpoch, out.baseSequence,
          out.recordsCount,
        ].map((column) => column[i]);
      expect(row(0)).toEqual([0, 1, 7, 1_700_000_000_000, 1_700_000_000_005, -1, 85, 0, 0, 1, -1, -1, 2]);
      expect(row(1)).toEqual([10, 10, 92, 1_700_000_000_000, 1_700_000_000_000, 4242, 78, 3, 0x30, 0, 1, -1, 1]);
    });

    test("stops at a torn tail and tells what it needs", () => {
      const bytes = Buffer.concat([TWO_RECORDS, COMMIT_MARKER]);
      const out = new RunScan(64);
      for (let length = 86; length < bytes.length; length++) {
        expect(native.scanRun(bytes, 0, length, out)).toBe(SCAN_PARTIAL);
        expect(out.count).toBe(1);
        expect(out.stoppedAt).toBe(85);
        expect(out.neededBytes).toBe(length - 85 < 12 ? 0 : 78);
      }
      expect(native.scanRun(bytes, 0, 85, out)).toBe(SCAN_OK);
      expect(native.scanRun(bytes, 0, 0, out)).toBe(SCAN_OK);
      expect(out.count).toBe(0);
      expect(out.stoppedAt).toBe(0);
    });

    test("stops at an unwritten tail, a wrong magic, a wrong CRC, a wrong record", () => {
      const out = new RunScan(64);
      const after = (tail: Uint8Array) => Buffer.concat([TWO_RECORDS, tail]);
      const zeros = after(new Uint8Array(300));
      expect(native.scanRun(zeros, 0, zeros.length, out)).toBe(SCAN_LENGTH_TOO_SMALL);
      expect([out.count, out.stoppedAt]).toEqual([1, 85]);
      const legacy = after(changed((bytes) => (bytes[MAGIC_AT] = 1)));
      expect(native.scanRun(legacy, 0, legacy.length, out)).toBe(SCAN_BAD_MAGIC);
      expect(native.scanRun(legacy, 0, 85 + 20, out)).toBe(SCAN_BAD_MAGIC);
      const flipped = after(TWO_RECORDS);
      flipped[120]! ^= 4;
      expect(native.scanRun(flipped, 0, flipped.length, out)).toBe(SCAN_BAD_CRC);
      expect([out.count, out.stoppedAt]).toEqual([1, 85]);
      const record = after(changed((bytes) => (bytes[RECORDS_AT + 4] = 0x40)));
      expect(native.scanRun(record, 0, record.length, out)).toBe(SCAN_OK);
      expect(native.scanRun(record, 0, record.length, out, SCAN_RECORDS)).toBe(SCAN_BAD_KEY);
      expect([out.count, out.badRecord]).toEqual([1, 0]);
    });

    test("a full result goes on where it stopped", () => {
      const bytes = Buffer.concat(Array.from({ length: 150 }, () => TWO_RECORDS));
      const out = new RunScan(64);
      const counts: number[] = [];
      let at = 0;
      for (let reason = SCAN_FULL; reason === SCAN_FULL; at = out.stoppedAt) {
        reason = native.scanRun(bytes, at, bytes.length, out);
        counts.push(out.count);
        expect(out.position[0]).toBe(at);
      }
      expect(counts).toEqual([64, 64, 22]);
      expect(at).toBe(bytes.length);
      const exact = Buffer.concat(Array.from({ length: 64 }, () => TWO_RECORDS));
      expect(native.scanRun(exact, 0, exact.length, out)).toBe(SCAN_OK);
    });

    test("misuse is asserted", () => {
      const out = new RunScan(64);
      expect(() => native.scanRun(TWO_RECORDS, 0, 86, out)).toThrow();
      expect(() => native.scanRun(TWO_RECORDS, 10, 9, out)).toThrow();
      expect(() => new RunScan(2)).toThrow("run scan too small");
    });
  });
}

const RECORD = {
  key: null,
  value: Uint8Array.of(1, 2, 3),
  timestampDelta: 0,
  offsetDelta: 0,
  headers: [],
};

const PLAIN = {
  baseOffset: 500,
  leaderEpoch: 0,
  attributes: 0,
  lastOffsetDelta: 0,
  baseTimestamp: 1000,
  maxTimestamp: 1000,
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
  recordsCount: 1,
  records: [RECORD],
};
