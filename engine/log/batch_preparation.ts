import type { Native } from "../../native/native.ts";
import { BatchScan, SCAN_DENSE, SCAN_OK, scanReasonText } from "../../native/scan.ts";
import { INT64_MAX, writeInt16, writeInt32, writeInt64 } from "../base/int64.ts";
import { Codec, CompressionError, parseCodec } from "../model/compression.ts";
import type { Codecs } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { LOG_CONFIG_DEFAULTS, isCompacted } from "../model/log_config.ts";
import type { LogConfig } from "../model/log_config.ts";
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  CODEC_MASK,
  CONTROL_BIT,
  CRC_AT,
  LOG_OVERHEAD_BYTES,
  MAX_TIMESTAMP_AT,
  attributesOf,
} from "../model/record_batch.ts";
import { refusal, refuseClientRecords } from "./append_plan.ts";
import type { AppendRefusal, AppendRules } from "./append_plan.ts";
import { joined } from "./pieces.ts";

/**
 * A batch may unpack to this much at most where its records must be seen. A hundred times the usual
 * max.message.bytes: real data never gets there, a bomb is stopped early.
 */
export const UNPACKED_BYTES_MAX = 128 * 1024 * 1024;

/**
 * What must happen to a client's batch before it can be appended. "inspect": its records are compressed
 * and a rule of the topic is about records. "recompress": the topic wants another codec.
 */
export type Preparation = "none" | "inspect" | "recompress";

export type Prepared =
  | { readonly ok: true; readonly records: readonly Uint8Array[] }
  | AppendRefusal;

/** By the batch's header alone: costs nothing on the usual path. */
export function preparationOf(config: LogConfig, head: Uint8Array): Preparation {
  if (head.length < BATCH_HEADER_BYTES) return "none"; // the append will refuse it
  const attributes = attributesOf(head, 0);
  if ((attributes & CONTROL_BIT) !== 0) return "none";
  const codec = attributes & CODEC_MASK;
  if (config.compressionType !== "producer" && parseCodec(config.compressionType) !== codec) {
    return "recompress";
  }
  if (codec === Codec.none) return "none";
  const looksAtRecords = isCompacted(config) ||
    config.messageTimestampBeforeMaxMs < INT64_MAX ||
    config.messageTimestampAfterMaxMs !== LOG_CONFIG_DEFAULTS.messageTimestampAfterMaxMs;
  return looksAtRecords ? "inspect" : "none";
}

/**
 * Unpacks a batch off the loop, judges its records, and packs them anew when the topic wants another
 * codec. A batch that is not valid in the first place comes back as it is: the append says why.
 */
export async function prepareBatch(
  records: readonly Uint8Array[],
  preparation: "inspect" | "recompress",
  rules: AppendRules,
  native: Native,
  codecs: Codecs,
): Promise<Prepared> {
  const scan = new BatchScan();
  const asIs: Prepared = { ok: true, records };
  if (native.scanBatch(records, scan, SCAN_DENSE) !== SCAN_OK) return asIs;
  if (scan.sizeBytes > rules.config.maxMessageBytes || scan.codec > Codec.zstd) return asIs;
  const batch = joined(records, scan.sizeBytes);
  const unpacked = await unpack(batch, scan.codec as Codec, codecs);
  if (!(unpacked instanceof Uint8Array)) return unpacked;
  const plain = rebuilt(batch, unpacked, Codec.none, scan.maxTimestamp, native);
  const reason = native.scanBatch([plain], scan);
  if (reason !== SCAN_OK) {
    return refusal(ErrorCode.INVALID_RECORD, `not valid once unpacked: ${scanReasonText(reason)}`);
  }
  const refused = refuseClientRecords(scan, rules);
  if (refused !== null) return refused;
  if (preparation === "inspect") return asIs;
  const codec = parseCodec(rules.config.compressionType)!;
  const packed = codec === Codec.none
    ? unpacked
    : await codecs.compress(codec, unpacked, levelFor(codec, rules.config));
  return {
    ok: true,
    records: [rebuilt(batch, packed, codec, scan.walkedMaxTimestamp, native)],
  };
}

async function unpack(
  batch: Uint8Array,
  codec: Codec,
  codecs: Codecs,
): Promise<Uint8Array | AppendRefusal> {
  const packed = batch.subarray(BATCH_HEADER_BYTES);
  if (codec === Codec.none) return packed;
  try {
    return await codecs.decompress(codec, packed, UNPACKED_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    // Not CORRUPT_MESSAGE: a client would send the same bytes again and again.
    const isTooLarge = error.code === "TOO_LARGE";
    const errorCode = isTooLarge ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.INVALID_RECORD;
    return refusal(errorCode, error.message);
  }
}

/** The batch's header over another form of its records. */
function rebuilt(
  batch: Uint8Array,
  region: Uint8Array,
  codec: Codec,
  maxTimestamp: number,
  native: Native,
): Uint8Array {
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + region.length);
  bytes.set(batch.subarray(0, BATCH_HEADER_BYTES));
  bytes.set(region, BATCH_HEADER_BYTES);
  writeInt32(bytes, BATCH_LENGTH_AT, bytes.length - LOG_OVERHEAD_BYTES);
  writeInt16(bytes, ATTRIBUTES_AT, (attributesOf(batch, 0) & ~CODEC_MASK) | codec);
  writeInt64(bytes, MAX_TIMESTAMP_AT, maxTimestamp);
  writeInt32(bytes, CRC_AT, native.crc32c(bytes, ATTRIBUTES_AT, bytes.length));
  return bytes;
}

function levelFor(codec: Codec, config: LogConfig): number | undefined {
  switch (codec) {
    case Codec.gzip: return config.compressionGzipLevel;
    case Codec.lz4: return config.compressionLz4Level;
    case Codec.zstd: return config.compressionZstdLevel;
    default: return undefined;
  }
}
