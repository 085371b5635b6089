import type { Uuid } from "../base/uuid.ts";
import { UUID_BYTES, uuidFromBytes, uuidToBytes, ZERO_UUID } from "../base/uuid.ts";
import { readInt32 } from "../base/int64.ts";

/**
 * Uuids on the fetch path: newer clients name every topic by its 16-byte id, and the rest of the
 * engine wants the text as a map key. A direct-mapped memory of the last ids makes both directions
 * cheap (bench/micro/wire.bench.ts). Purely a memory: what is returned never depends on it.
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

export function writeUuid(uuid: Uuid, bytes: Uint8Array, at: number): void {
  uuidToBytes(uuid, bytes, at);
}
