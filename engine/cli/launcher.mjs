#!/usr/bin/env node
/**
 * The first program that runs: plain Node (18 or newer) or Bun, without a package. It finds Bun,
 * installs what is missing in a fresh clone, and hands over to engine/cli/main.ts or to `bun test`.
 *
 *   node engine/cli/launcher.mjs <millrace arguments>
 *   node engine/cli/launcher.mjs --run-tests <arguments of bun test>
 *
 * Everything it says goes to standard error: standard output belongs to the command it starts.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const MANIFEST = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const BUN_VERSION = MANIFEST.dependencies.bun;
/** An installed package lies in somebody's node_modules, where npm already put what it needs. */
const IS_INSTALLED_PACKAGE = ROOT.split(/[\\/]/).includes("node_modules");
const NODE_MAJOR_MIN = 18;
/** Ctrl-C reaches npm and this program, and npm sends it on: within this time it is one and the same. */
const SAME_SIGNAL_MS = 500;
/** How soon an orphan notices, and stops what it serves. */
const ORPHAN_CHECK_MS = 250;
/** A shell counts a death by signal as 128 and its number. */
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** One line that says what to do, and exit code 1. */
class LaunchError extends Error {}

/** package.json of `name` as seen from `from`, whatever the layout of node_modules; or null. */
function findManifest(from, name) {
  try {
    const path = createRequire(join(from, "package.json")).resolve(`${name}/package.json`);
    return { dir: dirname(path), manifest: JSON.parse(readFileSync(path, "utf8")) };
  } catch {
    return null;
  }
}

/** Names of packages that are absent or of another version than pinned. */
function missingPackages(withDevelopment) {
  const wanted = { ...MANIFEST.dependencies, ...(withDevelopment ? MANIFEST.devDependencies : {}) };
  return Object.entries(wanted)
    .filter(([name, version]) => readVersion(name) !== version)
    .map(([name]) => name);
}

/** Read directly: a package whose `exports` hide package.json cannot be resolved by name. */
function readVersion(name) {
  for (let dir = ROOT; ; dir = dirname(dir)) {
    const path = join(dir, "node_modules", name, "package.json");
    if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")).version;
    if (dir === dirname(dir)) return null;
  }
}

/** Is it a program of the machine's own format? Without install scripts npm leaves a text stub. */
function isBinary(path) {
  let descriptor;
  try {
    descriptor = openSync(path, "r");
    const magic = Buffer.alloc(4);
    readSync(descriptor, magic, 0, 4, 0);
    const word = magic.toString("hex");
    return word === "7f454c46" || word === "cffaedfe" || word === "cafebabe";
  } catch {
    return false;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function versionOf(binary) {
  const result = spawnSync(binary, ["--version"], { encoding: "utf8", timeout: 10_000 });
  return result.status === 0 ? result.stdout.trim() : null;
}

/**
 * Bun of the pinned version, or null. In this order: the one that runs this, the package's binary where
 * its install script put it, the platform's packages (the first that runs here: glibc or musl), PATH.
 */
function findBun() {
  if (process.versions.bun === BUN_VERSION) return process.execPath;
  const bun = findManifest(ROOT, "bun");
  if (bun !== null && bun.manifest.version === BUN_VERSION) {
    const linked = join(bun.dir, "bin/bun.exe");
    if (isBinary(linked)) return linked;
    const prefix = `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
    const platforms = Object.keys(bun.manifest.optionalDependencies ?? {})
      .filter((name) => name === prefix || name.startsWith(`${prefix}-`));
    for (const name of platforms) {
      const found = findManifest(bun.dir, name);
      const binary = found && join(found.dir, "bin/bun");
      if (binary && isBinary(binary) && versionOf(binary) === BUN_VERSION) return binary;
    }
  }
  return versionOf("bun") === BUN_VERSION ? "bun" : null;
}

/** npm as the one that started us, else the one on PATH; where there is only Bun, Bun. */
function installCommand(withDevelopment) {
  const npmArguments = ["ci", ...(withDevelopment ? [] : ["--omit=dev"]), "--no-audit", "--no-fund"];
  if (process.versions.bun === undefined) {
    const npm = process.env.npm_execpath;
    if (npm !== undefined && /npm-cli\.c?js$/.test(npm)) return [process.execPath, npm, ...npmArguments];
    return ["npm", ...npmArguments];
  }
  if (spawnSync("npm", ["--version"]).status === 0) return ["npm", ...npmArguments];
  return [process.execPath, "install", "--no-save", ...(withDevelopment ? [] : ["--production"])];
}

function installMissing(withDevelopment) {
  const missing = missingPackages(withDevelopment);
  if (missing.length === 0) return;
  if (IS_INSTALLED_PACKAGE) {
    throw new LaunchError(`packages are missing (${missing.join(", ")}): install millrace again`);
  }
  const [program, ...args] = installCommand(withDevelopment);
  say(`installing ${missing.join(", ")} (once; ${withDevelopment ? "for the tests" : "about 40 MB"}) ...`);
  const result = spawnSync(program, args, { cwd: ROOT, stdio: ["ignore", 2, 2] });
  if (result.error !== undefined || result.status !== 0) {
    const why = result.error?.message ?? `exit code ${result.status}`;
    throw new LaunchError(`\`${[program, ...args].join(" ")}\` in ${ROOT} failed: ${why}`);
  }
  const still = missingPackages(withDevelopment);
  if (still.length > 0) throw new LaunchError(`still missing after the installation: ${still.join(", ")}`);
}

/**
 * Path of the bundled entry for the sources as they lie there, building it if need be; the sources
 * themselves where no bundle can be kept. The name holds every source's path, size and times: npm
 * gives all files one old mtime, so the time of the last change of the inode belongs to it.
 */
function entryPoint(bun) {
  const source = join(ROOT, "engine/cli/main.ts");
  if (process.env.MILLRACE_NO_BUNDLE === "1") return source;
  const found = findManifest(ROOT, "bun");
  const packages = found === null ? join(ROOT, "node_modules") : dirname(found.dir);
  const bundle = join(packages, ".cache/millrace", hashOfSources(), "main.js");
  if (existsSync(bundle)) return bundle;
  const built = spawnSync(bun, [join(ROOT, "engine/cli/bundle.ts"), bundle], { encoding: "utf8" });
  return built.status === 0 && existsSync(bundle) ? bundle : source;
}

function hashOfSources() {
  const hash = createHash("sha256").update(`${MANIFEST.version} ${BUN_VERSION} ${ROOT}\n`);
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        visit(path);
      } else if (entry.name.endsWith(".ts")) {
        const { size, mtimeMs, ctimeMs } = statSync(path);
        hash.update(`${path} ${size} ${mtimeMs} ${ctimeMs}\n`);
      }
    }
  };
  visit(join(ROOT, "engine"));
  visit(join(ROOT, "native"));
  return hash.digest("hex").slice(0, 24);
}

/** Runs Bun in our place: signals go to it, its exit code becomes ours. */
function handOver(bun, args, cwd) {
  // `npx` starts us in a shell that dies of a signal and does not pass it on.
  const isUnderNpx = process.env.npm_command === "exec";
  // Newer Node can become Bun: one process less, and nothing to pass on.
  if (cwd === undefined && typeof process.execve === "function" && bun !== "bun" && !isUnderNpx) {
    process.execve(bun, [bun, ...args], process.env);
  }
  const child = spawn(bun, args, { stdio: "inherit", ...(cwd === undefined ? {} : { cwd }) });
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const lastAtMs = new Map();
  for (const signal of Object.keys(SIGNAL_NUMBERS)) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole group: Bun has it already.
      if (onTerminal && (signal === "SIGINT" || signal === "SIGQUIT")) return;
      const now = performance.now();
      if (now - (lastAtMs.get(signal) ?? -Infinity) < SAME_SIGNAL_MS) return;
      lastAtMs.set(signal, now);
      child.kill(signal);
    });
  }
  if (isUnderNpx) {
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(watch);
      child.kill("SIGTERM");
    }, ORPHAN_CHECK_MS);
    watch.unref();
  }
  child.on("error", (error) => {
    say(`cannot start ${bun}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 9)));
}

function say(text) {
  process.stderr.write(`millrace: ${text}\n`);
}

function main() {
  const args = process.argv.slice(2);
  const runsTests = args[0] === "--run-tests";
  const nodeMajor = Number(process.versions.node.split(".")[0]);
  if (nodeMajor < NODE_MAJOR_MIN) {
    throw new LaunchError(`Node.js ${process.versions.node} is too old: take ${NODE_MAJOR_MIN} or newer`);
  }
  installMissing(runsTests);
  const bun = findBun();
  if (bun === null) {
    const place = `${process.platform}-${process.arch}`;
    throw new LaunchError(`no Bun ${BUN_VERSION} that runs on ${place}: run \`npm ci\` in ${ROOT}`);
  }
  if (runsTests) {
    handOver(bun, ["test", ...args.slice(1)], ROOT);
  } else {
    // The settings and .env files of whatever folder we are started in are not ours.
    const isolation = ["--no-install", "--no-env-file", `--config=${join(ROOT, "bunfig.toml")}`];
    handOver(bun, [...isolation, entryPoint(bun), ...args], undefined);
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof LaunchError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
