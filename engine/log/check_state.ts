import type { BatchScan } from "../../native/scan.ts";
import * as batch from "../model/record_batch.ts";
import type { LeaderEpoch, Offset } from "../model/offsets.ts";
import type { EpochLine } from "./epoch_checkpoint.ts";
import type { ProducerSnapshotEntry } from "./producer_snapshot.ts";

/** Sequence numbers are 31-bit and wrap to 0. */
const SEQUENCES = 2 ** 31;

/** What the log itself shows of a producer. */
interface SeenProducer {
  epoch: number;
  /** -1: nothing in this epoch. */
  lastSequence: number;
  lastOffset: number;
  txnFirstOffset: Offset | null;
}

/** An aborted transaction as the batches show it. Null: it began before what was read. */
export interface SeenAbort {
  readonly producerId: number;
  readonly firstOffset: Offset | null;
  readonly lastOffset: Offset;
  readonly lastStableOffset: Offset;
}

/**
 * What must continue from batch to batch across the segments of one log: offsets, leader epochs,
 * sequences, open transactions. Reports reasons; whoever asks knows the file.
 */
export class LogContinuity {
  #expected: Offset | null = null;
  #epochs: readonly EpochLine[] | null;
  readonly #mayHaveGaps: boolean;
  #logStart: Offset;
  readonly #producers = new Map<number, SeenProducer>();
  #lastEpoch = -1;
  /** If only the offset of the batch before was damaged, the next one starts here. */
  #otherExpected: number | null = null;
  /** Epoch lines that no batch has begun yet, by index. */
  #nextLine = 0;

  constructor(options: {
    readonly epochs: readonly EpochLine[] | null;
    readonly mayHaveGaps: boolean;
    readonly logStart: Offset;
  }) {
    this.#epochs = options.epochs;
    this.#mayHaveGaps = options.mayHaveGaps;
    this.#logStart = options.logStart;
  }

  /** The next offset, when there are no gaps; null when that is not known. */
  get expected(): Offset | null {
    return this.#expected;
  }

  /** A segment begins: so must its first batch, unless batches may be missing. */
  begin(base: Offset): void {
    this.#expected = base;
    this.#otherExpected = null;
  }

  /** What is wrong with the offsets of a batch, given those before; null when they continue. */
  offsetReason(scan: BatchScan): string | null {
    const { baseOffset, lastOffsetDelta, recordsCount } = scan;
    const expected = this.#expected;
    const next = (baseOffset + lastOffsetDelta + 1) as Offset;
    const isDense = recordsCount === lastOffsetDelta + 1;
    if (expected === null || baseOffset === expected || baseOffset === this.#otherExpected) {
      this.#otherExpected = null;
      this.#expected = next;
      if (isDense || this.#mayHaveGaps) return null;
      return `${recordsCount} records for ${lastOffsetDelta + 1} offsets in a log that was never compacted`;
    }
    if (baseOffset > expected && this.#mayHaveGaps) {
      this.#expected = next;
      return null;
    }
    this.#otherExpected = expected + lastOffsetDelta + 1;
    if (baseOffset > expected && Number.isSafeInteger(next)) this.#expected = next;
    else this.#expected = this.#otherExpected as Offset;
    return `batch starts at offset ${baseOffset}, ${expected} was expected`;
  }

  /** After a stretch of damage any offset from here on may follow. */
  skipDamage(): void {
    this.#expected = null;
    this.#otherExpected = null;
  }

  /** The epoch checkpoint as it is by now: the log is in use, and went on. */
  renewEpochs(epochs: readonly EpochLine[]): void {
    this.#epochs = epochs;
    const start = epochs[0]?.startOffset;
    if (start !== undefined && start > this.#logStart) this.#logStart = start;
  }

  epochReason(scan: BatchScan): string | null {
    const { leaderEpoch, baseOffset } = scan;
    const before = this.#lastEpoch;
    if (leaderEpoch > before) this.#lastEpoch = leaderEpoch;
    if (baseOffset + scan.lastOffsetDelta < this.#logStart) return null; // its line is gone already
    const known = this.#epochs === null ? null : this.#epochAt(Math.max(baseOffset, this.#logStart));
    if (known !== null && known !== leaderEpoch) {
      return known === NO_LINE
        ? `leader epoch ${leaderEpoch} of offset ${baseOffset} is in no line of the epoch checkpoint`
        : `leader epoch is ${leaderEpoch}, the epoch checkpoint says ${known} for offset ${baseOffset}`;
    }
    return leaderEpoch < before ? `leader epoch goes back from ${before} to ${leaderEpoch}` : null;
  }

  /** Lines of the epoch checkpoint that start inside a batch or, passed over, at no batch at all. */
  *misplacedLines(scan: BatchScan): Generator<EpochLine, void, undefined> {
    const lines = this.#epochs ?? [];
    const last = scan.baseOffset + scan.lastOffsetDelta;
    for (; this.#nextLine < lines.length; this.#nextLine++) {
      const line = lines[this.#nextLine]!;
      if (line.startOffset > last) return;
      const begins = line.startOffset === scan.baseOffset || line.startOffset <= this.#logStart;
      if (!begins && !this.#mayHaveGaps) yield line;
    }
  }

  /** Takes a data batch down; what is odd about its sequence, or null. */
  sequenceReason(scan: BatchScan): string | null {
    if (scan.producerId < 0) return null;
    const first = scan.baseSequence;
    if (scan.producerEpoch < 0 || first < 0) return "a producer id without epoch or sequence";
    const seen = this.#producers.get(scan.producerId);
    const lastSequence = (first + scan.lastOffsetDelta) % SEQUENCES;
    const txnFirst = seen?.txnFirstOffset ?? null;
    const isTxn = (scan.attributes & batch.TRANSACTIONAL_BIT) !== 0;
    this.#producers.set(scan.producerId, {
      epoch: scan.producerEpoch,
      lastSequence,
      lastOffset: scan.baseOffset + scan.lastOffsetDelta,
      txnFirstOffset: isTxn && txnFirst === null ? (scan.baseOffset as Offset) : txnFirst,
    });
    if (seen === undefined || this.#mayHaveGaps) return null;
    if (scan.producerEpoch < seen.epoch) return `producer epoch goes back to ${scan.producerEpoch}`;
    if (scan.producerEpoch > seen.epoch || seen.lastSequence < 0) {
      return first === 0 ? null : `sequence starts at ${first} in a new producer epoch`;
    }
    const expected = (seen.lastSequence + 1) % SEQUENCES;
    return first === expected ? null : `sequence ${first} after ${seen.lastSequence}`;
  }

  /** Takes a transaction's end down. Not null: it was aborted, and had something to abort. */
  endTransaction(scan: BatchScan, isAbort: boolean): SeenAbort | null {
    const seen = this.#producers.get(scan.producerId);
    const first = seen?.txnFirstOffset ?? null;
    const hadData = first !== null || seen === undefined;
    const isNewEpoch = seen === undefined || scan.producerEpoch !== seen.epoch;
    this.#producers.set(scan.producerId, {
      epoch: scan.producerEpoch,
      lastSequence: isNewEpoch ? -1 : seen.lastSequence,
      lastOffset: isNewEpoch ? -1 : seen.lastOffset,
      txnFirstOffset: null,
    });
    if (!isAbort || !hadData) return null;
    let stable = scan.baseOffset + 1;
    for (const { txnFirstOffset } of this.#producers.values()) {
      if (txnFirstOffset !== null && txnFirstOffset < stable) stable = txnFirstOffset;
    }
    return {
      producerId: scan.producerId,
      firstOffset: first,
      lastOffset: scan.baseOffset as Offset,
      lastStableOffset: stable as Offset,
    };
  }

  /** What a snapshot entry says against what the log shows so far; null: nothing. */
  snapshotReason(entry: ProducerSnapshotEntry): string | null {
    const seen = this.#producers.get(entry.producerId);
    if (seen === undefined || this.#mayHaveGaps) return null;
    const who = `producer ${entry.producerId}`;
    if (entry.producerEpoch !== seen.epoch) {
      return `${who} has epoch ${entry.producerEpoch}, the log says ${seen.epoch}`;
    }
    if (entry.lastSequence !== seen.lastSequence) {
      return `${who} has last sequence ${entry.lastSequence}, the log says ${seen.lastSequence}`;
    }
    if (entry.lastSequence >= 0 && entry.lastOffset !== seen.lastOffset) {
      return `${who} has last offset ${entry.lastOffset}, the log says ${seen.lastOffset}`;
    }
    const open = entry.currentTxnFirstOffset;
    const txnFirst = seen.txnFirstOffset;
    if (open < 0 ? txnFirst !== null : txnFirst !== null && open !== txnFirst) {
      return `${who} has its open transaction at ${open}, the log at ${txnFirst}`;
    }
    return null;
  }

  #epochAt(offset: number): LeaderEpoch | typeof NO_LINE {
    let found: LeaderEpoch | typeof NO_LINE = NO_LINE;
    for (const line of this.#epochs ?? []) {
      if (line.startOffset > offset) break;
      found = line.epoch;
    }
    return found;
  }
}

/** No line of the epoch checkpoint covers an offset. No epoch has this number. */
const NO_LINE = -2;
