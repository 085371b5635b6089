import type { LogConfig } from "../model/log_config.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";

/** What retention must know of a segment. */
export interface RetainedSegment {
  /** Where the next segment starts; for the last one the log end offset. */
  readonly endOffset: Offset;
  readonly sizeBytes: number;
  readonly isLast: boolean;
  /** Largest timestamp of its records, or when the file was last changed, when they carry none. */
  newestMs(): TimestampMs;
}

export interface RetentionBounds {
  readonly config: LogConfig;
  readonly logStartOffset: Offset;
  readonly highWatermark: Offset;
  readonly nowMs: TimestampMs;
}

/**
 * How many of the oldest segments may go. Pure. In Kafka's order, each rule walking on from where the one
 * before stopped, from the oldest segment while it holds:
 *
 *  A  the next segment starts at or below the log start offset (whatever the cleanup policy)
 *  B  the log stays at or above retention.bytes without it
 *  C  its newest record is older than retention.ms
 *
 * Never: what reaches beyond the high watermark, or an empty last segment. B and C only with the policy
 * "delete". A count of all segments means that the last one is rolled first.
 */
export function countExpired(segments: readonly RetainedSegment[], bounds: RetentionBounds): number {
  const { config, logStartOffset, highWatermark, nowMs } = bounds;
  const mayGo = (segment: RetainedSegment) =>
    segment.endOffset <= highWatermark && !(segment.isLast && segment.sizeBytes === 0);
  let count = 0;
  while (count < segments.length) {
    const segment = segments[count]!;
    if (segment.isLast || !mayGo(segment) || segment.endOffset > logStartOffset) break; // A
    count++;
  }
  if (!config.cleanupPolicy.includes("delete")) return count;
  if (config.retentionBytes >= 0) {
    let excess = -config.retentionBytes;
    for (let index = count; index < segments.length; index++) excess += segments[index]!.sizeBytes;
    while (count < segments.length) {
      const segment = segments[count]!;
      excess -= segment.sizeBytes;
      if (excess < 0 || !mayGo(segment)) break; // B
      count++;
    }
  }
  if (config.retentionMs >= 0) {
    while (count < segments.length) {
      const segment = segments[count]!;
      if (!mayGo(segment) || nowMs - segment.newestMs() <= config.retentionMs) break; // C
      count++;
    }
  }
  return count;
}
