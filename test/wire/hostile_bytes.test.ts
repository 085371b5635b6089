import { expect, test } from "bun:test";
import { decode, encode } from "../../engine/wire/codec.ts";
import { WireError } from "../../engine/wire/wire_error.ts";
import { forEachVersion } from "./messages.ts";
import { Dice, randomMessage } from "./random_values.ts";

// Goal: no bytes make a decoder do anything but return a value or throw a WireError, or take more heap
// than its budget. Method: whole messages with a few bytes changed, cut or doubled, and random bytes.
const HEAP_BYTES = 200_000;

function decodeHostile(...call: Parameters<typeof decode>): void {
  try {
    decode(...call);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}

test("changed messages", () => {
  const dice = new Dice(11);
  let count = 0;
  forEachVersion((message, version) => {
    const bytes = encode(message, version, randomMessage(message, version, dice) as never);
    for (let round = 0; round < 25; round++) {
      const changed = change(bytes, dice);
      decodeHostile(message, version, changed, 0, changed.length, HEAP_BYTES);
      count++;
    }
  });
  expect(count).toBeGreaterThan(15_000);
});

test("random bytes", () => {
  const dice = new Dice(12);
  forEachVersion((message, version) => {
    for (let round = 0; round < 5; round++) {
      const bytes = dice.bytes(dice.below(200));
      decodeHostile(message, version, bytes, 0, bytes.length, HEAP_BYTES);
    }
  });
});

test("bytes that begin and end inside a larger array are not read beyond their end", () => {
  const dice = new Dice(13);
  forEachVersion((message, version) => {
    const bytes = encode(message, version, randomMessage(message, version, dice) as never);
    const start = 7;
    const inside = Buffer.concat([dice.bytes(start), bytes, dice.bytes(9)]);
    const end = start + bytes.length;
    expect(Bun.deepEquals(decode(message, version, inside, start, end), decode(message, version, bytes))).toBe(true);
    if (bytes.length > 0) expect(() => decode(message, version, inside, start, end - 1)).toThrow(WireError);
  });
});

const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff];

function change(bytes: Uint8Array, dice: Dice): Uint8Array {
  let changed = Uint8Array.from(bytes);
  if (changed.length === 0) return dice.bytes(4);
  for (let changes = 1 + dice.below(3); changes > 0; changes--) {
    const at = dice.below(changed.length);
    const value = dice.chance(2) ? INTERESTING[dice.below(INTERESTING.length)]! : dice.below(256);
    if (dice.chance(8)) changed.fill(255, at, at + 4);
    else changed[at] = value;
  }
  if (dice.chance(6)) changed = changed.slice(0, dice.below(changed.length));
  if (dice.chance(6)) changed = Uint8Array.from([...changed, ...changed]);
  return changed;
}
