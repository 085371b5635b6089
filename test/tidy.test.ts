/**
 * The rules of the house, as a test: floors, cycles, dead files, words with a better replacement.
 * Prints the longest files and fails none for its length.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const ROOT = join(import.meta.dir, "..");

/** Each floor may import the floors named: its own is always allowed. */
const FLOORS: Record<string, readonly string[]> = {
  base: [],
  model: ["base"],
  wire: ["base", "model"],
  io: ["base", "model", "native"],
  native: ["base", "model"],
  log: ["base", "model", "wire", "io", "native"],
  partition: ["base", "model", "wire", "io", "log"],
  metadata: ["base", "model", "wire", "io", "log", "partition"],
  store: ["base", "model", "wire", "io", "log", "partition", "metadata"],
  broker: ["base", "model", "wire", "io", "log", "partition", "metadata", "store"],
  client: ["base", "model", "wire", "io"],
  embed: ["base", "model", "wire", "io", "log", "partition", "metadata", "store", "broker"],
  cli: ["base", "model", "wire", "io", "log", "metadata", "store", "broker", "client", "embed", "native"],
};

/** Files that something other than an import starts. */
const ENTRIES = ["engine/cli/main.ts", "engine/cli/launcher.mjs", "engine/cli/bundle.ts", "engine/embed/index.ts"];

/** Token, where it may stand, and what to write instead. */
const BANNED: readonly { token: RegExp; allowed: RegExp; instead: string }[] = [
  { token: /\bDate\.now\(/, allowed: /^engine\/io\//, instead: "Clock.wallMs()" },
  { token: /\bperformance\.now\(/, allowed: /^engine\/(io|cli)\//, instead: "Clock.monotonicMs()" },
  { token: /\bMath\.random\(/, allowed: /^engine\/io\//, instead: "Random" },
  { token: /\bset(Timeout|Interval|Immediate)\(/, allowed: /^engine\/(io\/|cli\/launcher\.mjs)/, instead: "Clock" },
  { token: /from "(node:|bun)/, allowed: /^(engine\/io|engine\/cli|native)\//, instead: "an interface of engine/io" },
  { token: /\breadBigU?Int64|getBigU?Int64/, allowed: /^native\//, instead: "base/int64" },
  { token: /\bexport default\b/, allowed: /^$/, instead: "a named export" },
  { token: /\bexport \*/, allowed: /^$/, instead: "exports by name: no barrels" },
  { token: /[:<(,|] ?any\b(?! )|\bas any\b/, allowed: /^$/, instead: "unknown" },
  { token: /\b(FIXME|XXX)\b/, allowed: /^$/, instead: "the fix" },
  { token: /@ts-(ignore|nocheck)/, allowed: /^$/, instead: "a type that fits" },
];

const PAGE_COLUMNS_MAX = 110;
/** Tables of data keep one row a line. */
const WIDE_LINES_ALLOWED = /^(engine\/wire\/(api|records)\/|engine\/model\/(topic|broker)_config|native\/.*\.[ch]$)/;

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
}

function importsOf(path: string, text: string): string[] {
  const found: string[] = [];
  const pattern = /(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g;
  for (const match of withoutComments(text).matchAll(pattern)) {
    found.push(normalize(join(dirname(path), match[1]!)));
  }
  return found;
}

const sources: Source[] = [...filesUnder("engine"), ...filesUnder("native")].map((path) => {
  const text = readFileSync(join(ROOT, path), "utf8");
  return { path, text, imports: importsOf(path, text) };
});
const byPath = new Map(sources.map((source) => [source.path, source]));

function floorOf(path: string): string {
  const parts = path.split("/");
  return parts[0] === "native" ? "native" : parts[1]!;
}

describe("the house", () => {
  test("has files to look at", () => {
    expect(sources.length).toBeGreaterThan(10);
  });

  test("arrows point down", () => {
    const wrong: string[] = [];
    for (const source of sources) {
      const floor = floorOf(source.path);
      expect(FLOORS[floor], `${source.path} stands on no known floor`).toBeDefined();
      for (const target of source.imports) {
        if (!/^(engine|native)\//.test(target)) continue;
        const below = floorOf(target);
        if (below !== floor && !FLOORS[floor]!.includes(below)) {
          wrong.push(`${source.path} -> ${target}: ${floor} may not import ${below}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test("imports name files that exist", () => {
    const missing = sources.flatMap((source) => source.imports
      .filter((target) => /\.(ts|mjs)$/.test(target) && !byPath.has(target) && !target.startsWith("package"))
      .map((target) => `${source.path} -> ${target}`));
    expect(missing).toEqual([]);
  });

  test("has no import cycles, type imports included", () => {
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === "done") return;
      if (state.get(path) === "open") {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
        return;
      }
      state.set(path, "open");
      for (const target of byPath.get(path)?.imports ?? []) {
        if (byPath.has(target)) visit(target, [...trail, path]);
      }
      state.set(path, "done");
    };
    for (const source of sources) visit(source.path, []);
    expect(cycles).toEqual([]);
  });

  test.skipIf(!byPath.has("engine/cli/main.ts"))("has no dead files", () => {
    const reached = new Set<string>();
    const visit = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const target of byPath.get(path)?.imports ?? []) visit(target);
    };
    ENTRIES.filter((entry) => byPath.has(entry)).forEach(visit);
    const benchAndTest = [...filesUnder("bench"), ...filesUnder("test")];
    for (const path of benchAndTest) {
      for (const target of importsOf(path, readFileSync(join(ROOT, path), "utf8"))) {
        // What only a test or benchmark needs counts as alive when it is a double of something real.
        if (/simulated|portable|crc32c|check|dump|declarations/.test(target)) visit(target);
      }
    }
    const dead = sources.map((source) => source.path)
      .filter((path) => !reached.has(path) && !path.startsWith("engine/wire/"));
    expect(dead).toEqual([]);
  });

  test("uses no word that has a better replacement", () => {
    const found: string[] = [];
    for (const source of sources) {
      const lines = withoutComments(source.text).split("\n");
      lines.forEach((line, index) => {
        for (const rule of BANNED) {
          if (rule.token.test(line) && !rule.allowed.test(source.path)) {
            found.push(`${source.path}:${index + 1}: use ${rule.instead}: ${line.trim()}`);
          }
        }
      });
    }
    expect(found).toEqual([]);
  });

  test("keeps to its page: 110 columns, snake_case files", () => {
    const wrong: string[] = [];
    for (const source of sources) {
      if (!/^[a-z0-9_./]+$/.test(source.path)) wrong.push(`${source.path}: not snake_case`);
      if (WIDE_LINES_ALLOWED.test(source.path)) continue;
      source.text.split("\n").forEach((line, index) => {
        if (line.length > PAGE_COLUMNS_MAX) {
          wrong.push(`${source.path}:${index + 1}: ${line.length} columns`);
        }
      });
    }
    expect(wrong).toEqual([]);
  });

  test("tells which files are longest", () => {
    const longest = sources.map((source) => ({ path: source.path, lines: source.text.split("\n").length }))
      .sort((one, other) => other.lines - one.lines).slice(0, 8);
    console.log(longest.map(({ path, lines }) => `${String(lines).padStart(5)} ${path}`).join("\n"));
  });
});
