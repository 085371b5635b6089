import type { Terminal } from "./command.ts";

/** Whoever read standard output has closed it, as `head` does: nothing is left to be done. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
  readonly code = "EPIPE";
}

/** Standard output and standard error of this process. */
export class ProcessTerminal implements Terminal {
  #failure: Error | null = null;
  #mayContinue: PromiseWithResolvers<void> | null = null;
  #isWatched = false;

  get interactive(): boolean {
    return process.stderr.isTTY === true;
  }

  out(text: string | Uint8Array): void {
    if (!this.#isWatched) this.#watch();
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
