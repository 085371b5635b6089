import type { DiskFile } from "./disk.ts";

/**
 * Net: what a broker serves its clients through: stream connections that others open.
 *
 * Implementations: SystemNet (net_system.ts) over Bun's event loop with sendfile from the native shim,
 * or without it (portable); SimulatedNet (net_simulated.ts), in memory.
 */
export interface Net {
  /**
   * Connections that the process has descriptors for. Whoever accepts turns the rest away: when there
   * are none left, the loop spins on connections that it cannot take.
   */
  readonly connectionsMax: number;
  /** Throws NetError. */
  listen(options: ListenOptions): Listener;
}

export interface ListenOptions {
  /** A name or address; "" is every address of this machine. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly buffers: SocketBuffers;
  /** For each connection, before any of its bytes; null turns it away. */
  accept(socket: Socket): SocketHandler | null;
}

/** Bytes of the kernel's buffers, as Kafka's socket.*.buffer.bytes; -1 leaves them to the system. */
export interface SocketBuffers {
  readonly sendBytes: number;
  readonly receiveBytes: number;
}

export const SYSTEM_BUFFERS: SocketBuffers = { sendBytes: -1, receiveBytes: -1 };

export interface Listener {
  readonly host: string;
  /** The port that was taken. */
  readonly port: number;
  /** No more connections; those that are there stay. */
  stop(): void;
}

/** Called by the socket; never before `accept` returned, never after `onClose`. */
export interface SocketHandler {
  /** The array belongs to the handler; `Socket.giveBack` returns what it has finished with. */
  onData(bytes: Uint8Array): void;
  /**
   * Bytes that are known to be on their way, the rest of a large request; 0 when nothing is known, or
   * nothing wanted. The socket may then fetch them in its own way. Asked after `onData` returned.
   */
  readonly missingBytes: number;
  /** There is room again, after a write that took less than it was offered. May be spurious. */
  onWritable(): void;
  /** The peer will send nothing more, but may still read. */
  onEnd(): void;
  /** The last call: the descriptor is gone. */
  onClose(): void;
}

/** What write and sendFile return on a socket that is gone; `onClose` was called or will be. */
export const SOCKET_CLOSED = -1;
/** What sendFile returns when the file ends before the range does: the answer cannot be completed. */
export const FILE_TOO_SHORT = -2;

/**
 * Socket: one connection. Holds no bytes: what a write does not take stays with the caller.
 *
 * Invariants:
 *  N1  bytes leave in the order of the calls; a call that took less than offered is followed by
 *      `onWritable`, and by no other write before it
 *  N2  after `close` or `onClose` every write returns SOCKET_CLOSED
 *
 * Errors: a broken connection is not an error but `onClose`; reading the file may throw a DiskFault.
 */
export interface Socket {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Bytes taken of bytes[start, end), or SOCKET_CLOSED. */
  write(bytes: Uint8Array, start: number, end: number): number;
  /**
   * Sends head[0, headBytes), then `length` > 0 bytes of the file from `position`. Returns what was
   * taken of both together, or SOCKET_CLOSED, or FILE_TOO_SHORT.
   */
  sendFile(
    head: Uint8Array,
    headBytes: number,
    file: DiskFile,
    position: number,
    length: number,
  ): number;
  /** An array of `onData` that nobody will look at again. Never required: it spares an allocation. */
  giveBack(bytes: Uint8Array): void;
  /** No onData until `resume`; a paused socket need not notice that the peer closed. */
  pause(): void;
  resume(): void;
  /** Says that nothing more will be sent, after all that was taken. Closes once the peer did the same. */
  end(): void;
  /** At once; what the kernel has not sent yet may still arrive. */
  close(): void;
}

/** Why an address could not be listened on. */
export class NetError extends Error {
  override readonly name = "NetError";
  /** The system's name: "EADDRINUSE", "EADDRNOTAVAIL", "EACCES" ... */
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** An IPv4 address that reached an IPv6 socket, in its own form. */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/.test(address) ? address.slice("::ffff:".length) : address;
}

/** Listening there means listening on every address of this machine. */
export function isAnyHost(host: string): boolean {
  return host === "" || host === "::" || host === "0.0.0.0";
}
