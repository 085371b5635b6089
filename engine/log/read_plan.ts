import type { DiskFile } from "../io/disk.ts";
import type { Offset } from "../model/offsets.ts";

/** Bytes [position, position + length) of a segment file: what sendfile or a read is told. */
export interface FileRange {
  readonly file: DiskFile;
  readonly position: number;
  readonly length: number;
}

/**
 * What to send for a fetch: whole batches, except that the last may be cut at the byte limit (clients
 * expect that). A plan owns plain data: executing it touches no state of the log. The bytes stay
 * readable through their `DiskFile` even when retention deletes the segment meanwhile.
 */
export interface ReadPlan {
  readonly ranges: readonly FileRange[];
  readonly byteCount: number;
  /** Base offset of the first batch: at or below the offset that was asked for. The asked one when empty. */
  readonly startOffset: Offset;
}

/** The offset asked for is below the log start offset or beyond the bound. */
export interface OutOfRange {
  readonly outOfRange: true;
}

export const OUT_OF_RANGE: OutOfRange = { outOfRange: true };

export function isOutOfRange(plan: ReadPlan | OutOfRange): plan is OutOfRange {
  return "outOfRange" in plan;
}
