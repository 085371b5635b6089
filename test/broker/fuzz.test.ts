/**
 * Hostile bytes against a real broker in this process: requests made from the declarations with random
 * values, the same with bytes flipped, cut, doubled and lengths changed, and plain noise.
 *
 * Oracles: every request ends in an answer or a closed connection; no handler throws anything it does not
 * foresee (the broker would log an error); no single request keeps the loop for 50 ms; the broker serves an
 * honest client all the while; memory stays bounded; all request bytes are given back.
 *
 * The seed is fixed, so a failure repeats; FUZZ_SEED and FUZZ_ROUNDS look elsewhere and longer.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeInt16, writeInt32 } from "../../engine/base/int64.ts";
import { SERVED_APIS } from "../../engine/broker/apis.ts";
import type { Call, Caller } from "../../engine/broker/call.ts";
import { apiVersionsRequest, apiVersionsResponse } from "../../engine/wire/api/18_api_versions.ts";
import { requestHeaderVersion } from "../../engine/wire/apis.ts";
import type { Api } from "../../engine/wire/apis.ts";
import { encodeInto } from "../../engine/wire/codec.ts";
import type { Frame } from "../../engine/wire/frame_splitter.ts";
import { requestHeader } from "../../engine/wire/headers.ts";
import { Writer } from "../../engine/wire/writer.ts";
import { Dice, randomMessage } from "../wire/random_values.ts";
import { batchOf, startTestBroker, until } from "./harness.ts";
import type { TestBroker } from "./harness.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_260_101);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 1500);
const STALL_MS_MAX = 50;
const GROWTH_BYTES_MAX = 300 * 1024 * 1024;
/** Names that exist, so that not every request ends at "unknown topic". */
const TOPICS = ["fuzz-a", "fuzz-b"];

let running: TestBroker;
const complaints: string[] = [];
const complain = (message: string): void => void complaints.push(message);

beforeAll(async () => {
  running = await startTestBroker({
    logger: { debug() {}, info() {}, warn() {}, error: complain },
    properties: { "auto.create.topics.enable": "false" },
  });
  await running.store.createTopics(TOPICS.map((name) => (
    { name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  )), { validateOnly: false });
});

afterAll(() => running.stop());

/** A request frame with its prefix. */
function requestFrame(api: Api, version: number, body: Record<string, unknown>): Uint8Array {
  const writer = new Writer();
  writer.beginFrame();
  encodeInto(writer, requestHeader, requestHeaderVersion(api, version), {
    requestApiKey: api.key,
    requestApiVersion: version,
    correlationId: 7,
    clientId: "fuzz",
  });
  encodeInto(writer, api.request, version, body as never);
  writer.endFrame();
  return writer.take().slice();
}

/** Puts names, partitions, offsets and batches that mean something where random ones stand. */
function sober(value: unknown, dice: Dice): void {
  if (Array.isArray(value)) for (const one of value) sober(one, dice);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  const fields = value as Record<string, unknown>;
  for (const [name, inner] of Object.entries(fields)) {
    if (dice.chance(3)) continue;
    if ((name === "name" || name === "topic") && typeof inner === "string") {
      fields[name] = TOPICS[dice.below(TOPICS.length)];
    } else if (/^(index|partition|partitionIndex)$/.test(name)) fields[name] = dice.below(3);
    else if (/offset/i.test(name) && typeof inner === "number") fields[name] = dice.below(20);
    else if (name === "maxWaitMs") fields[name] = dice.below(3);
    else if (name === "records") fields[name] = batchOf(["fuzz"]);
    else if (name === "acks") fields[name] = dice.below(4) - 2;
    else sober(inner, dice);
  }
}

/** Many partitions cost a directory each; the fuzzer is not after that. */
function tame(api: Api, body: Record<string, unknown>): void {
  for (const topic of (body["topics"] as Record<string, unknown>[] | null) ?? []) {
    if (api.name === "CreateTopics") topic["numPartitions"] = Math.min(topic["numPartitions"] as number, 50);
    if (api.name === "CreatePartitions") topic["count"] = Math.min(topic["count"] as number, 50);
  }
  if ("maxWaitMs" in body) body["maxWaitMs"] = Math.min(body["maxWaitMs"] as number, 5);
}

function randomRequest(dice: Dice): Uint8Array {
  const { api } = SERVED_APIS[dice.below(SERVED_APIS.length)]!;
  const { first, last } = api.versions;
  const version = first + dice.below(last - first + 1);
  const body = randomMessage(api.request, version, dice);
  if (!dice.chance(4)) sober(body, dice);
  tame(api, body);
  return requestFrame(api, version, body);
}

/** One to three wounds; the prefix is mended mostly, so that the body gets read. */
function wounded(frame: Uint8Array, dice: Dice): Uint8Array {
  let bytes = frame.slice();
  for (let wounds = 1 + dice.below(3); wounds > 0; wounds--) {
    const at = 4 + dice.below(Math.max(1, bytes.length - 4));
    switch (dice.below(6)) {
      case 0: bytes[at] = dice.below(256); break;
      case 1: bytes = bytes.slice(0, at); break;
      case 2: bytes = new Uint8Array(Buffer.concat([bytes.subarray(0, at), dice.bytes(1 + dice.below(9)), bytes.subarray(at)])); break;
      case 3: if (at + 4 <= bytes.length) writeInt32(bytes, at, dice.integer(32)); break;
      case 4: if (at + 2 <= bytes.length) writeInt16(bytes, at, dice.chance(2) ? -1 : dice.integer(16)); break;
      default: bytes.fill(0xff, at, at + 5);
    }
  }
  if (!dice.chance(10) && bytes.length >= 4) writeInt32(bytes, 0, bytes.length - 4);
  return bytes;
}

function noise(dice: Dice): Uint8Array {
  const bytes = dice.bytes(4 + dice.below(200));
  if (!dice.chance(3)) writeInt32(bytes, 0, bytes.length - 4);
  if (!dice.chance(3) && bytes.length > 8) {
    writeInt16(bytes, 4, dice.below(95));
    writeInt16(bytes, 6, dice.below(20));
  }
  return bytes;
}

/** Sends the bytes in pieces and waits until the broker has answered, closed, or must want more. */
async function attack(bytes: Uint8Array, dice: Dice): Promise<"answered" | "closed"> {
  const ended = Promise.withResolvers<"answered" | "closed">();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: running.port,
    socket: {
      data: () => ended.resolve("answered"),
      close: () => ended.resolve("closed"),
      error: () => ended.resolve("closed"),
    },
  });
  for (let at = 0; at < bytes.length; ) {
    const end = dice.chance(3) ? Math.min(bytes.length, at + 1 + dice.below(40)) : bytes.length;
    socket.write(bytes.subarray(at, end));
    at = end;
  }
  // A request that promises more than it has, or has no answer, ends when its sender does.
  socket.shutdown();
  const outcome = await ended.promise;
  socket.terminate();
  return outcome;
}

test(`survives ${ROUNDS} hostile requests (seed ${SEED})`, async () => {
  const dice = new Dice(SEED);
  const slow: string[] = [];
  const { broker } = running;
  const dispatch = broker.dispatch.bind(broker);
  let current: Uint8Array = new Uint8Array(0);
  broker.dispatch = (caller: Caller, frame: Frame): Call | null => {
    const startedAt = performance.now();
    try {
      return dispatch(caller, frame);
    } finally {
      const tookMs = performance.now() - startedAt;
      if (tookMs > STALL_MS_MAX) slow.push(`${tookMs.toFixed(0)} ms: ${Buffer.from(current).toString("hex").slice(0, 400)}`);
    }
  };
  const honest = await running.connect();
  const outcomes = { answered: 0, closed: 0 };
  const before = process.memoryUsage().rss;
  for (let round = 0; round < ROUNDS; round++) {
    const kind = dice.below(5);
    current = kind === 0 ? randomRequest(dice) : kind === 1 ? noise(dice) : wounded(randomRequest(dice), dice);
    outcomes[await attack(current, dice)]++;
    if (round % 50 === 0) {
      const call = { request: apiVersionsRequest, response: apiVersionsResponse };
      const answer = await honest.call(call, { clientSoftwareName: "x", clientSoftwareVersion: "1" }, 3);
      expect(answer.errorCode).toBe(0);
    }
  }
  honest.close();
  broker.dispatch = dispatch;
  expect(complaints).toEqual([]);
  // A busy machine may take the processor away once; a request that is slow by itself shows up often.
  expect(slow.slice(2)).toEqual([]);
  expect(outcomes.answered).toBeGreaterThan(ROUNDS / 20);
  expect(outcomes.closed).toBeGreaterThan(ROUNDS / 20);
  expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_BYTES_MAX);
  await until(() => broker.connectionCount === 0, "every connection is let go");
  expect(broker.heldBytes).toBe(0);
}, 120_000);
