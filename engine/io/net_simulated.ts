import { assert } from "../base/assert.ts";
import type { DiskFile } from "./disk.ts";
import { FILE_TOO_SHORT, NetError, SOCKET_CLOSED } from "./net.ts";
import type { ListenOptions, Listener, Net, Socket, SocketHandler } from "./net.ts";

/** What a socket takes before its peer reads. */
const CAPACITY_BYTES = 64 * 1024;

/**
 * Net in memory: what is sent arrives before the call returns, in the pieces in which it was sent.
 * The peer decides how much it reads and when, so that a full socket comes about exactly where a test
 * wants it.
 */
export class SimulatedNet implements Net {
  connectionsMax = Infinity;
  readonly #listeners = new Map<number, ListenOptions>();
  #nextPort = 40_000;

  listen(options: ListenOptions): Listener {
    const port = options.port === 0 ? this.#nextPort++ : options.port;
    if (this.#listeners.has(port)) throw new NetError("EADDRINUSE", `port ${port} is in use`);
    this.#listeners.set(port, options);
    return { host: options.host, port, stop: () => void this.#listeners.delete(port) };
  }

  /** Opens a connection from outside. Null: it was turned away. Throws NetError. */
  connect(port: number, capacityBytes = CAPACITY_BYTES): SimulatedPeer | null {
    const options = this.#listeners.get(port);
    if (options === undefined) throw new NetError("ECONNREFUSED", `nobody listens on ${port}`);
    const socket = new SimulatedSocket(options.host, port, this.#nextPort++, capacityBytes);
    const handler = options.accept(socket);
    if (handler === null) return null;
    socket.handler = handler;
    return new SimulatedPeer(socket);
  }
}

/** The far end of a connection, in the hands of a test. */
export class SimulatedPeer {
  readonly #socket: SimulatedSocket;

  constructor(socket: SimulatedSocket) {
    this.#socket = socket;
  }

  get isClosed(): boolean {
    return !this.#socket.isOpen;
  }

  /** The server said that it will send nothing more. */
  get sawEnd(): boolean {
    return this.#socket.hasEnded || !this.#socket.isOpen;
  }

  get isPaused(): boolean {
    return this.#socket.isPaused;
  }

  /** Bytes that wait to be read. */
  get available(): number {
    return this.#socket.sentBytes;
  }

  send(bytes: Uint8Array): void {
    this.#socket.receive(bytes);
  }

  /** At most `count` bytes; the server then hears that there is room. */
  read(count = Infinity): Uint8Array {
    return this.#socket.drain(count);
  }

  end(): void {
    this.#socket.peerEnded();
  }

  close(): void {
    this.#socket.close();
  }
}

class SimulatedSocket implements Socket {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress = "127.0.0.1";
  readonly remotePort: number;
  readonly #capacityBytes: number;
  handler: SocketHandler | null = null;
  isOpen = true;
  isPaused = false;
  hasEnded = false;
  sentBytes = 0;
  #sent: Uint8Array[] = [];
  #received: Uint8Array[] = [];
  #isFull = false;
  #peerEnded = false;

  constructor(host: string, port: number, remotePort: number, capacityBytes: number) {
    this.localAddress = host;
    this.localPort = port;
    this.remotePort = remotePort;
    this.#capacityBytes = capacityBytes;
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    if (!this.isOpen || this.hasEnded) return SOCKET_CLOSED;
    assert(!this.#isFull, "a write before the socket had room again");
    const taken = Math.min(end - start, this.#capacityBytes - this.sentBytes);
    if (taken > 0) this.#sent.push(bytes.slice(start, start + taken));
    this.sentBytes += taken;
    this.#isFull = taken < end - start;
    return taken;
  }

  sendFile(
    head: Uint8Array,
    headBytes: number,
    file: DiskFile,
    position: number,
    length: number,
  ): number {
    const bytes = new Uint8Array(headBytes + length);
    bytes.set(head.subarray(0, headBytes));
    if (file.read(bytes, headBytes, length, position) < length) return FILE_TOO_SHORT;
    return this.write(bytes, 0, bytes.length);
  }

  giveBack(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.#deliver();
  }

  end(): void {
    this.hasEnded = true;
    if (this.#peerEnded) this.close();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.handler?.onClose();
  }

  receive(bytes: Uint8Array): void {
    this.#received.push(bytes);
    this.#deliver();
  }

  peerEnded(): void {
    this.#peerEnded = true;
    this.#deliver();
  }

  drain(count: number): Uint8Array {
    const all = new Uint8Array(this.sentBytes);
    let at = 0;
    for (const piece of this.#sent) {
      all.set(piece, at);
      at += piece.length;
    }
    const taken = all.subarray(0, Math.min(count, at));
    const rest = all.subarray(taken.length);
    this.#sent = rest.length > 0 ? [rest] : [];
    this.sentBytes = rest.length;
    if (this.#isFull && taken.length > 0 && this.isOpen) {
      this.#isFull = false;
      this.handler?.onWritable();
    }
    return taken;
  }

  #deliver(): void {
    while (this.isOpen && !this.isPaused && this.#received.length > 0) {
      this.handler?.onData(this.#received.shift()!);
    }
    if (!this.isOpen || this.isPaused || !this.#peerEnded) return;
    if (this.hasEnded) this.close();
    else this.handler?.onEnd();
  }
}
