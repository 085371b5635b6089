/**
 * Compiles the C programs of the suite with the system's compiler, once for each state of their sources
 * (cached by hash below the user's cache folder).
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";

const BENCH_DIR = join(import.meta.dir, "..");
const SOURCE_DIRS = ["floors", "load"] as const;
const FLAGS = ["-O3", "-march=native", "-Wall", "-Wno-unused-function"] as const;

export type Program = "produce" | "fetch" | "fdatasync" | "pwrite" | "touch_memory" | "evict" | "generator";

export function cacheDir(): string {
  const root = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(root, "millrace-bench");
}

function sourcesHash(): string {
  const hash = createHash("sha256");
  for (const dir of SOURCE_DIRS) {
    for (const name of readdirSync(join(BENCH_DIR, dir)).sort()) {
      if (!/\.[ch]$/.test(name)) continue;
      hash.update(name).update(readFileSync(join(BENCH_DIR, dir, name)));
    }
  }
  return hash.update(FLAGS.join(" ")).digest("hex").slice(0, 16);
}

export function compilerVersion(): string | null {
  const cc = Bun.which("cc");
  if (cc === null) return null;
  return Bun.spawnSync([cc, "--version"]).stdout.toString().split("\n")[0] ?? null;
}

/** Path of the executable, compiled if its sources changed. Throws when there is no compiler. */
export function buildProgram(program: Program): string {
  const dir = join(cacheDir(), sourcesHash());
  const executable = join(dir, program);
  if (existsSync(executable)) return executable;
  const cc = Bun.which("cc");
  if (cc === null) throw new Error("the benchmarks need a C compiler: install gcc (package build-essential)");
  mkdirSync(dir, { recursive: true });
  const source = SOURCE_DIRS.map((name) => join(BENCH_DIR, name, `${program}.c`)).find(existsSync);
  if (source === undefined) throw new Error(`no source of ${program}`);
  const unfinished = `${executable}.${process.pid}`;
  const result = Bun.spawnSync([cc, ...FLAGS, "-o", unfinished, source]);
  if (!result.success) throw new Error(`${basename(source)}:\n${result.stderr.toString()}`);
  renameSync(unfinished, executable);
  return executable;
}
