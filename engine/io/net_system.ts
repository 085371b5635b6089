import type { Socket as BunSocket, SocketHandler as BunHandlers, TCPSocketListener } from "bun";
import { assert } from "../base/assert.ts";
import { DiskFault } from "../model/errors.ts";
import { formatHostAndPort } from "../model/listener.ts";
import type { Native } from "../../native/native.ts";
import { errnoName } from "../../native/errno.ts";
import type { DiskFile } from "./disk.ts";
import { descriptorBudget, processDescriptorLimit } from "./disk_descriptors.ts";
import { ReceivePool } from "./receive_pool.ts";
import { FILE_TOO_SHORT, NetError, SOCKET_CLOSED, plainAddress } from "./net.ts";
import type { ListenOptions, Listener, Net, Socket, SocketBuffers, SocketHandler } from "./net.ts";

/**
 * What is handed to Bun's own write after sendfile filled the socket: Bun waits for room only when one
 * of its writes fell short. Few, because they are copied.
 */
const ARMING_BYTES = 4096;

/** Bytes that one step of the portable path reads and writes. */
const COPY_BYTES = 256 * 1024;

/**
 * From so many missing bytes on, the rest of a request is read past Bun, straight into a kept buffer: a
 * `data` event copies every byte once more, into memory that is new each time (bench/load, produce-1m).
 */
const DIRECT_BYTES_MIN = 64 * 1024;

/** What one event may read past Bun before others have their turn. */
const DIRECT_BYTES_PER_EVENT_MAX = 2 * 1024 * 1024;

/** Net over Bun.listen, with sendfile where the native build has it. */
export class SystemNet implements Net {
  /** Files have a budget of the same size. */
  readonly connectionsMax = descriptorBudget(processDescriptorLimit());
  readonly #native: Native;
  readonly receivePool = new ReceivePool();
  /** Shared by all sockets: filled and written within one call. Made when first needed. */
  #copyBuffer: Uint8Array | null = null;

  constructor(native: Native) {
    this.#native = native;
  }

  listen(options: ListenOptions): Listener {
    const handlers = this.#handlers((bun) => {
      const socket = new SystemSocket(this, bun);
      this.#tune(bun, options.buffers);
      const handler = options.accept(socket);
      if (handler === null) socket.close();
      else socket.attach(handler);
      return socket;
    });
    let server: TCPSocketListener<SystemSocket>;
    try {
      server = Bun.listen<SystemSocket>({
        hostname: options.host === "" ? "::" : options.host,
        port: options.port,
        allowHalfOpen: true,
        socket: handlers,
      });
    } catch (error) {
      const address = formatHostAndPort(options.host, options.port);
      throw new NetError(codeOf(error), `cannot listen on ${address}`, error);
    }
    return {
      host: options.host,
      port: server.port,
      stop: () => server.stop(false),
    };
  }

  get native(): Native {
    return this.#native;
  }

  copyBuffer(): Uint8Array {
    this.#copyBuffer ??= new Uint8Array(COPY_BYTES);
    return this.#copyBuffer;
  }

  #handlers(open: (bun: BunSocket<SystemSocket>) => SystemSocket): BunHandlers<SystemSocket> {
    return {
      open(bun) {
        bun.data = open(bun);
      },
      data(bun, bytes) {
        bun.data.received(bytes);
      },
      drain(bun) {
        bun.data.handler?.onWritable();
      },
      end(bun) {
        bun.data.handler?.onEnd();
      },
      close(bun) {
        bun.data?.closed();
      },
      error(bun) {
        // Bun closes the socket itself after a system error; an exception of ours must not leave it open.
        bun.data?.close();
      },
    };
  }

  #tune(bun: BunSocket<SystemSocket>, buffers: SocketBuffers): void {
    bun.setNoDelay(true);
    const fd = descriptorOf(bun);
    // A kernel that refuses a size keeps its own: slower, never wrong.
    if (buffers.sendBytes > 0) this.#native.setSendBuffer(fd, buffers.sendBytes);
    if (buffers.receiveBytes > 0) this.#native.setReceiveBuffer(fd, buffers.receiveBytes);
  }
}

class SystemSocket implements Socket {
  readonly #net: SystemNet;
  readonly #bun: BunSocket<SystemSocket>;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  handler: SocketHandler | null = null;
  #open = true;

  constructor(net: SystemNet, bun: BunSocket<SystemSocket>) {
    this.#net = net;
    this.#bun = bun;
    this.localAddress = plainAddress(bun.localAddress);
    this.localPort = bun.localPort;
    this.remoteAddress = plainAddress(bun.remoteAddress);
    this.remotePort = bun.remotePort;
  }

  attach(handler: SocketHandler): void {
    this.handler = handler;
  }

  received(bytes: Uint8Array): void {
    this.handler?.onData(bytes);
    this.#receiveMissing();
  }

  /** What Bun has not seen is not lost to it: an end or an error shows again at its next read. */
  #receiveMissing(): void {
    const { native, receivePool } = this.#net;
    if (!native.capabilities.sendfile) return;
    for (let done = 0; done < DIRECT_BYTES_PER_EVENT_MAX; ) {
      const { handler } = this;
      if (handler === null || handler.missingBytes < DIRECT_BYTES_MIN) return;
      const buffer = receivePool.take();
      const wanted = Math.min(buffer.length, handler.missingBytes);
      const received = native.recv(descriptorOf(this.#bun), buffer, 0, wanted);
      if (received <= 0) {
        receivePool.giveBack(buffer);
        return;
      }
      done += received;
      handler.onData(received === buffer.length ? buffer : buffer.subarray(0, received));
    }
  }

  giveBack(bytes: Uint8Array): void {
    this.#net.receivePool.giveBack(bytes);
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    if (!this.#open) return SOCKET_CLOSED;
    const taken = this.#bun.write(bytes, start, end - start);
    return taken < 0 ? SOCKET_CLOSED : taken;
  }

  sendFile(
    head: Uint8Array,
    headBytes: number,
    file: DiskFile,
    position: number,
    length: number,
  ): number {
    assert(length > 0, "sendFile without file bytes", length);
    if (!this.#open) return SOCKET_CLOSED;
    if (!this.#net.native.capabilities.sendfile) {
      return this.#sendCopied(head, headBytes, file, position, length);
    }
    const total = headBytes + length;
    const fd = descriptorOf(this.#bun);
    let taken = 0;
    for (;;) {
      const headLeft = Math.max(headBytes - taken, 0);
      const rest = taken > 0 && headLeft > 0 ? head.subarray(taken, headBytes) : head;
      const done = Math.max(taken - headBytes, 0);
      const sent = this.#sendOnce(fd, rest, headLeft, file, position + done, length - done);
      if (sent < 0) return sent;
      taken += sent;
      if (taken === total) return taken;
      const left = taken < headBytes ? headBytes - taken : total - taken;
      const offered = Math.min(ARMING_BYTES, left);
      const armed = taken < headBytes
        ? this.write(head, taken, taken + offered)
        : this.#writeFrom(file, position + taken - headBytes, offered);
      if (armed < 0) return armed;
      taken += armed;
      if (armed < offered || taken === total) return taken;
    }
  }

  pause(): void {
    if (this.#open) this.#bun.pause();
  }

  resume(): void {
    if (this.#open) this.#bun.resume();
  }

  end(): void {
    if (this.#open) this.#bun.shutdown();
  }

  close(): void {
    if (!this.#open) return;
    this.#bun.terminate();
  }

  /** Bun says that the descriptor is gone. */
  closed(): void {
    this.#open = false;
    const handler = this.handler;
    this.handler = null;
    handler?.onClose();
  }

  /** One system call or two. 0: the socket is full or the file ended; `#writeFrom` finds out. */
  #sendOnce(
    fd: number,
    head: Uint8Array,
    headBytes: number,
    file: DiskFile,
    position: number,
    length: number,
  ): number {
    const fileFd = file.borrow();
    let sent: number;
    try {
      sent = this.#net.native.sendHeadAndFile(fd, head, headBytes, fileFd, position, length);
    } finally {
      file.giveBack();
    }
    if (sent >= 0) return sent;
    const code = errnoName(-sent);
    if (code === "EAGAIN") return 0;
    if (code === "EIO") throw new DiskFault("sendfile", file.path, code);
    this.close();
    return SOCKET_CLOSED;
  }

  /** Offers a few file bytes to Bun, so that it waits for room when they do not fit. */
  #writeFrom(file: DiskFile, position: number, length: number): number {
    const buffer = this.#net.copyBuffer();
    if (file.read(buffer, 0, length, position) < length) return FILE_TOO_SHORT;
    return this.write(buffer, 0, length);
  }

  #sendCopied(
    head: Uint8Array,
    headBytes: number,
    file: DiskFile,
    position: number,
    length: number,
  ): number {
    let taken = 0;
    if (headBytes > 0) {
      taken = this.write(head, 0, headBytes);
      if (taken < headBytes) return taken;
    }
    const buffer = this.#net.copyBuffer();
    for (let done = 0; done < length; ) {
      const wanted = Math.min(buffer.length, length - done);
      if (file.read(buffer, 0, wanted, position + done) < wanted) return FILE_TOO_SHORT;
      const written = this.write(buffer, 0, wanted);
      if (written < 0) return written;
      done += written;
      taken += written;
      if (written < wanted) break;
    }
    return taken;
  }
}

function descriptorOf(bun: BunSocket<SystemSocket>): number {
  // Bun has it, its types do not.
  const fd = (bun as unknown as { readonly fd: number }).fd;
  assert(Number.isInteger(fd), "a socket without a descriptor", fd);
  return fd;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? code : "UNKNOWN";
}
