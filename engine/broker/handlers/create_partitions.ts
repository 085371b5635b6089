/**
 * CreatePartitions (37), versions 0-3: more partitions for topics that exist; `count` is the number in
 * all. Each topic is granted or refused on its own (metadata/plan_partitions.ts).
 */
import {
  createPartitionsRequest,
  createPartitionsResponse,
} from "../../wire/api/37_create_partitions.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

export const createPartitions = servedApi(
  findApi(createPartitionsRequest.apiKey),
  createPartitionsRequest,
  createPartitionsResponse,
  handle,
);

async function handle(
  request: ValueOf<typeof createPartitionsRequest>,
  call: Call,
): Promise<AnswerOf<typeof createPartitionsResponse>> {
  const { validateOnly } = request;
  const results = await call.services.store.createPartitions(request.topics, { validateOnly });
  return { results };
}
