/**
 * DescribeTopicPartitions (75), version 0: topics page by page.
 *
 * - No topics means all. Topics come by name, each once; the cursor names the first partition of a page.
 * - A page holds at most `max.request.partition.size.limit` partitions, or fewer if the client wants
 *   fewer; what is left is named by the next cursor.
 */
import { ZERO_UUID } from "../../base/uuid.ts";
import type { TopicImage } from "../../metadata/image.ts";
import { ErrorCode } from "../../model/error_code.ts";
import { isInternalTopic, topicNameInvalidReason } from "../../model/topic_name.ts";
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from "../../wire/api/75_describe_topic_partitions.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";
import { TOPIC_OPERATIONS, describePartition, sortedTopics } from "../cluster_view.ts";

type Request = ValueOf<typeof describeTopicPartitionsRequest>;
type Response = AnswerOf<typeof describeTopicPartitionsResponse>;
type Topic = Response["topics"][number];

export const describeTopicPartitions = servedApi(
  findApi(describeTopicPartitionsRequest.apiKey),
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
  handle,
);

function handle(request: Request, call: Call): Response {
  const { store } = call.services;
  const limit = store.config.number("max.request.partition.size.limit");
  let room = Math.max(1, Math.min(limit, request.responsePartitionLimit));
  const from = request.cursor;
  const topics: Topic[] = [];
  for (const name of topicNames(request, call)) {
    if (from !== null && name < from.topicName) continue;
    const first = from !== null && name === from.topicName ? Math.max(from.partitionIndex, 0) : 0;
    const topic = store.image.topic(name);
    if (topic === undefined) {
      topics.push(unknownTopic(name));
      continue;
    }
    if (room === 0) return { topics, nextCursor: { topicName: name, partitionIndex: first } };
    const taken = Math.min(room, Math.max(topic.partitions.length - first, 0));
    topics.push(page(topic, first, taken));
    room -= taken;
    if (first + taken < topic.partitions.length) {
      return { topics, nextCursor: { topicName: name, partitionIndex: first + taken } };
    }
  }
  return { topics };
}

function topicNames(request: Request, call: Call): string[] {
  if (request.topics.length === 0) return sortedTopics(call.services).map(({ name }) => name);
  return [...new Set(request.topics.map(({ name }) => name))].sort();
}

function page(topic: TopicImage, first: number, count: number): Topic {
  const partitions = topic.partitions.slice(first, first + count).map((partition, index) => ({
    ...describePartition(first + index, partition),
    eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
    lastKnownElr: partition.lastKnownElr,
  }));
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions,
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  };
}

function unknownTopic(name: string): Topic {
  const errorCode = topicNameInvalidReason(name) === null
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.INVALID_TOPIC_EXCEPTION;
  return { errorCode, name, topicId: ZERO_UUID, isInternal: isInternalTopic(name), partitions: [] };
}
