import type { Uuid } from "../base/uuid.ts";
import { UUID_BYTES, uuidFromBytes, ZERO_UUID } from "../base/uuid.ts";
import { assert } from "../base/assert.ts";
import { readInt32 } from "../base/int64.ts";

/**
 * Uuids on the fetch path: newer clients name every topic by its 16-byte id, and the rest of the
 * engine wants the text as a map key. A direct-mapped memory of the last ids makes reading them ten
 * times cheaper, a table makes writing them so (bench/micro/wire.bench.ts). Purely a memory: what
 * is returned never depends on it.
 */
const SLOTS = 1024;
const WORDS = UUID_BYTES / 4;
const texts: Uuid[] = new Array<Uuid>(SLOTS).fill(ZERO_UUID);
const words = new Int32Array(SLOTS * WORDS);

/** The text of the id in the 16 bytes at `at`. */
export function internUuid(bytes: Uint8Array, at: number): Uuid {
  const first = readInt32(bytes, at);
  const second = readInt32(bytes, at + 4);
  const third = readInt32(bytes, at + 8);
  const fourth = readInt32(bytes, at + 12);
  // Random ids spread well by any of their words; the small reserved ones differ in the last.
  const slot = (first ^ second ^ third ^ fourth) & (SLOTS - 1);
  const word = slot * WORDS;
  if (
    words[word] === first &&
    words[word + 1] === second &&
    words[word + 2] === third &&
    words[word + 3] === fourth
  ) {
    return texts[slot]!;
  }
  const text = uuidFromBytes(bytes, at);
  words[word] = first;
  words[word + 1] = second;
  words[word + 2] = third;
  words[word + 3] = fourth;
  texts[slot] = text;
  return text;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** The six bits of each character; other characters set a bit above them. */
const NOT_A_DIGIT = 0x40;
const digits = new Uint8Array(128).fill(NOT_A_DIGIT);
for (let value = 0; value < ALPHABET.length; value++) digits[ALPHABET.charCodeAt(value)] = value;

const TEXT_LENGTH = 22;
/**
 * 20 characters hold the first 15 bytes, four for three; the last two hold one byte and four zeros.
 */
const FULL_CHARACTERS = 20;
const PADDING_BITS = 0x0f;

/** Writes the 16 bytes of the id at `at`. */
export function writeUuid(uuid: Uuid, bytes: Uint8Array, at: number): void {
  assert(uuid.length === TEXT_LENGTH, "not a uuid", uuid);
  let wrong = 0;
  let byte = at;
  for (let index = 0; index < FULL_CHARACTERS; index += 4) {
    const first = digitAt(uuid, index);
    const second = digitAt(uuid, index + 1);
    const third = digitAt(uuid, index + 2);
    const fourth = digitAt(uuid, index + 3);
    wrong |= first | second | third | fourth;
    bytes[byte] = (first << 2) | (second >> 4);
    bytes[byte + 1] = (second << 4) | (third >> 2);
    bytes[byte + 2] = (third << 6) | fourth;
    byte += 3;
  }
  const beforeLast = digitAt(uuid, FULL_CHARACTERS);
  const last = digitAt(uuid, FULL_CHARACTERS + 1);
  bytes[byte] = (beforeLast << 2) | (last >> 4);
  assert(((wrong | beforeLast | last) & NOT_A_DIGIT) === 0, "not a uuid", uuid);
  assert((last & PADDING_BITS) === 0, "not a uuid", uuid);
}

function digitAt(text: string, index: number): number {
  return digits[text.charCodeAt(index)] ?? NOT_A_DIGIT;
}
