/**
 * Runs the README: every shell block in order, as a newcomer would in a fresh clone, then every TypeScript
 * block; and compares its tables with what the code says. In the blocks only the port differs.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveCommand } from "../engine/cli/serve.ts";
import { BROKER_CONFIGS } from "../engine/model/broker_config_table.ts";
import { hasProgram, Program, run } from "./foreign/support/process.ts";

const ROOT = join(import.meta.dir, "..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const READY_TIMEOUT_MS = 60_000;
/** Ends the programs of a block as well, which a signal to the shell would not. */
const SHELL = ["timeout", "60", "/bin/sh", "-e", "-c"];

const MISSING = ["node", "npm", "npx", "timeout"].filter((name) => !hasProgram(name));
const WHY_NOT = MISSING.length === 0 ? null : `no ${MISSING.join(", ")}`;
if (WHY_NOT !== null) console.error(`skipped: the README's first steps: ${WHY_NOT} on this machine`);
if (!hasProgram("kcat")) console.error("skipped: the README's kcat block: no kcat on this machine");

interface Block {
  readonly language: string;
  readonly text: string;
  /** The comment before it says that the broker is stopped by now. */
  readonly isAfterStop: boolean;
}

const STOP = "<!-- test: stop the broker -->";

function blocksOf(language: string): Block[] {
  const blocks = README.matchAll(/^(<!-- .* -->\n\n)?```(\w+)\n([^]*?)^```$/gm);
  return [...blocks]
    .map((match) => ({ language: match[2]!, text: match[3]!, isAfterStop: match[1]?.trim() === STOP }))
    .filter((block) => block.language === language);
}

/** A folder that looks like the clone, with nothing of the clone's own in the way. */
function makeClone(): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-readme-"));
  for (const name of ["package.json", "engine", "native"]) symlinkSync(join(ROOT, name), join(folder, name));
  // The name by which a program imports it. Of npx nothing is left behind in the user's cache.
  mkdirSync(join(folder, "program/node_modules"), { recursive: true });
  symlinkSync(ROOT, join(folder, "program/node_modules/millrace"));
  return folder;
}

/** Blocks rely on the default port; here it may be in use. */
function onPort(text: string, port: string): string {
  const address = `--bootstrap-server 127.0.0.1:${port}`;
  return text
    .replaceAll(/npx millrace (produce|consume|topics)/g, `npx millrace $1 ${address}`)
    .replaceAll("127.0.0.1:9092", `127.0.0.1:${port}`);
}

describe.skipIf(WHY_NOT !== null)("the README's first steps", () => {
  const folder = makeClone();
  const env = { npm_config_cache: join(folder, "npm"), npm_config_update_notifier: "false" };
  const outputs = new Map<string, string>();
  let broker: Program | null = null;

  beforeAll(async () => {
    const [start, ...blocks] = blocksOf("sh");
    expect(start!.text).toBe("npm start\n");
    broker = Program.start(["npm", "start", "--", "--port", "0"], { cwd: folder, env });
    const ready = await broker.waitFor(/ready on 127\.0\.0\.1:(\d+), data in (\S+),/, READY_TIMEOUT_MS);
    expect(ready[2]).toBe(join(folder, "data"));
    for (const block of blocks) {
      if (block.text.startsWith("kcat") && !hasProgram("kcat")) continue;
      if (block.isAfterStop && !broker.hasExited) expect(await broker.stop(), broker.output).toBe(0);
      const result = await run([...SHELL, onPort(block.text, ready[1]!)], { cwd: folder, env });
      const whole = `${block.text}\n${result.stdout}\n${result.stderr}\n${broker.output}`;
      expect(result.code, whole).toBe(0);
      expect(result.stderr, whole).not.toContain("millrace:");
      outputs.set(block.text.trim().split("\n").at(-1)!, result.stdout);
    }
    expect(broker.hasExited, "a block after the stop").toBe(true);
  }, 180_000);
  afterAll(async () => {
    await Program.killAll();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the block said that ends with this line. */
  function outputOf(lastLine: string): string {
    const output = outputs.get(lastLine);
    expect(output, `a block that ends with "${lastLine}"`).toBeDefined();
    return output!;
  }

  test("a record is written and read back", () => {
    expect(outputOf("npx millrace consume --topic first --from-beginning --exit-at-end")).toBe("hello\n");
  });

  test("every line comes back from each codec, and is counted", () => {
    const count = readFileSync(join(folder, "files.txt")).filter((byte) => byte === 10).length;
    expect(count).toBeGreaterThan(100);
    expect(outputOf("wc -l < files.txt").trim()).toBe(String(count));
    const counted = README.match(/^for codec in (.*); do$/m)![1]!.split(" ").map(() => String(count));
    expect(counted).toHaveLength(5);
    const loops = [...outputs].filter(([line, output]) => line === "done" && output.trim() !== "");
    expect(loops).toHaveLength(1);
    expect(loops[0]![1].trim().split(/\s+/)).toEqual(counted);
  });

  test("the directory is whole while it is used, and after the stop", () => {
    expect(outputOf("npx millrace check data")).toBe("data: no problems\n");
    expect(outputOf("wc -c data/files-*-0/*.log")).toStartWith("data: no problems\n");
  });

  test("dump shows the codec and the record, and the codecs save room", () => {
    const dumps = outputOf("npx millrace dump --print-data-log data/first-0/00000000000000000000.log");
    expect(dumps).toContain("compresscodec: zstd");
    expect(dumps).toContain("payload: hello");
    const sizes = new Map(
      [...outputOf("wc -c data/files-*-0/*.log").matchAll(/^ *(\d+) data\/files-(\w+)-0/gm)]
        .map((match) => [match[2]!, Number(match[1])] as const),
    );
    for (const codec of ["gzip", "snappy", "lz4", "zstd"]) {
      expect(sizes.get(codec), codec).toBeLessThan(sizes.get("none")! / 2);
    }
  });
});

describe("the README's programs", () => {
  const folder = makeClone();
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const [append, share, refuse] = blocksOf("ts");
  const cases = [
    { name: "append and read", block: append, said: /^0 \d+ signed up\n1 \d+ one\n2 \d+ two\n3 \d+ null\n$/ },
    { name: "a broker beside", block: share, said: /^127\.0\.0\.1:\d+ serves 5 records\n$/ },
    { name: "an error by its code", block: refuse, said: /^offset 1000000 is not in events-0/ },
  ];

  test("all of them are run here", () => {
    expect(blocksOf("ts")).toHaveLength(cases.length);
  });

  for (const [index, { name, block, said }] of cases.entries()) {
    test(name, async () => {
      const cwd = join(folder, "program");
      const file = join(cwd, `${index}.ts`);
      writeFileSync(file, block!.text);
      const result = await run([process.execPath, "--no-install", file], { cwd });
      expect(result.code, result.stderr).toBe(0);
      expect(result.stdout).toMatch(said);
    });
  }
});

describe("the README's tables", () => {
  test("name every flag of serve", () => {
    const section = README.slice(README.indexOf("### Serving"), README.indexOf("### Properties"));
    const flags = [...section.matchAll(/^\| `--([\w-]+)/gm)].map((match) => match[1]!);
    expect(flags.sort()).toEqual(Object.keys(serveCommand.flags).sort());
  });

  test("give the properties' real defaults", () => {
    const section = README.slice(README.indexOf("### Properties"), README.indexOf("### Durability"));
    const rows = [...section.matchAll(/^\| (`[^|]+) \| ([^|]*) \|/gm)];
    expect(rows.length).toBeGreaterThan(15);
    let compared = 0;
    for (const [, names, fallback] of rows) {
      const [first] = names!.match(/[a-z.]+[a-z]/)!;
      const definition = BROKER_CONFIGS.get(first);
      expect(definition, first).toBeDefined();
      // Words stand where the default is worked out.
      const value = fallback!.replaceAll("`", "").trim();
      if (definition!.fallback === null) continue;
      expect(value, first).toBe(definition!.fallback);
      compared++;
    }
    expect(compared).toBeGreaterThan(10);
  });
});
