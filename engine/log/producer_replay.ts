import type { Offset } from "../model/offsets.ts";
import { DiskFault, KafkaError } from "../model/errors.ts";
import { CONTROL_BIT } from "../model/record_batch.ts";
import { MARKER_BATCH_BYTES_MAX, endTransactionMarker } from "./control_record.ts";
import type { EndTransactionMarker } from "./control_record.ts";
import type { HeaderScanner } from "./header_scanner.ts";
import type { ProducerState } from "./producer_state.ts";
import type { ReadableSegment } from "./segment.ts";
import { positionOf } from "./segment_lookup.ts";

/**
 * Takes the batches in [producers.endOffset, upTo) into the state, by their headers. False: damage was
 * in the way, and what lies behind it in its segment is missing from the state.
 */
export function replayProducers(
  producers: ProducerState,
  segments: readonly ReadableSegment[],
  scanner: HeaderScanner,
  upTo: Offset,
): boolean {
  let isWhole = true;
  for (const segment of segments) {
    if (segment.readableEnd <= producers.endOffset) continue;
    if (segment.baseOffset >= upTo) break;
    const position = startIn(segment, producers.endOffset, scanner);
    if (position === null) isWhole = false;
    if (position === null || position < 0) continue;
    scanner.start(segment.file, position, segment.readableBytes);
    while (scanner.next() && scanner.lastOffset < upTo) {
      if (scanner.producerId < 0) continue;
      const marker = (scanner.attributes & CONTROL_BIT) === 0 ? null : readMarker(segment, scanner);
      producers.apply(scanner, scanner.baseOffset, scanner.maxTimestamp, marker);
    }
    if (scanner.ended !== "end") isWhole = false;
  }
  if (producers.endOffset < upTo) producers.advanceTo(upTo);
  return isWhole;
}

function startIn(
  segment: ReadableSegment,
  offset: Offset,
  scanner: HeaderScanner,
): number | null {
  try {
    return positionOf(segment, offset, scanner);
  } catch (error) {
    if (error instanceof KafkaError && !(error instanceof DiskFault)) return null;
    throw error;
  }
}

function readMarker(
  segment: ReadableSegment,
  scanner: HeaderScanner,
): EndTransactionMarker | null {
  if (scanner.sizeBytes > MARKER_BATCH_BYTES_MAX) return null;
  const bytes = new Uint8Array(scanner.sizeBytes);
  segment.file.read(bytes, 0, bytes.length, scanner.position);
  return endTransactionMarker(bytes, 0, bytes.length);
}
