import { describe, expect, test } from "bun:test";
import { figuresOf, type Measured, reasonToThrowOut, type Slice } from "../../bench/load/measurement.ts";
import { pairedRatio } from "../../bench/load/report.ts";
import { bootstrapMedian, median, quantile, seededRandom } from "../../bench/load/statistics.ts";

const LATENCY = { count: 1, mean: 1, p50: 1, p90: 1, p99: 1, p999: 1, max: 1 };
const QUIET: Measured = {
  seconds: 2,
  requests: 1000,
  requestsPerSecond: 500,
  megabytesPerSecond: 536.870912,
  brokerUserSeconds: 0.25,
  brokerSystemSeconds: 0.75,
  generatorCpuSeconds: 1,
  busySeconds: 2,
  stealSeconds: 0,
  errors: 0,
  latencyUs: LATENCY,
};
const RULE = { stealShareMax: 0.01, foreignShareMax: 0.12, processors: 2 };

describe("statistics", () => {
  test("quantiles lie between neighbours", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([10, 20], 0.9)).toBeCloseTo(19);
    expect(median([7])).toBe(7);
    expect(median([])).toBeNaN();
  });

  test("the bootstrap interval holds the median, narrows with agreement and repeats with its seed", () => {
    const random = seededRandom(7);
    const noisy = Array.from({ length: 12 }, () => 0.6 + (random() - 0.5) * 0.2);
    const interval = bootstrapMedian(noisy, 1);
    expect(interval.low).toBeLessThan(interval.median);
    expect(interval.high).toBeGreaterThan(interval.median);
    expect(bootstrapMedian(noisy, 1)).toEqual(interval);
    const agreed = bootstrapMedian([0.6, 0.6, 0.6], 1);
    expect([agreed.low, agreed.high]).toEqual([0.6, 0.6]);
  });
});

describe("a slice", () => {
  test("gives CPU per GiB and per request", () => {
    const figures = figuresOf(QUIET); // 1 CPU second over 1 GiB and 1,000 requests
    expect(figures.cpuSecondsPerGib).toBeCloseTo(1);
    expect(figures.cpuUsPerRequest).toBeCloseTo(1000);
  });

  test("is thrown out for errors, steal and other processes, each by its own rule", () => {
    expect(reasonToThrowOut(QUIET, RULE)).toBeNull();
    expect(reasonToThrowOut({ ...QUIET, errors: 1, firstProblem: "code 3" }, RULE)).toContain("code 3");
    expect(reasonToThrowOut({ ...QUIET, stealSeconds: 0.05 }, RULE)).toContain("steal");
    expect(reasonToThrowOut({ ...QUIET, busySeconds: 2.6 }, RULE)).toContain("other processes");
  });

  test("counts in a ratio only when both slices of its round count", () => {
    const slice = (target: string, round: number, rate: number, thrownOut: string | null): Slice => ({
      target,
      round,
      thrownOut,
      measured: { ...QUIET, requestsPerSecond: rate },
    });
    const slices = [
      slice("ours", 0, 60, null),
      slice("floor", 0, 100, null),
      slice("ours", 1, 1, null),
      slice("floor", 1, 100, "steal"),
      slice("ours", 2, 80, null),
      slice("floor", 2, 100, null),
    ];
    const ratio = pairedRatio(slices, ["ours", "floor"], "requestsPerSecond", 1);
    expect(ratio.count).toBe(2);
    expect(ratio.median).toBeCloseTo(0.7);
  });
});
