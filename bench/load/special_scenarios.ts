/** Scenarios that are not slices of a network load. */
import { runColdScenario } from "./cold_scenario.ts";
import { EMBED_SCENARIOS, runEmbedScenario } from "./embed_scenario.ts";
import { runHeapScenario } from "./heap_scenario.ts";
import type { RunOptions } from "./network_run.ts";
import type { Outcome } from "./report.ts";
import { runStartScenario } from "./start_scenario.ts";

export interface SpecialScenario {
  readonly name: string;
  readonly about: string;
  run(options: RunOptions): Promise<Outcome>;
}

export const SPECIAL_SCENARIOS: readonly SpecialScenario[] = [
  {
    name: "start",
    about: "exec of bun to ready on an existing data directory; idle memory",
    run: runStartScenario,
  },
  {
    name: "heap",
    about: "JavaScript heap allocated for one produce or fetch request",
    run: runHeapScenario,
  },
  {
    name: "cold",
    about: "p99 of a hot producer beside a reader of a log that is not in the cache",
    run: runColdScenario,
  },
  ...EMBED_SCENARIOS.map((scenario) => ({
    name: scenario.name,
    about: scenario.about,
    run: (options: RunOptions) => runEmbedScenario(scenario, options),
  })),
];
