import { assert } from "../base/assert.ts";
import { NO_OFFSET } from "../model/offsets.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import { NO_SEQUENCE } from "../model/record_batch.ts";
import type { ProducerSnapshotEntry } from "./producer_snapshot.ts";

/**
 * Batches remembered per producer: what a client may have in flight (max.in.flight.requests is at most
 * 5 for an idempotent producer), so that every retry of one is recognised.
 */
export const WINDOW_BATCHES = 5;

/** Numbers per remembered batch: last sequence, last offset, offset delta, timestamp. */
const COLUMNS = 4;
const WINDOW_NUMBERS = WINDOW_BATCHES * COLUMNS;
const SEQUENCE_RANGE = 2 ** 31;

/** Sequences run from 0 to 2^31 - 1 and then start over. */
export function incrementSequence(sequence: number, by: number): number {
  return (sequence + by) % SEQUENCE_RANGE;
}

export function decrementSequence(sequence: number, by: number): number {
  return sequence >= by ? sequence - by : SEQUENCE_RANGE - (by - sequence);
}

/**
 * ProducerEntry: one producer of one log.
 *
 *   #window   | oldest batch | ... | latest batch |      at most five, all of `producerEpoch`
 *
 * Owner: ProducerState. One flat array of numbers per producer: no object per batch.
 */
export class ProducerEntry {
  readonly producerId: number;
  producerEpoch: number;
  coordinatorEpoch: number;
  lastTimestamp: TimestampMs;
  currentTxnFirstOffset: Offset;
  #window: number[] = [];

  constructor(
    producerId: number,
    producerEpoch: number,
    coordinatorEpoch: number,
    lastTimestamp: TimestampMs,
    currentTxnFirstOffset: Offset,
  ) {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
    this.coordinatorEpoch = coordinatorEpoch;
    this.lastTimestamp = lastTimestamp;
    this.currentTxnFirstOffset = currentTxnFirstOffset;
  }

  static fromSnapshot(stored: ProducerSnapshotEntry): ProducerEntry {
    const entry = new ProducerEntry(
      stored.producerId,
      stored.producerEpoch,
      stored.coordinatorEpoch,
      stored.timestamp,
      stored.currentTxnFirstOffset,
    );
    if (stored.lastOffset !== NO_OFFSET) {
      entry.#window.push(
        stored.lastSequence,
        stored.lastOffset,
        stored.offsetDelta,
        stored.timestamp,
      );
    }
    return entry;
  }

  /** -1 when the window is empty, as after a marker that raised the epoch. */
  get lastSequence(): number {
    return this.#window.length === 0 ? NO_SEQUENCE : this.#window.at(-COLUMNS)!;
  }

  /** What the next batch of the same epoch must start with: 0 when the window is empty. */
  get nextSequence(): number {
    return this.#window.length === 0 ? 0 : incrementSequence(this.lastSequence, 1);
  }

  findDuplicate(
    firstSequence: number,
    lastSequence: number,
  ): { baseOffset: Offset; lastOffset: Offset; timestamp: TimestampMs } | null {
    const window = this.#window;
    for (let at = 0; at < window.length; at += COLUMNS) {
      if (window[at] !== lastSequence) continue;
      const delta = window[at + 2]!;
      if (decrementSequence(lastSequence, delta) !== firstSequence) continue;
      const lastOffset = window[at + 1] as Offset;
      return {
        baseOffset: (lastOffset - delta) as Offset,
        lastOffset,
        timestamp: window[at + 3] as TimestampMs,
      };
    }
    return null;
  }

  addBatch(
    producerEpoch: number,
    lastSequence: number,
    lastOffset: Offset,
    offsetDelta: number,
    timestamp: TimestampMs,
  ): void {
    this.#openEpoch(producerEpoch);
    const window = this.#window;
    let at = window.length;
    if (at === WINDOW_NUMBERS) {
      window.copyWithin(0, COLUMNS);
      at -= COLUMNS;
    }
    assert(at < WINDOW_NUMBERS, "producer window too long", at);
    window[at] = lastSequence;
    window[at + 1] = lastOffset;
    window[at + 2] = offsetDelta;
    window[at + 3] = timestamp;
    this.lastTimestamp = timestamp;
  }

  /** A marker: it belongs to no sequence, and may carry a newer epoch. */
  endTransaction(producerEpoch: number, coordinatorEpoch: number, timestamp: TimestampMs): void {
    this.#openEpoch(producerEpoch);
    this.coordinatorEpoch = coordinatorEpoch;
    this.lastTimestamp = timestamp;
    this.currentTxnFirstOffset = NO_OFFSET;
  }

  copy(): ProducerEntry {
    const copy = new ProducerEntry(
      this.producerId,
      this.producerEpoch,
      this.coordinatorEpoch,
      this.lastTimestamp,
      this.currentTxnFirstOffset,
    );
    copy.#window = this.#window.slice();
    return copy;
  }

  toSnapshot(): ProducerSnapshotEntry {
    const window = this.#window;
    const isEmpty = window.length === 0;
    return {
      producerId: this.producerId,
      producerEpoch: this.producerEpoch,
      lastSequence: this.lastSequence,
      lastOffset: (isEmpty ? NO_OFFSET : window.at(-3)!) as Offset,
      offsetDelta: isEmpty ? 0 : window.at(-2)!,
      timestamp: this.lastTimestamp,
      coordinatorEpoch: this.coordinatorEpoch,
      currentTxnFirstOffset: this.currentTxnFirstOffset,
    };
  }

  #openEpoch(producerEpoch: number): void {
    if (this.producerEpoch === producerEpoch) return;
    this.producerEpoch = producerEpoch;
    this.#window.length = 0;
  }
}
