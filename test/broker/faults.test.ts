/** What clients see when the disk fails, fills up, hangs or is merely cold. */
import { afterEach, describe, expect, test } from "bun:test";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import type { Client } from "../../engine/client/client.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import { produceRequest, produceResponse } from "../../engine/wire/api/00_produce.ts";
import { fetchRequest, fetchResponse } from "../../engine/wire/api/01_fetch.ts";
import { createTopicsRequest, createTopicsResponse } from "../../engine/wire/api/19_create_topics.ts";
import { describeLogDirsRequest, describeLogDirsResponse } from "../../engine/wire/api/35_describe_log_dirs.ts";
import { batchOf, native, startTestBroker } from "./harness.ts";
import type { TestBroker } from "./harness.ts";

const DIR = "/data";
const LOG = `${DIR}/t-0/00000000000000000000.log`;
let running: TestBroker;
let disk: SimulatedDisk;
let client: Client;

async function start(flushMode: "os" | "commit"): Promise<void> {
  disk = new SimulatedDisk({ native });
  running = await startTestBroker({ disk, dir: DIR, properties: { "flush.mode": flushMode } });
  client = await running.connect();
  await running.store.createTopics([
    { name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
  ], { validateOnly: false });
}

afterEach(async () => {
  disk.plan = null;
  disk.holdSyncs = false;
  disk.releaseSyncs();
  client.close();
  await running.stop();
});

async function produce(value: string, timeoutMs = 10_000) {
  const answer = await client.call({ request: produceRequest, response: produceResponse }, {
    acks: -1,
    timeoutMs,
    topicData: [{ name: "t", partitionData: [{ index: 0, records: batchOf([value]) }] }],
  }, 9);
  return answer.responses[0]!.partitionResponses[0]!;
}

async function fetchAll() {
  const answer = await client.call({ request: fetchRequest, response: fetchResponse }, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
    forgottenTopicsData: [],
  }, 12);
  return answer.responses[0]!.partitions[0]!;
}

describe("a sync that fails", () => {
  test("is a storage error now and for ever; what was synced is still served", async () => {
    await start("commit");
    expect((await produce("safe")).errorCode).toBe(0);
    disk.plan = ({ kind, path }) => kind === "sync" && path === LOG ? "EIO" : "go";
    const lost = await produce("lost");
    expect(lost).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, baseOffset: -1 });
    expect(lost.errorMessage).toContain("EIO");
    disk.plan = null;
    expect((await produce("after")).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(await fetchAll()).toMatchObject({ errorCode: 0, highWatermark: 1 });
    expect(running.broker.health()).toMatchObject({ ok: false, details: { diskFault: expect.stringContaining("EIO") } });
    const dirs = await client.call(
      { request: describeLogDirsRequest, response: describeLogDirsResponse },
      { topics: null },
    );
    expect(dirs.results[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const created = await client.call({ request: createTopicsRequest, response: createTopicsResponse }, {
      topics: [{ name: "new", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    });
    expect(created.topics[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });
});

describe("a full disk", () => {
  test("refuses, and takes records again once there is room", async () => {
    await start("os");
    expect((await produce("before")).errorCode).toBe(0);
    disk.plan = ({ kind, path }) => kind === "write" && path === LOG ? "ENOSPC" : "go";
    expect((await produce("refused")).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(await fetchAll()).toMatchObject({ errorCode: 0, highWatermark: 1 });
    expect(running.broker.health().ok).toBe(true);
    disk.plan = null;
    expect(await produce("again")).toMatchObject({ errorCode: 0, baseOffset: 1 });
  });
});

describe("a disk that hangs", () => {
  test("is told after the request's timeout, and the connection goes on", async () => {
    await start("commit");
    expect((await produce("before")).errorCode).toBe(0);
    disk.holdSyncs = true;
    const stuck = await produce("stuck", 1);
    expect(stuck).toMatchObject({ errorCode: ErrorCode.REQUEST_TIMED_OUT, baseOffset: -1 });
    expect(await fetchAll()).toMatchObject({ errorCode: 0, highWatermark: 1 });
    disk.holdSyncs = false;
    disk.releaseSyncs();
    expect(await produce("after")).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect((await fetchAll()).highWatermark).toBe(3);
  });
});

describe("a cold file", () => {
  test("is warmed off the loop, then sent whole", async () => {
    await start("os");
    for (let round = 0; round < 3; round++) expect((await produce("x".repeat(50_000))).errorCode).toBe(0);
    const warm = await fetchAll();
    disk.chill(LOG);
    const file = disk.file(LOG);
    expect(file.isResident(0, warm.records!.length)).toBe(false);
    const cold = await fetchAll();
    expect(file.isResident(0, warm.records!.length)).toBe(true);
    expect(Buffer.compare(cold.records!, warm.records!)).toBe(0);
  });

  test("that cannot be read ends the connection, not the broker", async () => {
    await start("os");
    expect((await produce("x".repeat(50_000))).errorCode).toBe(0);
    disk.planRead = (path, _position, length) => path === LOG && length > 10_000 ? "EIO" : null;
    expect(await fetchAll().then(() => null, (error: Error) => error.name)).toBe("ConnectionLost");
    disk.planRead = null;
    client = await running.connect();
    // A read that failed with EIO latches the directory, but reads go on.
    expect((await fetchAll()).errorCode).toBe(0);
  });
});
