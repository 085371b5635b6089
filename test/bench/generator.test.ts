/**
 * The load generator against the floors: it must move real batches, and notice when an answer is not what
 * it should be. Needs a C compiler on x86-64; elsewhere the load benchmarks do not run either.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildProgram } from "../../bench/load/native_build.ts";
import { measureWith } from "../../bench/load/network_run.ts";
import { startFloor, type Target } from "../../bench/load/targets.ts";

const canRun = Bun.which("cc") !== null && process.arch === "x64" && process.platform === "linux";
/** A count and not a time: a busy machine takes longer and changes nothing. */
const REQUESTS = 150;
const SMALL = { "batch-bytes": 170, "value-bytes": 100 };

let target: Target | null = null;

async function generate(settings: Readonly<Record<string, string | number>>) {
  const all = { port: target!.port, pid: target!.pid, count: REQUESTS, ...settings };
  const words = Object.entries(all).flatMap(([key, value]) => [`--${key}`, String(value)]);
  return measureWith([buildProgram("generator"), ...words]);
}

afterEach(async () => {
  await target?.stop();
  target = null;
});

describe.skipIf(!canRun)("the load generator", () => {
  const cases: Readonly<Record<string, number>>[] = [
    { version: 8, "batch-bytes": 1 << 20, "in-flight": 3 },
    { version: 9, "batch-bytes": 1 << 20, "in-flight": 3 },
    { version: 8, ...SMALL, connections: 5, "in-flight": 7, coalesce: 3 },
    { version: 9, ...SMALL, connections: 5, "in-flight": 7, topics: 3, partitions: 2 },
    { version: 9, ...SMALL, acks: 0 },
    { version: 9, ...SMALL, rate: 2000, connections: 3 },
  ];
  test.each(cases)("produces without an error: %p", async (settings) => {
    target = await startFloor("produce", [], null);
    const measured = await generate({ mode: "produce", ...settings });
    expect(measured.firstProblem).toBe("");
    expect(measured.requests).toBe(REQUESTS);
    expect(measured.latencyUs.p50).toBeLessThanOrEqual(measured.latencyUs.p99);
    expect(measured.latencyUs.p99).toBeLessThanOrEqual(measured.latencyUs.max);
  });

  test("stops at a count and says how many requests it made", async () => {
    target = await startFloor("produce", [], null);
    expect((await generate({ ...SMALL, count: 37, "in-flight": 5 })).requests).toBe(37);
  });

  test("counts error codes in answers", async () => {
    target = await startFloor("produce", ["--error", "3"], null);
    const measured = await generate(SMALL);
    expect(measured.errors).toBeGreaterThan(0);
    expect(Object.keys(measured.errorCodes!)).toEqual(["3"]);
  });

  const STORE = ["--batch-bytes", "16384", "--batches", "64"];
  test.each([
    { version: 11, floor: STORE },
    { version: 12, floor: STORE },
    { version: 12, floor: [...STORE, "--way", "pread"] },
  ])("fetches and checks what it gets: %p", async ({ version, floor }) => {
    target = await startFloor("fetch", floor, null);
    const settings = { mode: "fetch", version, "batch-bytes": 16384, batches: 64, connections: 3, "verify-every": 2 };
    const measured = await generate(settings);
    expect(measured.firstProblem).toBe("");
    expect(measured.requests).toBe(REQUESTS);
  });

  test("notices a log that holds other batches than it asked for", async () => {
    target = await startFloor("fetch", ["--batch-bytes", "16384", "--value-bytes", "500", "--batches", "64"], null);
    const measured = await generate({ mode: "fetch", "batch-bytes": 16384, batches: 64, connections: 2 });
    expect(measured.errors).toBeGreaterThan(0);
  });
});

test.skipIf(!canRun)("the floor of produce answers CORRUPT_MESSAGE to a batch with a wrong CRC", async () => {
  const dir = mkdtempSync(join(tmpdir(), "millrace-bench-test-"));
  mkdirSync(dir, { recursive: true });
  target = await startFloor("produce", [], dir);
  const answer = Promise.withResolvers<number>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: target.port,
    socket: { data: (_, data) => answer.resolve(data.readInt16BE(4 + 4 + 4 + 2 + 1 + 4 + 4)) },
  });
  socket.write(produceOfZeros());
  expect(await answer.promise).toBe(2);
  socket.end();
  await target.stop();
  target = null;
  rmSync(dir, { recursive: true });
});

/** A Produce 8 request to topic "t" whose 80 bytes of records are zeros, and so is their CRC. */
function produceOfZeros(): Uint8Array {
  const records = 80;
  const body = Buffer.alloc(4 + 2 + 2 + 4 + 2 + 2 + 2 + 4 + 4 + 3 + 4 + 4 + 4 + records);
  let at = body.writeInt32BE(body.length - 4, 0);
  at = body.writeInt16BE(0, at);
  at = body.writeInt16BE(8, at);
  at = body.writeInt32BE(1, at);
  at = body.writeInt16BE(-1, at); // client id
  at = body.writeInt16BE(-1, at); // transactional id
  at = body.writeInt16BE(1, at);
  at = body.writeInt32BE(1000, at);
  at = body.writeInt32BE(1, at);
  at = body.writeInt16BE(1, at);
  at += body.write("t", at);
  at = body.writeInt32BE(1, at);
  at = body.writeInt32BE(0, at);
  body.writeInt32BE(records, at);
  return body;
}
