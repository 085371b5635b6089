/** produce and consume as processes: what goes in comes out. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLog } from "../../engine/embed/index.ts";
import { MAIN, cliWorld, millrace, millraceBytes, printed } from "./harness.ts";

const world = cliWorld({ "num.partitions": "1" });
let topics = 0;
const newTopic = (): string => `topic-${topics++}`;

/** As much text as takes several batches, with empty lines, carriage returns and no newline at the end. */
function manyLines(): Uint8Array {
  const lines = Array.from({ length: 20_000 }, (_, index) =>
    index % 50 === 0 ? "" : index % 51 === 0 ? "ends in a return\r" : `{"id":${index},"text":"grüße ${index * 7919}"}`);
  return new TextEncoder().encode(lines.join("\n"));
}

describe("a file of lines", () => {
  const bytes = manyLines();
  const count = 20_000;

  test.each(["none", "gzip", "snappy", "lz4", "zstd"])("comes back as it went in, through %s", async (codec) => {
    const topic = newTopic();
    const file = join(world.root, "lines.txt");
    writeFileSync(file, bytes);
    const produced = await printed(["produce", ...world.at, "--topic", topic, "-z", codec, "--json", file]);
    expect(JSON.parse(produced)).toEqual({ topic, records: count });
    const back = await millraceBytes(["consume", ...world.at, "--topic", topic, "--from-beginning", "-e"]);
    expect(back.error).toBe("");
    expect(Buffer.compare(back.out, Buffer.concat([bytes, Buffer.from("\n")]))).toBe(0);
    await using log = await openLog({ dir: world.dataDir, topic });
    expect(log.highWatermark).toBe(count as never);
  });

  test("may come through a pipe, in small batches", async () => {
    const topic = newTopic();
    await printed(["produce", ...world.at, "--topic", topic, "--batch-size", "20000"], bytes);
    const back = await millraceBytes(["consume", ...world.at, "--topic", topic, "--from-beginning", "-e"]);
    expect(Buffer.compare(back.out, Buffer.concat([bytes, Buffer.from("\n")]))).toBe(0);
  });

  test.each(["0", "1", "all"])("is there with acks %p", async (acks) => {
    const topic = newTopic();
    await printed(["produce", ...world.at, "--topic", topic, "--acks", acks, "--batch-size", "100000"], bytes);
    const back = ["consume", ...world.at, "--topic", topic, "--from-beginning", "--max-messages", `${count}`];
    expect((await printed(back)).split("\n").length).toBe(count + 1);
  });
});

describe("keys, headers, times", () => {
  test("are told apart by a separator, and printed with one", async () => {
    const topic = newTopic();
    await printed(["produce", ...world.at, "--topic", topic, "-K", "=>"], "a=>1\nno key\n=>empty key\nb=>2=>3\n");
    const read = ["consume", ...world.at, "--topic", topic, "--from-beginning", "--exit-at-end"];
    expect(await printed(read)).toBe("1\nno key\nempty key\n2=>3\n");
    expect(await printed([...read, "--print-key"])).toBe("a\t1\nnull\tno key\n\tempty key\nb\t2=>3\n");
    expect(await printed([...read, "--key-separator", "|"])).toBe("a|1\nnull|no key\n|empty key\nb|2=>3\n");
  });

  test("appear in JSON, bytes that are no text included", async () => {
    const topic = newTopic();
    const value = Uint8Array.of(0xff, 0x00, 0xfe);
    const flags = ["-H", "source=test", "-H", "empty="];
    await printed(["produce", ...world.at, "--topic", topic, "-K", ":", ...flags], "k:v\n");
    await printed(["produce", ...world.at, "--topic", topic], value);
    {
      await using log = await openLog({ dir: world.dataDir, topic });
      await log.append({ key: "k", value: null, timestamp: 1_700_000_000_000 });
    }
    const out = await printed(["consume", ...world.at, "--topic", topic, "--from-beginning", "-e", "--json"]);
    const records = out.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toMatchObject([
      { topic, partition: 0, offset: 0, key: "k", value: "v", headers: [["source", "test"], ["empty", ""]] },
      { offset: 1, key: null, value: { base64: "/wD+" }, headers: [] },
      { offset: 2, key: "k", value: null, timestamp: 1_700_000_000_000 },
    ]);
    const raw = await millraceBytes(["consume", ...world.at, "--topic", topic, "--offset", "1", "-c", "1"]);
    expect(Buffer.from(raw.out).toString("hex")).toBe("ff00fe0a");
  });
});

describe("where to read", () => {
  test("is a number, an end, so many before it, or a time", async () => {
    const topic = newTopic();
    {
      await using log = await openLog({ dir: world.dataDir, topic });
      for (let index = 0; index < 10; index++) await log.append({ value: `${index}`, timestamp: 1000 * (index + 1) });
    }
    const read = async (...flags: string[]): Promise<string> =>
      (await printed(["consume", ...world.at, "--topic", topic, "--exit-at-end", ...flags])).replaceAll("\n", " ");
    expect(await read("--offset", "7")).toBe("7 8 9 ");
    expect(await read("--offset", "10")).toBe("");
    expect(await read("--offset=-2")).toBe("8 9 ");
    expect(await read("-o", "-99", "-c", "1")).toBe("0 ");
    expect(await read("--offset", "@4500")).toBe("4 5 6 7 8 9 ");
    expect(await read("--offset", "@99999")).toBe("");
    expect(await read("--offset", "earliest", "--max-messages", "3")).toBe("0 1 2 ");
    expect(await read("--offset", "latest")).toBe("");
    expect(await read("--from-beginning", "--max-messages", "0")).toBe("");
    expect(await read()).toBe("");
  });

  test("is one partition of several, or all", async () => {
    const topic = newTopic();
    await printed(["topics", ...world.at, "--create", "--topic", topic, "--partitions", "3"]);
    for (const partition of ["0", "1", "2"]) {
      await printed(["produce", ...world.at, "--topic", topic, "-p", partition], `in ${partition}\n`);
    }
    const read = ["consume", ...world.at, "--topic", topic, "--from-beginning", "-e"];
    expect(await printed([...read, "--partition", "1"])).toBe("in 1\n");
    expect((await printed(read)).split("\n").sort()).toEqual(["", "in 0", "in 1", "in 2"]);
    const same = Array.from({ length: 300 }, (_, index) => `key ${index % 10}=${index}`).join("\n");
    await printed(["produce", ...world.at, "--topic", topic, "-K", "="], same);
    const out = await printed([...read, "--json"]);
    const places = new Map<string, Set<number>>();
    for (const line of out.trim().split("\n")) {
      const { key, partition } = JSON.parse(line) as { key: string | null; partition: number };
      if (key !== null) places.set(key, (places.get(key) ?? new Set()).add(partition));
    }
    expect([...places.values()].map((partitions) => partitions.size)).toEqual(new Array(10).fill(1));
    expect(new Set([...places.values()].flatMap((partitions) => [...partitions])).size).toBeGreaterThan(1);
    const { code, error } = await millrace(["consume", ...world.at, "--topic", topic, "--offset", "1", "-e"]);
    expect([code, error]).toEqual([1, expect.stringContaining("--partition") as never]);
  });

  test("goes on with what comes, until enough came or nothing for a while", async () => {
    const topic = newTopic();
    await using log = await openLog({ dir: world.dataDir, topic });
    const waiting = printed(["consume", ...world.at, "--topic", topic, "--from-beginning", "--max-messages", "3"]);
    for (const value of ["a", "b", "c", "d"]) {
      await log.append({ value });
      await Bun.sleep(5);
    }
    expect(await waiting).toBe("a\nb\nc\n");
    expect(await printed(["consume", ...world.at, "--topic", topic, "-o", "2", "--timeout-ms", "50"])).toBe("c\nd\n");
  });

  test("leaves out what was aborted when told to", async () => {
    const topic = newTopic();
    await printed(["produce", ...world.at, "--topic", topic], "a\n");
    const read = ["consume", ...world.at, "--topic", topic, "--from-beginning", "-e"];
    expect(await printed([...read, "--isolation-level", "read_committed"])).toBe("a\n");
  });
});

describe("whoever reads the output", () => {
  test("may stop, as head does: no error, no message", async () => {
    const topic = newTopic();
    await printed(["produce", ...world.at, "--topic", topic], manyLines());
    const command = [process.execPath, MAIN, "consume", ...world.at, "--topic", topic, "--from-beginning"];
    const shell = Bun.spawn(["sh", "-c", `"$@" | head -n 2; exit 0`, "sh", ...command], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, error] = await Promise.all([new Response(shell.stdout).text(), new Response(shell.stderr).text()]);
    expect(out.split("\n").length).toBe(3);
    expect(error).toBe("");
  });

  test("may be slow: what it has not taken yet is not read into memory", async () => {
    const topic = newTopic();
    {
      await using log = await openLog({ dir: world.dataDir, topic });
      const value = new Uint8Array(500_000).fill(97);
      for (let index = 0; index < 600; index++) await log.append({ value });
    }
    const child = Bun.spawn([process.execPath, MAIN, "consume", ...world.at, "--topic", topic, "--from-beginning"], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const reader = child.stdout.getReader();
    let [bytes, chunks] = [0, 0];
    let residentMax = 0;
    while (bytes < 600 * 500_001) {
      const { value } = await reader.read();
      bytes += value!.length;
      if (bytes < 10_000_000) await Bun.sleep(5);
      if (++chunks % 50 !== 0) continue;
      const status = await Bun.file(`/proc/${child.pid}/status`).text();
      residentMax = Math.max(residentMax, Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024);
    }
    child.kill();
    await child.exited;
    expect(bytes).toBe(600 * 500_001);
    expect(residentMax).toBeLessThan(250);
  }, 20_000);
});
