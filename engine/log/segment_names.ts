import { assert } from "../base/assert.ts";
import type { Offset } from "../model/offsets.ts";

/**
 * Names of the files of one partition: `<base offset, 20 digits><suffix>[<state>]`.
 *
 *   00000000000000000042.log            the records from offset 42 on
 *   00000000000000000042.index          offset -> position
 *   00000000000000000042.timeindex      time -> offset
 *   00000000000000000042.txnindex       aborted transactions; absent when there are none
 *   00000000000000000042.snapshot       producers as they stood just before offset 42
 *
 * `.deleted`: to be removed. `.cleaned`: output of a compaction that did not finish. `.swap`: a finished
 * replacement, to be put in place at the next start.
 */
export const LOG_SUFFIX = ".log";
export const OFFSET_INDEX_SUFFIX = ".index";
export const TIME_INDEX_SUFFIX = ".timeindex";
export const TXN_INDEX_SUFFIX = ".txnindex";
export const SNAPSHOT_SUFFIX = ".snapshot";

export const DELETED_SUFFIX = ".deleted";
export const CLEANED_SUFFIX = ".cleaned";
export const SWAP_SUFFIX = ".swap";

export type SegmentFileKind =
  | typeof LOG_SUFFIX
  | typeof OFFSET_INDEX_SUFFIX
  | typeof TIME_INDEX_SUFFIX
  | typeof TXN_INDEX_SUFFIX
  | typeof SNAPSHOT_SUFFIX;

/** "" for a file in use. */
export type SegmentFileState =
  | ""
  | typeof DELETED_SUFFIX
  | typeof CLEANED_SUFFIX
  | typeof SWAP_SUFFIX;

export interface SegmentFileName {
  readonly baseOffset: Offset;
  readonly kind: SegmentFileKind;
  readonly state: SegmentFileState;
}

const OFFSET_DIGITS = 20;
const NAME = /^(\d{20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)(\.deleted|\.cleaned|\.swap)?$/;

export function segmentFileName(baseOffset: Offset, kind: SegmentFileKind): string {
  assert(Number.isSafeInteger(baseOffset) && baseOffset >= 0, "base offset of a file", baseOffset);
  return String(baseOffset).padStart(OFFSET_DIGITS, "0") + kind;
}

/** What `name` says, or null when it is no segment file. */
export function parseSegmentFileName(name: string): SegmentFileName | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const baseOffset = Number(match[1]);
  if (!Number.isSafeInteger(baseOffset)) return null;
  return {
    baseOffset: baseOffset as Offset,
    kind: match[2] as SegmentFileKind,
    state: (match[3] ?? "") as SegmentFileState,
  };
}

export function segmentPath(dir: string, baseOffset: Offset, kind: SegmentFileKind): string {
  return `${dir}/${segmentFileName(baseOffset, kind)}`;
}
