/** Reading varints of one to three bytes through a cursor, and through a tuple of value and length. */
import { bench, group, run, summary } from "mitata";
import { VarintCursor, writeVarint } from "../../engine/base/varint.ts";

const COUNT = 1000;
const bytes = new Uint8Array(COUNT * 5);
let end = 0;
for (let index = 0; index < COUNT; index++) end = writeVarint(bytes, end, (index * 7919) % 100_000);

function readTuple(source: Uint8Array, at: number): [value: number, length: number] {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = source[at + index]!;
    value |= (byte & 0x7f) << (index * 7);
    if (byte < 0x80) return [(value >>> 1) ^ -(value & 1), index + 1];
  }
  return [0, 0];
}

/** Each figure is for a thousand varints. */
summary(() => {
  group(`read ${COUNT}`, () => {
    bench("a cursor", () => {
      const cursor = new VarintCursor(bytes, 0, end);
      let sum = 0;
      while (cursor.at < end) sum += cursor.readVarint();
      return sum;
    });
    bench("tuples", () => {
      let sum = 0;
      for (let at = 0; at < end; ) {
        const [value, length] = readTuple(bytes, at);
        sum += value;
        at += length;
      }
      return sum;
    });
  });
});

await run();
