/** check and dump as processes, on files that a broker is writing and on damaged ones. */
import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLog } from "../../engine/embed/index.ts";
import { millrace, printed } from "./harness.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-files-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const LOG = "t-0/00000000000000000000.log";
const METADATA_LOG = "__cluster_metadata-0/00000000000000000000.log";

async function written(name: string): Promise<string> {
  const dir = join(root, name);
  await using log = await openLog({ dir, topic: "t", flush: "os", config: { "index.interval.bytes": "0" } });
  await log.append([{ key: "k1", value: "v1", headers: [{ key: "h", value: "x" }] }, { value: "v2" }]);
  await log.append({ key: "k3", value: null, timestamp: 1_700_000_000_000 }, { compression: "zstd" });
  await log.append({ value: "v4" });
  return dir;
}

describe("check", () => {
  test("finds nothing in a sound directory, in use or not", async () => {
    const dir = await written("sound");
    expect(await printed(["check", dir])).toBe(`${dir}: no problems\n`);
    expect(await printed(["check", "--json", "--strict", dir])).toBe("");
    await using log = await openLog({ dir, topic: "t", flush: "commit" });
    await log.append({ value: "more" });
    expect(await printed(["check", dir])).toContain("no problems");
  });

  test("tells of damage, where it is, and ends with 1", async () => {
    const dir = await written("damaged");
    const bytes = readFileSync(join(dir, LOG));
    bytes[bytes.length - 2]! ^= 1;
    writeFileSync(join(dir, LOG), bytes);
    const text = await millrace(["check", dir]);
    expect(text.code).toBe(1);
    expect(text.out).toContain(`error: ${join(dir, LOG)} at byte `);
    expect(text.out).toMatch(/\d+ problems/);
    const json = await millrace(["check", "--json", dir]);
    expect(json.code).toBe(1);
    const problems = json.out.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(problems.find(({ path }) => path === join(dir, LOG))).toMatchObject({
      severity: "error",
      position: { end: bytes.length },
    });
  });

  test("counts a warning with --strict only", async () => {
    const dir = await written("odd");
    writeFileSync(join(dir, "notes.txt"), "what is this doing here");
    const lenient = await millrace(["check", dir]);
    expect([lenient.code, lenient.out]).toEqual([0, expect.stringContaining("warning: ") as never]);
    expect(lenient.out).toContain("no problems, 1 warning");
    expect((await millrace(["check", "--strict", dir])).code).toBe(1);
  });

  test("knows the ids of topics from the metadata", async () => {
    const dir = await written("ids");
    cpSync(join(dir, "t-0"), join(dir, "u-0"), { recursive: true });
    const { code, out } = await millrace(["check", dir]);
    expect(code).toBe(1);
    expect(out).toContain(join(dir, "u-0/partition.metadata"));
  });
});

describe("dump", () => {
  test("shows batches, records and what is in them", async () => {
    const dir = await written("dumped");
    const batches = (await printed(["dump", join(dir, LOG)])).trim().split("\n");
    expect(batches.length).toBe(5);
    expect(batches[0]).toBe(`Dumping ${join(dir, LOG)}`);
    expect(batches[2]).toContain("baseOffset: 0 lastOffset: 1 count: 2 ");
    expect(batches[3]).toContain("compresscodec: zstd");
    expect(batches[4]).toContain("isvalid: true");
    const deep = await printed(["dump", "--deep-iteration", "--files", join(dir, LOG)]);
    expect(deep.match(/^\| offset: /gm)?.length).toBe(4);
    expect(deep).not.toContain("payload");
    const data = await printed(["dump", "--print-data-log", join(dir, LOG)]);
    expect(data).toContain("headerKeys: [h] key: k1 payload: v1");
  });

  test("shows several files of several kinds", async () => {
    const dir = await written("kinds");
    const files = [
      LOG.replace(".log", ".index"),
      LOG.replace(".log", ".timeindex"),
      "t-0/00000000000000000004.snapshot",
      "t-0/leader-epoch-checkpoint",
      "recovery-point-offset-checkpoint",
    ].map((name) => join(dir, name));
    const out = await printed(["dump", ...files]);
    for (const file of files) expect(out).toContain(`Dumping ${file}\n`);
    expect(out).toMatch(/offset: \d+ position: \d+/);
    expect(out).toContain("epoch: 0 startOffset: 0");
    expect(out).toContain("topic: t partition: 0 offset: 4");
  });

  test("shows metadata records in JSON", async () => {
    const dir = await written("metadata");
    const out = await printed(["dump", "--cluster-metadata-decoder", join(dir, METADATA_LOG)]);
    const payloads = [...out.matchAll(/payload: (.*)$/gm)].map((match) => JSON.parse(match[1]!) as { type: string });
    expect(payloads.map(({ type }) => type)).toContain("REGISTER_BROKER_RECORD");
    const topic = payloads.find(({ type }) => type === "TOPIC_RECORD");
    expect(topic).toMatchObject({ version: 0, data: { name: "t" } });
  });
});
