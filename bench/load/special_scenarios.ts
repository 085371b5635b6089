/** Scenarios that are not slices of a network load. */
import type { RunOptions } from "./network_run.ts";
import type { Outcome } from "./report.ts";

export interface SpecialScenario {
  readonly name: string;
  readonly about: string;
  run(options: RunOptions): Promise<Outcome>;
}

export const SPECIAL_SCENARIOS: readonly SpecialScenario[] = [];
