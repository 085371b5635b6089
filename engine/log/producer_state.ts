import { assert } from "../base/assert.ts";
import { ErrorCode } from "../model/error_code.ts";
import { NO_OFFSET, NO_TIMESTAMP } from "../model/offsets.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import {
  CONTROL_BIT,
  NO_PRODUCER_EPOCH,
  NO_SEQUENCE,
  TRANSACTIONAL_BIT,
} from "../model/record_batch.ts";
import type { EndTransactionMarker } from "./control_record.ts";
import { ProducerEntry, incrementSequence } from "./producer_entry.ts";
import type { ProducerSnapshotEntry } from "./producer_snapshot.ts";
import type { AbortedTransaction } from "./txn_index.ts";

/** How long an idle producer is remembered unless producer.id.expiration.ms says otherwise. */
export const PRODUCER_EXPIRATION_MS_DEFAULT = 86_400_000;

/** What producer state must know of a batch. `BatchScan` has this shape, so that nothing is copied. */
export interface ProducerBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastOffsetDelta: number;
  readonly attributes: number;
}

/** The batch was appended before; these were its offsets. */
export interface DuplicateBatch {
  readonly kind: "duplicate";
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  readonly timestamp: TimestampMs;
}

export interface ProducerRefusal {
  readonly kind: "refused";
  readonly errorCode: ErrorCode;
  readonly message: string;
}

/** One line of DescribeProducers. */
export interface ActiveProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: TimestampMs;
  readonly coordinatorEpoch: number;
  /** First offset of the open transaction; -1 when none is open. */
  readonly currentTxnStartOffset: Offset;
}

/** A transaction that has ended, but whose end the high watermark has not passed. */
interface UndeliveredEnd {
  readonly firstOffset: Offset;
  readonly markerOffset: Offset;
}

/**
 * ProducerState: what one log remembers of its idempotent and transactional producers.
 *
 *   producerId -> epoch | last 5 batches | open transaction
 *   transactions   ended, known to readers | ended, marker beyond the high watermark | open
 *                                          ^ firstUnstableOffset
 *
 * Invariants:
 *  P1  the state is that of all batches below `endOffset`, in order
 *  P2  `#open` lists exactly the entries with an open transaction, by first offset
 *  P3  `rollback` restores the state of the last `settle` (or of the load)
 *
 * Owner: one Log. Concurrency: none; `check` changes nothing, `apply` follows it in the same call of the
 * log. Errors: refusals are values.
 */
export class ProducerState {
  readonly #expirationMs: number;
  readonly #entries = new Map<number, ProducerEntry>();
  /** First offset of each open transaction -> its producer, ascending (P2). */
  #open = new Map<Offset, number>();
  #undelivered: UndeliveredEnd[] = [];
  #endOffset: Offset = 0 as Offset;
  /** Entries as they were at the last settle; null: there was none. */
  readonly #before = new Map<number, ProducerEntry | null>();
  #settledEndOffset: Offset = 0 as Offset;

  constructor(expirationMs: number = PRODUCER_EXPIRATION_MS_DEFAULT) {
    this.#expirationMs = expirationMs;
  }

  get endOffset(): Offset {
    return this.#endOffset;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The first offset that read_committed readers must not see yet, or null. */
  get firstUnstableOffset(): Offset | null {
    const open = this.#open.keys().next();
    let first: Offset | null = open.done === true ? null : open.value;
    for (const end of this.#undelivered) {
      if (first === null || end.firstOffset < first) first = end.firstOffset;
    }
    return first;
  }

  activeProducers(): ActiveProducer[] {
    return Array.from(this.#entries.values(), (entry) => ({
      producerId: entry.producerId,
      producerEpoch: entry.producerEpoch,
      lastSequence: entry.lastSequence,
      lastTimestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnStartOffset: entry.currentTxnFirstOffset,
    }));
  }

  /**
   * Whether a batch of a client may be appended: null, yes. The rules in Kafka's order: a duplicate
   * among the last five, a stale epoch, the sequence, a plain write inside a transaction.
   */
  checkClient(batch: ProducerBatch): DuplicateBatch | ProducerRefusal | null {
    if (batch.producerId < 0) return null;
    const entry = this.#entries.get(batch.producerId);
    if (entry === undefined) return null;
    const lastSequence = incrementSequence(batch.baseSequence, batch.lastOffsetDelta);
    if (entry.producerEpoch === batch.producerEpoch) {
      const duplicate = entry.findDuplicate(batch.baseSequence, lastSequence);
      if (duplicate !== null) return { kind: "duplicate", ...duplicate };
    }
    return this.checkEpoch(batch) ?? this.#checkSequence(entry, batch);
  }

  /** For every leader's append: a producer that was fenced may not write. */
  checkEpoch(batch: ProducerBatch): ProducerRefusal | null {
    const entry = this.#entries.get(batch.producerId);
    if (entry === undefined || batch.producerEpoch >= entry.producerEpoch) return null;
    return {
      kind: "refused",
      errorCode: ErrorCode.INVALID_PRODUCER_EPOCH,
      message: `producer ${batch.producerId} wrote with epoch ${batch.producerEpoch}, ` +
        `the latest is ${entry.producerEpoch}`,
    };
  }

  /** A marker of a coordinator that has been replaced is refused. */
  checkMarker(batch: ProducerBatch, marker: EndTransactionMarker): ProducerRefusal | null {
    const entry = this.#entries.get(batch.producerId);
    if (entry !== undefined && marker.coordinatorEpoch < entry.coordinatorEpoch) {
      return {
        kind: "refused",
        errorCode: ErrorCode.TRANSACTION_COORDINATOR_FENCED,
        message: `coordinator epoch ${marker.coordinatorEpoch} is older than ` +
          `${entry.coordinatorEpoch}, from which producer ${batch.producerId} has a marker`,
      };
    }
    return this.checkEpoch(batch);
  }

  #checkSequence(entry: ProducerEntry, batch: ProducerBatch): ProducerRefusal | null {
    const { baseSequence, producerEpoch, producerId } = batch;
    if (producerEpoch !== entry.producerEpoch) {
      // A new epoch starts over, unless nothing was known of the old one.
      if (baseSequence !== 0 && entry.producerEpoch !== NO_PRODUCER_EPOCH) {
        return outOfOrder(`producer ${producerId} opens epoch ${producerEpoch} with sequence ` +
          `${baseSequence} instead of 0`);
      }
    } else {
      const expected = entry.nextSequence;
      if (baseSequence !== expected) {
        return outOfOrder(`producer ${producerId} sent sequence ${baseSequence}, expected ${expected}`);
      }
    }
    const isTransactional = (batch.attributes & TRANSACTIONAL_BIT) !== 0;
    if (!isTransactional && entry.currentTxnFirstOffset !== NO_OFFSET) {
      return {
        kind: "refused",
        errorCode: ErrorCode.INVALID_TXN_STATE,
        message: `producer ${producerId} wrote outside its open transaction`,
      };
    }
    return null;
  }

  /**
   * Takes a batch at [baseOffset, baseOffset + lastOffsetDelta] into the state, unchecked. `marker`: what
   * its control record says, null for data. Returns the transaction when this batch aborts one.
   */
  apply(
    batch: ProducerBatch,
    baseOffset: Offset,
    maxTimestamp: TimestampMs,
    marker: EndTransactionMarker | null,
  ): AbortedTransaction | null {
    const lastOffset = (baseOffset + batch.lastOffsetDelta) as Offset;
    this.#endOffset = (lastOffset + 1) as Offset;
    if (batch.producerId < 0) return null;
    const entry = this.#entryForChange(batch.producerId);
    if ((batch.attributes & CONTROL_BIT) !== 0) {
      if (marker === null) return null;
      return this.#endTransaction(entry, batch, lastOffset, maxTimestamp, marker);
    }
    const lastSequence = batch.baseSequence === NO_SEQUENCE
      ? NO_SEQUENCE
      : incrementSequence(batch.baseSequence, batch.lastOffsetDelta);
    entry.addBatch(batch.producerEpoch, lastSequence, lastOffset, batch.lastOffsetDelta, maxTimestamp);
    const isTransactional = (batch.attributes & TRANSACTIONAL_BIT) !== 0;
    if (isTransactional && entry.currentTxnFirstOffset === NO_OFFSET) {
      entry.currentTxnFirstOffset = baseOffset;
      this.#open.set(baseOffset, entry.producerId);
    }
    return null;
  }

  #endTransaction(
    entry: ProducerEntry,
    batch: ProducerBatch,
    markerOffset: Offset,
    timestamp: TimestampMs,
    marker: EndTransactionMarker,
  ): AbortedTransaction | null {
    const firstOffset = entry.currentTxnFirstOffset;
    entry.endTransaction(batch.producerEpoch, marker.coordinatorEpoch, timestamp);
    if (firstOffset === NO_OFFSET) return null; // a marker without data moves nothing
    this.#open.delete(firstOffset);
    this.#undelivered.push({ firstOffset, markerOffset });
    if (!marker.isAbort) return null;
    const nextOpen = this.#open.keys().next();
    const lastStableOffset = nextOpen.done === true ? (markerOffset + 1) as Offset : nextOpen.value;
    return {
      producerId: entry.producerId,
      firstOffset,
      lastOffset: markerOffset,
      lastStableOffset,
    };
  }

  /** Batches without a producer move only the end. */
  advanceTo(endOffset: Offset): void {
    assert(endOffset >= this.#endOffset, "producer state goes back", endOffset, this.#endOffset);
    this.#endOffset = endOffset;
  }

  /** Ended transactions whose marker lies below it are stable now. */
  onHighWatermark(highWatermark: Offset): void {
    if (this.#undelivered.length === 0) return;
    this.#undelivered = this.#undelivered.filter((end) => end.markerOffset >= highWatermark);
  }

  /** What was applied so far is written: `rollback` comes back to here (P3). */
  settle(): void {
    if (this.#before.size > 0) this.#before.clear();
    this.#settledEndOffset = this.#endOffset;
  }

  /** Forgets everything since the last settle. */
  rollback(): void {
    for (const [producerId, entry] of this.#before) {
      if (entry === null) this.#entries.delete(producerId);
      else this.#entries.set(producerId, entry);
    }
    this.#before.clear();
    this.#endOffset = this.#settledEndOffset;
    this.#undelivered = this.#undelivered.filter((end) => end.markerOffset < this.#endOffset);
    this.#rebuildOpen();
  }

  /** Forgets producers idle for longer than the limit, unless they have a transaction open. */
  expire(nowMs: TimestampMs): number {
    let expired = 0;
    for (const [producerId, entry] of this.#entries) {
      if (!this.#isExpired(entry.currentTxnFirstOffset, entry.lastTimestamp, nowMs)) continue;
      if (this.#before.has(producerId)) continue; // being written at this moment
      this.#entries.delete(producerId);
      expired++;
    }
    return expired;
  }

  /** The state as a snapshot at `endOffset` holds it: the last batch of each producer only. */
  snapshot(): ProducerSnapshotEntry[] {
    return Array.from(this.#entries.values(), (entry) => entry.toSnapshot());
  }

  /** Starts over from a snapshot that is valid up to `endOffset`. */
  load(entries: readonly ProducerSnapshotEntry[], endOffset: Offset, nowMs: TimestampMs): void {
    this.#entries.clear();
    this.#before.clear();
    this.#undelivered = [];
    for (const stored of entries) {
      if (this.#isExpired(stored.currentTxnFirstOffset, stored.timestamp, nowMs)) continue;
      this.#entries.set(stored.producerId, ProducerEntry.fromSnapshot(stored));
    }
    this.#endOffset = endOffset;
    this.#settledEndOffset = endOffset;
    this.#rebuildOpen();
  }

  #isExpired(currentTxnFirstOffset: Offset, timestamp: TimestampMs, nowMs: TimestampMs): boolean {
    return currentTxnFirstOffset === NO_OFFSET && nowMs - timestamp >= this.#expirationMs;
  }

  #entryForChange(producerId: number): ProducerEntry {
    const known = this.#entries.get(producerId);
    if (!this.#before.has(producerId)) this.#before.set(producerId, known?.copy() ?? null);
    if (known !== undefined) return known;
    const entry = new ProducerEntry(producerId, NO_PRODUCER_EPOCH, -1, NO_TIMESTAMP, NO_OFFSET);
    this.#entries.set(producerId, entry);
    return entry;
  }

  #rebuildOpen(): void {
    const open: ProducerEntry[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.currentTxnFirstOffset !== NO_OFFSET) open.push(entry);
    }
    open.sort((one, other) => one.currentTxnFirstOffset - other.currentTxnFirstOffset);
    this.#open = new Map(open.map((entry) => [entry.currentTxnFirstOffset, entry.producerId]));
  }
}

function outOfOrder(message: string): ProducerRefusal {
  return { kind: "refused", errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, message };
}
