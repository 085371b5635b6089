/**
 * The launcher on a small tree of its own: which Bun it takes, what it passes on, and that a bundle is
 * never stale. Real installations with npm are tested by test/foreign/fresh_machine.ts.
 */
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const BUN_VERSION = Bun.version;
const NODE = Bun.which("node");
/** Newer Node becomes Bun: then nothing stands between a signal and the broker. */
const BECOMES_BUN = NODE !== null &&
  Bun.spawnSync([NODE, "-p", "typeof process.execve"]).stdout.toString() === "function\n";
const PLATFORM_PACKAGE = `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
const STUB = "echo \"Error: Bun's postinstall script was not run.\" >&2\nexit 1\n";

const trees: string[] = [];
afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

type Where = "linked" | "platform" | "other-libc" | "nowhere";

/** A tree with the launcher, a main.ts that says what it was given, and Bun where asked. */
function makeTree(where: Where, mainText = "console.log(JSON.stringify(process.argv.slice(2)));\n"): string {
  const root = mkdtempSync(join(tmpdir(), "millrace-launcher-"));
  trees.push(root);
  for (const folder of ["engine/cli", "native", "test", "bin", "node_modules/bun/bin"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const name of ["engine/cli/launcher.mjs", "engine/cli/bundle.ts", "bunfig.toml"]) {
    copyFileSync(join(ROOT, name), join(root, name));
  }
  writeJson(join(root, "package.json"), { version: "0.0.1", type: "module", dependencies: { bun: BUN_VERSION } });
  writeFileSync(join(root, "engine/cli/main.ts"), mainText);
  const optionalDependencies: Record<string, string> = {};
  if (where === "other-libc") {
    // As for musl on a glibc machine: a binary by its first bytes, but it does not run.
    optionalDependencies[PLATFORM_PACKAGE] = BUN_VERSION;
    addPlatformPackage(root, PLATFORM_PACKAGE, "\x7fELF but not for this machine");
    optionalDependencies[`${PLATFORM_PACKAGE}-musl`] = BUN_VERSION;
    addPlatformPackage(root, `${PLATFORM_PACKAGE}-musl`, null);
  } else {
    optionalDependencies[PLATFORM_PACKAGE] = BUN_VERSION;
    if (where === "platform") addPlatformPackage(root, PLATFORM_PACKAGE, null);
  }
  writeJson(join(root, "node_modules/bun/package.json"), { name: "bun", version: BUN_VERSION, optionalDependencies });
  const linked = join(root, "node_modules/bun/bin/bun.exe");
  if (where === "linked") {
    symlinkSync(process.execPath, linked);
  } else {
    writeFileSync(linked, STUB);
    chmodSync(linked, 0o755);
  }
  if (NODE !== null) symlinkSync(NODE, join(root, "bin/node"));
  return root;
}

function addPlatformPackage(root: string, name: string, text: string | null): void {
  const binary = join(root, "node_modules", name, "bin/bun");
  mkdirSync(dirname(binary), { recursive: true });
  writeJson(join(root, "node_modules", name, "package.json"), { name, version: BUN_VERSION });
  if (text === null) {
    symlinkSync(process.execPath, binary);
  } else {
    writeFileSync(binary, text);
    chmodSync(binary, 0o755);
  }
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value));
}

function spawnLauncher(root: string, args: readonly string[], program = NODE!): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  // PATH holds node alone: neither bun nor cc is found there.
  return Bun.spawn([program, join(root, "engine/cli/launcher.mjs"), ...args], {
    cwd: root,
    env: { PATH: join(root, "bin"), HOME: root },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function launch(root: string, args: readonly string[], program?: string) {
  const child = spawnLauncher(root, args, program);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

const ARGUMENTS = ["serve", "--port", "0", "--dir", "./a folder", "--set", "x=y"];

describe.skipIf(NODE === null)("the launcher under Node, neither bun nor cc on PATH", () => {
  for (const where of ["linked", "platform", "other-libc"] as const) {
    test(`finds Bun: ${where}`, async () => {
      const result = await launch(makeTree(where), ARGUMENTS);
      expect(result).toEqual({ stdout: `${JSON.stringify(ARGUMENTS)}\n`, stderr: "", code: 0 });
    });
  }

  test("says in one line that no Bun runs here", async () => {
    const result = await launch(makeTree("nowhere"), ["serve"]);
    expect(result.code).toBe(1);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(/^millrace: no Bun [0-9.]+ that runs on .*: run `npm ci` in .*\n$/);
  });

  test("takes no bun of another version from PATH", async () => {
    const root = makeTree("nowhere");
    const shell = Bun.which("sh")!;
    writeFileSync(join(root, "bin/bun"), `#!${shell}\necho 0.1.2\n`);
    chmodSync(join(root, "bin/bun"), 0o755);
    expect((await launch(root, ["serve"])).code).toBe(1);
  });

  test("takes bun of the pinned version from PATH", async () => {
    const root = makeTree("nowhere");
    symlinkSync(process.execPath, join(root, "bin/bun"));
    expect((await launch(root, ["serve"])).stdout).toBe("[\"serve\"]\n");
  });

  test("ends with the exit code of main", async () => {
    const result = await launch(makeTree("linked", "process.exit(7);\n"), []);
    expect(result.code).toBe(7);
  });

  test.skipIf(BECOMES_BUN)("passes SIGTERM on once and waits for the end", async () => {
    const main = `
      let count = 0;
      process.on("SIGTERM", () => console.log("SIGTERM " + ++count));
      process.on("SIGHUP", () => setTimeout(() => process.exit(3), 50)); // after what may still come
      setInterval(() => {}, 1000);
      console.log("ready");
    `;
    const child = spawnLauncher(makeTree("linked", main), []);
    const reader = child.stdout.getReader();
    let output = "";
    const readMore = async (): Promise<boolean> => {
      const { value, done } = await reader.read();
      if (value !== undefined) output += new TextDecoder().decode(value);
      return !done;
    };
    while (!output.includes("ready")) expect(await readMore()).toBe(true);
    child.kill("SIGTERM");
    while (!output.includes("SIGTERM 1")) expect(await readMore()).toBe(true);
    child.kill("SIGTERM"); // what npm adds to a Ctrl-C of the terminal
    child.kill("SIGHUP");
    while (await readMore());
    expect(output).toBe("ready\nSIGTERM 1\n");
    expect(await child.exited).toBe(3);
  });

  test("under npx stops what it serves when its shell has died", async () => {
    const main = `
      process.on("SIGTERM", () => { console.log("SIGTERM"); process.exit(0); });
      setInterval(() => {}, 1000);
      console.log("ready");
    `;
    const root = makeTree("linked", main);
    const child = Bun.spawn([Bun.which("sh")!, "-c", `node ${root}/engine/cli/launcher.mjs serve; true`], {
      env: { PATH: join(root, "bin"), HOME: root, npm_command: "exec" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    let output = "";
    for await (const chunk of child.stdout) {
      output += new TextDecoder().decode(chunk);
      if (output === "ready\n") child.kill("SIGTERM"); // the shell alone, as npx does
    }
    expect(output).toBe("ready\nSIGTERM\n");
  });

  test("runs the tests under test/ for --run-tests, with further arguments", async () => {
    const root = makeTree("linked");
    const one = (name: string): string => `import { test } from "bun:test"; test("${name}", () => {});\n`;
    writeFileSync(join(root, "test/a.test.ts"), one("a"));
    writeFileSync(join(root, "test/b.test.ts"), one("b"));
    writeFileSync(join(root, "outside.test.ts"), "throw new Error('not a test of ours');\n");
    const all = await launch(root, ["--run-tests"]);
    expect(all.stderr).toContain(" 2 pass");
    expect(all.code).toBe(0);
    const some = await launch(root, ["--run-tests", "a.test"]);
    expect(some.stderr).toContain(" 1 pass");
  });

  test("says what is missing when an installed package lacks a dependency", async () => {
    const root = makeTree("linked");
    const inside = join(root, "node_modules/millrace");
    mkdirSync(join(inside, "engine/cli"), { recursive: true });
    copyFileSync(join(root, "engine/cli/launcher.mjs"), join(inside, "engine/cli/launcher.mjs"));
    writeJson(join(inside, "package.json"), { version: "1.0.0", dependencies: { bun: BUN_VERSION, snappy: "7.4.3" } });
    const result = await launch(inside, ["serve"]);
    expect(result.stderr).toBe("millrace: packages are missing (snappy): install millrace again\n");
    expect(result.code).toBe(1);
  });
});

describe("the launcher under Bun, without node", () => {
  test("starts main with the same Bun", async () => {
    const root = makeTree("nowhere");
    rmSync(join(root, "bin/node"), { force: true });
    const result = await launch(root, ARGUMENTS, process.execPath);
    expect(result).toEqual({ stdout: `${JSON.stringify(ARGUMENTS)}\n`, stderr: "", code: 0 });
  });
});

describe("the bundled entry", () => {
  const bundles = (root: string): string[] => {
    const folder = join(root, "node_modules/.cache/millrace");
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  };

  test("is built once and used again", async () => {
    const root = makeTree("linked");
    await launch(root, [], process.execPath);
    const [first] = bundles(root);
    const path = join(root, "node_modules/.cache/millrace", first!, "main.js");
    writeFileSync(path, "console.log('from the bundle');\n");
    expect((await launch(root, [], process.execPath)).stdout).toBe("from the bundle\n");
    expect(bundles(root)).toEqual([first!]);
  });

  test("is never stale, though size and time of a source stay the same", async () => {
    const root = makeTree("linked", "console.log('old');\n");
    const source = join(root, "engine/cli/main.ts");
    utimesSync(source, 500_000_000, 500_000_000);
    expect((await launch(root, [], process.execPath)).stdout).toBe("old\n");
    writeFileSync(source, "console.log('new');\n");
    utimesSync(source, 500_000_000, 500_000_000);
    expect((await launch(root, [], process.execPath)).stdout).toBe("new\n");
    expect(bundles(root)).toHaveLength(1);
  });

  test("keeps what each source sees of its own place", async () => {
    const root = makeTree("linked", "import { here } from '../../native/place.ts';\nconsole.log(here);\n");
    writeFileSync(join(root, "native/place.ts"), "export const here = import.meta.dir;\n");
    expect((await launch(root, [], process.execPath)).stdout).toBe(`${join(root, "native")}\n`);
  });

  test("gives way to the sources where it cannot be built", async () => {
    const root = makeTree("linked");
    writeFileSync(join(root, "node_modules/.cache"), "in the way");
    expect((await launch(root, ["x"], process.execPath)).stdout).toBe("[\"x\"]\n");
    expect(readFileSync(join(root, "node_modules/.cache"), "utf8")).toBe("in the way");
  });
});
