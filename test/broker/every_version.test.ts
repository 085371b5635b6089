/**
 * Every API that is served, in every version that is advertised, against a real broker: the answer
 * decodes by its declaration to the last byte and says what it should. A field that a version lacks
 * would end the connection here instead of at a client's.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import type { Uuid } from "../../engine/base/uuid.ts";
import { SERVED_APIS } from "../../engine/broker/apis.ts";
import type { Client } from "../../engine/client/client.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import type { Fields, Message } from "../../engine/wire/schema.ts";
import { batchOf, startTestBroker } from "./harness.ts";
import type { TestBroker } from "./harness.ts";

const TOPIC = "every";
let running: TestBroker;
let client: Client;
let topicId: Uuid;

beforeAll(async () => {
  running = await startTestBroker();
  client = await running.connect();
  const [created] = await running.store.createTopics([
    { name: TOPIC, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] },
  ], { validateOnly: false });
  topicId = created!.topicId;
});

afterAll(async () => {
  client.close();
  await running.stop();
});

type Value = Record<string, unknown>;

/** Asks in one version; the client refuses an answer that does not decode. */
function ask(apiKey: number, version: number, request: Value): Promise<Value> {
  const { api } = SERVED_APIS.find((served) => served.api.key === apiKey)!;
  const call = {
    request: api.request as Message<Fields>,
    response: api.response as Message<Fields>,
  };
  return client.call(call, request as never, version) as Promise<Value>;
}

/** By version, because fields that a version cannot express are refused by the encoder. */
const since = (version: number, first: number, value: Value): Value => version >= first ? value : {};
const upTo = (version: number, last: number, value: Value): Value => version <= last ? value : {};

interface Case {
  readonly request: (version: number) => Value;
  readonly check: (answer: Value, version: number) => void;
}

const path = (value: unknown, ...keys: (string | number)[]): unknown =>
  keys.reduce<unknown>((inner, key) => (inner as Value)[key as string], value);

const NO_ERROR = ErrorCode.NONE;

const CASES: Record<string, Case> = {
  Produce: {
    request: (version) => ({
      acks: -1,
      timeoutMs: 1000,
      topicData: [{
        ...(version >= 13 ? { topicId } : { name: TOPIC }),
        partitionData: [{ index: 0, records: batchOf([`v${version}`]) }],
      }],
    }),
    check(answer) {
      expect(path(answer, "responses", 0, "partitionResponses", 0)).toMatchObject({
        index: 0,
        errorCode: NO_ERROR,
        logAppendTimeMs: -1,
      });
      expect(path(answer, "responses", 0, "partitionResponses", 0, "baseOffset")).toBeGreaterThanOrEqual(0);
    },
  },
  Fetch: {
    request: (version) => ({
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{
        ...(version >= 13 ? { topicId } : { topic: TOPIC }),
        partitions: [
          { partition: 0, fetchOffset: 0, partitionMaxBytes: 100_000 },
          { partition: 1, fetchOffset: 0, partitionMaxBytes: 100_000 },
          { partition: 7, fetchOffset: 0, partitionMaxBytes: 100_000 },
        ],
      }],
    }),
    check(answer) {
      const partitions = path(answer, "responses", 0, "partitions") as Value[];
      expect(partitions.map(({ errorCode }) => errorCode))
        .toEqual([NO_ERROR, NO_ERROR, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
      expect((partitions[0]!["records"] as Uint8Array).length).toBeGreaterThan(61);
      expect((partitions[1]!["records"] as Uint8Array).length).toBe(0);
    },
  },
  ListOffsets: {
    request: (version) => ({
      replicaId: -1,
      topics: [{
        name: TOPIC,
        partitions: [
          { partitionIndex: 0, timestamp: -1 },
          { partitionIndex: 1, timestamp: -2 },
          { partitionIndex: 3, timestamp: -1 },
        ],
      }],
      ...since(version, 10, { timeoutMs: 1000 }),
    }),
    check(answer) {
      expect(path(answer, "topics", 0, "partitions")).toMatchObject([
        { errorCode: NO_ERROR },
        { errorCode: NO_ERROR, offset: 0 },
        { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      ]);
    },
  },
  Metadata: {
    request: (version) => ({
      topics: [{ name: TOPIC }, { name: "no such topic" }],
      ...since(version, 4, { allowAutoTopicCreation: false }),
    }),
    check(answer, version) {
      expect(path(answer, "brokers", 0)).toMatchObject({ nodeId: 1, host: "127.0.0.1", port: running.port });
      expect(path(answer, "topics", 0)).toMatchObject({
        errorCode: NO_ERROR,
        name: TOPIC,
        topicId: version >= 10 ? topicId : ZERO_UUID,
      });
      expect((path(answer, "topics", 0, "partitions") as Value[]).length).toBe(2);
      expect(path(answer, "topics", 1, "errorCode")).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    },
  },
  FindCoordinator: {
    request: (version) => version >= 4 ? { coordinatorKeys: ["g"] } : { key: "g" },
    check(answer, version) {
      const one = version >= 4 ? path(answer, "coordinators", 0) : answer;
      expect(path(one, "errorCode")).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      if (version >= 1) expect(path(one, "errorMessage")).toContain("coordinate consumer groups");
    },
  },
  ApiVersions: {
    request: (version) => since(version, 3, { clientSoftwareName: "test", clientSoftwareVersion: "1.0" }),
    check(answer) {
      expect(answer["errorCode"]).toBe(NO_ERROR);
      const keys = answer["apiKeys"] as Value[];
      expect(keys.map(({ apiKey }) => apiKey as number).sort((a, b) => a - b))
        .toEqual(SERVED_APIS.map(({ api }) => api.key).sort((a, b) => a - b));
      expect(keys.find(({ apiKey }) => apiKey === 0)).toMatchObject({ minVersion: 0, maxVersion: 13 });
      expect(keys.find(({ apiKey }) => apiKey === 22)).toMatchObject({ minVersion: 0, maxVersion: 5 });
    },
  },
  CreateTopics: {
    request: (version) => ({
      topics: [
        { name: `made-${version}`, numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] },
        { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      ],
    }),
    check(answer, version) {
      const topics = answer["topics"] as Value[];
      expect(topics.find(({ name }) => name === `made-${version}`)).toMatchObject({
        errorCode: NO_ERROR,
        ...since(version, 5, { numPartitions: 3, replicationFactor: 1 }),
      });
      expect(topics.find(({ name }) => name === TOPIC)).toMatchObject({
        errorCode: ErrorCode.TOPIC_ALREADY_EXISTS,
      });
    },
  },
  DeleteTopics: {
    request: (version) => ({
      ...upTo(version, 5, { topicNames: [`made-${version + 1}`, "absent"] }),
      ...since(version, 6, { topics: [{ name: `made-${version + 1}`, topicId: ZERO_UUID }, { name: "absent", topicId: ZERO_UUID }] }),
      timeoutMs: 1000,
    }),
    check(answer, version) {
      const responses = answer["responses"] as Value[];
      expect(responses.find(({ name }) => name === `made-${version + 1}`)).toMatchObject({ errorCode: NO_ERROR });
      expect(responses.find(({ name }) => name === "absent")).toMatchObject({
        errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      });
    },
  },
  DeleteRecords: {
    request: () => ({
      topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, offset: 1 }, { partitionIndex: 1, offset: 9999 }] }],
      timeoutMs: 1000,
    }),
    check(answer) {
      expect(path(answer, "topics", 0, "partitions")).toMatchObject([
        { lowWatermark: 1, errorCode: NO_ERROR },
        { lowWatermark: -1, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE },
      ]);
    },
  },
  InitProducerId: {
    request: () => ({ transactionalId: null, transactionTimeoutMs: 1000 }),
    check(answer) {
      expect(answer).toMatchObject({ errorCode: NO_ERROR, producerEpoch: 0 });
      expect(answer["producerId"]).toBeGreaterThanOrEqual(0);
    },
  },
  OffsetForLeaderEpoch: {
    request: () => ({
      topics: [{
        topic: TOPIC,
        partitions: [
          { partition: 0, leaderEpoch: 0 },
          { partition: 1, leaderEpoch: 0, currentLeaderEpoch: 99 },
        ],
      }],
    }),
    check(answer) {
      expect(path(answer, "topics", 0, "partitions")).toMatchObject([
        { errorCode: NO_ERROR, partition: 0, leaderEpoch: 0 },
        { errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH, partition: 1 },
      ]);
    },
  },
  DescribeAcls: {
    request: () => ({
      resourceTypeFilter: 1, resourceNameFilter: null, principalFilter: null, hostFilter: null,
      operation: 1, permissionType: 1,
    }),
    check: (answer) => expect(answer["errorCode"]).toBe(ErrorCode.SECURITY_DISABLED),
  },
  CreateAcls: {
    request: () => ({
      creations: [{
        resourceType: 2, resourceName: "x", principal: "User:x", host: "*", operation: 3, permissionType: 3,
      }],
    }),
    check: (answer) => expect(path(answer, "results", 0, "errorCode")).toBe(ErrorCode.SECURITY_DISABLED),
  },
  DeleteAcls: {
    request: () => ({
      filters: [{
        resourceTypeFilter: 1, resourceNameFilter: null, principalFilter: null, hostFilter: null,
        operation: 1, permissionType: 1,
      }],
    }),
    check: (answer) => expect(path(answer, "filterResults", 0, "errorCode")).toBe(ErrorCode.SECURITY_DISABLED),
  },
  DescribeConfigs: {
    request: (version) => ({
      resources: [
        { resourceType: 2, resourceName: TOPIC, configurationKeys: ["retention.ms"] },
        { resourceType: 4, resourceName: "1", configurationKeys: ["log.retention.hours"] },
        { resourceType: 2, resourceName: "absent", configurationKeys: null },
      ],
      includeSynonyms: true,
      ...since(version, 3, { includeDocumentation: true }),
    }),
    check(answer, version) {
      const results = answer["results"] as Value[];
      expect(results.map(({ errorCode }) => errorCode))
        .toEqual([NO_ERROR, NO_ERROR, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
      const retention = path(results, 0, "configs", 0) as Value;
      expect(retention).toMatchObject({ name: "retention.ms", value: "604800000", isSensitive: false });
      if (version >= 3) expect((retention["documentation"] as string).length).toBeGreaterThan(10);
    },
  },
  AlterConfigs: {
    request: () => ({
      resources: [
        { resourceType: 2, resourceName: TOPIC, configs: [{ name: "max.message.bytes", value: "2000000" }] },
        { resourceType: 2, resourceName: TOPIC + "?", configs: [] },
      ],
      validateOnly: false,
    }),
    check: (answer) => expect((answer["responses"] as Value[])[0]!["errorCode"]).toBe(NO_ERROR),
  },
  IncrementalAlterConfigs: {
    request: () => ({
      resources: [{
        resourceType: 2,
        resourceName: TOPIC,
        configs: [{ name: "max.message.bytes", configOperation: 0, value: "3000000" }],
      }, {
        resourceType: 2,
        resourceName: "absent",
        configs: [{ name: "max.message.bytes", configOperation: 0, value: "3000000" }],
      }],
      validateOnly: false,
    }),
    check(answer) {
      expect((answer["responses"] as Value[]).map(({ errorCode }) => errorCode).sort())
        .toEqual([NO_ERROR, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    },
  },
  DescribeLogDirs: {
    request: () => ({ topics: null }),
    check(answer) {
      expect(path(answer, "results", 0)).toMatchObject({ errorCode: NO_ERROR, logDir: running.dir });
      const topics = path(answer, "results", 0, "topics") as Value[];
      expect(topics.some(({ name }) => name === TOPIC)).toBe(true);
    },
  },
  CreatePartitions: {
    request: (version) => ({
      topics: [
        { name: "grown", count: version + 2, assignments: null },
        { name: "absent", count: 2, assignments: null },
      ],
      timeoutMs: 1000,
      validateOnly: false,
    }),
    check(answer) {
      const results = answer["results"] as Value[];
      expect(results.find(({ name }) => name === "grown")).toMatchObject({ errorCode: NO_ERROR });
      expect(results.find(({ name }) => name === "absent")).toMatchObject({
        errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      });
    },
  },
  DescribeCluster: {
    request: () => ({ includeClusterAuthorizedOperations: true }),
    check(answer) {
      expect(answer).toMatchObject({
        errorCode: NO_ERROR,
        clusterId: running.store.clusterId,
        controllerId: 1,
        brokers: [{ brokerId: 1, host: "127.0.0.1", port: running.port }],
      });
    },
  },
  DescribeProducers: {
    request: () => ({ topics: [{ name: TOPIC, partitionIndexes: [0, 5] }] }),
    check(answer) {
      expect((path(answer, "topics", 0, "partitions") as Value[]).map(({ errorCode }) => errorCode))
        .toEqual([NO_ERROR, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    },
  },
  DescribeTopicPartitions: {
    request: () => ({ topics: [{ name: TOPIC }, { name: "absent" }] }),
    check(answer) {
      expect((answer["topics"] as Value[]).map(({ name, errorCode }) => [name, errorCode])).toEqual([
        ["absent", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
        [TOPIC, NO_ERROR],
      ]);
    },
  },
};

test("there is a case for every API that is served", () => {
  expect(Object.keys(CASES).sort()).toEqual(SERVED_APIS.map(({ api }) => api.name).sort());
});

describe("every version", () => {
  beforeAll(async () => {
    const options = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    await running.store.createTopics([{ name: "grown", ...options }], { validateOnly: false });
  });

  for (const { api } of SERVED_APIS) {
    const first = Math.max(api.advertisedVersions.first, api.versions.first);
    for (let version = first; version <= api.advertisedVersions.last; version++) {
      test(`${api.name} ${version}`, async () => {
        const one = CASES[api.name]!;
        one.check(await ask(api.key, version, one.request(version)), version);
      });
    }
  }
});
