import { expect, test } from "bun:test";
import { murmur2, partitionOfKey } from "../../engine/client/partitioner.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** From the tests of Java's client: Utils.murmur2. */
const VECTORS: readonly (readonly [string, number])[] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

test.each(VECTORS)("murmur2 of %s is what Java's client computes", (text, hash) => {
  expect(murmur2(bytes(text))).toBe(hash);
});

test("the sign bit is dropped, not negated", () => {
  expect(partitionOfKey(bytes("21"), 1000)).toBe((-973932308 & 0x7fff_ffff) % 1000);
});
