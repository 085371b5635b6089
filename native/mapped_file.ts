/**
 * The first bytes of a file, readable as memory.
 *
 * Owner: whoever asked for the map. `bytes()` asserts that it is still mapped; after `unmap` every view
 * handed out earlier has length 0, so that a stale one reads as undefined instead of killing the process.
 */
export interface MappedFile {
  readonly length: number;
  readonly isMapped: boolean;
  /** The mapped bytes; the same array each time. Never write to it. */
  bytes(): Uint8Array;
  /** Idempotent. */
  unmap(): void;
}
