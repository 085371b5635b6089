/** Medians, percentiles and a bootstrap interval; everything that draws lots takes a seed. */

/** Pseudo-random numbers in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Linear between neighbours; NaN for no values. */
export function quantile(values: readonly number[], fraction: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * fraction;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

const RESAMPLES = 4000;
const TAIL = 0.025;

/** The median and its 95 % interval: percentiles of the medians of resampled values. */
export function bootstrapMedian(values: readonly number[], seed: number): Interval {
  if (values.length === 0) return { median: Number.NaN, low: Number.NaN, high: Number.NaN, count: 0 };
  const random = seededRandom(seed);
  const medians: number[] = [];
  for (let i = 0; i < RESAMPLES; i++) {
    const sample = values.map(() => values[Math.floor(random() * values.length)]!);
    medians.push(median(sample));
  }
  return {
    median: median(values),
    low: quantile(medians, TAIL),
    high: quantile(medians, 1 - TAIL),
    count: values.length,
  };
}
