import { describe, expect, test } from "bun:test";
import { GrowingBytes } from "../../engine/log/growing_bytes.ts";
import { IndexCache } from "../../engine/log/index_cache.ts";
import { ActiveOffsetIndex, entryPosition, findOffsetEntry } from "../../engine/log/offset_index.ts";
import { ActiveTimeIndex, findTimeEntry } from "../../engine/log/time_index.ts";
import { collectAborted, encodeTxnEntry, txnIndexInvalidReason } from "../../engine/log/txn_index.ts";
import type { AbortedTransaction } from "../../engine/log/txn_index.ts";
import type { Offset, TimestampMs } from "../../engine/model/offsets.ts";
import { simulatedDisk } from "../support/log_harness.ts";

const NOTHING = new Uint8Array(0);
const offset = (value: number) => value as Offset;
const time = (value: number) => value as TimestampMs;

describe("offset index", () => {
  test("has the bytes of Kafka's and finds the last entry at or below", () => {
    const index = new ActiveOffsetIndex(offset(1000), 80, NOTHING);
    index.append(offset(1004), 500);
    index.append(offset(1010), 70_000);
    const { bytes, count } = index.entries;
    expect(Buffer.from(bytes.subarray(0, 16)).toString("hex")).toBe("00000004000001f40000000a00011170");
    const at = (target: number) => findOffsetEntry(bytes, count, offset(1000), offset(target));
    expect([1000, 1003, 1004, 1009, 1010, 5000].map(at)).toEqual([-1, -1, 0, 0, 1, 1]);
    expect(entryPosition(bytes, 1)).toBe(70_000);
    expect(index.lastPosition).toBe(70_000);
  });

  test("is full at its size, and keeps growing in memory until then", () => {
    const index = new ActiveOffsetIndex(offset(0), 8 * 1000 + 7, NOTHING);
    for (let entry = 0; entry < 1000; entry++) {
      expect(index.isFull).toBe(false);
      index.append(offset(entry * 2), entry * 100);
    }
    expect(index.isFull).toBe(true);
    const { bytes, count } = index.entries;
    for (let target = 0; target < 2000; target++) {
      expect(findOffsetEntry(bytes, count, offset(0), offset(target))).toBe(Math.floor(target / 2));
    }
  });

  test("never goes back", () => {
    const index = new ActiveOffsetIndex(offset(0), 80, NOTHING);
    index.append(offset(5), 100);
    expect(() => index.append(offset(5), 200)).toThrow("goes back");
  });
});

describe("time index", () => {
  test("has the bytes of Kafka's, takes only later times, and keeps a slot for the close", () => {
    const index = new ActiveTimeIndex(offset(7), 12 * 3, NOTHING);
    expect([index.lastTimestamp, index.lastOffset]).toEqual([-1, 7] as never);
    index.appendIfLater(time(1_700_000_000_000), offset(9));
    index.appendIfLater(time(1_700_000_000_000), offset(10));
    expect(index.entries.count).toBe(1);
    expect(index.isFull).toBe(false);
    index.appendIfLater(time(1_700_000_000_001), offset(12));
    expect(index.isFull).toBe(true);
    const { bytes, count } = index.entries;
    expect(Buffer.from(bytes.subarray(0, 24)).toString("hex"))
      .toBe("0000018bcfe56800000000020000018bcfe5680100000005");
    const at = (target: number) => findTimeEntry(bytes, count, time(target));
    expect([0, 1_700_000_000_000, 1_700_000_000_001, 2e12].map(at)).toEqual([-1, 0, 1, 1]);
  });
});

test("growing bytes remember what their file holds", () => {
  const entries = new GrowingBytes(4, Uint8Array.of(1, 2, 3, 4));
  expect([entries.count, entries.persistedCount]).toEqual([1, 1]);
  const at = entries.push();
  entries.bytes.set([5, 6, 7, 8], at);
  expect([...entries.unpersisted()]).toEqual([5, 6, 7, 8]);
  entries.markPersisted();
  entries.truncate(0);
  expect([entries.count, entries.persistedCount, entries.unpersisted().length]).toEqual([0, 0, 0]);
});

describe("index cache", () => {
  function files(count: number) {
    const disk = simulatedDisk();
    return Array.from({ length: count }, (_, index) => {
      const file = disk.file(`/data/${index}`);
      file.create();
      file.write([Uint8Array.of(index, index)], 0);
      return { file, sizeBytes: 2 };
    });
  }

  test("maps on first use and gives up the least recently used", () => {
    const cache = new IndexCache(2);
    const [a, b, c] = files(3) as [never, never, never];
    cache.bytes(a);
    cache.bytes(b);
    expect([...cache.bytes(a)]).toEqual([0, 0]);
    cache.bytes(c); // b goes
    expect(cache.size).toBe(2);
    const before = cache.bytes(a);
    expect(cache.bytes(a)).toBe(before); // still the same map
    expect([...cache.bytes(b)]).toEqual([1, 1]);
    expect(cache.size).toBe(2);
  });

  test("a dropped file may be renamed or removed; an empty one is never mapped", () => {
    const cache = new IndexCache(4);
    const [a] = files(1) as [ReturnType<typeof files>[number]];
    cache.bytes(a);
    cache.drop(a);
    cache.drop(a);
    a.file.renameTo("/data/other");
    a.file.remove();
    expect(cache.bytes({ file: a.file, sizeBytes: 0 }).length).toBe(0);
    expect(cache.size).toBe(0);
  });
});

describe("transaction index", () => {
  const aborted = (producerId: number, first: number, last: number, stable: number): AbortedTransaction => ({
    producerId,
    firstOffset: offset(first),
    lastOffset: offset(last),
    lastStableOffset: offset(stable),
  });
  const entries = [aborted(1, 10, 20, 15), aborted(2, 15, 30, 31), aborted(3, 40, 50, 51)];
  const bytes = Buffer.concat(entries.map(encodeTxnEntry));

  test("has the bytes of Kafka's", () => {
    expect(bytes.subarray(0, 34).toString("hex"))
      .toBe("0000" + "0000000000000001" + "000000000000000a" + "0000000000000014" + "000000000000000f");
  });

  test.each([
    [0, 10, [], true],
    [0, 11, [1], true],
    [0, 16, [1, 2], true],
    [21, 45, [2, 3], true],
    [31, 40, [], true],
    [31, 60, [3], false],
    [51, 99, [], false],
  ] as [number, number, number[], boolean][])("what overlaps [%d, %d)", (from, upTo, ids, isEnd) => {
    const found: AbortedTransaction[] = [];
    expect(collectAborted(bytes, offset(from), offset(upTo), found)).toBe(isEnd);
    expect(found.map((each) => each.producerId)).toEqual(ids);
  });

  test("what is wrong with one", () => {
    const base = offset(10);
    expect(txnIndexInvalidReason(bytes, base)).toBe(null);
    expect(txnIndexInvalidReason(bytes.subarray(1), base)).toContain("whole entries");
    expect(txnIndexInvalidReason(bytes, offset(21))).toContain("goes back");
    const version = new Uint8Array(bytes);
    version[35] = 9;
    expect(txnIndexInvalidReason(version, base)).toContain("version");
  });
});
