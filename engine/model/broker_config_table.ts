import { LONG_MAX_TEXT, atLeast, listOf } from "./config_definition.ts";
import type { ConfigDefinition, ConfigType, ValueCheck } from "./config_definition.ts";
import { TOPIC_CONFIGS } from "./topic_config.ts";

/** When a broker config may change: at start only, or while running for all nodes or for one. */
export type UpdateMode = "read-only" | "cluster-wide" | "per-broker";

export interface BrokerConfigDefinition<Name extends string = string, Type extends ConfigType = ConfigType>
  extends ConfigDefinition {
  readonly name: Name;
  readonly type: Type;
  readonly update: UpdateMode;
  /** Not described to clients. */
  readonly internal: boolean;
}

interface Rest {
  readonly check?: ValueCheck;
  readonly update?: UpdateMode;
  readonly internal?: boolean;
}

function define<Name extends string, Type extends ConfigType>(
  name: Name,
  type: Type,
  fallback: string | null,
  documentation: string,
  rest: Rest = {},
): BrokerConfigDefinition<Name, Type> {
  const { check = null, update = "read-only", internal = false } = rest;
  return { name, type, fallback, check, documentation, update, internal };
}

/** A broker config that is the default of a topic config: its check and its sentence. */
function topicDefault<Name extends string, Type extends ConfigType>(
  name: Name,
  type: Type,
  topicConfig: string,
  rest: Rest & { readonly fallback?: string | null } = {},
): BrokerConfigDefinition<Name, Type> {
  const topic = TOPIC_CONFIGS.get(topicConfig)!;
  const fallback = rest.fallback === undefined ? topic.fallback : rest.fallback;
  const documentation = `Default of the topic config ${topicConfig}. ${topic.documentation}`;
  return define(name, type, fallback, documentation, {
    check: rest.check ?? topic.check ?? undefined,
    update: rest.update ?? "cluster-wide",
  });
}

const UNSET = { fallback: null } as const;
const HOURS = "Used when the config in milliseconds is not set.";

/** The broker configs that this broker honours, by Kafka's names; `flush.mode` is ours. */
const DEFINITIONS = [
  define("advertised.listeners", "list", null, "The addresses told to clients; by default the one that a client reached."),
  define("auto.create.topics.enable", "boolean", "true", "Create a topic when a client first asks for it."),
  define("broker.id", "int", null, "The older name of node.id.", { check: atLeast(0) }),
  define("broker.rack", "string", null, "The rack that the broker reports to clients."),
  topicDefault("compression.gzip.level", "int", "compression.gzip.level"),
  topicDefault("compression.lz4.level", "int", "compression.lz4.level"),
  topicDefault("compression.type", "string", "compression.type"),
  topicDefault("compression.zstd.level", "int", "compression.zstd.level"),
  define("connections.max.idle.ms", "long", "600000", "A connection without requests is closed after this time; -1 never."),
  define("controller.listener.names", "list", "", "Listeners of the controller; not opened, since this node is the whole quorum."),
  define("controller.quorum.voters", "list", "", "The controllers as id@host:port; this node alone, or none.", { check: listOf() }),
  define("default.replication.factor", "int", "1", "Replicas of a topic that is created without saying how many."),
  define("delete.topic.enable", "boolean", "true", "Allow topics to be deleted."),
  define("fetch.max.bytes", "int", "57671680", "The most bytes that one fetch answers with.", { check: atLeast(1024) }),
  topicDefault("flush.mode", "string", "flush.mode"),
  define("listener.security.protocol.map", "string", "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL", "The protocol of each listener name; PLAINTEXT is served."),
  define("listeners", "list", "PLAINTEXT://127.0.0.1:9092", "The addresses to listen on, as NAME://host:port."),
  topicDefault("log.cleaner.delete.retention.ms", "long", "delete.retention.ms"),
  topicDefault("log.cleaner.max.compaction.lag.ms", "long", "max.compaction.lag.ms"),
  topicDefault("log.cleaner.min.cleanable.ratio", "double", "min.cleanable.dirty.ratio"),
  topicDefault("log.cleaner.min.compaction.lag.ms", "long", "min.compaction.lag.ms"),
  topicDefault("log.cleanup.policy", "list", "cleanup.policy"),
  define("log.dir", "list", null, "The data directory, when log.dirs is not set.", { check: listOf() }),
  define("log.dirs", "list", null, "The data directory; exactly one.", { check: listOf() }),
  topicDefault("log.flush.interval.messages", "long", "flush.messages"),
  topicDefault("log.flush.interval.ms", "long", "flush.ms", UNSET),
  define("log.flush.offset.checkpoint.interval.ms", "int", "60000", "How often recovery points are written, in milliseconds.", { check: atLeast(0) }),
  define("log.flush.scheduler.interval.ms", "long", LONG_MAX_TEXT, "How often logs are looked at for flush.ms; its default too."),
  define("log.flush.start.offset.checkpoint.interval.ms", "int", "60000", "How often log start offsets are written, in milliseconds.", { check: atLeast(0) }),
  topicDefault("log.index.interval.bytes", "int", "index.interval.bytes"),
  topicDefault("log.index.size.max.bytes", "int", "segment.index.bytes"),
  define("log.initial.task.delay.ms", "long", "30000", "How long background work on logs waits after the start.", { check: atLeast(0), internal: true }),
  topicDefault("log.local.retention.bytes", "long", "local.retention.bytes"),
  topicDefault("log.local.retention.ms", "long", "local.retention.ms"),
  topicDefault("log.message.timestamp.after.max.ms", "long", "message.timestamp.after.max.ms"),
  topicDefault("log.message.timestamp.before.max.ms", "long", "message.timestamp.before.max.ms"),
  topicDefault("log.message.timestamp.type", "string", "message.timestamp.type"),
  topicDefault("log.preallocate", "boolean", "preallocate"),
  topicDefault("log.retention.bytes", "long", "retention.bytes"),
  define("log.retention.check.interval.ms", "long", "300000", "How often retention is enforced, in milliseconds.", { check: atLeast(1) }),
  define("log.retention.hours", "int", "168", `Default of the topic config retention.ms, in hours. ${HOURS}`),
  define("log.retention.minutes", "int", null, `Default of the topic config retention.ms, in minutes. ${HOURS}`),
  topicDefault("log.retention.ms", "long", "retention.ms", UNSET),
  define("log.roll.hours", "int", "168", `Default of the topic config segment.ms, in hours. ${HOURS}`, { check: atLeast(1) }),
  define("log.roll.jitter.hours", "int", "0", `Default of the topic config segment.jitter.ms, in hours. ${HOURS}`, { check: atLeast(0) }),
  topicDefault("log.roll.jitter.ms", "long", "segment.jitter.ms", UNSET),
  topicDefault("log.roll.ms", "long", "segment.ms", UNSET),
  topicDefault("log.segment.bytes", "int", "segment.bytes"),
  topicDefault("log.segment.delete.delay.ms", "long", "file.delete.delay.ms"),
  define("max.connections", "int", "2147483647", "Connections in all; beyond it new ones are closed.", { check: atLeast(0), update: "cluster-wide" }),
  define("max.connections.per.ip", "int", "2147483647", "Connections from one address; beyond it new ones are closed.", { check: atLeast(0), update: "cluster-wide" }),
  define("max.incremental.fetch.session.cache.slots", "int", "1000", "Fetch sessions that are remembered.", { check: atLeast(0) }),
  define("max.request.partition.size.limit", "int", "2000", "Partitions in one answer of DescribeTopicPartitions.", { check: atLeast(1) }),
  topicDefault("message.max.bytes", "int", "max.message.bytes"),
  define("metadata.log.dir", "string", null, "The directory of the metadata log; the data directory itself."),
  define("metadata.log.max.record.bytes.between.snapshots", "long", "20971520", "Bytes of metadata records after which a snapshot is written.", { check: atLeast(1) }),
  define("metadata.log.max.snapshot.interval.ms", "long", "3600000", "The age of changes after which a metadata snapshot is written; 0 never.", { check: atLeast(0) }),
  define("metadata.log.segment.bytes", "int", "1073741824", "The size of one segment of the metadata log.", { check: atLeast(8_388_608) }),
  define("metadata.log.segment.ms", "long", "604800000", "The age at which a segment of the metadata log is closed."),
  define("metadata.max.retention.bytes", "long", "104857600", "Bytes of metadata log and snapshots that are kept."),
  define("metadata.max.retention.ms", "long", "604800000", "How long metadata log and snapshots are kept."),
  topicDefault("min.insync.replicas", "int", "min.insync.replicas"),
  define("node.id", "int", "1", "The node's number.", { check: atLeast(0) }),
  define("num.partitions", "int", "1", "Partitions of a topic that is created without saying how many.", { check: atLeast(1) }),
  define("process.roles", "list", "broker,controller", "What this process is: broker and controller in one.", { check: listOf("broker", "controller") }),
  define("producer.id.expiration.check.interval.ms", "int", "600000", "How often expired producer ids are looked for.", { check: atLeast(1), internal: true }),
  define("producer.id.expiration.ms", "int", "86400000", "How long the state of an idle producer is kept, in milliseconds.", { check: atLeast(1), update: "cluster-wide" }),
  define("replica.high.watermark.checkpoint.interval.ms", "long", "5000", "How often high watermarks are written, in milliseconds."),
  define("socket.listen.backlog.size", "int", "50", "Connections that may wait to be accepted.", { check: atLeast(1) }),
  define("socket.receive.buffer.bytes", "int", "102400", "SO_RCVBUF of a connection; -1 leaves it to the system."),
  define("socket.request.max.bytes", "int", "104857600", "The largest request; a longer one closes the connection.", { check: atLeast(1) }),
  define("socket.send.buffer.bytes", "int", "262144", "SO_SNDBUF of a connection; -1 leaves it to the system."),
  topicDefault("unclean.leader.election.enable", "boolean", "unclean.leader.election.enable"),
] as const;

type Definition = (typeof DEFINITIONS)[number];

export type NumberConfigName = Extract<Definition, { type: "int" | "long" | "short" | "double" }>["name"];
export type FlagConfigName = Extract<Definition, { type: "boolean" }>["name"];
export type TextConfigName = Extract<Definition, { type: "string" }>["name"];
export type ListConfigName = Extract<Definition, { type: "list" }>["name"];

/** By name, in alphabetical order. */
export const BROKER_CONFIGS: ReadonlyMap<string, BrokerConfigDefinition> = new Map(
  DEFINITIONS.map((definition) => [definition.name, definition]),
);

/**
 * Configs whose absence would be a danger or a surprise: why they are refused when they hold anything
 * but what the pattern allows.
 */
export const REFUSED_BROKER_CONFIGS: ReadonlyMap<string, { allowed: RegExp; reason: string }> = new Map([
  ["authorizer.class.name", { allowed: /^$/, reason: "there is no authorization yet: everybody could do everything" }],
  ["create.topic.policy.class.name", { allowed: /^$/, reason: "Java classes cannot be loaded" }],
  ["alter.config.policy.class.name", { allowed: /^$/, reason: "Java classes cannot be loaded" }],
  ["client.quota.callback.class", { allowed: /^$/, reason: "Java classes cannot be loaded" }],
  ["config.providers", { allowed: /^$/, reason: "values from elsewhere are not looked up; write them out" }],
  ["cordoned.log.dirs", { allowed: /^$/, reason: "the only data directory cannot be cordoned" }],
  ["remote.log.storage.system.enable", { allowed: /^(false)?$/i, reason: "tiered storage is not available here" }],
]);

