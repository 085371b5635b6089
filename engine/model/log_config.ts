import { INT64_MAX } from "../base/int64.ts";

/**
 * What a topic can be told about its logs: Kafka's topic configs under their own names in camelCase,
 * with Kafka's defaults, and `flush.mode`, which Kafka does not have. A plain value: replaced as a
 * whole when a config changes, never changed in place.
 *
 * Milliseconds and bytes; INT64_MAX stands for Kafka's Long.MAX_VALUE, "no limit"; -1 for "unlimited"
 * where Kafka says so.
 */
export interface LogConfig {
  /** Empty is legal: then only the log start offset deletes. */
  readonly cleanupPolicy: readonly CleanupPolicy[];
  readonly compressionType: CompressionType;
  readonly compressionGzipLevel: number;
  readonly compressionLz4Level: number;
  readonly compressionZstdLevel: number;
  readonly deleteRetentionMs: number;
  readonly fileDeleteDelayMs: number;
  readonly flushMessages: number;
  readonly flushMode: FlushMode;
  readonly flushMs: number;
  readonly indexIntervalBytes: number;
  readonly maxCompactionLagMs: number;
  readonly maxMessageBytes: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampType: TimestampType;
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly minInsyncReplicas: number;
  readonly preallocate: boolean;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  readonly segmentBytes: number;
  readonly segmentIndexBytes: number;
  readonly segmentJitterMs: number;
  readonly segmentMs: number;
  readonly uncleanLeaderElectionEnable: boolean;
}

export type CleanupPolicy = "delete" | "compact";
export type CompressionType = "producer" | "uncompressed" | "gzip" | "snappy" | "lz4" | "zstd";
export type TimestampType = "CreateTime" | "LogAppendTime";

/**
 * When an append may be acknowledged: "commit" after an fdatasync that covers it, "os" once the
 * operating system has it (lost when the machine, not merely the process, dies).
 */
export type FlushMode = "commit" | "os";

const DAY_MS = 24 * 60 * 60 * 1000;

export const LOG_CONFIG_DEFAULTS: LogConfig = {
  cleanupPolicy: ["delete"],
  compressionType: "producer",
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  deleteRetentionMs: DAY_MS,
  fileDeleteDelayMs: 60_000,
  flushMessages: INT64_MAX,
  flushMode: "commit",
  flushMs: INT64_MAX,
  indexIntervalBytes: 4096,
  maxCompactionLagMs: INT64_MAX,
  maxMessageBytes: 1_048_588,
  messageTimestampAfterMaxMs: 60 * 60 * 1000,
  messageTimestampBeforeMaxMs: INT64_MAX,
  messageTimestampType: "CreateTime",
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  minInsyncReplicas: 1,
  preallocate: false,
  retentionBytes: -1,
  retentionMs: 7 * DAY_MS,
  segmentBytes: 1_073_741_824,
  segmentIndexBytes: 10_485_760,
  segmentJitterMs: 0,
  segmentMs: 7 * DAY_MS,
  uncleanLeaderElectionEnable: false,
};

export function isCompacted(config: LogConfig): boolean {
  return config.cleanupPolicy.includes("compact");
}
