import { assert } from "../base/assert.ts";
import { NO_EPOCH } from "../model/offsets.ts";
import type { LeaderEpoch, Offset } from "../model/offsets.ts";

/** From `startOffset` on, records were written under leader `epoch`. */
export interface EpochEntry {
  readonly epoch: LeaderEpoch;
  readonly startOffset: Offset;
}

export interface EpochEnd {
  readonly epoch: LeaderEpoch;
  readonly endOffset: Offset;
}

/**
 * EpochHistory: which leader epoch wrote which part of a log (KIP-101, KIP-279).
 *
 *   entries   (0, 0)          (3, 120)         (4, 150)
 *   offsets   0 --- epoch 0 --- 120 - epoch 3 - 150 --- epoch 4 --- log end
 *
 * Invariants:
 *  H1  epochs and start offsets both grow strictly
 *  H2  the first entry starts at or above the log start offset, once `truncateFromStart` ran
 *
 * Owner: one Log, which stores the entries whenever they changed. Concurrency: none. Entries are
 * replaced as a whole, so that holding the array is holding the history of that moment.
 */
export class EpochHistory {
  #entries: readonly EpochEntry[];

  constructor(entries: readonly EpochEntry[]) {
    for (let index = 1; index < entries.length; index++) {
      const [before, entry] = [entries[index - 1]!, entries[index]!];
      assert(before.epoch < entry.epoch, "epochs out of order", before.epoch, entry.epoch);
      assert(before.startOffset < entry.startOffset, "epoch starts out of order", entry.epoch);
    }
    this.#entries = entries;
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  /** -1 when no epoch is known. */
  get latestEpoch(): LeaderEpoch {
    return this.#entries.at(-1)?.epoch ?? NO_EPOCH;
  }

  /**
   * Records written from `startOffset` on are of `epoch`. Entries that this contradicts go: those of the
   * same or a later epoch or offset. True when the history changed.
   */
  assign(epoch: LeaderEpoch, startOffset: Offset): boolean {
    assert(epoch >= 0 && startOffset >= 0, "not an epoch", epoch, startOffset);
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch === epoch && startOffset >= last.startOffset) return false;
    const kept = this.#entries.filter((entry) =>
      entry.epoch < epoch && entry.startOffset < startOffset
    );
    this.#entries = [...kept, { epoch, startOffset }];
    return true;
  }

  /** Forgets what starts at or beyond `endOffset`. True when the history changed. */
  truncateFromEnd(endOffset: Offset): boolean {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset);
    if (kept.length === this.#entries.length) return false;
    this.#entries = kept;
    return true;
  }

  /** Forgets what ends at or before `startOffset`; the epoch in force there starts there now. */
  truncateFromStart(startOffset: Offset): boolean {
    let inForce = -1;
    for (let index = 0; index < this.#entries.length; index++) {
      if (this.#entries[index]!.startOffset <= startOffset) inForce = index;
    }
    if (inForce < 0 || this.#entries[inForce]!.startOffset === startOffset && inForce === 0) {
      return false;
    }
    const { epoch } = this.#entries[inForce]!;
    this.#entries = [{ epoch, startOffset }, ...this.#entries.slice(inForce + 1)];
    return true;
  }

  /**
   * `epoch` was in force at `startOffset`, before all that is known: what a crash can leave when the log
   * start moved up, the history followed, and the log start itself was forgotten.
   */
  reachBack(epoch: LeaderEpoch, startOffset: Offset): void {
    const first = this.#entries[0];
    if (first === undefined || first.startOffset <= startOffset) return;
    if (epoch < 0 || epoch > first.epoch) return;
    const later = epoch === first.epoch ? this.#entries.slice(1) : this.#entries;
    this.#entries = [{ epoch, startOffset }, ...later];
  }

  /** Back to the entries of an earlier moment. */
  restore(entries: readonly EpochEntry[]): void {
    this.#entries = entries;
  }

  /**
   * Where `epoch` ends, as OffsetForLeaderEpoch answers it. Cases:
   *  A  nothing known, or a later epoch than any known: null (undefined, -1 on the wire)
   *  B  the latest: it ends at the log end
   *  C  before the first: the requested epoch, ending where the first known one starts
   *  D  else: the largest known epoch at or below it, ending where the next one starts
   */
  endOffsetFor(epoch: LeaderEpoch, logEndOffset: Offset): EpochEnd | null {
    const latest = this.latestEpoch;
    if (epoch < 0 || latest === NO_EPOCH || epoch > latest) return null; // A
    if (epoch === latest) return { epoch, endOffset: logEndOffset }; // B
    const next = this.#entries.findIndex((entry) => entry.epoch > epoch);
    const endOffset = this.#entries[next]!.startOffset;
    if (next === 0) return { epoch, endOffset }; // C
    return { epoch: this.#entries[next - 1]!.epoch, endOffset }; // D
  }

  /** The epoch of the record at `offset`; -1 when unknown. */
  epochAt(offset: Offset): LeaderEpoch {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index]!;
      if (entry.startOffset <= offset) return entry.epoch;
    }
    return NO_EPOCH;
  }
}
