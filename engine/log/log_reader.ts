import { CompressionError } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError } from "../model/errors.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import { RecordsError } from "../model/records.ts";
import type { LogEnvironment } from "./log_environment.ts";
import type { LogSegments } from "./log_segments.ts";
import { floorIndex } from "./read_planner.ts";
import { findMaxTimestamp, findTimestamp } from "./timestamp_lookup.ts";
import type { TimestampHit } from "./timestamp_lookup.ts";
import { collectAborted } from "./txn_index.ts";
import type { AbortedTransaction } from "./txn_index.ts";

/** Aborted transactions that overlap [from, upTo). */
export function abortedTransactions(
  segments: LogSegments,
  from: Offset,
  upTo: Offset,
): AbortedTransaction[] {
  const found: AbortedTransaction[] = [];
  const { all } = segments;
  for (let index = floorIndex(all, from); index < all.length; index++) {
    if (collectAborted(all[index]!.abortedTransactions(), from, upTo, found)) break;
  }
  return found;
}

/**
 * The first record in [from, upTo) at or after `timestamp`; "largest": the first one with the largest
 * timestamp. A promise when a compressed batch must be unpacked. Throws or rejects with KafkaError
 * CORRUPT_MESSAGE for damaged records.
 */
export function recordByTime(
  environment: LogEnvironment,
  segments: LogSegments,
  from: Offset,
  upTo: Offset,
  timestamp: TimestampMs | "largest",
): TimestampHit | null | Promise<TimestampHit | null> {
  const { codecs, scanner } = environment;
  const bounds = { segments: () => segments.all, scanner, from, upTo, codecs };
  try {
    const found = timestamp === "largest"
      ? findMaxTimestamp(bounds)
      : findTimestamp({ ...bounds, timestamp });
    return found instanceof Promise ? found.catch(asDamage) : found;
  } catch (error) {
    return asDamage(error);
  }
}

/** What unpacking finds wrong is an error of the stored data. */
function asDamage(error: unknown): never {
  if (error instanceof CompressionError || error instanceof RecordsError) {
    throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, error.message, error);
  }
  throw error;
}
