/**
 * The strings of the protocol repeat: the same topic, client and group names arrive with every
 * request. A direct-mapped memory of the last short ASCII strings finds them again by their bytes,
 * so decoding them allocates nothing and returns the same string, whose hash is already computed
 * for map lookups (bench/micro/wire.bench.ts).
 *
 * Purely a memory: what is returned never depends on it. Slots hold at most SLOTS *
 * CACHED_LENGTH_MAX characters; a peer that sends colliding strings only misses.
 */
const SLOTS = 1024;
const CACHED_LENGTH_MAX = 64;
const slots: string[] = new Array<string>(SLOTS).fill("");

/** The UTF-8 text of `length` bytes at `at`; invalid sequences become U+FFFD, as in Kafka. */
export function internString(bytes: Uint8Array, at: number, length: number): string {
  if (length === 0) return "";
  if (length > CACHED_LENGTH_MAX) return decodeUtf8(bytes, at, length);
  const slot = slotOf(bytes, at, length);
  const cached = slots[slot]!;
  if (cached.length === length && matches(cached, bytes, at)) return cached;
  const text = decodeUtf8(bytes, at, length);
  if (text.length === length && isAscii(bytes, at, length)) slots[slot] = text;
  return text;
}

/** Characters from both ends, because names often share a prefix. */
function slotOf(bytes: Uint8Array, at: number, length: number): number {
  const last = at + length - 1;
  const middle = bytes[at + (length >> 1)]!;
  const beforeLast = bytes[length > 1 ? last - 1 : last]!;
  const mixed = bytes[last]! + beforeLast * 10 + middle * 37 + bytes[at]! * 7 + length * 131;
  return mixed & (SLOTS - 1);
}

function matches(text: string, bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[at + index]) return false;
  }
  return true;
}

function isAscii(bytes: Uint8Array, at: number, length: number): boolean {
  for (let index = at; index < at + length; index++) if (bytes[index]! >= 0x80) return false;
  return true;
}

function decodeUtf8(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString("utf8");
}
