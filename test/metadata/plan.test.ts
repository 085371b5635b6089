/** Plans of topics and configs: Kafka's codes and words for each way to be refused. */
import { describe, expect, test } from "bun:test";
import type { Uuid } from "../../engine/base/uuid.ts";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import { ConfigSource } from "../../engine/model/config_definition.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import { describeResource } from "../../engine/metadata/describe_configs.ts";
import { ConfigResourceType } from "../../engine/metadata/image.ts";
import type { MetadataImage } from "../../engine/metadata/image.ts";
import { AlterOperation, planAlterConfigs, planIncrementalAlterConfigs } from "../../engine/metadata/plan_configs.ts";
import { planCreatePartitions } from "../../engine/metadata/plan_partitions.ts";
import { planProducerIds } from "../../engine/metadata/plan_producer_ids.ts";
import { planStop } from "../../engine/metadata/plan_broker.ts";
import { planDeleteTopics } from "../../engine/metadata/plan_topic_deletion.ts";
import type { TopicRequest } from "../../engine/metadata/plan_topics.ts";
import { planCreateTopics } from "../../engine/metadata/plan_topics.ts";
import { ownTopicConfigs, orphanedConfigRecords } from "../../engine/metadata/topic_configs.ts";
import { DIRECTORY_ID, NODE_ID, bootstrapped, numberedId, planContext, replayed } from "../support/images.ts";

const topic = (name: string, more: Partial<TopicRequest> = {}): TopicRequest =>
  ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...more });

function create(image: MetadataImage, requests: readonly TopicRequest[], properties = {}) {
  const plan = planCreateTopics(planContext(image, properties), requests);
  return { ...plan, image: replayed(image, plan.records) };
}

const { image: empty } = bootstrapped();
const some = create(empty, [topic("a"), topic("b.c", { numPartitions: 3 })]).image;

describe("creating topics", () => {
  test("places every partition on this node, in this directory", () => {
    const { image, results } = create(empty, [topic("orders", { numPartitions: 2 })]);
    const created = image.topic("orders")!;
    expect(results[0]).toMatchObject({ errorCode: 0, errorMessage: null, topicId: created.id, numPartitions: 2, replicationFactor: 1 });
    expect(created.partitions).toHaveLength(2);
    expect(created.partitions[1]).toMatchObject({
      replicas: [NODE_ID], isr: [NODE_ID], directories: [DIRECTORY_ID], leader: NODE_ID, leaderEpoch: 0, partitionEpoch: 0,
    });
  });

  test("takes the broker's defaults for -1", () => {
    const { results } = create(empty, [topic("t", { numPartitions: -1, replicationFactor: -1 })], { "num.partitions": "7" });
    expect(results[0]).toMatchObject({ errorCode: 0, numPartitions: 7, replicationFactor: 1 });
  });

  test("orders records as Kafka does: topic, configs, partitions", () => {
    const { records } = create(empty, [topic("t", { configs: [{ name: "retention.ms", value: "5" }] })]);
    expect(records.map((record) => record.kind)).toEqual(["topic", "config", "partition"]);
  });

  const refusals: readonly [string, Partial<TopicRequest> & { name: string }, number, string][] = [
    ["an empty name", { name: "" }, ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: the empty string is not allowed"],
    ["a dot", { name: "." }, ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '.' is not allowed"],
    ["a long name", { name: "x".repeat(250) }, ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: the length of '${"x".repeat(250)}' is longer than the max allowed length 249`],
    ["a name with a space", { name: "a b" }, ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"],
    ["a name that exists", { name: "a" }, ErrorCode.TOPIC_ALREADY_EXISTS, "Topic 'a' already exists."],
    ["a name that collides", { name: "b_c" }, ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic 'b_c' collides with existing topic: b.c"],
    ["the metadata topic", { name: "__cluster_metadata" }, ErrorCode.INVALID_REQUEST, "Creation of internal topic __cluster_metadata is prohibited."],
    ["no partitions", { name: "n", numPartitions: 0 }, ErrorCode.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value."],
    ["no replicas", { name: "n", replicationFactor: 0 }, ErrorCode.INVALID_REPLICATION_FACTOR, "Replication factor must be larger than 0, or -1 to use the default value."],
    ["more replicas than brokers", { name: "n", replicationFactor: 3 }, ErrorCode.INVALID_REPLICATION_FACTOR, "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 1 broker(s) are registered."],
    ["an unknown config", { name: "n", configs: [{ name: "no.such", value: "1" }] }, ErrorCode.INVALID_CONFIG, "Unknown topic config name: no.such"],
    ["a bad value", { name: "n", configs: [{ name: "retention.ms", value: "x" }] }, ErrorCode.INVALID_CONFIG, "Invalid value x for configuration retention.ms: Not a number of type LONG"],
    ["a null value", { name: "n", configs: [{ name: "retention.ms", value: null }] }, ErrorCode.INVALID_CONFIG, "Null value not supported for topic configs: retention.ms"],
    ["tiered storage", { name: "n", configs: [{ name: "remote.storage.enable", value: "true" }] }, ErrorCode.INVALID_CONFIG, "Invalid value true for configuration remote.storage.enable: tiered storage is not available here"],
    ["an assignment with a count", { name: "n", numPartitions: 1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }, ErrorCode.INVALID_REQUEST, "A manual partition assignment was specified, but numPartitions was not set to -1."],
    ["an assignment with a factor", { name: "n", numPartitions: -1, replicationFactor: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }, ErrorCode.INVALID_REQUEST, "A manual partition assignment was specified, but replication factor was not set to -1."],
  ];
  test.each(refusals)("refuses %s", (_what, request, errorCode, errorMessage) => {
    const { records, results } = create(some, [topic(request.name, request)]);
    expect(results).toEqual([expect.objectContaining({ errorCode, errorMessage, topicId: ZERO_UUID })]);
    expect(records).toEqual([]);
  });

  const assigned = (assignments: TopicRequest["assignments"]) =>
    create(empty, [topic("m", { numPartitions: -1, replicationFactor: -1, assignments })]).results[0]!;
  test("takes an assignment to this node, and no other", () => {
    expect(assigned([{ partitionIndex: 1, brokerIds: [1] }, { partitionIndex: 0, brokerIds: [1] }]))
      .toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 1 });
    const refused: readonly [TopicRequest["assignments"], string][] = [
      [[{ partitionIndex: 0, brokerIds: [2] }], "The manual partition assignment includes broker 2, but no such broker is registered."],
      [[{ partitionIndex: 0, brokerIds: [1, 1] }], "The manual partition assignment includes the broker 1 more than once."],
      [[{ partitionIndex: 0, brokerIds: [] }], "The manual partition assignment includes an empty replica list."],
      [[{ partitionIndex: 1, brokerIds: [1] }], "partitions should be a consecutive 0-based integer sequence"],
      [[{ partitionIndex: 0, brokerIds: [1] }, { partitionIndex: 0, brokerIds: [1] }], "Found multiple manual partition assignments for partition 0"],
    ];
    for (const [assignments, errorMessage] of refused) {
      expect(assigned(assignments)).toMatchObject({ errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT, errorMessage });
    }
  });

  test("answers a name that occurs twice once, and grants the others", () => {
    const { results, image } = create(empty, [topic("x"), topic("y"), topic("x")]);
    expect(results.map((result) => [result.name, result.errorCode])).toEqual([["y", 0], ["x", ErrorCode.INVALID_REQUEST]]);
    expect(image.topicCount).toBe(1);
  });

  test("sees collisions among the topics of one request", () => {
    const { results } = create(empty, [topic("p.q"), topic("p_q")]);
    expect(results.map((result) => result.errorCode)).toEqual([0, ErrorCode.INVALID_TOPIC_EXCEPTION]);
  });

  test("grants 10,000 partitions and no more", () => {
    expect(create(empty, [topic("big", { numPartitions: 10_000 })]).results[0]!.errorCode).toBe(0);
    const { results, records } = create(empty, [topic("big", { numPartitions: 10_000 }), topic("one")]);
    expect(results.map((result) => result.errorCode)).toEqual([ErrorCode.POLICY_VIOLATION, ErrorCode.POLICY_VIOLATION]);
    expect(records).toEqual([]);
  });

  test("refuses while the only broker is fenced", () => {
    const stopped = replayed(empty, planStop(empty, NODE_ID));
    expect(create(stopped, [topic("t")]).results[0]).toMatchObject({ errorCode: ErrorCode.INVALID_REPLICATION_FACTOR });
  });
});

describe("deleting topics", () => {
  const remove = (...references: { name?: string; topicId?: Uuid }[]) => {
    const wanted = references.map(({ name = null, topicId = ZERO_UUID }) => ({ name, topicId }));
    const plan = planDeleteTopics(planContext(some), wanted);
    return { ...plan, image: replayed(some, plan.records) };
  };
  const id = some.topic("a")!.id;

  test("by name and by id", () => {
    const { image, results } = remove({ name: "a" }, { topicId: some.topic("b.c")!.id });
    expect(image.topicCount).toBe(0);
    expect(results.every((result) => result.errorCode === 0 && result.name !== null)).toBe(true);
  });

  test("answers each thing that is wrong", () => {
    const codes = (...references: Parameters<typeof remove>) =>
      remove(...references).results.map((result) => [result.name, result.errorCode]).sort();
    expect(codes({ name: "nope" })).toEqual([["nope", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]]);
    expect(codes({ topicId: numberedId(5) })).toEqual([[null, ErrorCode.UNKNOWN_TOPIC_ID]]);
    expect(codes({})).toEqual([[null, ErrorCode.INVALID_REQUEST]]);
    expect(codes({ name: "a", topicId: id })).toEqual([["a", ErrorCode.INVALID_REQUEST]]);
    expect(codes({ name: "a" }, { name: "a" })).toEqual([["a", ErrorCode.INVALID_REQUEST]]);
    expect(codes({ topicId: id }, { topicId: id })).toEqual([[null, ErrorCode.INVALID_REQUEST]]);
    expect(codes({ name: "a" }, { topicId: id })).toEqual([["a", ErrorCode.INVALID_REQUEST]]);
  });

  test("deletes nothing that was named twice, by whatever names", () => {
    expect(remove({ name: "a" }, { topicId: id }).image.topicCount).toBe(2);
    expect(remove({ name: "a" }, { name: "a" }).image.topicCount).toBe(2);
  });
});

describe("creating partitions", () => {
  const grow = (count: number, assignments: { brokerIds: number[] }[] | null = null, name = "b.c") => {
    const plan = planCreatePartitions(planContext(some), [{ name, count, assignments }]);
    return { ...plan, image: replayed(some, plan.records) };
  };

  test("adds behind those that are there", () => {
    const { image, results } = grow(5);
    expect(results).toEqual([{ name: "b.c", errorCode: 0, errorMessage: null }]);
    expect(image.topic("b.c")!.partitions).toHaveLength(5);
    expect(image.topic("b.c")!.partitions[0]).toBe(some.topic("b.c")!.partitions[0]!);
  });

  const refusals: readonly [string, () => ReturnType<typeof grow>, number, string][] = [
    ["the same count", () => grow(3), ErrorCode.INVALID_PARTITIONS, "Topic already has 3 partition(s)."],
    ["a smaller count", () => grow(2), ErrorCode.INVALID_PARTITIONS, "The topic b.c currently has 3 partition(s); 2 would not be an increase."],
    ["an unknown topic", () => grow(2, null, "nope"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "This server does not host this topic-partition."],
    ["too few assignments", () => grow(5, [{ brokerIds: [1] }]), ErrorCode.INVALID_REPLICA_ASSIGNMENT, "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."],
    ["another broker", () => grow(4, [{ brokerIds: [7] }]), ErrorCode.INVALID_REPLICA_ASSIGNMENT, "The manual partition assignment includes broker 7, but no such broker is registered."],
    ["another factor", () => grow(4, [{ brokerIds: [1, 1] }]), ErrorCode.INVALID_REPLICA_ASSIGNMENT, "The manual partition assignment includes the broker 1 more than once."],
    ["far too many", () => grow(20_000), ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request."],
  ];
  test.each(refusals)("refuses %s", (_what, plan, errorCode, errorMessage) => {
    const { records, results } = plan();
    expect(results[0]).toMatchObject({ errorCode, errorMessage });
    expect(records).toEqual([]);
  });
});

describe("altering configs", () => {
  const TOPIC = ConfigResourceType.TOPIC;
  const BROKER = ConfigResourceType.BROKER;
  type Op = readonly [string, keyof typeof AlterOperation, string | null];
  const alter = (image: MetadataImage, resourceType: number, resourceName: string, ...ops: Op[]) => {
    const configs = ops.map(([name, operation, value]) => ({ name, configOperation: AlterOperation[operation], value }));
    const plan = planIncrementalAlterConfigs(planContext(image), [{ resourceType, resourceName, configs }]);
    return { ...plan, result: plan.results[0]!, image: replayed(image, plan.records) };
  };
  const own = (image: MetadataImage, name = "a") => Object.fromEntries(ownTopicConfigs(image, image.topic(name)!));

  test("sets, deletes, appends and subtracts", () => {
    let { image } = alter(some, TOPIC, "a", ["retention.ms", "SET", "5"], ["cleanup.policy", "APPEND", "compact"]);
    expect(own(image)).toEqual({ "retention.ms": "5", "cleanup.policy": "delete,compact" });
    ({ image } = alter(image, TOPIC, "a", ["retention.ms", "DELETE", null], ["cleanup.policy", "SUBTRACT", "delete"]));
    expect(own(image)).toEqual({ "cleanup.policy": "compact" });
    ({ image } = alter(image, TOPIC, "a", ["cleanup.policy", "APPEND", "compact"]));
    expect(own(image)).toEqual({ "cleanup.policy": "compact" });
  });

  test("records nothing for a topic's config that stays as it is, but always for a broker's", () => {
    const { image } = alter(some, TOPIC, "a", ["retention.ms", "SET", "5"]);
    expect(alter(image, TOPIC, "a", ["retention.ms", "SET", "5"]).records).toEqual([]);
    const broker = alter(image, BROKER, "", ["log.retention.ms", "SET", "5"]).image;
    expect(alter(broker, BROKER, "", ["log.retention.ms", "SET", "5"]).records).toHaveLength(1);
  });

  const refusals: readonly [string, number, string, Op, number, string][] = [
    ["an unknown topic config", TOPIC, "a", ["x.y", "SET", "1"], ErrorCode.INVALID_CONFIG, "Unknown topic config name: x.y"],
    ["a bad value", TOPIC, "a", ["segment.bytes", "SET", "1"], ErrorCode.INVALID_CONFIG, "Invalid value 1 for configuration segment.bytes: Value must be at least 1048576"],
    ["a topic that is not there", TOPIC, "zz", ["retention.ms", "SET", "1"], ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "The topic 'zz' does not exist."],
    ["all topics at once", TOPIC, "", ["retention.ms", "SET", "1"], ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed."],
    ["appending to a number", TOPIC, "a", ["retention.ms", "APPEND", "1"], ErrorCode.INVALID_CONFIG, "Can't APPEND to key retention.ms because its type is not LIST."],
    ["a null value", TOPIC, "a", ["retention.ms", "SET", null], ErrorCode.INVALID_REQUEST, "Null value not supported for : retention.ms"],
    ["a value that is too long", TOPIC, "a", ["leader.replication.throttled.replicas", "SET", "0:1,".repeat(9000)], ErrorCode.INVALID_CONFIG, "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes."],
    ["another broker", BROKER, "2", ["log.retention.ms", "SET", "1"], ErrorCode.INVALID_REQUEST, "Unexpected broker id, expected 1 or empty string, but received 2"],
    ["a broker without number", BROKER, "x", ["log.retention.ms", "SET", "1"], ErrorCode.INVALID_REQUEST, "Broker id must be an integer, but it is: x"],
    ["a read-only broker config", BROKER, "", ["num.partitions", "SET", "1"], ErrorCode.INVALID_REQUEST, "Cannot update these configs dynamically: [num.partitions]"],
    ["a bad broker value", BROKER, "1", ["log.retention.ms", "SET", "x"], ErrorCode.INVALID_REQUEST, "Invalid value x for configuration log.retention.ms: Not a number of type LONG"],
    ["a retention of 0 for all", BROKER, "", ["log.retention.ms", "SET", "0"], ErrorCode.INVALID_REQUEST, "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"],
    ["a config without effect", BROKER, "", ["num.io.threads", "SET", "4"], ErrorCode.INVALID_CONFIG, "num.io.threads has no effect on this broker."],
    ["loggers", ConfigResourceType.BROKER_LOGGER, "1", ["kafka", "SET", "DEBUG"], ErrorCode.INVALID_REQUEST, "Unknown resource type 8"],
  ];
  test.each(refusals)("refuses %s", (_what, type, name, op, errorCode, errorMessage) => {
    const { result, records } = alter(some, type, name, op);
    expect(result).toMatchObject({ errorCode, errorMessage, resourceType: type, resourceName: name });
    expect(records).toEqual([]);
  });

  test("alters a resource as a whole or not at all", () => {
    const { records, result } = alter(some, TOPIC, "a", ["retention.ms", "SET", "5"], ["segment.bytes", "SET", "1"]);
    expect(result.errorCode).toBe(ErrorCode.INVALID_CONFIG);
    expect(records).toEqual([]);
  });

  test("refuses a resource or a name that occurs twice", () => {
    const twice = { resourceType: TOPIC, resourceName: "a", configs: [] };
    const plan = planIncrementalAlterConfigs(planContext(some), [twice, twice]);
    expect(plan.results.map((result) => result.errorMessage)).toEqual(Array(2).fill("Each resource must appear at most once."));
    expect(alter(some, TOPIC, "a", ["retention.ms", "SET", "5"], ["retention.ms", "DELETE", null]).result.errorMessage)
      .toBe("Error due to duplicate config keys");
  });

  test("replaces everything in the older call", () => {
    const { image } = alter(some, TOPIC, "a", ["retention.ms", "SET", "5"], ["segment.ms", "SET", "9"]);
    const configs = [{ name: "segment.ms", value: "8" }];
    const plan = planAlterConfigs(planContext(image), [{ resourceType: TOPIC, resourceName: "a", configs }]);
    expect(own(replayed(image, plan.records))).toEqual({ "segment.ms": "8" });
  });

  test("keeps a topic that Kafka gave unserved configs alterable", () => {
    const image = replayed(some, [{
      kind: "config", version: 0,
      value: { resourceType: TOPIC, resourceName: "a", name: "max.compaction.lag.ms", value: "1000" },
    }]);
    expect(alter(image, TOPIC, "a", ["retention.ms", "SET", "5"]).result.errorCode).toBe(0);
    expect(alter(image, TOPIC, "a", ["max.compaction.lag.ms", "SET", "2000"]).result.errorCode).toBe(ErrorCode.INVALID_CONFIG);
  });

  test("watches over min.insync.replicas while eligible leaders are on (KIP-966)", () => {
    const features = { "metadata.version": 30, "eligible.leader.replicas.version": 1 };
    const image = create(bootstrapped(features).image, [topic("a")]).image;
    expect(alter(image, BROKER, "1", ["min.insync.replicas", "SET", "2"]).result.errorCode).toBe(ErrorCode.INVALID_CONFIG);
    expect(alter(image, BROKER, "", ["min.insync.replicas", "DELETE", null]).result.errorCode).toBe(ErrorCode.INVALID_CONFIG);
    expect(alter(image, TOPIC, "a", ["min.insync.replicas", "SET", "1"]).records.map((record) => record.kind))
      .toEqual(["config", "clearElr"]);
  });
});

describe("flush.mode of a topic", () => {
  const set = { resourceType: ConfigResourceType.TOPIC, resourceName: "a", configs: [{ name: "flush.mode", configOperation: 0, value: "os" }] };
  const plan = planIncrementalAlterConfigs(planContext(some), [set]);
  const image = replayed(some, plan.records);

  test("is recorded where Kafka keeps it: among all brokers' configs, under the topic's id", () => {
    expect(plan.records).toEqual([{
      kind: "config", version: 0,
      value: { resourceType: 4, resourceName: "", name: `flush.mode.topic.${some.topic("a")!.id}`, value: "os" },
    }]);
    const context = planContext(image);
    expect(context.config.logConfig(ownTopicConfigs(image, image.topic("a")!)).flushMode).toBe("os");
    expect(context.config.logConfig(ownTopicConfigs(image, image.topic("b.c")!)).flushMode).toBe("commit");
  });

  test("shows as the topic's config, and not as the brokers'", () => {
    const config = planContext(image).config.withDynamic(image.configs(ConfigResourceType.BROKER, ""), new Map());
    const described = describeResource(image, config, { resourceType: 2, resourceName: "a", configurationKeys: ["flush.mode"] });
    expect(described.configs[0]).toMatchObject({ name: "flush.mode", value: "os", configSource: ConfigSource.TOPIC });
    expect(describeResource(image, config, { resourceType: 4, resourceName: "", configurationKeys: null }).configs).toEqual([]);
  });

  test("survives the older call that replaces all brokers' configs", () => {
    const replace = { resourceType: ConfigResourceType.BROKER, resourceName: "", configs: [] };
    const after = replayed(image, planAlterConfigs(planContext(image), [replace]).records);
    expect(ownTopicConfigs(after, after.topic("a")!).get("flush.mode")).toBe("os");
  });

  test("goes with the topic, also when a Kafka deleted it", () => {
    const deletion = planDeleteTopics(planContext(image), [{ name: "a", topicId: ZERO_UUID }]);
    expect(replayed(image, deletion.records).configs(ConfigResourceType.BROKER, "").size).toBe(0);
    const byKafka = replayed(image, [{ kind: "removeTopic", version: 0, value: { topicId: some.topic("a")!.id } }]);
    expect(orphanedConfigRecords(image)).toEqual([]);
    expect(replayed(byKafka, orphanedConfigRecords(byKafka)).configs(ConfigResourceType.BROKER, "").size).toBe(0);
  });
});

describe("describing configs", () => {
  test("names every source of a value, the one in force first", () => {
    const { image } = create(some, [topic("t", { configs: [{ name: "retention.ms", value: " 05" }] })]);
    const { config } = planContext(image, { "log.retention.ms": "7", "log.retention.hours": "1" });
    const { configs } = describeResource(image, config, { resourceType: 2, resourceName: "t", configurationKeys: ["retention.ms"] });
    expect(configs).toEqual([{
      name: "retention.ms", value: "5", readOnly: false, configSource: ConfigSource.TOPIC, isSensitive: false, configType: 5,
      documentation: expect.any(String),
      synonyms: [
        { name: "retention.ms", value: " 05", source: ConfigSource.TOPIC },
        { name: "log.retention.ms", value: "7", source: ConfigSource.STATIC_BROKER },
        { name: "log.retention.hours", value: "1", source: ConfigSource.STATIC_BROKER },
        { name: "log.retention.hours", value: "168", source: ConfigSource.DEFAULT },
      ],
    }]);
  });

  test("describes a topic in full, and this broker, and nobody else", () => {
    const { config } = planContext(some);
    const codeOf = (resourceType: number, resourceName: string) =>
      describeResource(some, config, { resourceType, resourceName, configurationKeys: null }).errorCode;
    const describedTopic = describeResource(some, config, { resourceType: 2, resourceName: "a", configurationKeys: null });
    expect(describedTopic.configs).toHaveLength(34);
    expect(describedTopic.configs.find((entry) => entry.name === "flush.messages")!.value).toBe("9223372036854775807");
    const broker = describeResource(some, config, { resourceType: 4, resourceName: "1", configurationKeys: null });
    expect(broker.configs.find((entry) => entry.name === "num.partitions")).toMatchObject({ value: "1", readOnly: true });
    expect(codeOf(2, "zz")).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(codeOf(2, "a b")).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect(codeOf(4, "2")).toBe(ErrorCode.INVALID_REQUEST);
    expect(codeOf(8, "1")).toBe(ErrorCode.INVALID_REQUEST);
  });
});

test("producer ids come in blocks of 1000 that never overlap", () => {
  const first = planProducerIds(empty, { id: NODE_ID, epoch: 1 });
  const second = planProducerIds(replayed(empty, first.records), { id: NODE_ID, epoch: 1 });
  expect([first.block, second.block]).toEqual([{ first: 0, end: 1000 }, { first: 1000, end: 2000 }]);
});
