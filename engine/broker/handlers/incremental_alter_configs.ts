/**
 * IncrementalAlterConfigs (44), versions 0-1: sets, deletes, appends to and subtracts from configs of
 * topics and brokers (KIP-339). A resource is altered as a whole or not at all.
 */
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from "../../wire/api/44_incremental_alter_configs.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

export const incrementalAlterConfigs = servedApi(
  findApi(incrementalAlterConfigsRequest.apiKey),
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
  handle,
);

async function handle(
  request: ValueOf<typeof incrementalAlterConfigsRequest>,
  call: Call,
): Promise<AnswerOf<typeof incrementalAlterConfigsResponse>> {
  const { resources, validateOnly } = request;
  const { store } = call.services;
  return { responses: await store.incrementalAlterConfigs(resources, { validateOnly }) };
}
