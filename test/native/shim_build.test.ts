/**
 * How a build is chosen: the cache, the compiler, TinyCC, node:fs. Each case is a process of its own
 * over a copy of the sources, because a process loads a build once.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const REPOSITORY = join(import.meta.dir, "../..");
const COMPILER = Bun.which("cc");
const ON_LINUX_X64 = process.platform === "linux" && process.arch === "x64";
/** A place where nothing can be made, not even by root. */
const NOWHERE = "/dev/null/nowhere";

// Each case starts several processes and a compiler: seconds on a busy machine.
setDefaultTimeout(60_000);

let base = "";
let cases = 0;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "millrace-build-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** An installation of the sources with its own caches and its own PATH. */
class Installation {
  readonly root = join(base, `case-${cases++}`);
  readonly path = join(this.root, "bin");
  readonly cache = join(this.root, "cache");
  readonly calls = join(this.root, "calls");
  readonly env: Record<string, string>;

  constructor() {
    for (const folder of ["native", "engine/base", "engine/model"]) {
      cpSync(join(REPOSITORY, folder), join(this.root, folder), { recursive: true });
    }
    mkdirSync(this.path);
    this.env = { PATH: this.path, XDG_CACHE_HOME: this.cache, TMPDIR: join(this.root, "tmp") };
  }

  /** Puts a `cc` into PATH that counts its calls and then runs `command`. */
  addCompiler(command = `exec ${COMPILER} "$@" -O0`): this {
    const script = join(this.path, "cc");
    // The real compiler looks for its own parts, such as ld, in PATH.
    const path = process.env["PATH"];
    writeFileSync(script, `#!/bin/sh\nPATH=${path}\necho called >> ${this.calls}\n${command}\n`);
    chmodSync(script, 0o755);
    return this;
  }

  get compilerCalls(): number {
    return existsSync(this.calls) ? readFileSync(this.calls, "utf8").split("\n").length - 1 : 0;
  }

  get libraries(): string[] {
    const folder = join(this.cache, "millrace");
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  }

  /** What `loadNative()` picks in a new process; also checks that it can compute. */
  start(env: Record<string, string>, entry: string) {
    const script = `
      import { loadNative, nativeFailures } from ${JSON.stringify(entry)};
      try {
        const native = loadNative();
        const crc = native.crc32c(new TextEncoder().encode("123456789"), 0, 9);
        console.log(native.build, crc === 0xe3069283, nativeFailures().join("; "));
      } catch (error) {
        console.log("threw", error.name, error.message);
      }`;
    return Bun.spawn([process.execPath, "-e", script], {
      env: { ...this.env, ...env },
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  async pick(
    env: Record<string, string> = {},
    entry = join(this.root, "native/native.ts"),
  ): Promise<string> {
    const run = this.start(env, entry);
    const [out, error] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
    expect(error).toBe("");
    return out.trim();
  }
}

describe.skipIf(!ON_LINUX_X64)("choice of the native build", () => {
  test.skipIf(COMPILER === null)("the first start compiles, the next spawns nothing", async () => {
    const installation = new Installation().addCompiler();
    expect(await installation.pick()).toBe("cc true");
    expect(installation.compilerCalls).toBe(1);
    expect(await installation.pick()).toBe("cc true");
    expect(installation.compilerCalls).toBe(1);
    expect(installation.libraries.length).toBe(1);
  });

  test.skipIf(COMPILER === null)("a changed source or compiler builds anew", async () => {
    const installation = new Installation().addCompiler();
    await installation.pick();
    const source = join(installation.root, "native/files.c");
    writeFileSync(source, `${readFileSync(source, "utf8")}\n/* changed */\n`);
    expect(await installation.pick()).toBe("cc true");
    expect(installation.compilerCalls).toBe(2);
    installation.addCompiler(`exec ${COMPILER} "$@" -O1`);
    expect(await installation.pick()).toBe("cc true");
    expect(installation.compilerCalls).toBe(3);
    expect(installation.libraries.length).toBe(3);
  });

  test.skipIf(COMPILER === null)("processes that start together all get a whole library", async () => {
    const installation = new Installation().addCompiler();
    const picks = await Promise.all([1, 2, 3].map(() => installation.pick()));
    expect(picks).toEqual(["cc true", "cc true", "cc true"]);
    expect(installation.libraries.length).toBe(1);
    expect(installation.libraries[0]).toEndWith(".so");
  });

  test.skipIf(COMPILER === null)("a damaged library is built again", async () => {
    const installation = new Installation().addCompiler();
    await installation.pick();
    const library = installation.libraries[0]!;
    for (const damage of [new Uint8Array(0), new Uint8Array(9000)]) {
      writeFileSync(library, damage);
      expect(await installation.pick()).toBe("cc true");
      expect(readFileSync(library).subarray(1, 4).toString()).toBe("ELF");
    }
    expect(installation.compilerCalls).toBe(3);
  });

  test.skipIf(COMPILER === null)("without a compiler a cached library still serves", async () => {
    const installation = new Installation().addCompiler();
    await installation.pick();
    rmSync(join(installation.path, "cc"));
    expect(await installation.pick()).toBe("cc true");
  });

  test.skipIf(COMPILER === null)("a folder that others may write to is not trusted", async () => {
    const installation = new Installation().addCompiler();
    await installation.pick();
    chmodSync(join(installation.cache, "millrace"), 0o777);
    expect(await installation.pick()).toBe("cc true");
    expect(installation.compilerCalls).toBe(2); // built in the next place
    expect(await installation.pick()).toBe("cc true");
    expect(installation.compilerCalls).toBe(2);
  });

  test("nowhere to write and no compiler: TinyCC", async () => {
    const installation = new Installation();
    const env = { XDG_CACHE_HOME: NOWHERE, TMPDIR: NOWHERE };
    expect(await installation.pick(env)).toStartWith("tcc true native build cc passed over: no C compiler");
    installation.addCompiler();
    if (COMPILER !== null) {
      expect(await installation.pick(env)).toStartWith("tcc true native build cc passed over: no place");
    }
  });

  test("a compiler that fails is passed over, and says why when asked for", async () => {
    const installation = new Installation().addCompiler('echo "x.c:1: error: no such luck" >&2; exit 3');
    expect(await installation.pick()).toContain("tcc true native build cc passed over");
    expect(await installation.pick({ MILLRACE_NATIVE: "cc" })).toMatch(
      /^threw ShimUnavailable .*failed \(3\): x\.c:1: error: no such luck$/,
    );
    expect(installation.libraries).toEqual([]);
  });

  test("the environment decides", async () => {
    const installation = new Installation();
    expect(await installation.pick({ MILLRACE_NATIVE: "off" })).toBe("off true");
    expect(await installation.pick({ MILLRACE_NATIVE: "tcc" })).toBe("tcc true");
    expect(await installation.pick({ MILLRACE_NATIVE: "cc" })).toContain("no C compiler in PATH");
    expect(await installation.pick({ MILLRACE_NATIVE: "gcc" })).toBe(
      'threw ShimUnavailable MILLRACE_NATIVE is "gcc": give cc, tcc or off',
    );
  });

  test("without sources the portable path serves", async () => {
    const installation = new Installation();
    rmSync(join(installation.root, "native/shim.c"));
    expect(await installation.pick()).toStartWith("off true native build cc passed over: no sources");
  });

  test("bundled code finds the sources above it", async () => {
    const installation = new Installation();
    const entry = join(installation.root, "native/native.ts");
    const outdir = join(installation.root, "build/deep");
    const built = await Bun.build({ entrypoints: [entry], outdir, target: "bun" });
    expect(built.success).toBe(true);
    expect(await installation.pick({}, join(outdir, "native.js"))).toStartWith("tcc true");
  });

  test("sources and symbols that disagree stop the start", async () => {
    const installation = new Installation();
    const source = join(installation.root, "native/shim.c");
    const text = readFileSync(source, "utf8");
    writeFileSync(source, text.replace(/#define ABI_VERSION \d+/, "#define ABI_VERSION 9999"));
    expect(await installation.pick()).toMatch(/shim\.c and symbols\.ts disagree: 9999, \d+$/);
  });
});

const namespaces =
  ON_LINUX_X64 && Bun.spawnSync(["unshare", "--user", "--map-root-user", "--mount", "true"]).success;

/** A test that rearranges mounts, in a namespace of its child's own. */
function testWithMounts(title: string, body: () => void | Promise<void>): void {
  if (namespaces) test(title, body);
  else test.skip(`${title} (no mount namespaces here)`, body);
}

function runWithMounts(shell: string, script: string, env: Record<string, string>): string {
  const unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"];
  const command = [...unshare, `set -e\n${shell}\nexec "$0" -e "$1"`, process.execPath, script];
  const run = Bun.spawnSync(command, { env: { PATH: process.env["PATH"]!, ...env }, stderr: "pipe" });
  return run.stdout.toString().trim() || run.stderr.toString();
}

describe.skipIf(!ON_LINUX_X64 || COMPILER === null)("a cache that may not execute", () => {
  testWithMounts("is passed over, and the next place is found at once from then on", () => {
    const installation = new Installation().addCompiler();
    const other = join(installation.root, "tmp");
    mkdirSync(other);
    // Both starts in one namespace: the first place is a file system mounted noexec.
    const start = `"$0" -e "$1"`;
    const shell = `mkdir ${installation.cache}; mount -t tmpfs -o noexec none ${installation.cache}
      export PATH=${installation.path} XDG_CACHE_HOME=${installation.cache} TMPDIR=${other}
      ${start}; echo calls $(/usr/bin/wc -l < ${installation.calls})`;
    const script = `
      import { loadNative } from ${JSON.stringify(join(installation.root, "native/native.ts"))};
      console.log(loadNative("cc").build);`;
    expect(runWithMounts(shell, script, {})).toBe("cc\ncalls 2\ncc");
    expect(installation.compilerCalls).toBe(2);
  });
});

describe.skipIf(!ON_LINUX_X64)("TinyCC on a machine without libc6-dev", () => {
  testWithMounts("compiles, and needs no PATH either", () => {
    const installation = new Installation();
    const probe = join(installation.root, "probe.c");
    writeFileSync(probe, "int probe(void) { return 7; }\n");
    const script = `
      import { cc } from "bun:ffi";
      import { loadNative } from ${JSON.stringify(join(installation.root, "native/native.ts"))};
      const source = ${JSON.stringify(probe)};
      let linked = "linked";
      try { cc({ source, symbols: { probe: { args: [], returns: "i32" } } }); } catch { linked = "found no libc"; }
      console.log(linked, loadNative("tcc").crc32c(new TextEncoder().encode("123456789"), 0, 9));`;
    // The library folder without its development half.
    const shell = `
      folder=$(dirname $(readlink -f /lib64/ld-linux-x86-64.so.2)); here=${installation.root}
      mkdir $here/real $here/shown; mount --bind $folder $here/real
      ln -s $here/real/* $here/shown; rm -f $here/shown/libc.so $here/shown/libc.a
      mount --bind $here/shown $folder
      export PATH=`;
    // The plain program fails there, which shows that the C library is hidden indeed.
    expect(runWithMounts(shell, script, {})).toBe(`found no libc ${0xe306_9283}`);
  });
});
