import type { Offset } from "../model/offsets.ts";

/** A transaction that was aborted: what a read_committed consumer must skip. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: Offset;
  /** Offset of the ABORT marker. */
  readonly lastOffset: Offset;
  /** The last stable offset once the marker was written. */
  readonly lastStableOffset: Offset;
}
