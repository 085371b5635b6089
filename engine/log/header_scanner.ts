import { assert } from "../base/assert.ts";
import type { DiskFile } from "../io/disk.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../model/offsets.ts";
import * as batch from "../model/record_batch.ts";

/**
 * One index interval (4 KiB by default) and some headers more: a lookup usually needs a single read.
 */
const CHUNK_BYTES = 8 * 1024;

/** Why a walk over headers ended. */
export type ScanEnd = "end" | "damaged" | "legacy";

/**
 * HeaderScanner: walks batch headers of a segment file, forward, without reading the records.
 *
 *   file   ... |== header ==|   records   |== header ==|   records   | ... end
 *              ^ position                 ^ next()
 *
 * Owner: whoever made it; one walk at a time, all synchronous. Errors: damage ends the walk and is told
 * by `ended`; DiskFault from reading.
 */
export class HeaderScanner {
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  #file: DiskFile | null = null;
  #chunkStart = 0;
  #chunkEnd = 0;
  #end = 0;
  /** Index into the chunk of the current header. */
  #at = 0;
  #position = 0;
  #nextPosition = 0;
  ended: ScanEnd = "end";

  /** Starts a walk at a batch boundary; bytes from `end` on do not exist for it. */
  start(file: DiskFile, position: number, end: number): void {
    assert(position >= 0 && position <= end, "header walk beyond the end", position, end);
    this.#file = file;
    this.#chunkStart = 0;
    this.#chunkEnd = 0;
    this.#end = end;
    this.#nextPosition = position;
    this.ended = "end";
  }

  /** Goes to the next batch. False: there is none; `ended` says why, `nextPosition` where. */
  next(): boolean {
    const position = this.#nextPosition;
    const headerEnd = position + batch.BATCH_HEADER_BYTES;
    if (headerEnd > this.#end) {
      this.ended = position === this.#end ? "end" : "damaged";
      return false;
    }
    if (position < this.#chunkStart || headerEnd > this.#chunkEnd) {
      if (!this.#fill(position)) {
        this.ended = "damaged";
        return false;
      }
    }
    const at = position - this.#chunkStart;
    const size = batch.batchBytesOf(this.#chunk, at);
    const magic = batch.magicOf(this.#chunk, at);
    if (magic !== batch.MAGIC_V2 || size < batch.BATCH_HEADER_BYTES || position + size > this.#end) {
      this.ended = magic < batch.MAGIC_V2 && size > batch.LOG_OVERHEAD_BYTES ? "legacy" : "damaged";
      return false;
    }
    this.#at = at;
    this.#position = position;
    this.#nextPosition = position + size;
    return true;
  }

  /** Start of the current batch in the file. */
  get position(): number {
    return this.#position;
  }

  /** End of the current batch; where the walk stopped, once it has. */
  get nextPosition(): number {
    return this.#nextPosition;
  }

  get sizeBytes(): number {
    return this.#nextPosition - this.#position;
  }

  get baseOffset(): Offset {
    return batch.baseOffsetOf(this.#chunk, this.#at);
  }

  get lastOffset(): Offset {
    return batch.lastOffsetOf(this.#chunk, this.#at);
  }

  get leaderEpoch(): LeaderEpoch {
    return batch.leaderEpochOf(this.#chunk, this.#at);
  }

  get maxTimestamp(): TimestampMs {
    return batch.maxTimestampOf(this.#chunk, this.#at);
  }

  get attributes(): number {
    return batch.attributesOf(this.#chunk, this.#at);
  }

  get producerId(): number {
    return batch.producerIdOf(this.#chunk, this.#at);
  }

  get producerEpoch(): number {
    return batch.producerEpochOf(this.#chunk, this.#at);
  }

  get baseSequence(): number {
    return batch.baseSequenceOf(this.#chunk, this.#at);
  }

  get lastOffsetDelta(): number {
    return batch.lastOffsetDeltaOf(this.#chunk, this.#at);
  }

  #fill(position: number): boolean {
    assert(this.#file !== null, "header walk without a file");
    const length = Math.min(CHUNK_BYTES, this.#end - position);
    const count = this.#file.read(this.#chunk, 0, length, position);
    this.#chunkStart = position;
    this.#chunkEnd = position + count;
    return count >= batch.BATCH_HEADER_BYTES;
  }
}
