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

export class EpochHistory {
  get entries(): readonly EpochEntry[] {
    throw new Error("not yet");
  }

  /** -1 when no epoch is known. */
  get latestEpoch(): LeaderEpoch {
    throw new Error("not yet");
  }

  /** Records that `epoch` starts at `startOffset`; durable when this returns. No-op when known. */
  assign(_epoch: LeaderEpoch, _startOffset: Offset): void {
    throw new Error("not yet");
  }

  /**
   * Where `epoch` ends, as OffsetForLeaderEpoch answers it: the largest known epoch at or below it and
   * the start of the next one (`logEndOffset` for the latest). Null: undefined, epoch and offset -1.
   */
  endOffsetFor(_epoch: LeaderEpoch, _logEndOffset: Offset): EpochEnd | null {
    throw new Error("not yet");
  }

  /** The epoch of the record at `offset`; -1 when unknown. */
  epochAt(_offset: Offset): LeaderEpoch {
    throw new Error("not yet");
  }
}
