import {
  SCAN_BAD_CRC,
  SCAN_BAD_MAGIC,
  SCAN_LENGTH_TOO_SMALL,
  SCAN_OK,
  scanReasonText,
} from "../../native/scan.ts";
import type { BatchScan } from "../../native/scan.ts";
import { INT64_MAX } from "../base/int64.ts";
import { codecName } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { isCompacted } from "../model/log_config.ts";
import type { LogConfig } from "../model/log_config.ts";
import { NO_TIMESTAMP } from "../model/offsets.ts";
import type { TimestampMs } from "../model/offsets.ts";
import {
  BATCH_HEADER_BYTES,
  CODEC_MASK,
  CONTROL_BIT,
  DELETE_HORIZON_BIT,
  MAGIC_V2,
  RESERVED_ATTRIBUTE_BITS,
  TIMESTAMP_TYPE_BIT,
  baseOffsetOf,
  batchBytesOf,
  magicOf,
} from "../model/record_batch.ts";
import type { AppendSource, RecordError } from "./append_result.ts";

/** How a batch will be stored. */
export interface AppendPlan {
  readonly ok: true;
  readonly attributes: number;
  readonly maxTimestamp: TimestampMs;
  /** Attributes or maxTimestamp differ from what came: the CRC must be computed again. */
  readonly rewritesHeader: boolean;
  /** -1 unless the topic stamps. */
  readonly logAppendTimeMs: TimestampMs;
}

export interface AppendRefusal {
  readonly ok: false;
  readonly errorCode: ErrorCode;
  readonly message: string;
  readonly recordErrors?: readonly RecordError[];
}

/** The rules that a plan follows. */
export interface AppendRules {
  readonly config: LogConfig;
  readonly source: AppendSource;
  readonly nowMs: TimestampMs;
}

/**
 * What can be refused before the bytes are looked at: a base offset that is not 0, and a batch that is
 * too large, in this order, which is Kafka's. Null: go on and scan.
 */
export function refuseByHeader(
  head: Uint8Array,
  batchBytes: number,
  rules: AppendRules,
): AppendRefusal | null {
  const isWhole = head.length >= BATCH_HEADER_BYTES && magicOf(head, 0) === MAGIC_V2 &&
    batchBytesOf(head, 0) === batchBytes;
  if (!isWhole) return null; // the scan says what is wrong
  if (rules.source === "client" && baseOffsetOf(head, 0) !== 0) {
    return refusal(ErrorCode.INVALID_RECORD, "the base offset of a produced batch must be 0");
  }
  if (rules.source !== "raft" && batchBytes > rules.config.maxMessageBytes) {
    return refusal(
      ErrorCode.MESSAGE_TOO_LARGE,
      `a batch of ${batchBytes} bytes is larger than max.message.bytes, ` +
        `${rules.config.maxMessageBytes}`,
    );
  }
  return null;
}

/**
 * Judges a scanned batch and decides how it is stored. Pure. The order of the checks is Kafka's: the
 * frame, the CRC, the header, the records, the size of a segment. `magic` is that of the bytes.
 */
export function planAppend(
  reason: number,
  scan: BatchScan,
  magic: number,
  batchBytes: number,
  rules: AppendRules,
): AppendPlan | AppendRefusal {
  if (reason !== SCAN_OK) return refuseScan(reason, scan, magic);
  const { config, source } = rules;
  if (source === "client") {
    const refused = refuseClientHeader(scan) ?? refuseClientRecords(scan, rules);
    if (refused !== null) return refused;
  }
  if (batchBytes > config.segmentBytes) {
    return refusal(
      ErrorCode.RECORD_LIST_TOO_LARGE,
      `a batch of ${batchBytes} bytes is larger than a segment, ${config.segmentBytes}`,
    );
  }
  return planHeader(scan, rules);
}

function refuseScan(reason: number, scan: BatchScan, magic: number): AppendRefusal {
  const isCorrupt = reason === SCAN_BAD_CRC || reason === SCAN_LENGTH_TOO_SMALL ||
    reason === SCAN_BAD_MAGIC && magic > MAGIC_V2;
  const message = `not a valid batch: ${scanReasonText(reason)}`;
  if (isCorrupt) return refusal(ErrorCode.CORRUPT_MESSAGE, message);
  if (scan.badRecord < 0) return refusal(ErrorCode.INVALID_RECORD, message);
  const batchIndex = scan.badRecord;
  return refusal(ErrorCode.INVALID_RECORD, message, [{ batchIndex, message: scanReasonText(reason) }]);
}

function refuseClientHeader(scan: BatchScan): AppendRefusal | null {
  const { attributes } = scan;
  if ((attributes & CONTROL_BIT) !== 0) {
    return refusal(ErrorCode.INVALID_RECORD, "clients may not write control records");
  }
  if (scan.producerId >= 0 && scan.baseSequence < 0) {
    return refusal(
      ErrorCode.INVALID_RECORD,
      `sequence ${scan.baseSequence} in a batch of producer ${scan.producerId}`,
    );
  }
  if ((attributes & (RESERVED_ATTRIBUTE_BITS | DELETE_HORIZON_BIT)) !== 0) {
    return refusal(ErrorCode.INVALID_RECORD, `attributes ${attributes} are not a producer's`);
  }
  if (codecName(attributes & CODEC_MASK) === null) {
    return refusal(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `compression type ${attributes & CODEC_MASK} is unknown`,
    );
  }
  return null;
}

/**
 * Keys and timestamps. Of a compressed batch only what its header says is judged here; where a topic's
 * rules need its records, they were judged before (batch_preparation.ts).
 */
export function refuseClientRecords(scan: BatchScan, rules: AppendRules): AppendRefusal | null {
  const { config } = rules;
  const timestampError = timestampErrorOf(scan, rules);
  if (timestampError !== null) {
    return refusal(ErrorCode.INVALID_TIMESTAMP, timestampError, [
      { batchIndex: 0, message: timestampError },
    ]);
  }
  if (scan.hasNullKey && isCompacted(config)) {
    const message = "a compacted topic takes no record without a key";
    return refusal(ErrorCode.INVALID_RECORD, message, [
      { batchIndex: scan.firstNullKey, message },
    ]);
  }
  return null;
}

function timestampErrorOf(scan: BatchScan, { config, nowMs }: AppendRules): string | null {
  const isStamped = (scan.attributes & TIMESTAMP_TYPE_BIT) !== 0;
  if (config.messageTimestampType === "LogAppendTime") {
    return isStamped ? "a producer may not claim the broker's timestamp type" : null;
  }
  const latest = scan.walked ? scan.walkedMaxTimestamp : scan.maxTimestamp;
  const earliest = scan.walked ? scan.walkedMinTimestamp : latest;
  if (latest === NO_TIMESTAMP) {
    return isStamped ? "a producer may not claim the broker's timestamp type" : null;
  }
  if (latest > nowMs + config.messageTimestampAfterMaxMs) {
    return `timestamp ${latest} is more than message.timestamp.after.max.ms ahead of ${nowMs}`;
  }
  const limit = config.messageTimestampBeforeMaxMs;
  if (limit < INT64_MAX && earliest !== NO_TIMESTAMP && earliest < nowMs - limit) {
    return `timestamp ${earliest} is more than message.timestamp.before.max.ms behind ${nowMs}`;
  }
  return null;
}

/**
 * LogAppendTime topics stamp the batch; CreateTime topics clear a stamp that a producer forged and
 * correct a maxTimestamp that its records do not bear out.
 */
function planHeader(scan: BatchScan, { config, source, nowMs }: AppendRules): AppendPlan {
  let attributes = scan.attributes;
  let maxTimestamp = scan.maxTimestamp as TimestampMs;
  let logAppendTimeMs = NO_TIMESTAMP;
  if (config.messageTimestampType === "LogAppendTime" && source !== "raft") {
    attributes |= TIMESTAMP_TYPE_BIT;
    maxTimestamp = nowMs;
    logAppendTimeMs = nowMs;
  } else if (source === "client") {
    attributes &= ~TIMESTAMP_TYPE_BIT;
    if (scan.walked) maxTimestamp = scan.walkedMaxTimestamp as TimestampMs;
  }
  return {
    ok: true,
    attributes,
    maxTimestamp,
    rewritesHeader: attributes !== scan.attributes || maxTimestamp !== scan.maxTimestamp,
    logAppendTimeMs,
  };
}

export function refusal(
  errorCode: ErrorCode,
  message: string,
  recordErrors?: readonly RecordError[],
): AppendRefusal {
  return recordErrors === undefined
    ? { ok: false, errorCode, message }
    : { ok: false, errorCode, message, recordErrors };
}
