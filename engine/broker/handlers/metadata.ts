/**
 * Metadata (3), versions 0-13: brokers, topics, partitions and who leads them.
 *
 * - Version 0 means all topics by an empty list; from 1 on null means all and empty means none.
 * - Automatic creation: where the client allows it (it must below version 4) and the broker is
 *   configured for it, an unknown topic is created before the answer, so that a first message needs no
 *   second question. Kafka answers UNKNOWN_TOPIC_OR_PARTITION first; clients take either.
 * - From version 12 on topics can be asked for by id alone; an id in an older version is
 *   INVALID_REQUEST.
 * - The address told for this node is the one that belongs to the listener the client came by.
 */
import { ZERO_UUID } from "../../base/uuid.ts";
import type { Uuid } from "../../base/uuid.ts";
import type { TopicImage } from "../../metadata/image.ts";
import { ErrorCode } from "../../model/error_code.ts";
import { isInternalTopic, topicNameInvalidReason } from "../../model/topic_name.ts";
import { metadataRequest, metadataResponse } from "../../wire/api/03_metadata.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";
import {
  CLUSTER_OPERATIONS,
  OPERATIONS_NOT_ASKED,
  TOPIC_OPERATIONS,
  describePartition,
  sortedTopics,
  thisNode,
} from "../cluster_view.ts";

type Request = ValueOf<typeof metadataRequest>;
type Response = AnswerOf<typeof metadataResponse>;
type Wanted = NonNullable<Request["topics"]>[number];

const CREATION_IS_A_CHOICE_SINCE = 4;
const TOPIC_IDS_ASKED_SINCE = 12;
/** Topics that one request may bring about. The rest is unknown, and created when it is asked for again. */
const CREATED_TOPICS_MAX = 1000;

export const metadata = servedApi(
  findApi(metadataRequest.apiKey),
  metadataRequest,
  metadataResponse,
  handle,
);

function handle(request: Request, call: Call): Response | Promise<Response> {
  const { topics } = request;
  if (topics === null || (topics.length === 0 && call.version === 0)) {
    const all = sortedTopics(call.services).map((topic) => describeTopic(topic, request));
    return respond(request, call, all);
  }
  const missing = topicsToCreate(request, topics, call);
  if (missing.length === 0) return respond(request, call, describeWanted(request, topics, call));
  return createThenRespond(request, topics, missing, call);
}

async function createThenRespond(
  request: Request,
  topics: readonly Wanted[],
  missing: readonly string[],
  call: Call,
): Promise<Response> {
  const { store } = call.services;
  const results = await Promise.all(missing.map((name) => store.ensureTopic(name)));
  const refused = new Map<string, ErrorCode>();
  results.forEach(({ errorCode }, index) => {
    if (errorCode !== ErrorCode.NONE) refused.set(missing[index]!, errorCode);
  });
  return respond(request, call, describeWanted(request, topics, call, refused));
}

function topicsToCreate(request: Request, topics: readonly Wanted[], call: Call): string[] {
  const { store } = call.services;
  const isAllowed = call.version < CREATION_IS_A_CHOICE_SINCE || request.allowAutoTopicCreation;
  if (!isAllowed || !store.config.flag("auto.create.topics.enable")) return [];
  const missing = new Set<string>();
  for (const { name, topicId } of topics) {
    if (name === null || topicId !== ZERO_UUID || store.image.topic(name) !== undefined) continue;
    if (topicNameInvalidReason(name) === null) missing.add(name);
    if (missing.size === CREATED_TOPICS_MAX) break;
  }
  return [...missing];
}

function describeWanted(
  request: Request,
  topics: readonly Wanted[],
  call: Call,
  refused?: ReadonlyMap<string, ErrorCode>,
): Response["topics"] {
  const { image } = call.services.store;
  return topics.map(({ name, topicId }) => {
    const isById = name === null || topicId !== ZERO_UUID;
    if (isById && call.version < TOPIC_IDS_ASKED_SINCE) {
      return failedTopic(ErrorCode.INVALID_REQUEST, name ?? "", topicId);
    }
    const topic = isById ? image.topicById(topicId) : image.topic(name);
    if (topic !== undefined) return describeTopic(topic, request);
    if (isById) return failedTopic(ErrorCode.UNKNOWN_TOPIC_ID, null, topicId);
    if (topicNameInvalidReason(name) !== null) {
      return failedTopic(ErrorCode.INVALID_TOPIC_EXCEPTION, name, ZERO_UUID);
    }
    const errorCode = refused?.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    return failedTopic(errorCode, name, ZERO_UUID);
  });
}

function describeTopic(topic: TopicImage, request: Request): Response["topics"][number] {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map((partition, index) => describePartition(index, partition)),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations
      ? TOPIC_OPERATIONS
      : OPERATIONS_NOT_ASKED,
  };
}

function failedTopic(
  errorCode: ErrorCode,
  name: string | null,
  topicId: Uuid,
): Response["topics"][number] {
  const isInternal = name !== null && isInternalTopic(name);
  return { errorCode, name, topicId, isInternal, partitions: [] };
}

function respond(request: Request, call: Call, topics: Response["topics"]): Response {
  const { store } = call.services;
  return {
    brokers: [thisNode(call)],
    clusterId: store.clusterId,
    controllerId: store.nodeId,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? CLUSTER_OPERATIONS
      : OPERATIONS_NOT_ASKED,
    errorCode: ErrorCode.NONE,
  };
}
