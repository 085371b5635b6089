import { describe, expect, test } from "bun:test";
import { EpochHistory } from "../../engine/log/epoch_history.ts";
import type { LeaderEpoch, Offset } from "../../engine/model/offsets.ts";

const entry = (epoch: number, startOffset: number) =>
  ({ epoch: epoch as LeaderEpoch, startOffset: startOffset as Offset });
const history = (...pairs: [number, number][]) =>
  new EpochHistory(pairs.map(([epoch, start]) => entry(epoch, start)));
const pairsOf = (each: EpochHistory) => each.entries.map(({ epoch, startOffset }) => [epoch, startOffset]);
const epoch = (value: number) => value as LeaderEpoch;
const offset = (value: number) => value as Offset;

describe("assigning", () => {
  test.each([
    ["the first", [], [0, 0], [[0, 0]], true],
    ["a later one", [[0, 0]], [3, 10], [[0, 0], [3, 10]], true],
    ["the latest once more", [[0, 0], [3, 10]], [3, 20], [[0, 0], [3, 10]], false],
    ["the latest, from further back", [[0, 0], [3, 10]], [3, 5], [[0, 0], [3, 5]], true],
    ["one that starts where another did", [[0, 0], [3, 10]], [4, 10], [[0, 0], [4, 10]], true],
    ["one that undoes several", [[0, 0], [3, 10], [4, 20]], [5, 8], [[0, 0], [5, 8]], true],
    ["an older one", [[0, 0], [3, 10], [4, 20]], [2, 30], [[0, 0], [2, 30]], true],
  ] as [string, [number, number][], [number, number], number[][], boolean][])(
    "%s",
    (_name, before, [value, start], after, changed) => {
      const epochs = history(...before);
      expect(epochs.assign(epoch(value), offset(start))).toBe(changed);
      expect<unknown>(pairsOf(epochs)).toEqual(after);
    },
  );
});

describe("asking", () => {
  const epochs = history([1, 5], [3, 120], [4, 150]);
  test.each([
    ["beyond the latest", 5, null],
    ["none", -1, null],
    ["the latest", 4, [4, 200]],
    ["one in between", 3, [3, 150]],
    ["one that never wrote", 2, [1, 120]],
    ["before the first", 0, [0, 5]],
  ] as [string, number, [number, number] | null][])("%s", (_name, asked, expected) => {
    const end = epochs.endOffsetFor(epoch(asked), offset(200));
    expect<unknown>(end === null ? null : [end.epoch, end.endOffset]).toEqual(expected);
  });

  test("an empty history knows nothing", () => {
    expect(history().endOffsetFor(epoch(0), offset(7))).toBe(null);
    expect(history().latestEpoch).toBe(-1 as never);
  });

  test("the epoch of an offset", () => {
    expect<unknown>([4, 5, 119, 120, 149, 150, 999].map((each) => epochs.epochAt(offset(each))))
      .toEqual([-1, 1, 1, 3, 3, 4, 4]);
  });
});

describe("truncating", () => {
  test.each([
    [200, [[1, 5], [3, 120], [4, 150]]],
    [150, [[1, 5], [3, 120]]],
    [121, [[1, 5], [3, 120]]],
    [0, []],
  ] as [number, number[][]][])("from the end at %d", (end, after) => {
    const epochs = history([1, 5], [3, 120], [4, 150]);
    expect(epochs.truncateFromEnd(offset(end))).toBe(after.length !== 3);
    expect<unknown>(pairsOf(epochs)).toEqual(after);
  });

  test.each([
    [0, [[1, 5], [3, 120], [4, 150]], false],
    [5, [[1, 5], [3, 120], [4, 150]], false],
    [50, [[1, 50], [3, 120], [4, 150]], true],
    [120, [[3, 120], [4, 150]], true],
    [130, [[3, 130], [4, 150]], true],
    [999, [[4, 999]], true],
  ] as [number, number[][], boolean][])("from the start at %d", (start, after, changed) => {
    const epochs = history([1, 5], [3, 120], [4, 150]);
    expect(epochs.truncateFromStart(offset(start))).toBe(changed);
    expect<unknown>(pairsOf(epochs)).toEqual(after);
  });
});

describe("reaching back", () => {
  test.each([
    ["the first epoch began earlier", [[0, 20]], [0, 0], [[0, 0]]],
    ["an epoch before the first", [[2, 20], [3, 30]], [1, 5], [[1, 5], [2, 20], [3, 30]]],
    ["nothing to reach back from", [], [0, 0], []],
    ["a history that is there already", [[0, 0], [1, 9]], [0, 3], [[0, 0], [1, 9]]],
    ["an epoch that came later", [[1, 20]], [2, 0], [[1, 20]]],
    ["no epoch", [[1, 20]], [-1, 0], [[1, 20]]],
  ] as [string, [number, number][], [number, number], number[][]][])("%s", (_name, before, [value, start], after) => {
    const epochs = history(...before);
    epochs.reachBack(epoch(value), offset(start));
    expect<unknown>(pairsOf(epochs)).toEqual(after);
  });
});
