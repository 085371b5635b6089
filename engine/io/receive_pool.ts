/** One read from a socket brings at most this much; a larger array would only stay half empty. */
export const RECEIVE_BUFFER_BYTES = 256 * 1024;

/** Buffers kept for the next request: what a few large requests in flight need. The rest is let go. */
const KEPT_BUFFERS_MAX = 64;

/**
 * Buffers for reading from sockets, used again instead of made anew: fresh memory costs more than the
 * copy into it. A buffer that never comes back is the collector's.
 */
export class ReceivePool {
  readonly #free: Uint8Array[] = [];
  /** Those that are out, by their memory: views of them come back. */
  readonly #out = new WeakSet<ArrayBufferLike>();

  take(): Uint8Array {
    const buffer = this.#free.pop() ?? new Uint8Array(RECEIVE_BUFFER_BYTES);
    this.#out.add(buffer.buffer);
    return buffer;
  }

  /** Any view of a buffer that is out; other arrays are ignored, and so is a second time. */
  giveBack(bytes: Uint8Array): void {
    if (!this.#out.delete(bytes.buffer)) return;
    if (this.#free.length < KEPT_BUFFERS_MAX) this.#free.push(new Uint8Array(bytes.buffer));
  }
}
