import { assert } from "../base/assert.ts";

/**
 * Batches below this are copied into the stage and written at the end of the tick; larger ones go to
 * the file at once. Copying 16 KiB costs about what the system call it saves costs
 * (bench/micro/log_append.bench.ts).
 */
export const STAGE_BYTES_MAX = 16 * 1024;

/** What one log may stage in one tick before it writes. */
export const STAGE_BUFFER_BYTES = 128 * 1024;

/** Buffers lent at one time: 16 MiB. Logs beyond that write each batch at once. */
const STAGES_MAX = 128;

/**
 * StagePool: the buffers in which small batches wait for the end of the tick. Lent to a log from its
 * first staged batch to its write, so that ten thousand idle logs hold none.
 */
export class StagePool {
  readonly #free: Uint8Array[] = [];
  #lent = 0;

  /** Null: too many are lent. */
  take(): Uint8Array | null {
    if (this.#lent >= STAGES_MAX) return null;
    this.#lent++;
    return this.#free.pop() ?? new Uint8Array(STAGE_BUFFER_BYTES);
  }

  give(buffer: Uint8Array): void {
    assert(buffer.length === STAGE_BUFFER_BYTES && this.#lent > 0, "not a stage", buffer.length);
    this.#lent--;
    this.#free.push(buffer);
  }
}
