import type { Uuid } from "../../engine/base/uuid.ts";
import { INT64_MAX } from "../../engine/base/int64.ts";
import { uuidFromBytes } from "../../engine/base/uuid.ts";
import { defaultOf, isNullableIn, isPresent } from "../../engine/wire/layout.ts";
import type { Field, Fields, Message } from "../../engine/wire/schema.ts";

/** A repeatable stream of numbers (mulberry32): the seed of a failed run makes the same values again. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** An integer of up to `bits` bits, small ones as likely as large ones. */
  integer(bits: number): number {
    const high = this.below(bits + 1);
    return high <= 32 ? this.below(2 ** high) : this.below(2 ** 32) + this.below(2 ** (high - 32)) * 2 ** 32;
  }
}

/** What every version can express, as decoding gives it: absent fields hold their defaults. */
export function randomMessage(message: Message, version: number, dice: Dice): Record<string, unknown> {
  return randomStruct(message.fields, version, dice);
}

function randomStruct(fields: Fields, version: number, dice: Dice): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const isLeftOut = !isPresent(field, version) || (field.options.tag !== undefined && dice.chance(2));
    value[name] = isLeftOut ? defaultOf(field) : randomValue(field, version, dice);
  }
  return value;
}

function randomValue(field: Field, version: number, dice: Dice): unknown {
  if (isNullableIn(field, version) && dice.chance(4)) return null;
  switch (field.kind) {
    case "array":
      return Array.from({ length: arrayLength(dice) }, () => randomValue(field.element!, version, dice));
    case "struct":
      return randomStruct(field.fields!, version, dice);
    case "bool":
      return dice.chance(2);
    case "float64":
      return (dice.integer(53) - 2 ** 40) / 1024;
    case "uuid":
      return randomUuid(dice);
    case "string":
      return randomText(dice);
    case "bytes":
    case "records":
      return dice.bytes(dice.chance(20) ? dice.below(400) : dice.below(30));
    default:
      return randomInteger(field.kind, dice);
  }
}

function arrayLength(dice: Dice): number {
  return dice.chance(60) ? 130 : dice.below(4);
}

function randomInteger(kind: Field["kind"], dice: Dice): number {
  switch (kind) {
    case "int8":
      return (dice.integer(8) << 24) >> 24;
    case "int16":
      return (dice.integer(16) << 16) >> 16;
    case "uint16":
      return dice.integer(16);
    case "int32":
      return dice.integer(32) | 0;
    case "uint32":
      return dice.integer(32);
    default: {
      if (dice.chance(20)) return INT64_MAX;
      const magnitude = dice.integer(53);
      return dice.chance(3) && magnitude > 0 ? -magnitude : magnitude;
    }
  }
}

function randomUuid(dice: Dice): Uuid {
  const bytes = dice.bytes(16);
  if (dice.chance(3)) bytes.fill(0, 0, 15);
  return uuidFromBytes(bytes);
}

const ALPHABETS = ["abcdefghijklmnopqrstuvwxyz-._0123456789", "aé日🎉\u0000"];

function randomText(dice: Dice): string {
  const alphabet = [...ALPHABETS[dice.chance(4) ? 1 : 0]!];
  const length = dice.chance(15) ? dice.below(300) : dice.below(20);
  return Array.from({ length }, () => alphabet[dice.below(alphabet.length)]!).join("");
}
