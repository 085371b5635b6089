import type { BatchSpan } from "./batch_run.ts";
import * as batch from "./record_batch.ts";

/**
 * Follows which producers' transactions are aborted at the place that a reader has reached. Made from
 * what a read of isolation "committed" says of the bytes that it returned.
 */
export class AbortedProducers {
  readonly #starts: { readonly producerId: number; readonly firstOffset: number }[];
  readonly #open = new Set<number>();

  constructor(aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]) {
    this.#starts = [...aborted].sort((one, other) => one.firstOffset - other.firstOffset);
  }

  /** Whether the batch is data of an aborted transaction. Call once a batch, in order. */
  covers(bytes: Uint8Array, span: BatchSpan): boolean {
    const last = batch.lastOffsetOf(bytes, span.start);
    while (this.#starts.length > 0 && this.#starts[0]!.firstOffset <= last) {
      this.#open.add(this.#starts.shift()!.producerId);
    }
    const attributes = batch.attributesOf(bytes, span.start);
    const producerId = batch.producerIdOf(bytes, span.start);
    if ((attributes & batch.CONTROL_BIT) !== 0) {
      // The only control batch of a producer that concerns it here is its abort marker.
      this.#open.delete(producerId);
      return true;
    }
    return (attributes & batch.TRANSACTIONAL_BIT) !== 0 && this.#open.has(producerId);
  }
}
