/** Random numbers that a seed repeats: mulberry32, by Tommy Ettinger, in the public domain. */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }
}

/** The seed of a run: MILLRACE_SEED, or the time, printed so that a failure can be repeated. */
export function seedFromEnvironment(): number {
  const text = process.env["MILLRACE_SEED"];
  return text === undefined ? Date.now() % 2 ** 31 : Number(text);
}
