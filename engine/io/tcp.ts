/**
 * The client's side of a TCP connection: bytes in, bytes out, one end. What the socket does not take
 * at once is kept here and sent when it drains, so `write` never loses a byte.
 */
export interface TcpStream {
  /** Keeps the array until it is sent. After the end: no effect. */
  write(bytes: Uint8Array): void;
  /** Bytes given to `write` that the system has not taken yet. */
  readonly pendingBytes: number;
  /** Resolves at the next moment when nothing is pending, or when the connection ended. */
  drained(): Promise<void>;
  close(): void;
}

export interface TcpEvents {
  /** `bytes` belong to the receiver. */
  onData(bytes: Uint8Array): void;
  /** Once, however the connection ended; null after `close()` or an orderly end of the peer. */
  onEnd(error: Error | null): void;
}

/** Rejects with the system's error (code ECONNREFUSED ...) when nobody answers. */
export async function connectTcp(host: string, port: number, events: TcpEvents): Promise<TcpStream> {
  const stream = new BunTcpStream(events);
  await Bun.connect({
    hostname: host,
    port,
    socket: {
      open: (socket) => stream.opened(socket),
      data: (_socket, bytes) => events.onData(bytes),
      drain: () => stream.flush(),
      close: () => stream.ended(null),
      error: (_socket, error) => stream.ended(error),
      end: () => stream.close(),
    },
  });
  return stream;
}

type BunSocket = Bun.Socket<undefined>;

class BunTcpStream implements TcpStream {
  readonly #events: TcpEvents;
  #socket: BunSocket | null = null;
  #queue: Uint8Array[] = [];
  #pendingBytes = 0;
  #ended = false;
  #drainWaiters: (() => void)[] = [];

  constructor(events: TcpEvents) {
    this.#events = events;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  drained(): Promise<void> {
    if (this.#pendingBytes === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drainWaiters.push(resolve));
  }

  opened(socket: BunSocket): void {
    this.#socket = socket;
    socket.setNoDelay(true);
  }

  write(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#queue.length === 1) this.flush();
  }

  flush(): void {
    while (this.#queue.length > 0 && this.#socket !== null && !this.#ended) {
      const next = this.#queue[0]!;
      const taken = this.#socket.write(next);
      // Negative: the socket is closed, and its close event says so.
      if (taken < 0) return;
      this.#pendingBytes -= taken;
      if (taken < next.length) {
        this.#queue[0] = next.subarray(taken);
        return;
      }
      this.#queue.shift();
    }
    if (this.#pendingBytes === 0) this.#wakeDrainWaiters();
  }

  #wakeDrainWaiters(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const wake of waiters) wake();
  }

  close(): void {
    this.#socket?.end();
    this.ended(null);
  }

  ended(error: Error | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue = [];
    this.#pendingBytes = 0;
    this.#wakeDrainWaiters();
    this.#events.onEnd(error);
  }
}
