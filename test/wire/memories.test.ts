import { expect, test } from "bun:test";
import { AssertionError } from "../../engine/base/assert.ts";
import { METADATA_TOPIC_ID, uuidFromBytes, uuidToBytes, ZERO_UUID } from "../../engine/base/uuid.ts";
import type { Uuid } from "../../engine/base/uuid.ts";
import { internString } from "../../engine/wire/string_cache.ts";
import { internUuid, writeUuid } from "../../engine/wire/uuid_text.ts";
import { Dice } from "./random_values.ts";

// Goal: what is remembered is what decoding afresh would give, whatever collides with it.

test("ids of all kinds, met in any order, both ways", () => {
  const dice = new Dice(1);
  for (let round = 0; round < 20_000; round++) {
    const bytes = dice.bytes(24);
    // Few distinct ids, many of them in one slot.
    if (dice.chance(2)) bytes.fill(dice.below(3), 4, 18);
    if (dice.chance(4)) bytes.fill(0);
    const uuid = internUuid(bytes, 4);
    expect(uuid).toBe(uuidFromBytes(bytes, 4));
    const written = new Uint8Array(24);
    writeUuid(uuid, written, 4);
    expect(Buffer.compare(written.subarray(4, 20), bytes.subarray(4, 20))).toBe(0);
    expect([written[3], written[20]]).toEqual([0, 0]);
  }
});

test("reserved ids", () => {
  for (const uuid of [ZERO_UUID, METADATA_TOPIC_ID]) {
    const bytes = new Uint8Array(16);
    uuidToBytes(uuid, bytes);
    const written = new Uint8Array(16).fill(9);
    writeUuid(uuid, written, 0);
    expect(written).toEqual(bytes);
    expect(internUuid(bytes, 0)).toBe(uuid);
  }
});

test("text that spells no id is a programmer's error", () => {
  const good = METADATA_TOPIC_ID as string;
  for (const text of ["", good.slice(1), `${good}A`, `+${good.slice(1)}`, `é${good.slice(1)}`, `${good.slice(0, 21)}B`]) {
    expect(() => writeUuid(text as Uuid, new Uint8Array(16), 0)).toThrow(AssertionError);
  }
});

test("short texts, met in any order", () => {
  const dice = new Dice(2);
  const alphabet = "ab\u007fé日";
  for (let round = 0; round < 20_000; round++) {
    const length = dice.below(dice.chance(10) ? 80 : 5);
    const text = Array.from({ length }, () => alphabet[dice.below(dice.chance(3) ? 5 : 3)]!).join("");
    const encoded = Buffer.from(text);
    const bytes = Buffer.concat([Buffer.of(0x61), encoded, Buffer.of(0x61)]);
    if (internString(bytes, 1, encoded.length) !== text) {
      expect(internString(bytes, 1, encoded.length)).toBe(text);
    }
  }
});
