/**
 * A machine with Node.js and npm alone: a fresh clone and an installed package, on a PATH with neither
 * bun nor a compiler, and where this is root also without libc's headers and link libraries.
 */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { problemsIn } from "./support/millrace.ts";
import { hasProgram, Program, type RunResult, run } from "./support/process.ts";

const ROOT = join(import.meta.dir, "../..");
const TIMEOUT_MS = 120_000;
const READY = /ready on 127\.0\.0\.1:(\d+)/;

const WHY_NOT = ["git", "node", "npm"].filter((name) => !hasProgram(name)).map((name) => `no ${name} on this machine`)[0] ??
  (existsSync(join(ROOT, ".git")) ? null : "not a git checkout");
if (WHY_NOT !== null) console.error(`skipped: fresh machine: ${WHY_NOT}`);
const CAN_HIDE = process.getuid?.() === 0 && hasProgram("unshare");
if (!CAN_HIDE) console.error("skipped: hiding libc's development files: needs root and unshare");

/** What a Debian without libc6-dev and gcc has not. */
const HIDDEN_FILES = ["libc.so", "libc.a", "libpthread.a", "libm.so", "crt1.o"].flatMap((name) =>
  ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"].map((folder) => join(folder, name)));
const HIDDEN_FOLDERS = ["/usr/include", "/usr/lib/gcc"];

const roots: string[] = [];
function newRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "millrace-fresh-"));
  roots.push(root);
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "home"));
  return root;
}
afterEach(Program.killAll);
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
}, 60_000);

/** Puts programs of this machine into root/bin, which will be all of PATH. */
function offer(root: string, ...names: string[]): void {
  for (const name of names) symlinkSync(realpathSync(Bun.which(name)!), join(root, "bin", name));
}

interface MachineOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `command` as it would run on the bare machine. */
function onBareMachine(root: string, command: readonly string[], env: Readonly<Record<string, string>> = {}): string[] {
  const variables = {
    PATH: join(root, "bin"),
    HOME: join(root, "home"),
    // The downloads of earlier runs: what is installed is the same, only faster.
    npm_config_cache: join(homedir(), ".npm"),
    npm_config_prefer_offline: "true",
    npm_config_update_notifier: "false",
    ...env,
  };
  const bare = ["/usr/bin/env", "-i", ...Object.entries(variables).map(([key, value]) => `${key}=${value}`), ...command];
  if (!CAN_HIDE) return bare;
  const hide = [
    ...HIDDEN_FILES.filter(existsSync).map((path) => `mount --bind /dev/null ${path}`),
    ...HIDDEN_FOLDERS.filter(existsSync).map((path) => `mount -t tmpfs none ${path}`),
  ].join(" && ");
  return ["unshare", "--mount", "/bin/sh", "-c", `${hide} && exec "$@"`, "sh", ...bare];
}

function runBare(root: string, command: readonly string[], options: MachineOptions, input?: string): Promise<RunResult> {
  const all = { cwd: options.cwd, timeoutMs: TIMEOUT_MS, ...(input === undefined ? {} : { input }) };
  return run(onBareMachine(root, command, options.env), all);
}

/** Runs a command that serves until it is ready, says a record through the copied line, and stops it. */
async function serveOnce(root: string, command: readonly string[], options: MachineOptions, dataDir: string): Promise<string> {
  const program = Program.start(onBareMachine(root, command, options.env), { cwd: options.cwd });
  await program.waitFor(READY, TIMEOUT_MS);
  const tryLine = await program.waitFor(/^\s*try:\s+(.*)$/m, 5_000);
  const tried = await runBare(root, ["/bin/sh", "-c", tryLine[1]!], options);
  expect(tried.code, `${tryLine[1]}\n${tried.stderr}\n${tried.stdout}`).toBe(0);
  const code = await program.stop();
  // The shell in which npx runs us dies of the signal; the broker itself stops cleanly all the same.
  expect([0, command[0] === "npx" ? 143 : 0], program.output).toContain(code);
  expect(existsSync(join(dataDir, ".kafka_cleanshutdown")), "a clean stop").toBe(true);
  expect(await problemsIn(dataDir)).toBe("");
  expect(readdirSync(dataDir).some((name) => name === "first-0"), "the record of the copied line").toBe(true);
  return program.output;
}

async function clone(root: string): Promise<string> {
  const target = join(root, "clone");
  const result = await run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, target]);
  expect(result.code, result.stderr).toBe(0);
  return target;
}

describe.skipIf(WHY_NOT !== null)("a machine with Node.js and npm alone", () => {
  for (const ignoreScripts of ["false", "true"]) {
    test(`npm start in a fresh clone, ignore-scripts=${ignoreScripts}`, async () => {
      const root = newRoot();
      offer(root, "node", "npm", "npx", "sh");
      const cwd = await clone(root);
      const options = { cwd, env: { npm_config_ignore_scripts: ignoreScripts } };
      const command = ["npm", "start", "--", "--port", "0", "--dir", "./d a t a"];
      const first = await serveOnce(root, command, options, join(cwd, "d a t a"));
      expect(first).toContain("installing");
      const again = await serveOnce(root, command, options, join(cwd, "d a t a"));
      expect(again).not.toContain("installing");
      expect(existsSync(join(cwd, "node_modules/kafkajs")), "what only tests need").toBe(false);
    }, TIMEOUT_MS * 2);
  }

  test("npm test in a fresh clone installs what tests need", async () => {
    const root = newRoot();
    offer(root, "node", "npm", "sh");
    const cwd = await clone(root);
    const result = await runBare(root, ["npm", "test", "--", "./test/model"], { cwd });
    expect(result.code, result.stderr.slice(-3_000)).toBe(0);
    expect(result.stderr).toContain("0 fail");
    expect(existsSync(join(cwd, "node_modules/kafkajs"))).toBe(true);
  }, TIMEOUT_MS * 2);

  test("npm pack, installed in an empty folder, gives npx millrace", async () => {
    const root = newRoot();
    offer(root, "node", "npm", "npx", "sh");
    const cwd = await clone(root);
    const packed = await runBare(root, ["npm", "pack", "--silent"], { cwd });
    expect(packed.code, packed.stderr).toBe(0);
    const folder = join(root, "user");
    mkdirSync(folder);
    const installed = await runBare(root, ["npm", "install", "--no-audit", join(cwd, packed.stdout.trim())], { cwd: folder });
    expect(installed.code, installed.stderr).toBe(0);
    rmSync(cwd, { recursive: true }); // nothing of it may be needed
    const help = await runBare(root, ["npx", "--no-install", "millrace", "--help"], { cwd: folder });
    expect(help.stdout).toContain("serve");
    const command = ["npx", "millrace", "serve", "--port", "0", "--dir", "data"];
    const output = await serveOnce(root, command, { cwd: folder }, join(folder, "data"));
    expect(output).not.toContain("installing");
  }, TIMEOUT_MS * 2);
});

describe.skipIf(WHY_NOT !== null)("a machine with Bun alone", () => {
  test("bun start and bun run test in a fresh clone", async () => {
    const root = newRoot();
    symlinkSync(process.execPath, join(root, "bin/bun"));
    symlinkSync(process.execPath, join(root, "bin/bunx"));
    offer(root, "sh");
    const cwd = await clone(root);
    const program = Program.start(
      onBareMachine(root, ["bun", "start", "--port", "0", "--dir", "./data"]),
      { cwd },
    );
    await program.waitFor(READY, TIMEOUT_MS);
    expect(await program.stop(), program.output).toBe(0);
    expect(existsSync(join(cwd, "data/.kafka_cleanshutdown"))).toBe(true);
    const tested = await runBare(root, ["bun", "run", "test", "./test/model"], { cwd });
    expect(tested.code, tested.stderr.slice(-3_000)).toBe(0);
    expect(tested.stderr).toContain("0 fail");
  }, TIMEOUT_MS * 2);
});
