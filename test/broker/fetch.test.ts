/**
 * Fetch over a socket: limits, waiting, sessions, epochs, and what happens to a fetch whose topic goes
 * away under it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import type { Uuid } from "../../engine/base/uuid.ts";
import type { Client } from "../../engine/client/client.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import { batchBytesOf, baseOffsetOf } from "../../engine/model/record_batch.ts";
import { fetchRequest, fetchResponse } from "../../engine/wire/api/01_fetch.ts";
import { encodeInto } from "../../engine/wire/codec.ts";
import { requestHeader } from "../../engine/wire/headers.ts";
import { Writer } from "../../engine/wire/writer.ts";
import { batchOf, startTestBroker, until } from "./harness.ts";
import type { TestBroker } from "./harness.ts";

const FETCH = { request: fetchRequest, response: fetchResponse };
const BY_NAME = 12;
const BY_ID = 16;
const MAX_BYTES = 10_000_000;
let running: TestBroker;
let client: Client;

beforeAll(async () => {
  running = await startTestBroker({ properties: { "fetch.max.bytes": "3000000" } });
  client = await running.connect();
});

afterAll(async () => {
  client.close();
  await running.stop();
});

let named = 0;

/** A topic of its own for each test. */
async function makeTopic(partitions = 1, configs: Record<string, string> = {}) {
  const name = `fetched-${named++}`;
  const [created] = await running.store.createTopics([{
    name,
    numPartitions: partitions,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }], { validateOnly: false });
  return { name, id: created!.topicId };
}

/** Appends one batch and waits until it is visible. Returns its bytes. */
async function append(topic: string, index: number, value: string): Promise<Uint8Array> {
  const batch = batchOf([value]);
  const appended = running.store.partitions.find(topic, index)!.append([batch], "client");
  if (!appended.ok) throw new Error(appended.message);
  await appended.settled;
  return batch;
}

interface Asked {
  readonly topic?: string;
  readonly topicId?: Uuid;
  readonly partitions: readonly {
    readonly partition: number;
    readonly fetchOffset?: number;
    readonly partitionMaxBytes?: number;
    readonly currentLeaderEpoch?: number;
    readonly lastFetchedEpoch?: number;
  }[];
}

interface Terms {
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly isolationLevel?: number;
  readonly sessionId?: number;
  readonly sessionEpoch?: number;
  readonly version?: number;
  readonly forgotten?: readonly { topic?: string; topicId?: Uuid; partitions: readonly number[] }[];
  readonly by?: Client;
}

function fetch(topics: readonly Asked[], terms: Terms = {}) {
  const { version = BY_NAME, forgotten = [], by = client, ...rest } = terms;
  return by.call(FETCH, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: MAX_BYTES,
    ...rest,
    topics: topics.map(({ partitions, ...topic }) => ({
      ...topic,
      partitions: partitions.map((one) => ({ fetchOffset: 0, partitionMaxBytes: MAX_BYTES, ...one })),
    })),
    forgottenTopicsData: forgotten,
  }, version);
}

type Answer = Awaited<ReturnType<typeof fetch>>;

const partitionsOf = (answer: Answer) => answer.responses.flatMap(({ partitions }) => partitions);
const recordBytes = (answer: Answer) => partitionsOf(answer).map(({ records }) => records?.length ?? -1);

/** Base offsets of the whole batches in an answer's first partition. */
function basesIn(records: Uint8Array | null): number[] {
  const bases: number[] = [];
  for (let at = 0; at + 12 <= records!.length; at += batchBytesOf(records!, at)) {
    if (at + batchBytesOf(records!, at) <= records!.length) bases.push(baseOffsetOf(records!, at));
  }
  return bases;
}

describe("what is sent", () => {
  test("are the bytes as they were appended, small and large, from the offset asked for", async () => {
    const { name } = await makeTopic();
    const batches: Uint8Array[] = [];
    for (const size of [10, 3000, 100_000, 400_000]) batches.push(await append(name, 0, "v".repeat(size)));
    for (const [from, expected] of [[0, batches], [1, batches.slice(1)], [3, batches.slice(3)]] as const) {
      const [partition] = partitionsOf(await fetch([{ topic: name, partitions: [{ partition: 0, fetchOffset: from }] }]));
      expect(partition).toMatchObject({ errorCode: 0, highWatermark: 4, lastStableOffset: 4, logStartOffset: 0 });
      expect(Buffer.compare(partition!.records!, Buffer.concat(expected))).toBe(0);
    }
  });

  test("the first batch comes whole, later partitions get what is left", async () => {
    const { name } = await makeTopic(3);
    const size = (await append(name, 0, "a".repeat(5000))).length;
    await append(name, 1, "b".repeat(5000));
    await append(name, 2, "c".repeat(5000));
    const partitions = [0, 1, 2].map((partition) => ({ partition, partitionMaxBytes: 100 }));
    expect(recordBytes(await fetch([{ topic: name, partitions }]))).toEqual([size, 0, 0]);
    const wide = [0, 1, 2].map((partition) => ({ partition }));
    expect(recordBytes(await fetch([{ topic: name, partitions: wide }], { maxBytes: size + 10 })))
      .toEqual([size, 0, 0]);
    expect(recordBytes(await fetch([{ topic: name, partitions: wide }], { maxBytes: 2 * size })))
      .toEqual([size, size, 0]);
    expect(recordBytes(await fetch([{ topic: name, partitions: wide }]))).toEqual([size, size, size]);
  });

  test("fetch.max.bytes bounds an answer whatever the client asks", async () => {
    const { name } = await makeTopic();
    for (let round = 0; round < 8; round++) await append(name, 0, "x".repeat(900_000));
    const answer = await fetch([{ topic: name, partitions: [{ partition: 0 }] }]);
    expect(recordBytes(answer)[0]).toBeLessThanOrEqual(3_000_000);
    expect(basesIn(partitionsOf(answer)[0]!.records)).toEqual([0, 1, 2]);
  });

  test("across segments in one answer", async () => {
    const { name } = await makeTopic(1, { "segment.bytes": "1048576" });
    for (let round = 0; round < 5; round++) await append(name, 0, "x".repeat(450_000));
    expect(running.store.partitions.find(name, 0)!.log.segments.length).toBeGreaterThan(1);
    const answer = await fetch([{ topic: name, partitions: [{ partition: 0, fetchOffset: 1 }] }]);
    expect(basesIn(partitionsOf(answer)[0]!.records)).toEqual([1, 2, 3, 4]);
  });
});

describe("errors", () => {
  test("by partition, without waiting", async () => {
    const { name } = await makeTopic();
    await append(name, 0, "x");
    const cases = [
      [{ partition: 0, fetchOffset: 2 }, ErrorCode.OFFSET_OUT_OF_RANGE],
      [{ partition: 0, fetchOffset: -5 }, ErrorCode.OFFSET_OUT_OF_RANGE],
      [{ partition: 1 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [{ partition: 0, currentLeaderEpoch: 5 }, ErrorCode.UNKNOWN_LEADER_EPOCH],
    ] as const;
    for (const [asked, errorCode] of cases) {
      const answer = await fetch([{ topic: name, partitions: [asked] }], { maxWaitMs: 60_000 });
      expect(partitionsOf(answer)).toMatchObject([{ errorCode, highWatermark: -1 }]);
    }
  });

  test("an unknown topic id, and a follower that nobody knows", async () => {
    const { id } = await makeTopic();
    const unknown = "AAAAAAAAAAAAAAAAAAAABA" as Uuid;
    const answer = await fetch([
      { topicId: unknown, partitions: [{ partition: 0 }] },
      { topicId: id, partitions: [{ partition: 0 }] },
    ], { version: BY_ID });
    expect(partitionsOf(answer).map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UNKNOWN_TOPIC_ID, 0]);
    const follower = await client.call(FETCH, {
      maxWaitMs: 60_000,
      minBytes: 1,
      replicaState: { replicaId: 5, replicaEpoch: 1 },
      topics: [{ topicId: id, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }],
    }, BY_ID);
    expect(partitionsOf(follower)).toMatchObject([{
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 1 },
    }]);
    expect(follower.nodeEndpoints).toMatchObject([{ nodeId: 1, host: "127.0.0.1", port: running.port }]);
  });

  test("a client that went astray is told where", async () => {
    const { name } = await makeTopic();
    await append(name, 0, "x");
    const ask = async (fetchOffset: number, lastFetchedEpoch: number) => {
      const partitions = [{ partition: 0, fetchOffset, lastFetchedEpoch }];
      const [answer] = partitionsOf(await fetch([{ topic: name, partitions }], { maxWaitMs: 60_000 }));
      return answer;
    };
    // It has read records of this epoch that are not here.
    expect(await ask(5, 0)).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 0, endOffset: 1 } });
    // It has read an epoch that never was.
    expect(await ask(1, 7)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
  });
});

describe("waiting", () => {
  test("ends when a record comes", async () => {
    const { name } = await makeTopic(2);
    const startedAt = performance.now();
    const partitions = [{ partition: 0 }, { partition: 1 }];
    const parked = fetch([{ topic: name, partitions }], { maxWaitMs: 60_000 });
    await append(name, 1, "now");
    expect(recordBytes(await parked)).toMatchObject([0, expect.any(Number)]);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test("goes on until there are minBytes", async () => {
    const { name } = await makeTopic();
    let isAnswered = false;
    const parked = fetch([{ topic: name, partitions: [{ partition: 0 }] }], {
      maxWaitMs: 60_000,
      minBytes: 500,
    }).finally(() => (isAnswered = true));
    const size = (await append(name, 0, "x".repeat(200))).length;
    // A request that comes after it on another connection is answered before: the fetch still waits.
    const other = await running.connect();
    await fetch([{ topic: name, partitions: [{ partition: 0 }] }], { by: other });
    other.close();
    expect(isAnswered).toBe(false);
    await append(name, 0, "x".repeat(200));
    expect(recordBytes(await parked)[0]).toBe(2 * size);
  });

  test("ends with the deadline, empty", async () => {
    const { name } = await makeTopic();
    const startedAt = performance.now();
    const answer = await fetch([{ topic: name, partitions: [{ partition: 0 }] }], { maxWaitMs: 30 });
    expect(performance.now() - startedAt).toBeGreaterThan(25);
    expect(partitionsOf(answer)).toMatchObject([{ errorCode: 0, highWatermark: 0 }]);
    expect(recordBytes(answer)).toEqual([0]);
  });

  test("leaves nothing behind when the client goes", async () => {
    const { name } = await makeTopic();
    const before = running.broker.connectionCount;
    const other = await running.connect();
    const asked = [{ topic: name, partitions: [{ partition: 0 }] }];
    const parked = fetch(asked, { maxWaitMs: 2 ** 31 - 1, by: other }).catch(() => {});
    await until(() => running.broker.connectionCount === before + 1, "connected");
    other.close();
    await parked;
    await until(() => running.broker.connectionCount === before, "the broker noticed");
    await append(name, 0, "nobody reads");
  });

  test("later requests of the connection are answered after it, though they were taken up", async () => {
    const { name } = await makeTopic(2);
    const order: string[] = [];
    const parked = fetch([{ topic: name, partitions: [{ partition: 0 }] }], { maxWaitMs: 60_000 })
      .then(() => order.push("parked"));
    const next = fetch([{ topic: name, partitions: [{ partition: 1 }] }]).then(() => order.push("next"));
    await append(name, 0, "x");
    await Promise.all([parked, next]);
    expect(order).toEqual(["parked", "next"]);
  });
});

describe("sessions", () => {
  test("tell only what is new", async () => {
    const { name } = await makeTopic(3);
    await append(name, 0, "zero");
    const topics = [{ topic: name, partitions: [0, 1, 2].map((partition) => ({ partition })) }];
    const full = await fetch(topics, { sessionEpoch: 0 });
    expect(full.sessionId).toBeGreaterThan(0);
    expect(partitionsOf(full).length).toBe(3);
    const session = { sessionId: full.sessionId };
    // The client has read record 0 of partition 0; nothing else changed.
    const read = [{ topic: name, partitions: [{ partition: 0, fetchOffset: 1 }] }];
    expect(partitionsOf(await fetch(read, { ...session, sessionEpoch: 1 }))).toEqual([]);
    await append(name, 2, "two");
    const news = await fetch([], { ...session, sessionEpoch: 2 });
    expect(partitionsOf(news)).toMatchObject([{ partitionIndex: 2, highWatermark: 1 }]);
    const gone = await fetch([], {
      ...session,
      sessionEpoch: 3,
      forgotten: [{ topic: name, partitions: [2] }],
    });
    expect(partitionsOf(gone)).toEqual([]);
    const late = await fetch([], { ...session, sessionEpoch: 3 });
    expect([late.errorCode, late.responses]).toEqual([ErrorCode.INVALID_FETCH_SESSION_EPOCH, []]);
  });

  test("wait for their partitions", async () => {
    const { id } = await makeTopic(2);
    const { name } = running.store.image.topicById(id)!;
    const full = await fetch([{ topicId: id, partitions: [{ partition: 0 }, { partition: 1 }] }], {
      version: BY_ID,
      sessionEpoch: 0,
    });
    const parked = fetch([], {
      version: BY_ID,
      sessionId: full.sessionId,
      sessionEpoch: 1,
      maxWaitMs: 60_000,
    });
    await append(name, 1, "x");
    expect(partitionsOf(await parked)).toMatchObject([{ partitionIndex: 1, highWatermark: 1 }]);
  });
});

describe("a topic that is deleted", () => {
  const drop = async (name: string) => {
    const [result] = await running.store.deleteTopics([{ name, topicId: ZERO_UUID }]);
    expect(result!.errorCode).toBe(0);
  };

  test("wakes who waits for it, and its successor starts anew", async () => {
    const { name, id } = await makeTopic();
    await append(name, 0, "old");
    const byName = fetch([{ topic: name, partitions: [{ partition: 0, fetchOffset: 1 }] }], { maxWaitMs: 60_000 });
    const other = await running.connect();
    const byId = fetch([{ topicId: id, partitions: [{ partition: 0, fetchOffset: 1 }] }], {
      version: BY_ID,
      maxWaitMs: 60_000,
      by: other,
    });
    await until(() => running.broker.connectionCount >= 2, "both are connected");
    await drop(name);
    expect(partitionsOf(await byName).map(({ errorCode }) => errorCode))
      .toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(partitionsOf(await byId).map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UNKNOWN_TOPIC_ID]);
    await running.store.createTopics([
      { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ], { validateOnly: false });
    const fresh = await append(name, 0, "new");
    const again = await fetch([{ topic: name, partitions: [{ partition: 0 }] }]);
    expect(Buffer.compare(partitionsOf(again)[0]!.records!, fresh)).toBe(0);
    // The old id stays unknown: a consumer of the old topic does not read the new one by mistake.
    const stale = await fetch([{ topicId: id, partitions: [{ partition: 0 }] }], { version: BY_ID, by: other });
    expect(partitionsOf(stale)[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
    other.close();
  });

  test("is an error in a session that names it", async () => {
    const { name } = await makeTopic();
    const full = await fetch([{ topic: name, partitions: [{ partition: 0 }] }], { sessionEpoch: 0 });
    await drop(name);
    const answer = await fetch([], { sessionId: full.sessionId, sessionEpoch: 1, maxWaitMs: 60_000 });
    expect(partitionsOf(answer)).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
  });
});

test("a slow reader gets every byte, and others do not wait for it", async () => {
  const { name } = await makeTopic();
  const batches: Uint8Array[] = [];
  for (let round = 0; round < 3; round++) batches.push(await append(name, 0, `${round}`.repeat(900_000)));
  const rounds = 6;
  let received = 0;
  const pieces: Uint8Array[] = [];
  const done = Promise.withResolvers<void>();
  let wanted = Infinity;
  const slow = await Bun.connect({
    hostname: "127.0.0.1",
    port: running.port,
    socket: {
      data(socket, bytes) {
        pieces.push(bytes);
        received += bytes.length;
        if (received === bytes.length) wanted = rounds * (4 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(0));
        if (received >= wanted) return done.resolve();
        socket.pause();
        setTimeout(() => socket.resume(), 1);
      },
      close: () => done.resolve(),
    },
  });
  slow.write(fetchFrames(name, rounds));
  let answered = 0;
  while (answered < 20) {
    await fetch([{ topic: name, partitions: [{ partition: 0, partitionMaxBytes: 1 }] }]);
    answered++;
  }
  await done.promise;
  slow.end();
  expect(received).toBe(wanted);
  const all = Buffer.concat(pieces);
  const body = Buffer.concat(batches);
  for (let round = 0; round < rounds; round++) {
    const answer = all.subarray((round * wanted) / rounds, ((round + 1) * wanted) / rounds);
    const at = answer.indexOf(body.subarray(0, 100));
    expect(at).toBeGreaterThan(0);
    expect(Buffer.compare(answer.subarray(at, at + body.length), body)).toBe(0);
  }
});

/** The bytes of a fetch request, so many times over. */
function fetchFrames(topic: string, times: number): Uint8Array {
  const writer = new Writer();
  for (let correlationId = 0; correlationId < times; correlationId++) {
    writer.beginFrame();
    encodeInto(writer, requestHeader, 2, {
      requestApiKey: fetchRequest.apiKey,
      requestApiVersion: BY_NAME,
      correlationId,
      clientId: "slow",
    });
    encodeInto(writer, fetchRequest, BY_NAME, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: MAX_BYTES }] }],
      forgottenTopicsData: [],
    });
    writer.endFrame();
  }
  return writer.take();
}
