import { writeSync } from "node:fs";
import type { Terminal } from "./command.ts";

/** Whoever read standard output has closed it, as `head` does: nothing is left to be done. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
  readonly code = "EPIPE";
}

const STANDARD_OUTPUT = 1;

/** A pipe takes so much as a whole or not at all (PIPE_BUF). */
const WRITTEN_AT_ONCE_BYTES_MAX = 4096;

/** Standard output and standard error of this process. */
export class ProcessTerminal implements Terminal {
  #failure: Error | null = null;
  #mayContinue: PromiseWithResolvers<void> | null = null;
  #isWatched = false;

  get interactive(): boolean {
    return process.stderr.isTTY === true;
  }

  out(text: string | Uint8Array): void {
    if (!this.#isWatched) {
      if (this.#wroteAtOnce(text)) return;
      this.#watch();
    }
    if (this.#failure !== null) return;
    if (!process.stdout.write(text)) this.#mayContinue ??= Promise.withResolvers();
  }

  error(text: string): void {
    process.stderr.write(text);
  }

  drained(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return this.#mayContinue?.promise ?? Promise.resolve();
  }

  /** Short words first: the runtime's stream takes 5 ms to load, which a broker's start is spared. */
  #wroteAtOnce(text: string | Uint8Array): boolean {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    if (bytes.length > WRITTEN_AT_ONCE_BYTES_MAX) return false;
    try {
      writeSync(STANDARD_OUTPUT, bytes);
      return true;
    } catch {
      return false; // full, or closed: the stream tells which
    }
  }

  #watch(): void {
    this.#isWatched = true;
    process.stdout.on("drain", () => {
      this.#mayContinue?.resolve();
      this.#mayContinue = null;
    });
    process.stdout.on("error", (error: Error & { code?: string }) => {
      this.#failure = error.code === "EPIPE" ? new OutputClosed(error.message) : error;
      this.#mayContinue?.promise.catch(() => {});
      this.#mayContinue?.reject(this.#failure);
      this.#mayContinue = null;
    });
  }
}
