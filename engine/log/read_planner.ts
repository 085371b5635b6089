import { assert } from "../base/assert.ts";
import type { DiskFile } from "../io/disk.ts";
import type { Offset } from "../model/offsets.ts";
import type { HeaderScanner } from "./header_scanner.ts";
import type { FileRange, ReadPlan } from "./read_plan.ts";
import type { ReadableSegment } from "./segment.ts";
import { positionOf } from "./segment_lookup.ts";

/** A place in the log that is known without a lookup: offset `offset` starts at `position` of `file`. */
export interface KnownPosition {
  readonly offset: Offset;
  readonly file: DiskFile | null;
  readonly position: number;
}

export interface ReadRequest {
  readonly from: Offset;
  /** No batch that ends at or beyond it. */
  readonly upTo: Offset;
  readonly maxBytes: number;
  /** The first batch comes whole, even when it is larger than maxBytes. */
  readonly minOneBatch: boolean;
  /** Usually `upTo` itself: the tail of the log is read more than the rest of it. */
  readonly known: KnownPosition;
}

/**
 * Finds the bytes for a fetch. `segments` ascend by offset, the last may be growing. Reads batch headers
 * near both ends, nothing else. Throws DiskFault, KafkaError (damage).
 */
export function planRead(
  segments: readonly ReadableSegment[],
  scanner: HeaderScanner,
  request: ReadRequest,
): ReadPlan {
  const { from, upTo } = request;
  assert(from <= upTo, "read beyond its bound", from, upTo);
  const ranges: FileRange[] = [];
  let startOffset = from;
  let byteCount = 0;
  let left = request.maxBytes;
  for (let index = floorIndex(segments, from); index < segments.length; index++) {
    const segment = segments[index]!;
    if (segment.baseOffset >= upTo || (left <= 0 && !(request.minOneBatch && byteCount === 0))) break;
    let start = 0;
    if (byteCount === 0) {
      start = positionOf(segment, from, scanner);
      if (start < 0) continue;
      if (scanner.lastOffset >= upTo) break;
      startOffset = scanner.baseOffset;
      if (request.minOneBatch) left = Math.max(left, scanner.sizeBytes);
      // Part of one batch is of no use to anybody (Kafka, since KIP-74, sends nothing then).
      if (left < scanner.sizeBytes) break;
    }
    const end = endPosition(segment, scanner, request);
    const length = Math.min(end - start, left);
    if (length <= 0) break;
    ranges.push({ file: segment.file, position: start, length });
    byteCount += length;
    left -= length;
  }
  return { ranges, byteCount, startOffset };
}

/** Index of the last segment that starts at or below `offset`; the first when none does. */
export function floorIndex(segments: readonly ReadableSegment[], offset: Offset): number {
  let low = 0;
  let high = segments.length;
  // Most reads are of the tail.
  if (high > 0 && segments[high - 1]!.baseOffset <= offset) return high - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (segments[middle]!.baseOffset <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** Where the whole batches below `upTo` end. */
function endPosition(
  segment: ReadableSegment,
  scanner: HeaderScanner,
  request: ReadRequest,
): number {
  if (request.upTo >= segment.readableEnd) return segment.readableBytes;
  const { known } = request;
  if (known.file === segment.file && known.offset === request.upTo) return known.position;
  const position = positionOf(segment, request.upTo, scanner);
  return position < 0 ? segment.readableBytes : position;
}
