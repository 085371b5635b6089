/** Tables for people and one JSON document for machines, both made from the slices. */
import { figuresOf, type Figures, type Slice } from "./measurement.ts";
import type { MachineFacts } from "./machine.ts";
import type { Goal, Metric } from "./scenarios.ts";
import { bootstrapMedian, type Interval, median } from "./statistics.ts";

export interface Verdict {
  readonly goal: string;
  readonly value: number;
  readonly met: boolean;
}

export interface Outcome {
  readonly scenario: string;
  readonly about: string;
  /** Lines for people; the first is the header row. */
  readonly table: readonly (readonly string[])[];
  readonly verdicts: readonly Verdict[];
  readonly notes: readonly string[];
  /** Everything behind it: slices, medians, ratios, command lines. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Report {
  readonly commandLine: string;
  readonly seed: number;
  readonly machine: MachineFacts;
  readonly outcomes: readonly Outcome[];
}

const FIGURE_NAMES: readonly (keyof Figures)[] = [
  "megabytesPerSecond",
  "requestsPerSecond",
  "cpuSecondsPerGib",
  "cpuUsPerRequest",
  "generatorCores",
  "p50Us",
  "p99Us",
  "p999Us",
  "residentMib",
];

export function medianFigures(slices: readonly Slice[]): Figures {
  const all = slices.map((slice) => figuresOf(slice.measured));
  const entries = FIGURE_NAMES.map((name) => [name, median(all.map((figures) => figures[name]))]);
  return Object.fromEntries(entries) as unknown as Figures;
}

/** Ratio of two targets within each round in which both slices count. */
export function pairedRatio(
  slices: readonly Slice[],
  pair: readonly [string, string],
  metric: keyof Figures,
  seed: number,
): Interval {
  const ratios: number[] = [];
  for (const ours of slices) {
    if (ours.target !== pair[0] || ours.thrownOut !== null) continue;
    const other = slices.find(
      (slice) => slice.target === pair[1] && slice.round === ours.round && slice.thrownOut === null,
    );
    if (other === undefined) continue;
    ratios.push(figuresOf(ours.measured)[metric] / figuresOf(other.measured)[metric]);
  }
  return bootstrapMedian(ratios, seed);
}

export interface Comparison {
  readonly name: string;
  /** Of the scenario's metric: above 1 is better. */
  readonly ratio: Interval;
  /** Of CPU a request and of the median latency: below 1 is better. A busy machine moves these less. */
  readonly cpuRatio: Interval;
  readonly p50Ratio: Interval;
}

export function compare(
  slices: readonly Slice[],
  pair: readonly [string, string],
  metric: Metric,
  seed: number,
): Comparison {
  return {
    name: pair[1],
    ratio: pairedRatio(slices, pair, metric, seed),
    cpuRatio: pairedRatio(slices, pair, "cpuUsPerRequest", seed),
    p50Ratio: pairedRatio(slices, pair, "p50Us", seed),
  };
}

export function describeComparison(ours: string, metric: Metric, comparison: Comparison): string {
  const interval = (ratio: Interval): string =>
    `${shortNumber(ratio.median)} [${shortNumber(ratio.low)}, ${shortNumber(ratio.high)}]`;
  const { name, ratio, cpuRatio, p50Ratio } = comparison;
  return (
    `${ours} / ${name}: ${metric} ${interval(ratio)} over ${ratio.count} pairs, ` +
    `CPU a request ${interval(cpuRatio)}, p50 ${interval(p50Ratio)}`
  );
}

export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  if (Math.abs(value) >= 100) return value.toFixed(0);
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return value.toFixed(Math.abs(value) >= 1 ? 2 : 3);
}

const GOAL_UNITS: Readonly<Record<Goal["figure"], string>> = {
  ratio: "of the floor",
  megabytesPerSecond: "MB/s",
  requestsPerSecond: "requests/s",
  cpuSecondsPerGib: "CPU-s/GiB",
  cpuUsPerRequest: "us CPU a request",
  p50Us: "us p50",
  p99Us: "us p99",
};

export function judge(goal: Goal, ours: Figures, ratio: Interval | null): Verdict {
  const value = goal.figure === "ratio" ? (ratio?.median ?? Number.NaN) : ours[goal.figure];
  const met = goal.bound === "at least" ? value >= goal.value : value <= goal.value;
  return { goal: `${goal.bound} ${shortNumber(goal.value)} ${GOAL_UNITS[goal.figure]}`, value, met };
}

export function figureTable(names: readonly string[], slices: readonly Slice[]): string[][] {
  const header = ["target", "MB/s", "req/s", "CPU-s/GiB", "us/req", "p50 us", "p99 us", "p99.9 us", "RSS MiB", "gen cores", "slices"];
  const rows = names.map((name) => {
    const all = slices.filter((slice) => slice.target === name);
    const kept = all.filter((slice) => slice.thrownOut === null);
    const figures = medianFigures(kept);
    const cells = [
      figures.megabytesPerSecond,
      figures.requestsPerSecond,
      figures.cpuSecondsPerGib,
      figures.cpuUsPerRequest,
      figures.p50Us,
      figures.p99Us,
      figures.p999Us,
      figures.residentMib,
      figures.generatorCores,
    ];
    return [name, ...cells.map(shortNumber), `${kept.length}/${all.length}`];
  });
  return [header, ...rows];
}

function alignTable(table: readonly (readonly string[])[]): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join("  ");
  return table.map(line).join("\n");
}

export function formatOutcome(outcome: Outcome): string {
  const lines = [`## ${outcome.scenario}: ${outcome.about}`, alignTable(outcome.table)];
  for (const note of outcome.notes) lines.push(note);
  for (const verdict of outcome.verdicts) {
    lines.push(`goal ${verdict.met ? "met   " : "MISSED"}  ${verdict.goal}: ${shortNumber(verdict.value)}`);
  }
  return lines.join("\n") + "\n";
}
