/**
 * DeleteTopics (20), versions 1-6: by name, from version 6 on also by id. The topic is gone from the
 * metadata when the answer comes; parked fetches of it are answered, its files follow later.
 */
import { ZERO_UUID } from "../../base/uuid.ts";
import { deleteTopicsRequest, deleteTopicsResponse } from "../../wire/api/20_delete_topics.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

const TOPIC_IDS_SINCE = 6;

export const deleteTopics = servedApi(
  findApi(deleteTopicsRequest.apiKey),
  deleteTopicsRequest,
  deleteTopicsResponse,
  handle,
);

async function handle(
  request: ValueOf<typeof deleteTopicsRequest>,
  call: Call,
): Promise<AnswerOf<typeof deleteTopicsResponse>> {
  const references = call.version >= TOPIC_IDS_SINCE
    ? request.topics
    : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
  return { responses: await call.services.store.deleteTopics(references) };
}
