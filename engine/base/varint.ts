/**
 * Variable-length integers: base-128 groups, least significant first. Signed ones are zigzag-coded.
 *
 * Reading goes through a cursor, because a `[value, length]` tuple costs twice as much
 * (bench/micro/varint.bench.ts). A malformed or truncated number sets `bad` and reads as 0; callers
 * check once, after a whole structure.
 */
export class VarintCursor {
  bytes: Uint8Array;
  at: number;
  end: number;
  bad = false;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Unsigned, at most 5 bytes, below 2^32. */
  readUvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= this.end) return this.#fail();
      const byte = this.bytes[this.at++]!;
      if (shift === 28 && byte > 0x0f) return this.#fail();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return this.#fail();
  }

  /** Signed 32-bit. */
  readVarint(): number {
    const raw = this.readUvarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** Signed 64-bit as a number: exact within the safe range. At most 10 bytes. */
  readVarlong(): number {
    let low = 0; // bits 0-27
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.at >= this.end) return this.#fail();
      const byte = this.bytes[this.at++]!;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let high = 0;
    let scale = 1;
    for (let group = 4; group < 10; group++) {
      if (this.at >= this.end) return this.#fail();
      const byte = this.bytes[this.at++]!;
      if (group === 9 && byte > 1) return this.#fail();
      high += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        const negative = (low & 1) === 1;
        const magnitude = high * 0x0800_0000 + (low >>> 1); // (high * 2^28 + low) / 2
        return negative ? -magnitude - 1 : magnitude;
      }
      scale *= 128;
    }
    return this.#fail();
  }

  #fail(): number {
    this.bad = true;
    this.at = this.end;
    return 0;
  }
}

export function sizeOfUvarint(value: number): number {
  let size = 1;
  for (let rest = value >>> 0; rest >= 0x80; rest >>>= 7) size++;
  return size;
}

export function sizeOfVarint(value: number): number {
  return sizeOfUvarint((value << 1) ^ (value >> 31));
}

/** `value` is a safe integer. */
export function sizeOfVarlong(value: number): number {
  let rest = zigzag(value);
  let size = 1;
  while (rest >= 128) {
    rest = Math.floor(rest / 128);
    size++;
  }
  return size;
}

/** Each writer returns the position after what it wrote. */
export function writeUvarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value >>> 0;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  return writeUvarint(bytes, at, (value << 1) ^ (value >> 31));
}

/** `value` is a safe integer of at most 52 bits, so that its zigzag form is exact too. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  let rest = zigzag(value);
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}

function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}
