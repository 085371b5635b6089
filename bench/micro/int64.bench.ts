/** Ways to read a 64-bit integer from bytes: two halves as a number, through a bigint, or kept as one. */
import { bench, group, run, summary } from "mitata";
import { readInt64, writeInt64 } from "../../engine/base/int64.ts";

const COUNT = 1000;
const bytes = new Uint8Array(COUNT * 8);
const view = new DataView(bytes.buffer);
for (let index = 0; index < COUNT; index++) writeInt64(bytes, index * 8, 1_700_000_000_000 + index * 7);

/** Each figure is for a thousand integers. */
summary(() => {
  group(`read ${COUNT}`, () => {
    bench("high * 2^32 + low", () => {
      let sum = 0;
      for (let at = 0; at < bytes.length; at += 8) sum += readInt64(bytes, at);
      return sum;
    });
    bench("high * 2^32 + low by DataView", () => {
      let sum = 0;
      for (let at = 0; at < bytes.length; at += 8) {
        sum += view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
      }
      return sum;
    });
    bench("Number(getBigInt64)", () => {
      let sum = 0;
      for (let at = 0; at < bytes.length; at += 8) sum += Number(view.getBigInt64(at));
      return sum;
    });
    bench("bigint kept", () => {
      let sum = 0n;
      for (let at = 0; at < bytes.length; at += 8) sum += view.getBigInt64(at);
      return sum;
    });
  });
});

summary(() => {
  group(`write ${COUNT}`, () => {
    const offset = 1_700_000_000_000;
    bench("two halves", () => {
      for (let at = 0; at < bytes.length; at += 8) writeInt64(bytes, at, offset + at);
      return bytes[0];
    });
    bench("setBigInt64(BigInt())", () => {
      for (let at = 0; at < bytes.length; at += 8) view.setBigInt64(at, BigInt(offset + at));
      return bytes[0];
    });
  });
});

await run();
