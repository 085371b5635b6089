import { KafkaError } from "../model/errors.ts";
import { ErrorCode } from "../model/error_code.ts";
import type { Offset } from "../model/offsets.ts";
import type { HeaderScanner } from "./header_scanner.ts";
import type { ReadableSegment } from "./segment.ts";

/**
 * Where the first batch whose last offset is at least `offset` starts; -1 when the segment has none.
 * Leaves `scanner` on that batch. The index only says where to begin: an entry that does not lead to a
 * batch at or below the offset is not believed, and the walk starts at the front. Throws KafkaError
 * CORRUPT_MESSAGE for damage in the way.
 */
export function positionOf(
  segment: ReadableSegment,
  offset: Offset,
  scanner: HeaderScanner,
): number {
  const end = segment.readableBytes;
  const from = segment.positionBefore(offset);
  scanner.start(segment.file, from, end);
  if (from > 0) {
    const believed = scanner.next() && scanner.baseOffset >= segment.baseOffset &&
      scanner.baseOffset <= offset;
    if (!believed) scanner.start(segment.file, 0, end);
    else if (scanner.lastOffset >= offset) return scanner.position;
  }
  while (scanner.next()) {
    if (scanner.lastOffset >= offset) return scanner.position;
  }
  if (scanner.ended !== "end") throw damaged(segment, scanner);
  return -1;
}

function damaged(segment: ReadableSegment, scanner: HeaderScanner): KafkaError {
  const { path } = segment.file;
  if (scanner.ended === "legacy") {
    return new KafkaError(
      ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
      `${path} holds messages in a format older than Kafka 0.11 at byte ${scanner.nextPosition}`,
    );
  }
  return new KafkaError(
    ErrorCode.CORRUPT_MESSAGE,
    `${path} is damaged at byte ${scanner.nextPosition}: no batch header`,
  );
}
