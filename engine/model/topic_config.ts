import { INT64_MAX } from "../base/int64.ts";
import type { ConfigDefinition, ConfigValue, ValueCheck } from "./config_definition.ts";
import {
  LONG_MAX_TEXT,
  atLeast,
  between,
  listOf,
  oneOf,
  parseConfigValue,
} from "./config_definition.ts";
import type { CleanupPolicy, CompressionType, FlushMode, LogConfig, TimestampType } from "./log_config.ts";

/**
 * Every config that a topic of Kafka 4.3 can carry, and `flush.mode`, which is ours. Each one is
 * honoured - `honoured` says by whom and how - or its values are refused (`refusal`): nothing is
 * merely reported back.
 */
export interface TopicConfigDefinition extends ConfigDefinition {
  /** Broker configs that give the default, the first one set wins; the unit converts to ms. */
  readonly synonyms: readonly BrokerSynonym[];
  readonly honoured: string;
  /** Why a legal value cannot be set here, or null. A directory that Kafka wrote may carry it all the same. */
  readonly refusal: ValueCheck | null;
  /** Not described unless it is set. */
  readonly internal: boolean;
}

export interface BrokerSynonym {
  readonly name: string;
  readonly unitMs: number;
}

/** The topic config that chooses between durability before the answer and trust in the page cache. */
export const FLUSH_MODE_CONFIG = "flush.mode";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const NO_REMOTE_STORAGE = "tiered storage is not available here";

const NOTHING_TO_REPLICATE = "one node: there is no replication traffic to slow down";

const MESSAGES = "log append checks";
const ROLL = "log segment roll";
const RETENTION = "log retention";
const INDEXES = "log indexes";

type Rest = Partial<Pick<TopicConfigDefinition, "synonyms" | "check" | "refusal" | "internal">>;

function define(
  name: string,
  type: ConfigDefinition["type"],
  fallback: string | null,
  honoured: string,
  documentation: string,
  rest: Rest = {},
): TopicConfigDefinition {
  const { synonyms = [], check = null, refusal = null, internal = false } = rest;
  return { name, type, fallback, check, documentation, synonyms, honoured, refusal, internal };
}

function broker(name: string, unitMs = 1): BrokerSynonym {
  return { name, unitMs };
}

/** -1 or a level between 1 and 9, as gzip has them. */
function gzipLevel(value: ConfigValue): string | null {
  return value === -1 ? null : between(1, 9)(value);
}

/** "partition:broker" pairs, or a star for all. */
function throttledReplicas(value: ConfigValue): string | null {
  const entries = value as readonly string[];
  const fine = entries.every((entry) => entry === "*" || /^\d+:\d+$/.test(entry));
  return fine ? null : "Entries must be [partitionId]:[brokerId], or *";
}

const DEFINITIONS: readonly TopicConfigDefinition[] = [
  define("cleanup.policy", "list", "delete", "log retention; compacted topics demand keys and keep everything so far",
    "How old data goes: \"delete\" by retention, \"compact\" by key, both, or never when empty.",
    { check: listOf("compact", "delete"), synonyms: [broker("log.cleanup.policy")] }),
  define("compression.gzip.level", "int", "-1", "produce path, when it recompresses",
    "The gzip level for compression.type=gzip; -1 is the codec's own default.",
    { check: gzipLevel, synonyms: [broker("compression.gzip.level")] }),
  define("compression.lz4.level", "int", "9", "produce path, when it recompresses",
    "The lz4 level for compression.type=lz4.",
    { check: between(1, 17), synonyms: [broker("compression.lz4.level")] }),
  define("compression.type", "string", "producer", "produce path: batches in another codec are rewritten",
    "The codec in which batches are stored; \"producer\" keeps them as they came.",
    {
      check: oneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
      synonyms: [broker("compression.type")],
    }),
  define("compression.zstd.level", "int", "3", "produce path, when it recompresses",
    "The zstd level for compression.type=zstd.",
    { check: between(-131_072, 22), synonyms: [broker("compression.zstd.level")] }),
  define("delete.retention.ms", "long", "86400000", "compacted topics keep delete markers at least this long: for good so far",
    "How long a delete marker of a compacted topic stays readable, in milliseconds.",
    { check: atLeast(0), synonyms: [broker("log.cleaner.delete.retention.ms")] }),
  define("file.delete.delay.ms", "long", "60000", "log segment deletion",
    "How long a removed segment's files stay on disk before they are deleted, in milliseconds.",
    { check: atLeast(0), synonyms: [broker("log.segment.delete.delay.ms")] }),
  define("flush.messages", "long", LONG_MAX_TEXT, "log flush: in mode \"os\", a sync after so many records",
    "Sync the log to the device after this many records.",
    { check: atLeast(1), synonyms: [broker("log.flush.interval.messages")] }),
  define(FLUSH_MODE_CONFIG, "string", "commit", "log flush",
    "When an append is acknowledged: \"commit\" after it reached the device, \"os\" once the page cache has it.",
    { check: oneOf("commit", "os"), synonyms: [broker(FLUSH_MODE_CONFIG)] }),
  define("flush.ms", "long", LONG_MAX_TEXT, "log flush: in mode \"os\", a sync after so long",
    "Sync the log to the device when its oldest unsynced record is this old, in milliseconds.",
    {
      check: atLeast(0),
      synonyms: [broker("log.flush.interval.ms"), broker("log.flush.scheduler.interval.ms")],
    }),
  define("follower.replication.throttled.replicas", "list", "", NOTHING_TO_REPLICATE,
    "Replicas whose followers are held to the replication quota, as partition:broker pairs or *.",
    { check: throttledReplicas }),
  define("index.interval.bytes", "int", "4096", INDEXES,
    "Bytes of log between two index entries.",
    { check: atLeast(0), synonyms: [broker("log.index.interval.bytes")] }),
  define("internal.segment.bytes", "int", null, ROLL,
    "Overrides segment.bytes without its lower bound; for tests.",
    { check: atLeast(1), internal: true }),
  define("leader.replication.throttled.replicas", "list", "", NOTHING_TO_REPLICATE,
    "Replicas whose leaders are held to the replication quota, as partition:broker pairs or *.",
    { check: throttledReplicas }),
  define("local.retention.bytes", "long", "-2", "means something for tiered topics only, which are refused",
    "Bytes of a tiered partition that stay on the local disk; -2 follows retention.bytes.",
    { check: atLeast(-2), synonyms: [broker("log.local.retention.bytes")] }),
  define("local.retention.ms", "long", "-2", "means something for tiered topics only, which are refused",
    "How long data of a tiered partition stays on the local disk; -2 follows retention.ms.",
    { check: atLeast(-2), synonyms: [broker("log.local.retention.ms")] }),
  define("max.compaction.lag.ms", "long", LONG_MAX_TEXT, "refused: no cleaner keeps the promise yet",
    "The longest time that a record may wait for compaction, in milliseconds.",
    {
      check: atLeast(1),
      synonyms: [broker("log.cleaner.max.compaction.lag.ms")],
      refusal: (value) =>
        (value as number) < INT64_MAX ? "compaction is not available yet, so no time can be promised" : null,
    }),
  define("max.message.bytes", "int", "1048588", MESSAGES,
    "The largest batch that the topic takes, in bytes after compression.",
    { check: atLeast(0), synonyms: [broker("message.max.bytes")] }),
  define("message.timestamp.after.max.ms", "long", "3600000", MESSAGES,
    "How far a record's timestamp may lie ahead of the broker's clock, in milliseconds.",
    { check: atLeast(0), synonyms: [broker("log.message.timestamp.after.max.ms")] }),
  define("message.timestamp.before.max.ms", "long", LONG_MAX_TEXT, MESSAGES,
    "How far a record's timestamp may lie behind the broker's clock, in milliseconds.",
    { check: atLeast(0), synonyms: [broker("log.message.timestamp.before.max.ms")] }),
  define("message.timestamp.type", "string", "CreateTime", MESSAGES,
    "Whose clock dates the records: the producer's (CreateTime) or the broker's (LogAppendTime).",
    {
      check: oneOf("CreateTime", "LogAppendTime"),
      synonyms: [broker("log.message.timestamp.type")],
    }),
  define("min.cleanable.dirty.ratio", "double", "0.5", "a hint to the cleaner; none runs so far",
    "The share of uncompacted bytes from which a log is worth compacting.",
    { check: between(0, 1), synonyms: [broker("log.cleaner.min.cleanable.ratio")] }),
  define("min.compaction.lag.ms", "long", "0", "kept by never compacting so far",
    "The shortest time that a record stays uncompacted, in milliseconds.",
    { check: atLeast(0), synonyms: [broker("log.cleaner.min.compaction.lag.ms")] }),
  define("min.insync.replicas", "int", "1", "capped at the replication factor, as Kafka does: one",
    "Replicas that must have a record before acks=all succeeds.",
    { check: atLeast(1), synonyms: [broker("min.insync.replicas")] }),
  define("preallocate", "boolean", "false", "log segment files",
    "Allocate a segment's full size when it is created.",
    { synonyms: [broker("log.preallocate")] }),
  define("remote.log.copy.disable", "boolean", "false", "means something for tiered topics only, which are refused",
    "Stops copying segments of a tiered topic to the remote storage."),
  define("remote.log.delete.on.disable", "boolean", "false", "means something for tiered topics only, which are refused",
    "Deletes a tiered topic's remote data when tiering is turned off."),
  define("remote.storage.enable", "boolean", "false", "refused",
    "Keeps old segments of the topic in a remote storage.",
    { refusal: (value) => (value === true ? NO_REMOTE_STORAGE : null) }),
  define("retention.bytes", "long", "-1", RETENTION,
    "Bytes that a partition may hold before its oldest segments go; -1 for no limit.",
    { synonyms: [broker("log.retention.bytes")] }),
  define("retention.ms", "long", "604800000", RETENTION,
    "How long data is kept, in milliseconds; -1 for ever.",
    {
      check: atLeast(-1),
      synonyms: [
        broker("log.retention.ms"),
        broker("log.retention.minutes", MINUTE_MS),
        broker("log.retention.hours", HOUR_MS),
      ],
    }),
  define("segment.bytes", "int", "1073741824", ROLL,
    "The size at which a segment is closed and the next one begun, in bytes.",
    { check: atLeast(1_048_576), synonyms: [broker("log.segment.bytes")] }),
  define("segment.index.bytes", "int", "10485760", INDEXES,
    "The most that an index of one segment may hold, in bytes.",
    { check: atLeast(4), synonyms: [broker("log.index.size.max.bytes")] }),
  define("segment.jitter.ms", "long", "0", ROLL,
    "Chance subtracted from segment.ms, so that segments do not all roll at once.",
    {
      check: atLeast(0),
      synonyms: [broker("log.roll.jitter.ms"), broker("log.roll.jitter.hours", HOUR_MS)],
    }),
  define("segment.ms", "long", "604800000", ROLL,
    "The age at which a segment is closed even if it is not full, in milliseconds.",
    { check: atLeast(1), synonyms: [broker("log.roll.ms"), broker("log.roll.hours", HOUR_MS)] }),
  define("unclean.leader.election.enable", "boolean", "false", "one replica: it alone can lead",
    "Lets a replica lead that may have missed acknowledged records.",
    { synonyms: [broker("unclean.leader.election.enable")] }),
];

/** By name, in the alphabetical order in which Kafka describes them. */
export const TOPIC_CONFIGS: ReadonlyMap<string, TopicConfigDefinition> = new Map(
  DEFINITIONS.map((definition) => [definition.name, definition]),
);

const MIN_LAG = "min.compaction.lag.ms";
const MAX_LAG = "max.compaction.lag.ms";
const DEFAULT_LAGS: Readonly<Record<string, number>> = { [MIN_LAG]: 0, [MAX_LAG]: INT64_MAX };

/**
 * Why these configs cannot be a topic's, or null. `values` holds all that would be set, `changed` the
 * names that the request sets: what cannot be served is refused only there, so that a topic that Kafka
 * configured stays alterable.
 */
export function topicConfigsInvalidReason(
  values: ReadonlyMap<string, string>,
  changed: Iterable<string>,
): string | null {
  const parsed = new Map<string, ConfigValue>();
  for (const [name, text] of values) {
    const definition = TOPIC_CONFIGS.get(name);
    if (definition === undefined) return `Unknown topic config name: ${name}`;
    const result = parseConfigValue(definition, text);
    if (!result.ok) return result.reason;
    parsed.set(name, result.value);
  }
  const lag = (name: string) => (parsed.get(name) ?? DEFAULT_LAGS[name]!) as number;
  if (lag(MIN_LAG) > lag(MAX_LAG)) {
    return `conflict topic config setting ${MIN_LAG} (${lag(MIN_LAG)}) > ${MAX_LAG} (${lag(MAX_LAG)})`;
  }
  for (const name of changed) {
    const value = parsed.get(name);
    const reason = value === undefined ? null : TOPIC_CONFIGS.get(name)!.refusal?.(value) ?? null;
    if (reason !== null) return `Invalid value ${values.get(name)} for configuration ${name}: ${reason}`;
  }
  return null;
}

/** Where a topic's effective values come from, as text. */
export interface TopicConfigSource {
  /** The value of `name`: the topic's own, else its broker synonym's converted to ms, else the default. */
  effective(definition: TopicConfigDefinition): string | null;
}

/**
 * The log's view of a topic's effective configs. Values come from the metadata log or from a checked
 * server.properties; one that does not parse - written by a newer broker - counts as its default.
 */
export function toLogConfig(source: TopicConfigSource): LogConfig {
  const value = (name: string): ConfigValue | null => {
    const definition = TOPIC_CONFIGS.get(name)!;
    for (const text of [source.effective(definition), definition.fallback]) {
      const parsed = text === null ? null : parseConfigValue(definition, text);
      if (parsed?.ok === true) return parsed.value;
    }
    return null;
  };
  const number = (name: string) => value(name) as number;
  return {
    cleanupPolicy: value("cleanup.policy") as readonly CleanupPolicy[],
    compressionType: value("compression.type") as CompressionType,
    compressionGzipLevel: number("compression.gzip.level"),
    compressionLz4Level: number("compression.lz4.level"),
    compressionZstdLevel: number("compression.zstd.level"),
    deleteRetentionMs: number("delete.retention.ms"),
    fileDeleteDelayMs: number("file.delete.delay.ms"),
    flushMessages: number("flush.messages"),
    flushMode: value(FLUSH_MODE_CONFIG) as FlushMode,
    flushMs: number("flush.ms"),
    indexIntervalBytes: number("index.interval.bytes"),
    maxCompactionLagMs: number("max.compaction.lag.ms"),
    maxMessageBytes: number("max.message.bytes"),
    messageTimestampAfterMaxMs: number("message.timestamp.after.max.ms"),
    messageTimestampBeforeMaxMs: number("message.timestamp.before.max.ms"),
    messageTimestampType: value("message.timestamp.type") as TimestampType,
    minCleanableDirtyRatio: number("min.cleanable.dirty.ratio"),
    minCompactionLagMs: number("min.compaction.lag.ms"),
    minInsyncReplicas: number("min.insync.replicas"),
    preallocate: value("preallocate") as boolean,
    retentionBytes: number("retention.bytes"),
    retentionMs: number("retention.ms"),
    segmentBytes: (value("internal.segment.bytes") as number | null) ?? number("segment.bytes"),
    segmentIndexBytes: number("segment.index.bytes"),
    segmentJitterMs: number("segment.jitter.ms"),
    segmentMs: number("segment.ms"),
    uncleanLeaderElectionEnable: value("unclean.leader.election.enable") as boolean,
  };
}
