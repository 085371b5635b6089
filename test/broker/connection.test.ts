/**
 * One connection against a simulated socket: answers leave in the order of the requests whatever order
 * they come in, one write a turn, and neither a flood nor a slow reader makes it hold more than its
 * bounds. The handlers here are doubles whose answers the test gives when it wants.
 */
import { describe, expect, test } from "bun:test";
import { assert } from "../../engine/base/assert.ts";
import { readInt16, readInt32, writeInt16, writeInt32 } from "../../engine/base/int64.ts";
import {
  CONNECTION_REQUEST_BYTES_MAX,
  LINGER_MS_MAX,
  REQUESTS_IN_FLIGHT_MAX,
  STALL_MS_MAX,
} from "../../engine/broker/broker_limits.ts";
import { Call, NO_ANSWER } from "../../engine/broker/call.ts";
import type { Caller, Reply, Services } from "../../engine/broker/call.ts";
import { Connection } from "../../engine/broker/connection.ts";
import type { ConnectionHost } from "../../engine/broker/connection.ts";
import { Sender } from "../../engine/broker/sender.ts";
import { SILENT_LOGGER } from "../../engine/io/logger.ts";
import { SimulatedNet } from "../../engine/io/net_simulated.ts";
import type { SimulatedPeer } from "../../engine/io/net_simulated.ts";
import { SYSTEM_BUFFERS } from "../../engine/io/net.ts";
import type { MonotonicMs } from "../../engine/model/offsets.ts";
import { findApi } from "../../engine/wire/apis.ts";
import type { Frame } from "../../engine/wire/frame_splitter.ts";
import { Writer } from "../../engine/wire/writer.ts";
import { WireError } from "../../engine/wire/wire_error.ts";
import { ManualClock } from "../support/manual_clock.ts";

const PIPELINED = 0;
const ALONE = 3;
const BAD = 99;
const FRAME_BYTES_MAX = 100 * 1024 * 1024;

/** Answers a body of so many bytes, each the low byte of the correlation id. */
class BytesReply implements Reply {
  readonly size: number;
  constructor(size: number) {
    this.size = size;
  }
  writeBody(writer: Writer, call: Call): void {
    writer.raw(new Uint8Array(this.size).fill(call.correlationId));
  }
}

class Host implements ConnectionHost {
  readonly clock = new ManualClock();
  readonly services = { clock: this.clock, logger: SILENT_LOGGER } as unknown as Services;
  readonly writer = new Writer();
  readonly frameBytesMax = FRAME_BYTES_MAX;
  readonly calls: Call[] = [];
  heldBytes = 0;
  budget = Infinity;
  closedCount = 0;
  waiting: Connection[] = [];
  /** Called for each request, in the dispatch itself. */
  onCall: (call: Call) => void = () => {};

  get sweptAt(): MonotonicMs {
    return this.clock.monotonicMs();
  }
  get isOverBudget(): boolean {
    return this.heldBytes > this.budget;
  }
  isPipelined = (key: number) => key === PIPELINED;
  holdBytes(delta: number): void {
    this.heldBytes += delta;
  }
  waitForBudget(connection: Connection): void {
    this.waiting.push(connection);
  }
  closed(): void {
    this.closedCount++;
  }
  dispatch(caller: Caller, frame: Frame): Call | null {
    const key = readInt16(frame.bytes, frame.start);
    if (key === BAD) throw new WireError("UNKNOWN_API", "no such key");
    const call = new Call(this.services, caller, {
      api: findApi(key)!,
      version: 0,
      correlationId: readInt32(frame.bytes, frame.start + 4),
      clientId: null,
      frameBytes: frame.length + 4,
      pieces: frame.rest,
    });
    this.calls.push(call);
    this.onCall(call);
    return call;
  }
}

function request(key: number, id: number, bytes = 8): Uint8Array {
  const frame = new Uint8Array(4 + bytes);
  writeInt32(frame, 0, bytes);
  writeInt16(frame, 4, key);
  writeInt32(frame, 8, id);
  return frame;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Correlation ids of whole answers; checks that each is well formed. */
function answersIn(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = readInt32(bytes, at);
    const id = readInt32(bytes, at + 4);
    expect(at + 4 + size).toBeLessThanOrEqual(bytes.length);
    expect(bytes.subarray(at + 8, at + 4 + size).every((byte) => byte === (id & 0xff))).toBe(true);
    ids.push(id);
    at += 4 + size;
  }
  return ids;
}

interface Opened {
  readonly host: Host;
  readonly peer: SimulatedPeer;
  readonly connection: Connection;
}

function open(capacityBytes?: number): Opened {
  const host = new Host();
  const net = new SimulatedNet();
  let connection: Connection | null = null;
  const listener = net.listen({
    host: "127.0.0.1",
    port: 0,
    buffers: SYSTEM_BUFFERS,
    accept(socket) {
      connection = new Connection(host, socket, { host: "127.0.0.1", port: 9092 });
      return connection;
    },
  });
  const peer = net.connect(listener.port, capacityBytes)!;
  assert(connection !== null, "not accepted");
  return { host, peer, connection };
}

/** Lets answers that were given in this turn leave. */
const turn = () => Promise.resolve();

describe("answers", () => {
  test("leave in the order of the requests, though they are ready in another", async () => {
    const { host, peer } = open();
    peer.send(joined(...[1, 2, 3, 4].map((id) => request(PIPELINED, id))));
    expect(host.calls.length).toBe(4);
    host.calls[2]!.answer(new BytesReply(3));
    host.calls[1]!.answer(new BytesReply(2));
    await turn();
    expect(peer.available).toBe(0);
    host.calls[0]!.answer(new BytesReply(1));
    await turn();
    expect(answersIn(peer.read())).toEqual([1, 2, 3]);
    host.calls[3]!.answer(new BytesReply(0));
    await turn();
    expect(answersIn(peer.read())).toEqual([4]);
  });

  test("without a body for a client that wants none take no place", async () => {
    const { host, peer } = open();
    host.onCall = (call) => {
      if (call.correlationId === 2) call.answer(NO_ANSWER);
    };
    peer.send(joined(...[1, 2, 3].map((id) => request(PIPELINED, id))));
    host.calls[2]!.answer(new BytesReply(1));
    host.calls[0]!.answer(new BytesReply(1));
    await turn();
    expect(answersIn(peer.read())).toEqual([1, 3]);
    peer.send(request(PIPELINED, 4));
    peer.send(request(PIPELINED, 5));
    host.calls[4]!.answer(new BytesReply(1));
    host.calls[3]!.answer(NO_ANSWER);
    await turn();
    expect(answersIn(peer.read())).toEqual([5]);
    expect(host.heldBytes).toBe(0);
  });

  test("to a slow reader stay in order through a full socket, and stop the intake", async () => {
    const { host, peer } = open(1000);
    host.onCall = (call) => call.answer(new BytesReply(700));
    const ids = Array.from({ length: 40 }, (_, index) => index + 1);
    peer.send(joined(...ids.map((id) => request(PIPELINED, id))));
    // The socket is full after one answer and a half: nothing more is taken up meanwhile.
    const takenUp = host.calls.length;
    peer.send(request(PIPELINED, 41));
    expect(host.calls.length).toBe(takenUp);
    expect(peer.isPaused).toBe(true);
    const pieces: Uint8Array[] = [];
    for (let round = 0; round < 400 && host.calls.length <= 41; round++) {
      const piece = peer.read(97);
      if (piece.length === 0) break;
      pieces.push(piece);
      host.clock.endTick();
    }
    expect(answersIn(joined(...pieces))).toEqual([...ids, 41]);
    expect(peer.isPaused).toBe(false);
  });
});

describe("a sender", () => {
  test("keeps the order of many parts through a full socket, and forgets what has left", () => {
    const net = new SimulatedNet();
    let sender: Sender | null = null;
    let idle = 0;
    const listener = net.listen({
      host: "127.0.0.1",
      port: 0,
      buffers: SYSTEM_BUFFERS,
      accept(socket) {
        const made = new Sender(socket, { onIdle: () => idle++, onBroken: (error) => { throw error; } });
        sender = made;
        const nothing = (): void => {};
        return {
          missingBytes: 0, onData: nothing, onEnd: nothing, onClose: nothing,
          onWritable: () => made.onWritable(),
        };
      },
    });
    const peer = net.connect(listener.port, 50)!;
    assert(sender !== null, "not accepted");
    const sending: Sender = sender;
    const parts = Array.from({ length: 300 }, (_, index) => new Uint8Array(1 + (index % 7)).fill(index));
    for (const part of parts) sending.add(part);
    sending.send();
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    expect(sending.queuedBytes).toBe(total - 50);
    const received: Uint8Array[] = [];
    while (!sending.isIdle || peer.available > 0) received.push(peer.read(13));
    expect(Buffer.compare(joined(...received), joined(...parts))).toBe(0);
    expect([sending.queuedBytes, sending.sentBytes, idle]).toEqual([0, total, 1]);
  });
});

describe("turns", () => {
  test("a request that is not pipelined waits for all before it and holds up what follows", async () => {
    const { host, peer } = open();
    peer.send(joined(request(PIPELINED, 1), request(ALONE, 2), request(PIPELINED, 3)));
    expect(host.calls.map((call) => call.correlationId)).toEqual([1]);
    expect(peer.isPaused).toBe(true);
    host.calls[0]!.answer(new BytesReply(1));
    await turn();
    expect(host.calls.map((call) => call.correlationId)).toEqual([1, 2]);
    host.calls[1]!.answer(new BytesReply(1));
    await turn();
    expect(host.calls.map((call) => call.correlationId)).toEqual([1, 2, 3]);
    host.calls[2]!.answer(new BytesReply(1));
    await turn();
    expect(answersIn(peer.read())).toEqual([1, 2, 3]);
    expect(peer.isPaused).toBe(false);
  });

  test("requests that take long give way to others and go on at the end of the tick", () => {
    const { host, peer } = open();
    host.onCall = (call) => {
      host.clock.now += 1;
      call.answer(new BytesReply(1));
    };
    peer.send(joined(...Array.from({ length: 200 }, (_, index) => request(ALONE, index))));
    const first = host.calls.length;
    expect(first).toBeLessThan(50);
    expect(peer.isPaused).toBe(true);
    host.clock.endTick();
    expect(host.calls.length).toBe(200);
    expect(answersIn(peer.read()).length).toBe(200);
    expect(peer.isPaused).toBe(false);
  });
});

describe("bounds", () => {
  test("so many requests in flight and no more", async () => {
    const { host, peer } = open();
    const wanted = REQUESTS_IN_FLIGHT_MAX + 10;
    peer.send(joined(...Array.from({ length: wanted }, (_, id) => request(PIPELINED, id))));
    expect(host.calls.length).toBe(REQUESTS_IN_FLIGHT_MAX);
    expect(peer.isPaused).toBe(true);
    for (const call of host.calls.slice(0, 20)) call.answer(new BytesReply(0));
    await turn();
    expect(host.calls.length).toBe(wanted);
    expect(answersIn(peer.read()).length).toBe(20);
    expect(peer.isPaused).toBe(false);
  });

  test("bytes in flight stop the reading until they are answered", async () => {
    const { host, peer } = open();
    const size = CONNECTION_REQUEST_BYTES_MAX / 2;
    peer.send(request(PIPELINED, 1, size));
    expect(peer.isPaused).toBe(false);
    peer.send(request(PIPELINED, 2, size));
    expect(peer.isPaused).toBe(true);
    host.calls[0]!.answer(new BytesReply(0));
    await turn();
    expect(peer.isPaused).toBe(false);
    expect(host.heldBytes).toBe(size + 4);
  });

  test("a request larger than the bound still arrives", () => {
    const { host, peer } = open();
    const large = request(PIPELINED, 1, CONNECTION_REQUEST_BYTES_MAX + 5);
    for (let at = 0; at < large.length; at += 500_000) peer.send(large.slice(at, at + 500_000));
    expect(host.calls.length).toBe(1);
  });

  test("a spent budget stops everybody who sends, and feeding goes on when asked", () => {
    const { host, peer, connection } = open();
    host.budget = 10;
    peer.send(request(PIPELINED, 1));
    expect(peer.isPaused).toBe(true);
    expect(host.waiting).toEqual([connection]);
    host.budget = 100;
    connection.resume();
    expect(peer.isPaused).toBe(false);
  });

  test("all bytes are given back when the connection goes, and who waits is told", () => {
    const { host, peer } = open();
    let abandoned = 0;
    host.onCall = (call) => {
      call.onAbandoned = () => abandoned++;
    };
    peer.send(joined(request(PIPELINED, 1), request(PIPELINED, 2), Uint8Array.of(0, 0)));
    expect(host.heldBytes).toBe(26);
    peer.close();
    expect([host.heldBytes, abandoned, host.closedCount]).toEqual([0, 2, 1]);
    host.calls[0]!.answer(new BytesReply(1));
    expect(host.heldBytes).toBe(0);
  });
});

describe("ends", () => {
  test("bad bytes close the connection after what was ready", () => {
    const { host, peer } = open();
    host.onCall = (call) => call.answer(new BytesReply(1));
    peer.send(joined(request(PIPELINED, 1), request(BAD, 2), request(PIPELINED, 3)));
    expect(answersIn(peer.read())).toEqual([1]);
    expect(peer.isClosed).toBe(true);
    expect(host.calls.length).toBe(1);
  });

  for (const length of [-1, FRAME_BYTES_MAX + 1]) {
    test(`a frame of ${length} bytes closes the connection`, () => {
      const { peer } = open();
      const prefix = new Uint8Array(4);
      writeInt32(prefix, 0, length);
      peer.send(prefix);
      expect(peer.isClosed).toBe(true);
    });
  }

  test("a peer that ended its side gets what is in flight, hurried, and then the end", async () => {
    const { host, peer } = open();
    let hurried = 0;
    host.onCall = (call) => {
      call.onHurry = () => hurried++;
    };
    peer.send(request(PIPELINED, 1));
    peer.end();
    expect([hurried, peer.sawEnd]).toEqual([1, false]);
    host.calls[0]!.answer(new BytesReply(5));
    await turn();
    expect(answersIn(peer.read())).toEqual([1]);
    expect(peer.sawEnd).toBe(true);
  });

  test("a stop answers what is in flight, takes nothing more and lets go of who lingers", async () => {
    const { host, peer, connection } = open();
    peer.send(request(PIPELINED, 1));
    connection.end();
    peer.send(request(PIPELINED, 2));
    expect(host.calls.length).toBe(1);
    host.calls[0]!.answer(new BytesReply(5));
    await turn();
    expect(answersIn(peer.read())).toEqual([1]);
    expect([peer.sawEnd, peer.isClosed]).toEqual([true, false]);
    host.clock.now += LINGER_MS_MAX + 1;
    connection.sweep(host.clock.monotonicMs(), -1);
    expect(peer.isClosed).toBe(true);
  });
});

describe("deadlines", () => {
  const IDLE_MS = 1000;

  test("an idle connection goes, one with a request in flight stays", () => {
    for (const isBusy of [false, true]) {
      const { host, peer, connection } = open();
      if (isBusy) peer.send(request(PIPELINED, 1));
      for (let step = 0; step < 3; step++) {
        host.clock.now += IDLE_MS / 2 + 1;
        connection.sweep(host.clock.monotonicMs(), IDLE_MS);
      }
      expect(peer.isClosed).toBe(!isBusy);
    }
  });

  test("half a request does not keep a connection for ever", () => {
    const { host, peer, connection } = open();
    peer.send(request(PIPELINED, 1).subarray(0, 9));
    host.clock.now += STALL_MS_MAX;
    connection.sweep(host.clock.monotonicMs(), -1);
    expect(peer.isClosed).toBe(false);
    peer.send(Uint8Array.of(0));
    host.clock.now += STALL_MS_MAX;
    connection.sweep(host.clock.monotonicMs(), -1);
    expect(peer.isClosed).toBe(false);
    host.clock.now += 1;
    connection.sweep(host.clock.monotonicMs(), -1);
    expect(peer.isClosed).toBe(true);
  });

  test("a reader that is slow stays, one that stopped goes", async () => {
    const { host, peer, connection } = open(100);
    host.onCall = (call) => call.answer(new BytesReply(1000));
    peer.send(request(PIPELINED, 1));
    for (let step = 0; step < 5; step++) {
      host.clock.now += STALL_MS_MAX - 1;
      connection.sweep(host.clock.monotonicMs(), -1);
      peer.read(10);
    }
    expect(peer.isClosed).toBe(false);
    connection.sweep(host.clock.monotonicMs(), -1);
    host.clock.now += STALL_MS_MAX + 1;
    connection.sweep(host.clock.monotonicMs(), -1);
    expect(peer.isClosed).toBe(true);
  });
});
