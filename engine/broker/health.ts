import type { Listener, Net, Socket, SocketHandler } from "../io/net.ts";
import { SYSTEM_BUFFERS } from "../io/net.ts";

/** A request line and headers are shorter; whoever sends more is no health check. */
const REQUEST_BYTES_MAX = 8 * 1024;

export interface Health {
  readonly ok: boolean;
  /** Anything that helps to see what is wrong; JSON. */
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * A tiny HTTP server for health checks: `GET /health` (or `/`) answers 200 or 503 with one JSON object,
 * any other path 404. One request a connection. Throws NetError.
 */
export function serveHealth(net: Net, host: string, port: number, check: () => Health): Listener {
  return net.listen({
    host,
    port,
    buffers: SYSTEM_BUFFERS,
    accept: (socket) => new HealthConnection(socket, check),
  });
}

class HealthConnection implements SocketHandler {
  readonly #socket: Socket;
  readonly #check: () => Health;
  readonly missingBytes = 0;
  #received = "";
  #isAnswered = false;

  constructor(socket: Socket, check: () => Health) {
    this.#socket = socket;
    this.#check = check;
  }

  onData(bytes: Uint8Array): void {
    if (this.#isAnswered) return;
    this.#received += String.fromCharCode(...bytes.subarray(0, REQUEST_BYTES_MAX));
    if (this.#received.includes("\r\n\r\n")) this.#answer();
    else if (this.#received.length > REQUEST_BYTES_MAX) this.#socket.close();
  }

  onWritable(): void {}

  onEnd(): void {
    this.#socket.close();
  }

  onClose(): void {}

  #answer(): void {
    this.#isAnswered = true;
    const [method, path] = this.#received.split(" ");
    const isKnown = (method === "GET" || method === "HEAD") && (path === "/health" || path === "/");
    const health = isKnown ? this.#check() : null;
    const status = health === null ? "404 Not Found" : health.ok ? "200 OK" : "503 Service Unavailable";
    const body = health === null
      ? ""
      : `${JSON.stringify({ status: health.ok ? "ok" : "failing", ...health.details })}\n`;
    const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    const answer = new TextEncoder().encode(method === "HEAD" ? head : head + body);
    // A few hundred bytes fit any socket buffer.
    this.#socket.write(answer, 0, answer.length);
    this.#socket.end();
  }
}
