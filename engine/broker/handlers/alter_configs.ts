/**
 * AlterConfigs (33), versions 0-2: the older call, which replaces all configs of a resource: what it
 * does not name goes back to its default.
 */
import { alterConfigsRequest, alterConfigsResponse } from "../../wire/api/33_alter_configs.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

export const alterConfigs = servedApi(
  findApi(alterConfigsRequest.apiKey),
  alterConfigsRequest,
  alterConfigsResponse,
  handle,
);

async function handle(
  request: ValueOf<typeof alterConfigsRequest>,
  call: Call,
): Promise<AnswerOf<typeof alterConfigsResponse>> {
  const { resources, validateOnly } = request;
  return { responses: await call.services.store.alterConfigs(resources, { validateOnly }) };
}
