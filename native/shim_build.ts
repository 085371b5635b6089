import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { cc, dlopen } from "bun:ffi";
import { assert } from "../engine/base/assert.ts";
import { ABI_VERSION, SHIM_SYMBOLS, type ShimSymbols } from "./symbols.ts";

/**
 * From C sources to loaded functions: by the system's compiler, once, into a cache; or by Bun's embedded
 * TinyCC, in memory, at each start. A cached library costs no process: read the sources, hash, dlopen.
 *
 * A cached file's name holds the hash of everything it depends on, so that it is never stale:
 *
 *   shim-<hash of sources, flags and processor>-<hash of the compiler>.so
 */

/** Why a build could not be had: the machine's fault, not the program's. */
export class ShimUnavailable extends Error {
  override readonly name = "ShimUnavailable";
}

const SOURCES = [
  "shim.c",
  "shim.h",
  "files.c",
  "sockets.c",
  "crc32c.c",
  "crc32c_x86.h",
  "crc32c_arm.h",
  "batch_scan.c",
] as const;

const COMPILERS = ["cc", "gcc", "clang"] as const;
/** No C library is linked: the shim calls the kernel, and Debian without libc6-dev could not link one. */
const COMPILER_FLAGS = [
  "-O3",
  "-shared",
  "-fPIC",
  "-nostdlib",
  "-fvisibility=hidden",
  "-fno-stack-protector",
  "-fno-strict-aliasing",
] as const;
/** A compiler takes 0.2 s; one that hangs must not hang the start. */
const COMPILE_MS_MAX = 20_000;
/** `-nostdlib` likewise: TinyCC fails on a missing libc even where nothing is needed from it. */
const TINYCC_FLAGS = ["-nostdlib"];

/** Loads the library built by the system's compiler, building it if it is not cached. */
export function loadCompiledShim(): ShimSymbols {
  assertLinux();
  const sourceDirectory = findSources();
  const sourceHash = hashSources(sourceDirectory);
  const compiler = findCompiler();
  const directories = cacheDirectories(sourceDirectory);
  for (const cached of findCached(directories, sourceHash, compiler)) {
    const symbols = tryOpen(cached);
    if (symbols !== null) return symbols; // else damaged: built again below
  }
  if (compiler === null) throw new ShimUnavailable("no C compiler in PATH (cc, gcc, clang)");
  const failures: string[] = [];
  for (const directory of directories) {
    if (!makePrivateDirectory(directory)) {
      failures.push(`${directory} is not a private, writable directory`);
      continue;
    }
    const path = join(directory, fileName(sourceHash, compiler));
    compile(compiler.path, join(sourceDirectory, "shim.c"), path);
    const symbols = tryOpen(path);
    if (symbols !== null) return symbols;
    failures.push(`${path} does not load`); // a file system that may not execute
  }
  throw new ShimUnavailable(`no place for the compiled library: ${failures.join("; ")}`);
}

/** Compiles with Bun's embedded TinyCC: 5 ms, nothing written. */
export function loadTinyccShim(): ShimSymbols {
  assertLinux();
  if (process.arch !== "x64") {
    throw new ShimUnavailable(`TinyCC has no inline assembly for ${process.arch}`);
  }
  const source = join(findSources(), "shim.c");
  try {
    return handshake(cc({ source, symbols: SHIM_SYMBOLS, flags: TINYCC_FLAGS }).symbols);
  } catch (cause) {
    throw new ShimUnavailable(`TinyCC: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Beside this file; or, when this code was bundled, in the `native` folder of a folder above, provided
 * that the same user put both there.
 */
function findSources(): string {
  if (existsSync(join(import.meta.dir, "shim.c"))) return import.meta.dir;
  const owner = statSync(import.meta.path).uid;
  let directory = import.meta.dir;
  while (directory !== dirname(directory)) {
    directory = dirname(directory);
    const place = join(directory, "native");
    const stat = statSync(join(place, "shim.c"), { throwIfNoEntry: false });
    if (stat !== undefined && stat.uid === owner) return place;
  }
  throw new ShimUnavailable(`no sources in or above ${import.meta.dir}`);
}

function assertLinux(): void {
  if (process.platform !== "linux") {
    throw new ShimUnavailable(`the shim speaks to Linux, this is ${process.platform}`);
  }
}

/** The first call after loading: checks that both sides mean the same signatures, prepares tables. */
function handshake(symbols: ShimSymbols): ShimSymbols {
  const version = symbols.mr_open();
  assert(version === ABI_VERSION, "shim.c and symbols.ts disagree", version, ABI_VERSION);
  return symbols;
}

function tryOpen(path: string): ShimSymbols | null {
  let library;
  try {
    library = dlopen(path, SHIM_SYMBOLS);
  } catch {
    return null; // not a library: the caller rebuilds it, or says that none loads
  }
  return handshake(library.symbols);
}

function hashSources(directory: string): string {
  const hasher = new Bun.CryptoHasher("sha256");
  try {
    for (const name of SOURCES) hasher.update(readFileSync(join(directory, name)));
  } catch (cause) {
    throw new ShimUnavailable(`sources: ${messageOf(cause)}`, { cause });
  }
  hasher.update(`${COMPILER_FLAGS.join(" ")} ${process.arch} ${ABI_VERSION}`);
  return hasher.digest("hex").slice(0, 24);
}

interface Compiler {
  readonly path: string;
  readonly hash: string;
}

/** The first compiler in PATH; known by path, size and time, which change when it is upgraded. */
function findCompiler(): Compiler | null {
  for (const name of COMPILERS) {
    const path = Bun.which(name);
    if (path === null) continue;
    const { size, mtimeMs } = statSync(path);
    return { path, hash: Bun.hash(`${path} ${size} ${mtimeMs}`).toString(16) };
  }
  return null;
}

function fileName(sourceHash: string, compiler: Compiler): string {
  return `shim-${sourceHash}-${compiler.hash}.so`;
}

/** Without a compiler any build of these sources will do: a container may be built with one. */
function findCached(
  directories: readonly string[],
  sourceHash: string,
  compiler: Compiler | null,
): string[] {
  const prefix = compiler === null ? `shim-${sourceHash}-` : fileName(sourceHash, compiler);
  return directories.filter(isPrivateDirectory).flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => name.startsWith(prefix) && name.endsWith(".so"))
      .map((name) => join(directory, name)),
  );
}

/** Where a library may lie, best first: beside the other packages, in the user's cache, in /tmp. */
function cacheDirectories(sourceDirectory: string): string[] {
  const root = dirname(sourceDirectory);
  const above = dirname(root);
  const modules = basename(above) === "node_modules" ? above : join(root, "node_modules");
  const directories: string[] = [];
  if (existsSync(modules)) directories.push(join(modules, ".cache", "millrace"));
  directories.push(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "millrace"));
  directories.push(join(tmpdir(), `millrace-${process.getuid!()}`));
  return directories;
}

/** Only code that nobody else can have put there is loaded: owned by us or root, writable by no other. */
function isPrivateDirectory(directory: string): boolean {
  let stat;
  try {
    stat = lstatSync(directory);
  } catch {
    return false; // missing, or below something that is no directory
  }
  if (!stat.isDirectory()) return false;
  const ownerIsTrusted = stat.uid === 0 || stat.uid === process.getuid!();
  return ownerIsTrusted && (stat.mode & 0o022) === 0;
}

function makePrivateDirectory(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch {
    return false; // a read-only installation, no home: the next place is tried, all are reported
  }
  return isPrivateDirectory(directory);
}

/** Compiles into a temporary file, syncs it and renames it: a reader sees a whole library or none. */
function compile(compiler: string, source: string, target: string): void {
  const temporary = `${target}.${crypto.randomUUID()}`;
  try {
    const result = Bun.spawnSync([compiler, ...COMPILER_FLAGS, "-o", temporary, source], {
      stdout: "ignore",
      stderr: "pipe",
      timeout: COMPILE_MS_MAX,
    });
    if (!result.success) {
      const lines = result.stderr.toString().split("\n");
      const firstError = lines.find((line) => line.includes("error")) ?? "";
      throw new ShimUnavailable(`${compiler} failed (${result.exitCode ?? "killed"}): ${firstError}`);
    }
    const fd = openSync(temporary, "r");
    fsyncSync(fd);
    closeSync(fd);
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
