import { expect, test } from "bun:test";
import { decodeExactly, encode } from "../../engine/wire/codec.ts";
import { defaultStruct, shapeOf, structBytesMin } from "../../engine/wire/layout.ts";
import { WireError } from "../../engine/wire/wire_error.ts";
import { referenceEncode } from "./reference_encoder.ts";
import { ALL_MESSAGES, forEachVersion } from "./messages.ts";
import { Dice, randomMessage } from "./random_values.ts";

// Goal: whatever a message may hold in any version survives both ways, and its bytes are those of the
// plainest encoder. Method: random values from a fixed seed.
const VALUES_PER_VERSION = 6;

test("every message in every version: bytes as the reference, and back to the value", () => {
  const dice = new Dice(1);
  let count = 0;
  forEachVersion((message, version) => {
    for (let round = 0; round < VALUES_PER_VERSION; round++) {
      const value = randomMessage(message, version, dice);
      const bytes = encode(message, version, value as never);
      const where = `${message.name} v${version} #${round}`;
      if (!Bun.deepEquals(bytes, referenceEncode(message, version, value))) {
        expect(bytes, where).toEqual(referenceEncode(message, version, value));
      }
      const decoded = decodeExactly(message, version, bytes);
      if (!Bun.deepEquals(decoded, value)) expect(decoded as unknown, where).toEqual(value);
      count++;
    }
  });
  expect(count).toBeGreaterThan(4000);
});

test("every message: an object without the fields that may be left out is its defaults", () => {
  forEachVersion((message, version) => {
    const whole = defaultStruct(message.fields);
    const needed = Object.entries(message.fields).filter(
      ([, { options }]) =>
        options.versions === undefined && options.default === undefined && options.tag === undefined,
    );
    const part = Object.fromEntries(needed.map(([name]) => [name, whole[name]]));
    expect(encode(message, version, part as never)).toEqual(encode(message, version, whole as never));
  });
});

test("every message: no value is shorter than the smallest size the decoders assume", () => {
  const dice = new Dice(2);
  forEachVersion((message, version) => {
    const least = structBytesMin(message.fields, shapeOf(message, version));
    expect(encode(message, version, defaultStruct(message.fields) as never).length).toBeGreaterThanOrEqual(
      least,
    );
    for (let round = 0; round < 3; round++) {
      const bytes = encode(message, version, randomMessage(message, version, dice) as never);
      expect(bytes.length).toBeGreaterThanOrEqual(least);
    }
  });
});

test("every message: cut anywhere, its bytes are a WireError", () => {
  const dice = new Dice(3);
  forEachVersion((message, version) => {
    const bytes = encode(message, version, randomMessage(message, version, dice) as never);
    const step = Math.max(1, Math.floor(bytes.length / 40));
    for (let end = 0; end < bytes.length; end += step) {
      // The bytes behind `end` are there, but out of bounds.
      expectWireError(() => decodeExactly(message, version, bytes, 0, end), message.name, "cut");
    }
  });
});

test("every message: no version outside its range", () => {
  for (const message of ALL_MESSAGES) {
    for (const version of [message.versions.first - 1, message.versions.last + 1, 0.5, Number.NaN]) {
      expectWireError(() => encode(message, version, {} as never), message.name, "version");
      expectWireError(() => decodeExactly(message, version, new Uint8Array(9)), message.name, "version");
    }
  }
});

function expectWireError(run: () => unknown, ...where: string[]): void {
  try {
    run();
  } catch (error) {
    if (error instanceof WireError) return;
    throw error;
  }
  throw new Error(`no WireError: ${where.join(" ")}`);
}
