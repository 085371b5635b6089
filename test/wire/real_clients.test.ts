import { expect, test } from "bun:test";
import { uuidFromBytes } from "../../engine/base/uuid.ts";
import { APIS } from "../../engine/wire/apis.ts";
import { decodeExactly, encode } from "../../engine/wire/codec.ts";
import { decodeProduce } from "../../engine/wire/produce_request.ts";
import type { Message } from "../../engine/wire/schema.ts";
import { kafkaJs, platformatic, platformaticReader } from "./real_clients.ts";

// Goal: what real clients write is what the declarations read, byte for byte back again, and what the
// declarations write is what real clients read. KafkaJS speaks old versions, @platformatic/kafka new ones.

function messageOf(name: string): Message {
  const api = APIS.find((one) => name === one.request.name || name === one.response.name)!;
  return name === api.request.name ? api.request : api.response;
}

function expectRequest(name: string, version: number, bytes: Uint8Array, value: object): void {
  const message = messageOf(`${name}Request`);
  const decoded = decodeExactly(message, version, bytes);
  expect(decoded as object).toMatchObject(value);
  expect(Buffer.from(encode(message, version, decoded as never))).toEqual(Buffer.from(bytes));
}

const METADATA = Buffer.from("metadata");

/** API of KafkaJS, version, its options, and what they mean. */
const KAFKAJS_REQUESTS: [api: string, version: number, options: object, value: object][] = [
  ["apiVersions", 2, {}, {}],
  ["metadata", 6, { topics: ["a", "b"] }, { topics: [{ name: "a" }, { name: "b" }], allowAutoTopicCreation: true }],
  ["metadata", 1, { topics: [] }, { topics: null }],
  [
    "fetch",
    11,
    {
      replicaId: -1,
      maxWaitTime: 5000,
      minBytes: 1,
      maxBytes: 1_048_576,
      isolationLevel: 1,
      topics: [{ topic: "t", partitions: [{ partition: 3, fetchOffset: "12345678901", maxBytes: 1000 }] }],
      rackId: "r",
    },
    {
      replicaId: -1,
      maxWaitMs: 5000,
      isolationLevel: 1,
      sessionEpoch: -1,
      topics: [{ topic: "t", partitions: [{ partition: 3, fetchOffset: 12345678901, partitionMaxBytes: 1000 }] }],
      rackId: "r",
    },
  ],
  [
    "listOffsets",
    3,
    { replicaId: -1, isolationLevel: 0, topics: [{ topic: "t", partitions: [{ partition: 0, timestamp: -2 }] }] },
    { topics: [{ name: "t", partitions: [{ partitionIndex: 0, timestamp: -2 }] }] },
  ],
  [
    "offsetCommit",
    5,
    { groupId: "g", groupGenerationId: 4, memberId: "m", topics: [{ topic: "t", partitions: [{ partition: 1, offset: "9", metadata: null }] }] },
    {
      generationIdOrMemberEpoch: 4,
      topics: [{ name: "t", partitions: [{ committedOffset: 9, committedMetadata: null }] }],
    },
  ],
  [
    "offsetFetch",
    4,
    { groupId: "g", topics: [{ topic: "t", partitions: [{ partition: 1 }, { partition: 2 }] }] },
    { groupId: "g", topics: [{ name: "t", partitionIndexes: [1, 2] }] },
  ],
  ["findCoordinator", 2, { groupId: "g", coordinatorType: 0 }, { key: "g", keyType: 0 }],
  [
    "joinGroup",
    5,
    {
      groupId: "g",
      sessionTimeout: 30_000,
      rebalanceTimeout: 60_000,
      memberId: "",
      protocolType: "consumer",
      groupProtocols: [{ name: "RoundRobin", metadata: METADATA }],
    },
    { sessionTimeoutMs: 30_000, groupInstanceId: null, protocols: [{ name: "RoundRobin", metadata: METADATA }] },
  ],
  [
    "syncGroup",
    3,
    { groupId: "g", generationId: 1, memberId: "m", groupAssignment: [{ memberId: "m", memberAssignment: METADATA }] },
    { assignments: [{ memberId: "m", assignment: METADATA }] },
  ],
  ["heartbeat", 3, { groupId: "g", groupGenerationId: 1, memberId: "m", groupInstanceId: "i" }, { groupInstanceId: "i" }],
  ["leaveGroup", 3, { groupId: "g", memberId: "m" }, { members: [{ memberId: "m" }] }],
  [
    "createTopics",
    3,
    {
      topics: [{ topic: "t", numPartitions: 2, replicationFactor: 1, configEntries: [{ name: "retention.ms", value: "1" }] }],
      validateOnly: true,
      timeout: 100,
    },
    {
      topics: [{ name: "t", numPartitions: 2, assignments: [], configs: [{ name: "retention.ms", value: "1" }] }],
      timeoutMs: 100,
      validateOnly: true,
    },
  ],
  ["deleteTopics", 1, { topics: ["t"], timeout: 5 }, { topicNames: ["t"], timeoutMs: 5 }],
  [
    "createPartitions",
    1,
    { topicPartitions: [{ topic: "t", count: 4 }], validateOnly: false, timeout: 5 },
    { topics: [{ name: "t", count: 4, assignments: null }] },
  ],
  ["initProducerId", 1, { transactionalId: "x", transactionTimeout: 7 }, { transactionalId: "x", transactionTimeoutMs: 7 }],
  [
    "addPartitionsToTxn",
    1,
    { transactionalId: "x", producerId: 9, producerEpoch: 2, topics: [{ topic: "t", partitions: [0] }] },
    { v3AndBelowTransactionalId: "x", v3AndBelowProducerId: 9, v3AndBelowTopics: [{ name: "t", partitions: [0] }] },
  ],
  ["endTxn", 1, { transactionalId: "x", producerId: 9, producerEpoch: 2, transactionResult: true }, { committed: true }],
  [
    "describeConfigs",
    2,
    { resources: [{ type: 2, name: "t", configNames: ["a"] }], includeSynonyms: true },
    { resources: [{ resourceType: 2, configurationKeys: ["a"] }], includeSynonyms: true },
  ],
  ["saslHandshake", 1, { mechanism: "PLAIN" }, { mechanism: "PLAIN" }],
];

for (const [api, version, options, value] of KAFKAJS_REQUESTS) {
  test(`KafkaJS asks ${api} v${version}`, async () => {
    const { request } = await kafkaJs(api, version, options);
    expect(request.apiVersion).toBe(version);
    const { buffer } = await request.encode();
    expectRequest(api[0]!.toUpperCase() + api.slice(1), version, buffer, value);
  });
}

test("KafkaJS asks produce v7, and reads the answer", async () => {
  const messages = [{ key: "k", value: "v", timestamp: 1000, headers: {} }];
  const options = {
    acks: -1,
    timeout: 30_000,
    transactionalId: null,
    producerId: -1,
    producerEpoch: 0,
    compression: 0,
    topicData: [{ topic: "t", partitions: [{ partition: 1, firstSequence: 0, messages }] }],
  };
  const { request, response } = await kafkaJs("produce", 7, options);
  const { buffer } = await request.encode();
  expectRequest("Produce", 7, buffer, { acks: -1, timeoutMs: 30_000, topicData: [{ name: "t" }] });
  const frame = { bytes: buffer, start: 0, end: buffer.length, rest: [], length: buffer.length };
  const { records } = decodeProduce(7, frame, 0).topicData[0]!.partitionData[0]!;
  expect(records![0]![16]).toBe(2);

  const answer = {
    responses: [
      {
        name: "t",
        partitionResponses: [{ index: 1, errorCode: 0, baseOffset: 2 ** 40, logAppendTimeMs: -1, logStartOffset: 5 }],
      },
    ],
    throttleTimeMs: 3,
  };
  const decoded = await response.decode(Buffer.from(encode(messageOf("ProduceResponse"), 7, answer as never)));
  expect(decoded).toMatchObject({
    topics: [{ topicName: "t", partitions: [{ partition: 1, baseOffset: "1099511627776", logStartOffset: "5" }] }],
    clientSideThrottleTime: 3,
  });
});

test("KafkaJS reads metadata v6 and list offsets v3", async () => {
  const metadata = encode(messageOf("MetadataResponse"), 6, {
    throttleTimeMs: 0,
    brokers: [{ nodeId: 1, host: "localhost", port: 9092, rack: null }],
    clusterId: "c",
    controllerId: 1,
    topics: [
      {
        errorCode: 0,
        name: "t",
        isInternal: false,
        partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: 1, replicaNodes: [1], isrNodes: [1], offlineReplicas: [] }],
      },
    ],
  } as never);
  const { response } = await kafkaJs("metadata", 6, { topics: ["t"] });
  expect(await response.decode(Buffer.from(metadata))).toMatchObject({
    brokers: [{ nodeId: 1, host: "localhost", port: 9092, rack: null }],
    clusterId: "c",
    topicMetadata: [{ topic: "t", partitionMetadata: [{ partitionId: 0, leader: 1, replicas: [1] }] }],
  });

  const offsets = encode(messageOf("ListOffsetsResponse"), 3, {
    throttleTimeMs: 0,
    topics: [{ name: "t", partitions: [{ partitionIndex: 0, errorCode: 0, timestamp: -1, offset: 77 }] }],
  } as never);
  const listOffsets = await kafkaJs("listOffsets", 3, { topics: [] });
  expect(await listOffsets.response.decode(Buffer.from(offsets))).toMatchObject({
    responses: [{ topic: "t", partitions: [{ partition: 0, offset: "77" }] }],
  });
});

const TOPIC_ID_BYTES = Uint8Array.from({ length: 16 }, (_, index) => index * 16);
const TOPIC_ID = uuidFromBytes(TOPIC_ID_BYTES);
/** As @platformatic/kafka writes ids. */
const TOPIC_ID_HEX = "00102030-4050-6070-8090-a0b0c0d0e0f0";

const PLATFORMATIC_REQUESTS: [api: string, name: string, version: number, args: unknown[], value: object][] = [
  ["metadata/api-versions-v4", "ApiVersions", 4, ["me", "1.0"], { clientSoftwareName: "me", clientSoftwareVersion: "1.0" }],
  ["metadata/metadata-v12", "Metadata", 12, [["a"], true, false], { topics: [{ name: "a" }] }],
  ["metadata/metadata-v12", "Metadata", 12, [[{ topicId: TOPIC_ID_HEX }]], { topics: [{ topicId: TOPIC_ID, name: null }] }],
  ["metadata/find-coordinator-v6", "FindCoordinator", 6, [1, ["x", "y"]], { keyType: 1, coordinatorKeys: ["x", "y"] }],
  [
    "consumer/fetch-v17",
    "Fetch",
    17,
    [
      100, 1, 2 ** 20, 0, 7, 8,
      [{ topicId: TOPIC_ID_HEX, partitions: [{ partition: 2, currentLeaderEpoch: 3, fetchOffset: 5n, lastFetchedEpoch: -1, partitionMaxBytes: 99 }] }],
      [], "",
    ],
    {
      sessionId: 7,
      sessionEpoch: 8,
      topics: [{ topicId: TOPIC_ID, partitions: [{ partition: 2, currentLeaderEpoch: 3, fetchOffset: 5, partitionMaxBytes: 99 }] }],
    },
  ],
  [
    "consumer/list-offsets-v9",
    "ListOffsets",
    9,
    [-1, 1, [{ name: "t", partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }] }]],
    { isolationLevel: 1, topics: [{ name: "t", partitions: [{ timestamp: -1 }] }] },
  ],
  [
    "consumer/join-group-v9",
    "JoinGroup",
    9,
    ["g", 1, 2, "", null, "consumer", [{ name: "range", metadata: METADATA }], null],
    { groupInstanceId: null, protocols: [{ metadata: METADATA }], reason: null },
  ],
  [
    "consumer/offset-commit-v9",
    "OffsetCommit",
    9,
    ["g", 3, "m", null, [{ name: "t", partitions: [{ partitionIndex: 0, committedOffset: 4n, committedLeaderEpoch: 1, committedMetadata: "x" }] }]],
    { topics: [{ partitions: [{ committedOffset: 4, committedLeaderEpoch: 1, committedMetadata: "x" }] }] },
  ],
  [
    "consumer/offset-fetch-v9",
    "OffsetFetch",
    9,
    [[{ groupId: "g", memberId: null, memberEpoch: -1, topics: [{ name: "t", partitionIndexes: [1] }] }], true],
    { groups: [{ groupId: "g", memberId: null, topics: [{ partitionIndexes: [1] }] }], requireStable: true },
  ],
  [
    "admin/create-topics-v7",
    "CreateTopics",
    7,
    [[{ name: "t", numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }], configs: [{ name: "a", value: null }] }], 9, false],
    { topics: [{ numPartitions: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }], configs: [{ value: null }] }], timeoutMs: 9 },
  ],
  [
    "consumer/consumer-group-heartbeat-v0",
    "ConsumerGroupHeartbeat",
    0,
    ["g", "", 0, null, null, 500, ["t"], null, null, [{ topicId: TOPIC_ID_HEX, partitions: [1] }]],
    { subscribedTopicNames: ["t"], serverAssignor: null, topicPartitions: [{ topicId: TOPIC_ID, partitions: [1] }] },
  ],
  ["producer/init-producer-id-v5", "InitProducerId", 5, [null, 60_000], { transactionalId: null, producerId: -1, producerEpoch: -1 }],
  [
    "admin/alter-client-quotas-v1",
    "AlterClientQuotas",
    1,
    [[{ entities: [{ entityType: "user", entityName: null }], ops: [{ key: "k", value: 12.5, remove: false }] }], true],
    { entries: [{ entity: [{ entityName: null }], ops: [{ key: "k", value: 12.5, remove: false }] }], validateOnly: true },
  ],
  [
    "admin/describe-topic-partitions-v0",
    "DescribeTopicPartitions",
    0,
    [[{ name: "t" }], 2000, undefined],
    { topics: [{ name: "t" }], cursor: null },
  ],
  ["admin/describe-cluster-v1", "DescribeCluster", 1, [false, 1], { endpointType: 1 }],
];

for (const [api, name, version, args, value] of PLATFORMATIC_REQUESTS) {
  test(`@platformatic/kafka asks ${name} v${version}`, async () => {
    const { createRequest } = await platformatic(api);
    expectRequest(name, version, createRequest(...args).buffer, value);
  });
}

test("@platformatic/kafka reads produce v11 and metadata v12", async () => {
  const produce = {
    responses: [
      {
        name: "t",
        partitionResponses: [
          {
            index: 0,
            errorCode: 0,
            baseOffset: 12,
            logAppendTimeMs: -1,
            logStartOffset: 0,
            recordErrors: [],
            errorMessage: null,
            currentLeader: { leaderId: 4, leaderEpoch: 5 },
          },
        ],
      },
    ],
    throttleTimeMs: 0,
    nodeEndpoints: [{ nodeId: 4, host: "h", port: 1, rack: null }],
  };
  const { parseResponse } = await platformatic("producer/produce-v11");
  const bytes = encode(messageOf("ProduceResponse"), 11, produce as never);
  const parsed = parseResponse(1, 0, 11, await platformaticReader(bytes)) as typeof produce;
  expect(parsed.nodeEndpoints).toEqual(produce.nodeEndpoints);
  expect(parsed.responses[0]!.partitionResponses[0]).toMatchObject({
    baseOffset: 12n as never,
    currentLeader: { leaderId: 4, leaderEpoch: 5 },
  });

  const metadata = {
    throttleTimeMs: 0,
    brokers: [{ nodeId: 1, host: "h", port: 2, rack: "r" }],
    clusterId: null,
    controllerId: 1,
    topics: [{ errorCode: 0, name: "t", topicId: TOPIC_ID, isInternal: true, partitions: [] }],
  };
  const reader = await platformatic("metadata/metadata-v12");
  const text = encode(messageOf("MetadataResponse"), 12, metadata as never);
  expect(reader.parseResponse(1, 3, 12, await platformaticReader(text))).toMatchObject({
    ...metadata,
    topics: [{ name: "t", topicId: TOPIC_ID_HEX, isInternal: true, topicAuthorizedOperations: -(2 ** 31) }],
  });
});
