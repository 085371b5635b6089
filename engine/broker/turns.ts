import type { Clock } from "../io/clock.ts";
import { TURN_MS_MAX } from "./broker_limits.ts";

/**
 * Does something for each item, one after another, and lets other connections have their turn whenever
 * it has kept the loop for TURN_MS_MAX: for requests that may name thousands of things which each cost a
 * look at the disk.
 */
export async function mapInTurns<Item, Result>(
  clock: Clock,
  items: Iterable<Item>,
  work: (item: Item) => Result | Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let turnEndsAt = clock.monotonicMs() + TURN_MS_MAX;
  for (const item of items) {
    const result = work(item);
    results.push(result instanceof Promise ? await result : result);
    if (clock.monotonicMs() < turnEndsAt) continue;
    await new Promise<void>((resolve) => clock.atEndOfTick(resolve));
    turnEndsAt = clock.monotonicMs() + TURN_MS_MAX;
  }
  return results;
}
