/** `millrace serve` as a process: its lines, its signals, its exit codes. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { connect as connectSocket } from "node:net";
import type { Socket as NodeSocket } from "node:net";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { Client } from "../../engine/client/client.ts";
import { fetchRequest, fetchResponse } from "../../engine/wire/api/01_fetch.ts";
import { metadataRequest, metadataResponse } from "../../engine/wire/api/03_metadata.ts";
import { until } from "./harness.ts";

const MAIN = join(import.meta.dir, "../../engine/cli/main.ts");
const root = mkdtempSync(join(tmpdir(), "millrace-serve-"));
const started: Serving[] = [];
let folders = 0;

afterEach(() => {
  for (const serving of started.splice(0)) serving.process.kill("SIGKILL");
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

class Serving {
  readonly process: Subprocess<"ignore", "pipe", "pipe">;
  out = "";
  error = "";

  constructor(args: readonly string[]) {
    this.process = Bun.spawn([process.execPath, MAIN, "serve", ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    void this.#follow(this.process.stdout, (text) => (this.out += text));
    void this.#follow(this.process.stderr, (text) => (this.error += text));
    started.push(this);
  }

  async #follow(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
  }

  async ready(): Promise<number> {
    await until(() => /ready on .*\n.*\n/.test(this.out) || this.process.exitCode !== null, "ready");
    return Number(/127\.0\.0\.1:(\d+)/.exec(this.out)?.[1]);
  }

  /** Exit code, after the output has been read to its end. */
  async end(): Promise<number> {
    const code = await this.process.exited;
    await Bun.sleep(0);
    return code;
  }
}

function serve(...args: readonly string[]): Serving {
  return new Serving(args);
}

const newFolder = (): string => join(root, `data-${folders++}`);

async function connect(port: number): Promise<Client> {
  return Client.connect({ host: "127.0.0.1", port, clientId: "t" });
}

describe("a start", () => {
  test("says where it is, what survives and how to produce a first message", async () => {
    const dir = newFolder();
    const serving = serve("--port", "0", "--dir", dir);
    const port = await serving.ready();
    const [ready, hint] = serving.out.split("\n");
    expect(ready).toContain(`127.0.0.1:${port}`);
    expect(ready).toContain(dir);
    expect(ready).toContain("flush.mode commit");
    expect(hint).toContain(`millrace produce --bootstrap-server 127.0.0.1:${port} --topic first`);
    serving.process.kill("SIGTERM");
    expect(await serving.end()).toBe(0);
    expect(existsSync(join(dir, ".kafka_cleanshutdown"))).toBe(true);
  });

  test("takes a properties file, and flags before it", async () => {
    const file = join(root, "server.properties");
    writeFileSync(file, "flush.mode=commit\nnum.partitions=3\nno.such.thing=1\nlisteners=PLAINTEXT://127.0.0.1:1\n");
    const serving = serve(
      ...["--config", file, "--port", "0", "--dir", newFolder(), "--flush", "os", "--json-log"],
      ...["--set", "num.partitions=5"],
    );
    const port = await serving.ready();
    expect(serving.out).toContain("flush.mode os");
    await until(() => serving.error.includes("\n"), "the warning");
    const warning = JSON.parse(serving.error.split("\n")[0]!) as Record<string, string>;
    expect(warning).toMatchObject({ level: "warn", name: "no.such.thing" });
    const client = await connect(port);
    const { topics } = await client.call(
      { request: metadataRequest, response: metadataResponse },
      { topics: [{ name: "made" }] },
    );
    expect(topics[0]!.partitions.length).toBe(5);
    client.close();
  });
});

describe("refuses in one line with exit code 1", () => {
  const DIR = ["--dir", newFolder()];
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ["an unknown flag", ["--prot", "1"], "--help"],
    ["a bad port", ["--port", "seven", ...DIR], "--port seven"],
    ["a bad value", ["--set", "num.partitions=many", ...DIR], "num.partitions"],
    ["two data directories", ["--port", "0", "--set", "log.dirs=/a,/b"], "log.dirs"],
    ["TLS, which is not there", ["--set", "listeners=SSL://127.0.0.1:0", ...DIR], "SSL"],
    ["a file that is not there", ["--config", "/nonexistent/server.properties", ...DIR], "server.properties"],
    ["a flush mode that is not there", ["--flush", "maybe", ...DIR], "flush.mode"],
  ];
  for (const [name, args, expected] of cases) {
    test(name, async () => {
      const serving = serve(...args);
      expect(await serving.end()).toBe(1);
      await until(() => serving.error.endsWith("\n"), "the line");
      expect(serving.error.split("\n").length).toBe(2);
      expect(serving.error).toContain(expected);
      expect(serving.out).toBe("");
    });
  }

  test("a port that is taken, and a directory in use", async () => {
    const dir = newFolder();
    const first = serve("--port", "0", "--dir", dir);
    const port = await first.ready();
    const onPort = serve("--port", String(port), "--dir", newFolder());
    const onDirectory = serve("--port", "0", "--dir", dir);
    expect([await onPort.end(), await onDirectory.end()]).toEqual([1, 1]);
    await until(() => onPort.error.endsWith("\n") && onDirectory.error.endsWith("\n"), "both lines");
    expect(onPort.error).toBe(
      `millrace: 127.0.0.1:${port} is in use: stop what listens there, or choose another port with --port\n`,
    );
    expect(onDirectory.error.split("\n").length).toBe(2);
    expect(onDirectory.error).toContain(dir);
  });

  test("a health port that is taken, when it serves already", async () => {
    const first = serve("--port", "0", "--dir", newFolder());
    const port = await first.ready();
    const second = serve("--port", "0", "--dir", newFolder(), "--health-port", String(port));
    expect(await second.end()).toBe(1);
    await until(() => second.error.endsWith("\n"), "its line");
    expect(second.error).toContain(`--health-port ${port}`);
    expect(second.error.split("\n").length).toBe(2);
  });
});

describe("a signal", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} answers who is parked and ends with 0`, async () => {
      const serving = serve("--port", "0", "--dir", newFolder());
      const client = await connect(await serving.ready());
      await client.call({ request: metadataRequest, response: metadataResponse }, { topics: [{ name: "t" }] });
      const parked = client.call({ request: fetchRequest, response: fetchResponse }, {
        maxWaitMs: 600_000,
        minBytes: 1,
        topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
        forgottenTopicsData: [],
      }, 12);
      await client.drained();
      // What was sent before this round trip has been read when it is answered.
      await (await connect(client.port)).call({ request: metadataRequest, response: metadataResponse }, { topics: [] });
      serving.process.kill(signal);
      expect((await parked).responses[0]!.partitions[0]!.errorCode).toBe(0);
      expect(await serving.end()).toBe(0);
    });
  }

  /** A peer that has been served once and does not close its side: it holds a stop up. */
  async function stuckPeer(port: number): Promise<NodeSocket> {
    const served = Promise.withResolvers<void>();
    const peer = connectSocket({ host: "127.0.0.1", port, allowHalfOpen: true });
    peer.on("data", () => served.resolve());
    peer.on("error", () => undefined);
    peer.write(Buffer.from("0000000a00120000000000010000", "hex"));
    await served.promise;
    return peer;
  }

  test("a second one ends it at once, but not the echo of the first", async () => {
    const serving = serve("--port", "0", "--dir", newFolder());
    const stuck = await stuckPeer(await serving.ready());
    serving.process.kill("SIGTERM");
    await until(() => serving.error.includes("stopping"), "the first was heard");
    let signals = 0;
    await until(() => {
      if (serving.process.exitCode !== null) return true;
      signals++;
      serving.process.kill("SIGTERM");
      return false;
    }, "a later one ended it");
    expect(serving.process.exitCode).toBe(143);
    expect(signals).toBeGreaterThan(1);
    stuck.destroy();
  });
});
