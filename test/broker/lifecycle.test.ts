/** A broker's start and stop, its addresses, its limits on connections, its health page. */
import { afterEach, describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { serveHealth } from "../../engine/broker/health.ts";
import { Client } from "../../engine/client/client.ts";
import { ConnectionLost } from "../../engine/client/connection_lost.ts";
import { SystemClock } from "../../engine/io/clock.ts";
import type { Cancel } from "../../engine/io/clock.ts";
import { SystemNet } from "../../engine/io/net_system.ts";
import { UsageError } from "../../engine/model/errors.ts";
import { fetchRequest, fetchResponse } from "../../engine/wire/api/01_fetch.ts";
import { metadataRequest, metadataResponse } from "../../engine/wire/api/03_metadata.ts";
import { produceRequest, produceResponse } from "../../engine/wire/api/00_produce.ts";
import { batchOf, native, startTestBroker, until } from "./harness.ts";
import type { TestBroker, TestBrokerOptions } from "./harness.ts";

const brokers: TestBroker[] = [];

async function start(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const running = await startTestBroker(options);
  brokers.push(running);
  return running;
}

afterEach(async () => {
  for (const running of brokers.splice(0)) await running.stop();
});

/** Counts the timers that wait. */
class CountingClock extends SystemClock {
  waiting = 0;

  override after(delayMs: number, action: () => void): Cancel {
    this.waiting++;
    let isWaiting = true;
    const done = (): void => {
      if (isWaiting) this.waiting--;
      isWaiting = false;
    };
    const cancel = super.after(delayMs, () => {
      done();
      action();
    });
    return () => {
      done();
      cancel();
    };
  }
}

async function makeTopic(running: TestBroker, name: string): Promise<void> {
  const options = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  await running.store.createTopics([{ name, ...options }], { validateOnly: false });
}

const METADATA = { request: metadataRequest, response: metadataResponse };

async function advertised(client: Client): Promise<string> {
  const { brokers: [node] } = await client.call(METADATA, { topics: [] });
  return `${node!.host} ${node!.port}`;
}

describe("a stop", () => {
  test("answers what is parked and in flight, closes, and takes no more", async () => {
    const running = await start({ properties: { "flush.mode": "commit" } });
    await makeTopic(running, "t");
    const parked = await running.connect();
    const waiting = parked.call({ request: fetchRequest, response: fetchResponse }, {
      maxWaitMs: 600_000,
      minBytes: 1,
      topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
      forgottenTopicsData: [],
    }, 12);
    const busy = await running.connect();
    const produced = busy.call({ request: produceRequest, response: produceResponse }, {
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: "t", partitionData: [{ index: 0, records: batchOf(["x"]) }] }],
    }, 9);
    // In flight once the log has it.
    await until(() => running.store.partitions.find("t", 0)!.log.logEndOffset > 0, "the batch is appended");
    await running.broker.stop();
    expect((await waiting).errorCode).toBe(0);
    expect((await produced).responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
    expect(running.broker.connectionCount).toBe(0);
    expect(running.broker.health().ok).toBe(false);
    await expect(running.connect()).rejects.toBeInstanceOf(ConnectionLost);
  });

  test("is one stop however often it is asked for", async () => {
    const running = await start();
    await Promise.all([running.broker.stop(), running.broker.stop()]);
    await running.broker.stop();
  });

  test("leaves a directory that starts again with everything", async () => {
    const first = await startTestBroker();
    await makeTopic(first, "kept");
    await first.stop(true);
    const second = await start({ dir: first.dir });
    const client = await second.connect();
    const { topics } = await client.call(METADATA, { topics: null });
    expect(topics.map(({ name }) => name)).toEqual(["kept"]);
    client.close();
  });
});

describe("addresses", () => {
  test("are those that the client reached, unless configured", async () => {
    const running = await start({
      properties: {
        listeners: "PLAINTEXT://127.0.0.1:0,OTHER://127.0.0.1:0",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT",
        "advertised.listeners": "OTHER://broker.example:7777",
      },
    });
    const [plain, other] = running.broker.addresses;
    const direct = await Client.connect({ host: "127.0.0.1", port: plain!.port, clientId: "t" });
    expect(await advertised(direct)).toBe(`127.0.0.1 ${plain!.port}`);
    direct.close();
    const named = await Client.connect({ host: "127.0.0.1", port: other!.port, clientId: "t" });
    expect(await advertised(named)).toBe("broker.example 7777");
    named.close();
  });

  const hasIpv6 = Object.values(networkInterfaces()).flat().some((one) => one?.address === "::1");

  test.skipIf(!hasIpv6)("may be IPv6", async () => {
    const running = await start({ properties: { listeners: "PLAINTEXT://[::1]:0" } });
    const { port } = running.broker.addresses[0]!;
    const client = await Client.connect({ host: "::1", port, clientId: "t" });
    expect(await advertised(client)).toBe(`::1 ${port}`);
    client.close();
  });

  test.skipIf(!hasIpv6)("on every interface tell each client its own", async () => {
    const warnings: string[] = [];
    const logger = { debug() {}, info() {}, warn: (text: string) => void warnings.push(text), error() {} };
    const running = await start({ properties: { listeners: "PLAINTEXT://:0" }, logger });
    const { port } = running.broker.addresses[0]!;
    for (const host of ["127.0.0.1", "::1"]) {
      const client = await Client.connect({ host, port, clientId: "t" });
      expect(await advertised(client)).toBe(`${host} ${port}`);
      client.close();
    }
    expect(warnings.join()).toContain("without authentication");
  });

  test("in use are one clear line", async () => {
    const running = await start();
    const again = startTestBroker({ properties: { listeners: `PLAINTEXT://127.0.0.1:${running.port}` } });
    const error: Error = await again.then(() => new Error("started"), (reason: Error) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toBe(
      `127.0.0.1:${running.port} is in use: stop what listens there, or choose another port with --port`,
    );
  });
});

test("connections beyond max.connections are turned away", async () => {
  const running = await start({ properties: { "max.connections": "2" } });
  const [one, two] = [await running.connect(), await running.connect()];
  await expect(running.connect()).rejects.toBeInstanceOf(ConnectionLost);
  one.close();
  await until(() => running.broker.connectionCount === 1, "one is gone");
  (await running.connect()).close();
  two.close();
});

test("connections beyond max.connections.per.ip are turned away, and told in one line", async () => {
  const warnings: string[] = [];
  const logger = { debug() {}, info() {}, warn: (text: string) => void warnings.push(text), error() {} };
  const running = await start({ properties: { "max.connections.per.ip": "1" }, logger });
  const one = await running.connect();
  await expect(running.connect()).rejects.toBeInstanceOf(ConnectionLost);
  await expect(running.connect()).rejects.toBeInstanceOf(ConnectionLost);
  await until(() => warnings.length > 0, "the warning");
  expect(warnings).toEqual(["connections were turned away: max.connections.per.ip is reached"]);
  one.close();
  await until(() => running.broker.connectionCount === 0, "it is gone");
  (await running.connect()).close();
});

test("unfinished requests that fill the memory give way, the largest first; others are served again", async () => {
  const warnings: string[] = [];
  const logger = { debug() {}, info() {}, warn: (text: string) => void warnings.push(text), error() {} };
  const running = await start({ requestBytesMax: 1_000_000, logger });
  const client = await running.connect();
  const closed: number[] = [];
  const hoard = async (bytes: number): Promise<void> => {
    const frame = Buffer.alloc(bytes);
    frame.writeInt32BE(50_000_000);
    let at = 0;
    await Bun.connect({
      hostname: "127.0.0.1",
      port: running.port,
      socket: {
        open: (socket) => void (at += socket.write(frame, at)),
        drain: (socket) => void (at += socket.write(frame.subarray(at))),
        data() {},
        close: () => void closed.push(bytes),
      },
    });
  };
  await Promise.all([hoard(300_000), hoard(500_000), hoard(400_000)]);
  await until(() => closed.length > 0, "one has to go");
  expect(closed).toEqual([500_000]);
  expect(warnings.length).toBe(1);
  expect(await advertised(client)).toBe(`127.0.0.1 ${running.port}`);
  client.close();
});

test("a connection that is cut leaves no parked fetch behind", async () => {
  const clock = new CountingClock();
  const running = await start({ clock });
  await makeTopic(running, "t");
  const client = await running.connect();
  const before = clock.waiting;
  const parked = client.call({ request: fetchRequest, response: fetchResponse }, {
    maxWaitMs: 2 ** 31 - 1,
    minBytes: 1,
    topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    forgottenTopicsData: [],
  }, 12).catch((error: unknown) => error);
  await until(() => clock.waiting === before + 1, "the fetch is parked");
  // Its acks are no number that exists, and there is no answer to tell it by: the broker cuts the line.
  client.tell(produceRequest, {
    acks: 0,
    timeoutMs: 1,
    topicData: [{ name: "t", partitionData: [{ index: 0, records: null }] }],
  }, 9);
  expect(await parked).toBeInstanceOf(ConnectionLost);
  await until(() => clock.waiting === before, "nothing waits any more");
});

describe("the health page", () => {
  test("says what is wrong, and knows no other page", async () => {
    const running = await start();
    const page = serveHealth(new SystemNet(native), "127.0.0.1", 0, () => running.broker.health());
    const ask = (path: string, init = {}) => fetch(`http://127.0.0.1:${page.port}${path}`, init);
    const healthy = await ask("/health");
    expect([healthy.status, await healthy.json()]).toMatchObject([200, {
      status: "ok",
      clusterId: running.store.clusterId,
      diskFault: null,
    }]);
    expect((await ask("/health", { method: "HEAD" })).status).toBe(200);
    expect((await ask("/secrets")).status).toBe(404);
    expect((await ask("/health", { method: "POST", body: "x" })).status).toBe(404);
    await running.broker.stop();
    const stopping = await ask("/");
    expect([stopping.status, ((await stopping.json()) as { status: string }).status]).toEqual([503, "failing"]);
    page.stop();
  });
});
