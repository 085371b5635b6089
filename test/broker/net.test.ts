/**
 * The network of this machine: every byte of a file reaches a reader that is slower than the sender, in
 * order, between the bytes that stand around it - by sendfile and by the portable path. What is read is
 * compared byte for byte, because the danger is silence: a wake-up that never comes, or a byte twice.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadNative } from "../../native/native.ts";
import { Sender } from "../../engine/broker/sender.ts";
import type { Disk, DiskFile } from "../../engine/io/disk.ts";
import { DescriptorPool } from "../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../engine/io/disk_node.ts";
import { NetError, SOCKET_CLOSED } from "../../engine/io/net.ts";
import type { Listener, Socket, SocketHandler } from "../../engine/io/net.ts";
import { SystemNet } from "../../engine/io/net_system.ts";

const FILE_BYTES = 8 * 1024 * 1024;
const BUFFERS = { sendBytes: 102_400, receiveBytes: 102_400 };
const folder = mkdtempSync(join(tmpdir(), "millrace-net-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Byte i of the file; a prime period, so that a shift by any power of two shows. */
function byteAt(index: number): number {
  return (index * 31 + (index >>> 8)) % 251;
}

function makeFile(disk: Disk, name: string): DiskFile {
  const bytes = new Uint8Array(FILE_BYTES);
  for (let index = 0; index < FILE_BYTES; index++) bytes[index] = byteAt(index);
  const file = disk.file(join(folder, name));
  file.create("keep");
  file.write([bytes], 0);
  return file;
}

function serve(net: SystemNet, accept: (socket: Socket) => SocketHandler | null): Listener {
  return net.listen({ host: "127.0.0.1", port: 0, buffers: BUFFERS, accept });
}

const IDLE: SocketHandler = {
  missingBytes: 0,
  onData() {},
  onWritable() {},
  onEnd() {},
  onClose() {},
};

/** Reads with pauses, so that the sender meets a full socket again and again. */
async function readSlowly(port: number, wanted: number): Promise<Uint8Array> {
  const received = new Uint8Array(wanted);
  let have = 0;
  let chunks = 0;
  const done = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(socket, bytes) {
        received.set(bytes, have);
        have += bytes.length;
        if (have >= wanted) {
          socket.end();
          done.resolve();
        } else if (++chunks % 16 === 0) {
          socket.pause();
          setTimeout(() => socket.resume(), 1);
        }
      },
      close() {
        done.resolve();
      },
    },
  });
  await done.promise;
  return received.subarray(0, have);
}

for (const build of [undefined, "off"] as const) {
  const native = loadNative(build);
  describe(build === "off" ? "portable" : `sendfile (${native.build})`, () => {
    const disk = new NodeDisk({ native, descriptors: new DescriptorPool(16), readOnly: false });
    const net = new SystemNet(native);
    const file = makeFile(disk, `data-${build ?? "best"}`);

    test("sends heads, file ranges and tails in order to a slow reader", async () => {
      const expected: number[] = [];
      const parts: (Uint8Array | { file: DiskFile; position: number; length: number })[] = [];
      // Odd lengths and positions: no boundary of a page or a socket buffer is met by chance.
      for (let round = 0; round < 12; round++) {
        const head = Uint8Array.from({ length: 17 + round * 1013 }, (_, index) => (index + round) % 256);
        const position = round * 65_537 + 3;
        const length = 700_001 + round * 77;
        parts.push(head, { file, position, length });
        expected.push(head.length, length);
      }
      const listener = serve(net, (socket) => {
        const sender = new Sender(socket, { onIdle() {}, onBroken: (error) => { throw error; } });
        for (const part of parts) {
          if (part instanceof Uint8Array) sender.add(part);
          else sender.addFile(part);
        }
        queueMicrotask(() => sender.send());
        return { ...IDLE, onWritable: () => sender.onWritable() };
      });
      const total = expected.reduce((sum, length) => sum + length, 0);
      const received = await readSlowly(listener.port, total);
      listener.stop();
      expect(received.length).toBe(total);
      let at = 0;
      for (const part of parts) {
        const length = part.length;
        let wrong = -1;
        for (let index = 0; index < length && wrong < 0; index++) {
          const wanted = part instanceof Uint8Array ? part[index]! : byteAt(part.position + index);
          if (received[at + index] !== wanted) wrong = index;
        }
        expect(wrong).toBe(-1);
        at += length;
      }
    });

    test("a file that ends too early breaks the answer instead of sending less", async () => {
      const short = makeFile(disk, `short-${build ?? "best"}`);
      truncateSync(short.path, 1000);
      const broken = Promise.withResolvers<unknown>();
      const listener = serve(net, (socket) => {
        const sender = new Sender(socket, {
          onIdle() {},
          onBroken(error) {
            broken.resolve(error);
            socket.close();
          },
        });
        sender.add(Uint8Array.of(1, 2, 3));
        sender.addFile({ file: short, position: 0, length: 5000 });
        queueMicrotask(() => sender.send());
        return { ...IDLE, onWritable: () => sender.onWritable() };
      });
      const received = await readSlowly(listener.port, 5003);
      listener.stop();
      expect(String(await broken.promise)).toContain("file ended");
      expect(received.length).toBeLessThanOrEqual(1003);
    });
  });
}

/** Takes in one stream as a large request of `total` bytes, and checks every byte where it lands. */
class Receiver implements SocketHandler {
  readonly #socket: Socket;
  readonly #total: number;
  readonly #keep: boolean;
  readonly done = Promise.withResolvers<void>();
  received = 0;
  wrongAt = -1;
  /** Arrays handed out twice while the first use was not over. */
  doubles = 0;
  readonly #held = new Set<ArrayBufferLike>();

  constructor(socket: Socket, total: number, keep: boolean) {
    this.#socket = socket;
    this.#total = total;
    this.#keep = keep;
  }

  get missingBytes(): number {
    return this.#total - this.received;
  }

  onData(bytes: Uint8Array): void {
    if (this.#held.has(bytes.buffer)) this.doubles++;
    for (let at = 0; at < bytes.length && this.wrongAt < 0; at++) {
      if (bytes[at] !== byteAt(this.received + at)) this.wrongAt = this.received + at;
    }
    this.received += bytes.length;
    if (this.#keep) this.#held.add(bytes.buffer);
    else this.#socket.giveBack(bytes);
    if (this.received >= this.#total) this.done.resolve();
  }

  onWritable(): void {}
  onEnd(): void {}
  onClose(): void {
    this.done.resolve();
  }
}

async function sendPattern(port: number, total: number): Promise<void> {
  const bytes = Buffer.alloc(total);
  for (let index = 0; index < total; index++) bytes[index] = byteAt(index);
  let at = 0;
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void (at += socket.write(bytes, at)),
      drain: (socket) => void (at += socket.write(bytes.subarray(at))),
      data() {},
    },
  });
}

describe("large requests", () => {
  test.each([true, false])("arrive whole, with arrays kept: %p", async (keep) => {
    const net = new SystemNet(loadNative());
    const receivers: Receiver[] = [];
    const accepted = Promise.withResolvers<Receiver>();
    const listener = serve(net, (socket) => {
      const receiver = new Receiver(socket, FILE_BYTES, keep);
      receivers.push(receiver);
      accepted.resolve(receiver);
      return receiver;
    });
    await sendPattern(listener.port, FILE_BYTES);
    const receiver = await accepted.promise;
    await receiver.done.promise;
    listener.stop();
    expect([receiver.received, receiver.wrongAt, receiver.doubles]).toEqual([FILE_BYTES, -1, 0]);
  });

  test("an end in their middle closes the connection as any other does", async () => {
    const net = new SystemNet(loadNative());
    const ended = Promise.withResolvers<number>();
    const listener = serve(net, (socket) => {
      const receiver = new Receiver(socket, FILE_BYTES * 2, false);
      receiver.onEnd = () => {
        ended.resolve(receiver.received);
        socket.close();
      };
      return receiver;
    });
    const { connect } = await import("node:net");
    const bytes = Buffer.alloc(FILE_BYTES);
    for (let index = 0; index < FILE_BYTES; index++) bytes[index] = byteAt(index);
    connect(listener.port, "127.0.0.1").end(bytes);
    expect(await ended.promise).toBe(FILE_BYTES);
    listener.stop();
  });
});

describe("sockets", () => {
  const net = new SystemNet(loadNative());

  test("tell the addresses at both ends and take bytes until they are closed", async () => {
    const accepted = Promise.withResolvers<Socket>();
    const closed = Promise.withResolvers<void>();
    const listener = serve(net, (socket) => {
      accepted.resolve(socket);
      return { ...IDLE, onClose: () => closed.resolve() };
    });
    const peer = await Bun.connect({ hostname: "127.0.0.1", port: listener.port, socket: { data() {} } });
    const socket = await accepted.promise;
    expect([socket.localAddress, socket.localPort]).toEqual(["127.0.0.1", listener.port]);
    expect([socket.remoteAddress, socket.remotePort]).toEqual(["127.0.0.1", peer.localPort]);
    expect(socket.write(Uint8Array.of(9, 1, 2, 9), 1, 3)).toBe(2);
    socket.close();
    await closed.promise;
    expect(socket.write(Uint8Array.of(1), 0, 1)).toBe(SOCKET_CLOSED);
    listener.stop();
  });

  test("deliver what was written before end, and close when the peer did too", async () => {
    const ended = Promise.withResolvers<void>();
    let written = 0;
    const listener = serve(net, (socket) => ({
      ...IDLE,
      onData() {
        written = socket.write(new Uint8Array(50_000), 0, 50_000);
        socket.end();
      },
      onClose: () => ended.resolve(),
    }));
    let received = 0;
    const peerEnded = Promise.withResolvers<void>();
    const peer = await Bun.connect({
      hostname: "127.0.0.1",
      port: listener.port,
      socket: {
        data(_socket, bytes) {
          received += bytes.length;
        },
        end: () => peerEnded.resolve(),
      },
    });
    peer.write("x");
    await peerEnded.promise;
    peer.end();
    await ended.promise;
    expect(received).toBe(written);
    expect(written).toBeGreaterThan(0);
    listener.stop();
  });

  test("a connection that is turned away is closed", async () => {
    const listener = serve(net, () => null);
    const closed = Promise.withResolvers<void>();
    await Bun.connect({
      hostname: "127.0.0.1",
      port: listener.port,
      socket: { data() {}, close: () => closed.resolve() },
    });
    await closed.promise;
    listener.stop();
  });

  test("listen on IPv6, and name what stands in the way of an address", () => {
    const listener = net.listen({ host: "::1", port: 0, buffers: BUFFERS, accept: () => null });
    const taken = () => net.listen({ host: "::1", port: listener.port, buffers: BUFFERS, accept: () => null });
    expect(taken).toThrow(NetError);
    expect(taken).toThrow(`[::1]:${listener.port}`);
    listener.stop();
  });
});
