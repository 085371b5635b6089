/** What goes wrong is told in one line that says what to do, with exit code 1. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startBroker } from "../../engine/embed/index.ts";
import { MAIN, cliWorld, millrace, printed } from "./harness.ts";

const world = cliWorld({ "auto.create.topics.enable": "false" });

async function lineOf(args: readonly string[], input = ""): Promise<string> {
  const { code, error, out } = await millrace(args, input);
  expect(code).toBe(1);
  expect(out).toBe("");
  expect(error).toStartWith("millrace: ");
  expect(error.trimEnd().split("\n").length).toBe(1);
  return error;
}

describe("help", () => {
  test("lists the commands, and tells of each", async () => {
    const overview = await printed(["--help"]);
    for (const name of ["serve", "topics", "produce", "consume", "dump", "check"]) {
      expect(overview).toContain(`\n  ${name} `);
      const { code, out } = await millrace([name, "--help"]);
      expect(code).toBe(0);
      expect(out).toContain(`Usage: millrace ${name} `);
      for (const line of out.split("\n")) expect(line.length).toBeLessThan(130);
    }
  });

  test("stands beside the version", async () => {
    expect(await printed(["--version"])).toMatch(/^millrace \d+\.\d+\.\d+\n$/);
  });

  test("comes when no command was given, too", async () => {
    const { code, out } = await millrace([]);
    expect([code, out]).toEqual([1, expect.stringContaining("Usage: millrace COMMAND") as never]);
  });
});

describe("refused in one line:", () => {
  test("a command that is none", async () => {
    expect(await lineOf(["explode"])).toContain('no command "explode"');
    expect(await lineOf(["constructor"])).toContain("--help");
  });

  test("a flag that is none", async () => {
    for (const command of ["serve", "topics", "produce", "consume", "dump", "check"]) {
      expect(await lineOf([command, "--nope"])).toContain(`unknown flag --nope: see \`millrace ${command} --help\``);
    }
  });

  test("a topic that was not named", async () => {
    expect(await lineOf(["consume", ...world.at])).toContain("--topic is missing");
    expect(await lineOf(["produce", ...world.at])).toContain("--topic is missing");
  });

  test("a broker that is not there", async () => {
    for (const command of ["topics --list", "produce -t t", "consume -t t"]) {
      const line = await lineOf([...command.split(" "), "--bootstrap-server", "127.0.0.1:1"]);
      expect(line).toContain("no broker answers at 127.0.0.1:1: start one with `millrace serve`");
    }
    expect(await lineOf(["consume", "-t", "t", "-b", "nowhere"])).toContain("write it as HOST:PORT");
  });

  test("a topic that does not exist", async () => {
    expect(await lineOf(["consume", ...world.at, "-t", "none"])).toContain("there is no topic none: `millrace topics");
    expect(await lineOf(["produce", ...world.at, "-t", "none"], "x\n")).toContain("--create --topic none");
    expect(await lineOf(["topics", ...world.at, "--describe", "--topic", "none"])).toContain("no topic matches none");
  });

  test("a partition, an offset or a codec that does not exist", async () => {
    await printed(["topics", ...world.at, "--create", "--topic", "small"]);
    const read = ["consume", ...world.at, "-t", "small"];
    expect(await lineOf([...read, "--partition", "1"])).toContain("small has 1, numbered from 0");
    expect(await lineOf([...read, "--offset", "7"])).toContain("small 0 holds 0 to 0");
    expect(await lineOf([...read, "--offset", "soon"])).toContain("give a number, -N, earliest, latest or @MS");
    expect(await lineOf([...read, "--max-messages", "few"])).toContain("--max-messages few");
    expect(await lineOf([...read, "--isolation-level", "total"])).toContain("read_committed");
    const write = ["produce", ...world.at, "-t", "small"];
    expect(await lineOf([...write, "-z", "rar"])).toContain("give none, gzip, snappy, lz4 or zstd");
    expect(await lineOf([...write, "--acks", "2"])).toContain("give all, 1 or 0");
    expect(await lineOf([...write, "-p", "9"])).toContain("small has 1");
    expect(await lineOf([...write, "-H", "no value"])).toContain("key=value");
    expect(await lineOf([...write, "-K", ""])).toContain("at least one character");
  });

  test("a file that is missing, or none", async () => {
    const write = ["produce", ...world.at, "-t", "small"];
    expect(await lineOf([...write, join(world.root, "missing.txt")])).toContain("no such file");
    expect(await lineOf([...write, world.root])).toContain("a directory");
    expect(await lineOf([...write, "one", "two"])).toContain("give one FILE");
  });

  test("a record that the topic does not take, and how many it took", async () => {
    const config = ["--config", "max.message.bytes=2000"];
    await printed(["topics", ...world.at, "--create", "--topic", "strict", ...config]);
    const input = `${"fits\n".repeat(10)}${"x".repeat(5_000)}\n`;
    const line = await lineOf(["produce", ...world.at, "-t", "strict", "--batch-size", "10"], input);
    expect(line).toContain("max.message.bytes");
    expect(line).toContain("(10 records were acknowledged before)");
  });

  test("a broker that goes away", async () => {
    const broker = await startBroker({ dir: join(world.root, "short-lived"), port: 0, flush: "os" });
    const at = ["-b", `127.0.0.1:${broker.port}`];
    await printed(["topics", ...at, "--create", "--topic", "t"]);
    await printed(["produce", ...at, "-t", "t"], "a\n");
    const child = Bun.spawn([process.execPath, MAIN, "consume", ...at, "-t", "t", "--from-beginning"], {
      stdout: "pipe",
      stderr: "pipe",
    });
    await child.stdout.getReader().read();
    await broker.close();
    expect(await child.exited).toBe(1);
    const line = `millrace: the connection to 127.0.0.1:${broker.port} is closed\n`;
    expect(await new Response(child.stderr).text()).toBe(line);
  });

  test("a directory that is none", async () => {
    expect(await lineOf(["check", join(world.root, "missing")])).toContain("no such directory");
    expect(await lineOf(["check"])).toContain("name one data directory");
    expect(await lineOf(["dump"])).toContain("name a file");
    expect(await lineOf(["dump", join(world.root, "missing.log")])).toContain("does not exist");
    const other = join(world.root, "other.txt");
    writeFileSync(other, "x");
    expect(await lineOf(["dump", other])).toContain(".timeindex");
    mkdirSync(join(world.root, "empty"));
    const { code, out } = await millrace(["check", join(world.root, "empty")]);
    expect([code, out]).toEqual([1, expect.stringContaining("no formatted data directory") as never]);
  });
});
