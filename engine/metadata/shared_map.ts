import { assert } from "../base/assert.ts";

/** A power of two. At 10,000 entries an edit copies 256 references and one shard of about 40 entries. */
const SHARD_COUNT = 256;
type Shard<Value> = ReadonlyMap<string, Value>;
const EMPTY_SHARD: Shard<never> = new Map<string, never>();

/**
 * SharedMap: an immutable map by string whose next version shares all but the shards that changed.
 *
 *   shards   [ {} | { a, q } | {} | ... 256 ]      an edit copies the array and the shards it touches
 *
 * Invariants:
 *  M1  nothing reachable from a SharedMap changes once `finish` returned it
 *  M2  `size` is the number of entries of all shards
 *
 * Owner: whoever holds an image; freely shared. Errors: none.
 */
export class SharedMap<Value> {
  readonly #shards: readonly Shard<Value>[];
  readonly size: number;

  private constructor(shards: readonly Shard<Value>[], size: number) {
    this.#shards = shards;
    this.size = size;
  }

  static empty<Value>(): SharedMap<Value> {
    return new SharedMap<Value>(new Array<Shard<Value>>(SHARD_COUNT).fill(EMPTY_SHARD), 0);
  }

  get(key: string): Value | undefined {
    return this.#shards[shardOf(key)]!.get(key);
  }

  has(key: string): boolean {
    return this.#shards[shardOf(key)]!.has(key);
  }

  *entries(): IterableIterator<[string, Value]> {
    for (const shard of this.#shards) yield* shard.entries();
  }

  *values(): IterableIterator<Value> {
    for (const shard of this.#shards) yield* shard.values();
  }

  edit(): SharedMapEdit<Value> {
    return new SharedMapEdit<Value>(this, this.#shards, (shards, size) => new SharedMap(shards, size));
  }
}

/** Changes on the way to the next SharedMap. Reads see what was set. */
export class SharedMapEdit<Value> {
  readonly #base: SharedMap<Value>;
  readonly #make: (shards: readonly Shard<Value>[], size: number) => SharedMap<Value>;
  #shards: readonly Shard<Value>[];
  /** Copied in this edit, so that they may be changed (M1). */
  readonly #owned = new Map<number, Map<string, Value>>();
  #size: number;
  #finished = false;

  constructor(
    base: SharedMap<Value>,
    shards: readonly Shard<Value>[],
    make: (shards: readonly Shard<Value>[], size: number) => SharedMap<Value>,
  ) {
    this.#base = base;
    this.#shards = shards;
    this.#make = make;
    this.#size = base.size;
  }

  get(key: string): Value | undefined {
    const index = shardOf(key);
    return (this.#owned.get(index) ?? this.#shards[index]!).get(key);
  }

  set(key: string, value: Value): void {
    const shard = this.#own(key);
    if (!shard.has(key)) this.#size++;
    shard.set(key, value);
  }

  delete(key: string): void {
    if (this.get(key) === undefined) return;
    if (this.#own(key).delete(key)) this.#size--;
  }

  /** The next map; the very same one when nothing was changed. */
  finish(): SharedMap<Value> {
    assert(!this.#finished, "an edit is finished once");
    this.#finished = true;
    if (this.#owned.size === 0) return this.#base;
    const shards = [...this.#shards];
    for (const [index, shard] of this.#owned) shards[index] = shard.size === 0 ? EMPTY_SHARD : shard;
    this.#shards = shards;
    return this.#make(shards, this.#size);
  }

  #own(key: string): Map<string, Value> {
    assert(!this.#finished, "a finished edit changes nothing");
    const index = shardOf(key);
    const owned = this.#owned.get(index);
    if (owned !== undefined) return owned;
    const copy = new Map(this.#shards[index]!);
    this.#owned.set(index, copy);
    return copy;
  }
}

/** FNV-1a, folded: topic names often differ in their last characters only. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 16) ^ (hash >>> 8)) & (SHARD_COUNT - 1);
}
