/**
 * Crash-state enumeration: runs a workload once on a simulated disk and keeps, at every point that
 * changes or syncs anything, the states that a power cut right there could leave behind. Then each is
 * recovered and compared with what the workload had acknowledged by that moment, and cut again at
 * every point of its recovery.
 *
 *   for each point x variant:  crash image  ->  recover  ->  verify(model at that point)
 *                                                 `-> for each point of the recovery x variant: again
 */
import type { Disk } from "../../engine/io/disk.ts";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import type { DiskPoint, PointOutcome } from "../../engine/io/disk_simulated_point.ts";
import type { CrashChoice } from "../../engine/io/disk_simulated_tree.ts";

/** Another stream of the same seed for each purpose: a new draw moves no old one. */
export function randomBits(seed: number): () => number {
  let state = (seed ^ 0x9e37_79b9) >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

export interface CrashVariant {
  readonly name: string;
  readonly choice: CrashChoice;
}

/** The extremes, the orders that file systems really produce, and seeded subsets between them. */
export function crashVariants(seed: number, randomCount = 4): CrashVariant[] {
  const yes = () => true;
  const variants: CrashVariant[] = [
    { name: "nothing unsynced", choice: {} },
    { name: "everything (process death)", choice: { sector: yes, size: yes, name: yes } },
    { name: "names only", choice: { name: yes } },
    { name: "names and sizes, no bytes", choice: { name: yes, size: yes } },
    { name: "bytes and sizes, no names", choice: { sector: yes, size: yes } },
    {
      name: "all but the first sector of each file",
      choice: { name: yes, size: yes, sector: ({ sector }) => sector !== 0 },
    },
    {
      name: "every other sector",
      choice: { name: yes, size: yes, sector: ({ sector }) => sector % 2 === 0 },
    },
    {
      name: "garbage in every third sector",
      choice: { name: yes, size: yes, sector: ({ sector }) => (sector % 3 === 2 ? "garbage" : true) },
    },
  ];
  for (let index = 0; index < randomCount; index++) {
    const bits = randomBits(seed * 1009 + index);
    variants.push({
      name: `random ${index} of seed ${seed}`,
      choice: {
        sector: ({ versions }) => (bits() % 16 === 0 ? "garbage" : bits() % versions),
        size: ({ sizes }) => bits() % sizes.length,
        name: () => bits() % 2 === 0,
      },
    });
  }
  return variants;
}

export interface CrashEnumeration<Model, Recovered> {
  /** A disk with whatever the workload starts from, all durable. */
  readonly makeDisk: () => SimulatedDisk;
  /** Notes in `model` what was acknowledged, at the moment that it was. */
  readonly workload: (disk: Disk, model: Model) => Promise<void> | void;
  readonly makeModel: () => Model;
  /** What the model knows now, untouched by what the workload does later. */
  readonly copyModel: (model: Model) => Model;
  readonly recover: (disk: Disk) => Promise<Recovered> | Recovered;
  /** Throws when the recovered state is not one that the model allows. */
  readonly verify: (recovered: Recovered, model: Model, disk: Disk) => Promise<void> | void;
  readonly variants: readonly CrashVariant[];
  /** How many of the variants to try at each point, taking turns; all without it. */
  readonly variantsPerPoint?: number;
  /** Points of the workload to crash at; all without it. */
  readonly onlyPoints?: (point: DiskPoint) => boolean;
  /** Cut again at the points of the recovery: each one, one in so many, or (0) never. */
  readonly againEvery?: number;
}

export interface CrashReport {
  readonly points: number;
  readonly crashes: number;
  readonly crashesDuringRecovery: number;
}

/** Throws at the first state that does not verify, with the point and variant that replay it. */
export async function enumerateCrashes<Model, Recovered>(
  plan: CrashEnumeration<Model, Recovered>,
): Promise<CrashReport> {
  const disk = plan.makeDisk();
  const model = plan.makeModel();
  const images: { readonly label: string; readonly disk: SimulatedDisk; readonly model: Model }[] = [];
  const from = disk.points;
  let nextVariant = 0;
  const keepImages = (what: string) => {
    const known = plan.copyModel(model);
    const count = Math.min(plan.variantsPerPoint ?? Infinity, plan.variants.length);
    for (let turn = 0; turn < count; turn++) {
      const variant = plan.variants[nextVariant++ % plan.variants.length]!;
      images.push({ label: `${what}, ${variant.name}`, disk: disk.crash(variant.choice), model: known });
    }
  };
  disk.plan = (point) => {
    if (plan.onlyPoints?.(point) ?? true) {
      keepImages(`before point ${point.index - from} (${point.kind} ${point.path})`);
    }
    return "go";
  };
  await plan.workload(disk, model);
  disk.plan = null;
  keepImages("at the end");
  const points = disk.points - from;

  let crashes = 0;
  let crashesDuringRecovery = 0;
  for (const image of images) {
    crashes++;
    const again: { readonly label: string; readonly disk: SimulatedDisk }[] = [];
    const every = plan.againEvery ?? 0;
    if (every > 0) {
      image.disk.plan = (point) => {
        if ((point.index + crashes) % every === 0) {
          const variant = plan.variants[(point.index + crashes) % plan.variants.length]!;
          again.push({
            label: `${image.label}; recovery cut before point ${point.index} (${point.kind} ` +
              `${point.path}), ${variant.name}`,
            disk: image.disk.crash(variant.choice),
          });
        }
        return "go";
      };
    }
    await recoverAndVerify(plan, image.disk, image.model, image.label);
    for (const second of again) {
      crashesDuringRecovery++;
      await recoverAndVerify(plan, second.disk, image.model, second.label);
    }
  }
  return { points, crashes, crashesDuringRecovery };
}

async function recoverAndVerify<Model, Recovered>(
  plan: CrashEnumeration<Model, Recovered>,
  disk: SimulatedDisk,
  model: Model,
  label: string,
): Promise<void> {
  try {
    const recovered = await plan.recover(disk);
    disk.plan = null;
    await plan.verify(recovered, model, disk);
  } catch (error) {
    throw new Error(`crash state: ${label}`, { cause: error });
  }
}

export interface FaultEnumeration<Model> {
  readonly makeDisk: () => SimulatedDisk;
  readonly makeModel: () => Model;
  /** Must get over the fault by itself, or stop; what it throws fails the enumeration. */
  readonly workload: (disk: Disk, model: Model) => Promise<void> | void;
  /** The disk as it is after the workload, and as a power cut would leave it. */
  readonly verify: (disk: SimulatedDisk, model: Model) => Promise<void> | void;
  readonly outcomes: readonly Exclude<PointOutcome, "go" | "cut">[];
  /** Fails this many points in a row; 1 unless told otherwise. */
  readonly length?: number;
  readonly onlyPoints?: (point: DiskPoint) => boolean;
}

/** Fails the first point, then in a fresh run the second, and so on until none is left to fail. */
export async function enumerateFaults<Model>(plan: FaultEnumeration<Model>): Promise<number> {
  let runs = 0;
  for (const outcome of plan.outcomes) {
    for (let failing = 0; ; failing++) {
      const disk = plan.makeDisk();
      const model = plan.makeModel();
      let counted = 0;
      let hit: DiskPoint | null = null;
      disk.plan = (point) => {
        if (!(plan.onlyPoints?.(point) ?? true)) return "go";
        const number = counted++;
        if (number < failing || number >= failing + (plan.length ?? 1)) return "go";
        hit ??= point;
        return outcome;
      };
      try {
        await plan.workload(disk, model);
        disk.plan = null;
        if (hit === null) break;
        await plan.verify(disk, model);
      } catch (error) {
        const at = hit as DiskPoint | null;
        const where = at === null ? "no point" : `point ${failing} (${at.kind} ${at.path})`;
        throw new Error(`${outcome} at ${where}`, { cause: error });
      }
      runs++;
    }
  }
  return runs;
}
