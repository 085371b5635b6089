/**
 * CreateTopics (19), versions 2-7: topics with partitions and configs, each granted or refused on its
 * own. -1 partitions or replicas mean the broker's defaults, in any version. The rules are the
 * controller's (metadata/plan_topics.ts); an answer says success once the record is durable.
 */
import { createTopicsRequest, createTopicsResponse } from "../../wire/api/19_create_topics.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

export const createTopics = servedApi(
  findApi(createTopicsRequest.apiKey),
  createTopicsRequest,
  createTopicsResponse,
  handle,
);

async function handle(
  request: ValueOf<typeof createTopicsRequest>,
  call: Call,
): Promise<AnswerOf<typeof createTopicsResponse>> {
  const { validateOnly } = request;
  const topics = await call.services.store.createTopics(request.topics, { validateOnly });
  return { topics };
}
