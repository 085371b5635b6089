import type { Cluster } from "../client/cluster.ts";
import { ZERO_UUID } from "../base/uuid.ts";
import { findErrorMessage } from "../client/error_message.ts";
import { ErrorCode } from "../model/error_code.ts";
import { UsageError } from "../model/errors.ts";
import { metadataRequest, metadataResponse } from "../wire/api/03_metadata.ts";
import { createTopicsRequest, createTopicsResponse } from "../wire/api/19_create_topics.ts";
import { deleteTopicsRequest, deleteTopicsResponse } from "../wire/api/20_delete_topics.ts";
import { describeConfigsRequest, describeConfigsResponse } from "../wire/api/32_describe_configs.ts";
import { createPartitionsRequest, createPartitionsResponse } from "../wire/api/37_create_partitions.ts";
import type { Command, Flags, Terminal } from "./command.ts";
import { CONNECTION_FLAGS, withCluster } from "./connection_flags.ts";

const REQUEST_TIMEOUT_MS = 30_000;
/** Kafka's number for topics among config resources, and for configs set on the topic itself. */
const TOPIC_RESOURCE = 2;
const TOPIC_CONFIG_SOURCE = 1;

/** `millrace topics`: the flags of kafka-topics. */
export const topicsCommand: Command = {
  name: "topics",
  summary: "Create, list, describe, alter and delete topics.",
  positionals: "",
  flags: {
    ...CONNECTION_FLAGS,
    create: { kind: "switch", help: "create the topic named by --topic" },
    list: { kind: "switch", help: "list the names of all topics" },
    describe: { kind: "switch", help: "describe topics: partitions, leaders, configs" },
    alter: { kind: "switch", help: "raise the number of partitions of --topic" },
    delete: { kind: "switch", help: "delete the topics that --topic matches" },
    topic: {
      kind: "text",
      value: "NAME",
      help: "the topic; for --list, --describe, --delete a regular expression over whole names",
    },
    partitions: { kind: "text", value: "N", help: "number of partitions (default: the broker's)" },
    "replication-factor": { kind: "text", value: "N", help: "replicas of each (default: the broker's)" },
    config: { kind: "list", value: "KEY=VALUE", help: "topic config; may be repeated" },
    "if-not-exists": { kind: "switch", help: "with --create: a topic that exists is no error" },
    "if-exists": { kind: "switch", help: "with --alter, --describe, --delete: no topic is no error" },
    "exclude-internal": { kind: "switch", help: "leave out the broker's own topics" },
    json: { kind: "switch", help: "print JSON" },
  },
  notes: `
Examples:
  millrace topics --create --topic events --partitions 4 --config retention.ms=86400000
  millrace topics --describe --topic events`,
  async run(flags, _positionals, terminal) {
    const actions = ["create", "list", "describe", "alter", "delete"].filter((name) => flags.switch(name));
    if (actions.length !== 1) {
      throw new UsageError("give exactly one of --create, --list, --describe, --alter, --delete");
    }
    const action = actions[0]!;
    return withCluster(flags, (cluster) => ACTIONS[action]!(cluster, flags, terminal));
  },
};

type Action = (cluster: Cluster, flags: Flags, terminal: Terminal) => Promise<number>;
const ACTIONS: Record<string, Action> = {
  create: createTopic,
  list: listTopics,
  describe: describeTopics,
  alter: alterTopic,
  delete: deleteTopics,
};

async function createTopic(cluster: Cluster, flags: Flags, terminal: Terminal): Promise<number> {
  const name = flags.required("topic", "name the topic to create");
  const answer = await cluster.any(
    { request: createTopicsRequest, response: createTopicsResponse },
    {
      topics: [{
        name,
        numPartitions: flags.number("partitions", 1) ?? -1,
        replicationFactor: flags.number("replication-factor", 1) ?? -1,
        assignments: [],
        configs: [...flags.pairs("config")].map(([key, value]) => ({ name: key, value })),
      }],
      timeoutMs: REQUEST_TIMEOUT_MS,
    },
  );
  const topic = answer.topics[0]!;
  if (topic.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS && flags.switch("if-not-exists")) return 0;
  refuse(topic.errorCode, `topic ${name}`, topic.errorMessage);
  terminal.out(flags.switch("json")
    ? `${JSON.stringify({ name, topicId: topic.topicId, partitions: topic.numPartitions })}\n`
    : `Created topic ${name}.\n`);
  return 0;
}

interface DescribedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly {
    readonly partitionIndex: number;
    readonly leaderId: number;
    readonly replicaNodes: readonly number[];
    readonly isrNodes: readonly number[];
  }[];
}

async function matchingTopics(cluster: Cluster, flags: Flags): Promise<DescribedTopic[]> {
  const answer = await cluster.any(
    { request: metadataRequest, response: metadataResponse },
    { topics: cluster.versionOf(metadataRequest) === 0 ? [] : null, allowAutoTopicCreation: false },
  );
  const pattern = topicPattern(flags.text("topic"));
  const topics: DescribedTopic[] = [];
  for (const topic of answer.topics) {
    if (topic.name === null || !pattern.test(topic.name)) continue;
    if (topic.isInternal && flags.switch("exclude-internal")) continue;
    topics.push({ ...topic, name: topic.name });
  }
  return topics.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Names may hold dots, which a pattern reads as "any character": as kafka-topics does. */
function topicPattern(text: string | undefined): RegExp {
  try {
    return new RegExp(`^(?:${text ?? ".*"})$`);
  } catch {
    throw new UsageError(`--topic ${text}: not a regular expression`);
  }
}

async function listTopics(cluster: Cluster, flags: Flags, terminal: Terminal): Promise<number> {
  const names = (await matchingTopics(cluster, flags)).map((topic) => topic.name);
  const lines = names.map((name) => `${name}\n`).join("");
  terminal.out(flags.switch("json") ? `${JSON.stringify(names)}\n` : lines);
  return 0;
}

async function describeTopics(cluster: Cluster, flags: Flags, terminal: Terminal): Promise<number> {
  const topics = await matchingTopics(cluster, flags);
  requireSome(topics, flags);
  const configs = await ownConfigs(cluster, topics.map((topic) => topic.name));
  if (flags.switch("json")) {
    const described = topics.map((topic) => ({ ...topic, configs: configs.get(topic.name) ?? {} }));
    terminal.out(`${JSON.stringify(described, null, 2)}\n`);
    return 0;
  }
  for (const topic of topics) {
    const own = Object.entries(configs.get(topic.name) ?? {}).map(([key, value]) => `${key}=${value}`);
    const replicas = topic.partitions[0]?.replicaNodes.length ?? 0;
    terminal.out(`Topic: ${topic.name}\tTopicId: ${topic.topicId}\t` +
      `PartitionCount: ${topic.partitions.length}\tReplicationFactor: ${replicas}\t` +
      `Configs: ${own.join(",")}\n`);
    const byIndex = [...topic.partitions].sort((one, other) => one.partitionIndex - other.partitionIndex);
    for (const partition of byIndex) {
      const leader = partition.leaderId < 0 ? "none" : String(partition.leaderId);
      terminal.out(`\tTopic: ${topic.name}\tPartition: ${partition.partitionIndex}\tLeader: ${leader}\t` +
        `Replicas: ${partition.replicaNodes.join(",")}\tIsr: ${partition.isrNodes.join(",")}\n`);
    }
  }
  return 0;
}

/** The configs that were set on each topic itself. */
async function ownConfigs(
  cluster: Cluster,
  names: readonly string[],
): Promise<Map<string, Record<string, string>>> {
  const byTopic = new Map<string, Record<string, string>>();
  if (names.length === 0) return byTopic;
  const answer = await cluster.any(
    { request: describeConfigsRequest, response: describeConfigsResponse },
    {
      resources: names.map((resourceName) => ({
        resourceType: TOPIC_RESOURCE,
        resourceName,
        configurationKeys: null,
      })),
    },
  );
  for (const result of answer.results) {
    refuse(result.errorCode, `configs of ${result.resourceName}`, result.errorMessage);
    const own = result.configs.filter((config) => config.configSource === TOPIC_CONFIG_SOURCE);
    byTopic.set(result.resourceName, Object.fromEntries(own.map(({ name, value }) => [name, value ?? ""])));
  }
  return byTopic;
}

async function alterTopic(cluster: Cluster, flags: Flags, _terminal: Terminal): Promise<number> {
  flags.required("topic", "name the topic to alter");
  const count = flags.number("partitions", 1);
  if (count === undefined) {
    throw new UsageError("--partitions is missing: --alter changes the number of partitions only");
  }
  const topics = await matchingTopics(cluster, flags);
  requireSome(topics, flags);
  if (topics.length === 0) return 0;
  const answer = await cluster.any(
    { request: createPartitionsRequest, response: createPartitionsResponse },
    {
      topics: topics.map(({ name }) => ({ name, count, assignments: null })),
      timeoutMs: REQUEST_TIMEOUT_MS,
      validateOnly: false,
    },
  );
  for (const result of answer.results) {
    refuse(result.errorCode, `topic ${result.name}`, result.errorMessage);
  }
  return 0;
}

async function deleteTopics(cluster: Cluster, flags: Flags, _terminal: Terminal): Promise<number> {
  flags.required("topic", "name the topic to delete");
  const topics = await matchingTopics(cluster, flags);
  requireSome(topics, flags);
  if (topics.length === 0) return 0;
  const names = topics.map((topic) => topic.name);
  const byName = cluster.versionOf(deleteTopicsRequest) < 6;
  const answer = await cluster.any(
    { request: deleteTopicsRequest, response: deleteTopicsResponse },
    byName
      ? { topicNames: names, timeoutMs: REQUEST_TIMEOUT_MS }
      : { topics: names.map((name) => ({ name, topicId: ZERO_UUID })), timeoutMs: REQUEST_TIMEOUT_MS },
  );
  for (const result of answer.responses) {
    refuse(result.errorCode, `topic ${result.name}`, result.errorMessage);
  }
  return 0;
}

function requireSome(topics: readonly DescribedTopic[], flags: Flags): void {
  const pattern = flags.text("topic");
  if (topics.length > 0 || pattern === undefined || flags.switch("if-exists")) return;
  throw new UsageError(`no topic matches ${pattern}: \`millrace topics --list\` names those that exist`);
}

/** Turns an error code of an answer into the one line that ends the command. */
export function refuse(errorCode: number, what: string, message: string | null): void {
  if (errorCode === ErrorCode.NONE) return;
  throw new UsageError(`${what}: ${message ?? findErrorMessage(errorCode)}`);
}
