import { assert } from "../base/assert.ts";

/** Entries that fit at first: 512 KiB of log between two index entries of 4 KiB each. */
const FIRST_ENTRIES = 128;

/**
 * GrowingBytes: an array of fixed-size entries in file format, kept in memory while its segment grows.
 *
 *   bytes   0 |-- entry --|-- entry --| count * entryBytes ... capacity
 *
 * Invariants:
 *  G1  the file holds the first `persistedCount` entries exactly
 *  G2  persistedCount <= count <= capacity
 *
 * Owner: one active index. Doubles when full: an empty log costs nothing, a full one 2.5 MiB per GiB.
 */
export class GrowingBytes {
  readonly entryBytes: number;
  #bytes: Uint8Array;
  #count: number;
  #persistedCount: number;

  /** `stored`: what the file holds, whole entries. */
  constructor(entryBytes: number, stored: Uint8Array) {
    assert(stored.length % entryBytes === 0, "index holds a broken entry", stored.length);
    this.entryBytes = entryBytes;
    this.#bytes = stored;
    this.#count = stored.length / entryBytes;
    this.#persistedCount = this.#count;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  get persistedCount(): number {
    return this.#persistedCount;
  }

  /** Position in `bytes` of a new last entry, for the caller to fill. */
  push(): number {
    const at = this.#count * this.entryBytes;
    if (at + this.entryBytes > this.#bytes.length) this.#grow();
    this.#count++;
    return at;
  }

  truncate(count: number): void {
    assert(count >= 0 && count <= this.#count, "index truncated to more than it has", count);
    this.#count = count;
    if (this.#persistedCount > count) this.#persistedCount = count;
  }

  /** The entries that the file lacks. */
  unpersisted(): Uint8Array {
    return this.#bytes.subarray(
      this.#persistedCount * this.entryBytes,
      this.#count * this.entryBytes,
    );
  }

  markPersisted(): void {
    this.#persistedCount = this.#count;
  }

  #grow(): void {
    const entries = Math.max(FIRST_ENTRIES, this.#count * 2);
    const grown = new Uint8Array(entries * this.entryBytes);
    grown.set(this.#bytes.subarray(0, this.#count * this.entryBytes));
    this.#bytes = grown;
  }
}
