/** embed: appends of a program that holds the log itself, beside a bare pwrite loop. */
import { join } from "node:path";
import { touchMemory } from "./machine.ts";
import type { Slice } from "./measurement.ts";
import { buildProgram } from "./native_build.ts";
import { measureWith, type RunOptions } from "./network_run.ts";
import { compare, describeComparison, figureTable, judge, medianFigures, type Outcome, shortNumber } from "./report.ts";
import type { Goal } from "./scenarios.ts";
import { newDir, removeDir } from "./targets.ts";

interface EmbedScenario {
  readonly name: string;
  readonly about: string;
  readonly mode: "batches" | "records" | "pipelined";
  readonly floor: readonly string[];
  readonly goals: readonly Goal[];
}

export const EMBED_SCENARIOS: readonly EmbedScenario[] = [
  {
    name: "embed-append-64k",
    about: "embedded append without sync, 64 KiB batches already encoded",
    mode: "batches",
    floor: ["--bytes", "65536"],
    goals: [{ figure: "ratio", bound: "at least", value: 0.8 }],
  },
  {
    name: "embed-append-record",
    about: "embedded append without sync, one record of 100 B, each awaited",
    mode: "records",
    floor: ["--bytes", "170"],
    goals: [{ figure: "p50Us", bound: "at most", value: 3 }],
  },
  {
    name: "embed-append-100",
    about: "embedded append without sync, single records of 100 B, a hundred between two awaits",
    mode: "pipelined",
    floor: ["--bytes", "170"],
    goals: [],
  },
];

export async function runEmbedScenario(scenario: EmbedScenario, options: RunOptions): Promise<Outcome> {
  const floorName = "floor pwrite";
  const crcName = "floor pwrite + CRC";
  const slices: Slice[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const target of ["millrace", floorName, crcName]) {
      touchMemory();
      const dir = newDir(options.dirRoot, "embed");
      const duration = ["--duration-ms", String(options.durationMs), "--dir", dir];
      const command =
        target === "millrace"
          ? [process.execPath, join(import.meta.dir, "embed_child.ts"), "--mode", scenario.mode, ...duration]
          : [buildProgram("pwrite"), ...scenario.floor, ...duration, "--crc", target === crcName ? "1" : "0"];
      const measured = await measureWith(command);
      removeDir(dir);
      slices.push({ target, round, measured, thrownOut: null });
      options.log(
        `  ${round} ${target}: ${shortNumber(measured.requestsPerSecond)}/s, ` +
          `p50 ${shortNumber(measured.latencyUs.p50)} us`,
      );
    }
  }
  const comparisons = [floorName, crcName].map((name) =>
    compare(slices, ["millrace", name], "requestsPerSecond", options.seed),
  );
  const figures = medianFigures(slices.filter((slice) => slice.target === "millrace"));
  return {
    scenario: scenario.name,
    about: scenario.about,
    table: figureTable(["millrace", floorName, crcName], slices),
    verdicts: scenario.goals.map((goal) => judge(goal, figures, comparisons[0]!.ratio)),
    notes: comparisons.map((comparison) => describeComparison("millrace", "requestsPerSecond", comparison)),
    details: { comparisons, slices },
  };
}
