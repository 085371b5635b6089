/**
 * DescribeConfigs (32), versions 1-4: what is in force for topics and for this broker, where each value
 * comes from, and on request every other value set (synonyms) and what it is for.
 */
import { describeConfigsRequest, describeConfigsResponse } from "../../wire/api/32_describe_configs.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

export const describeConfigs = servedApi(
  findApi(describeConfigsRequest.apiKey),
  describeConfigsRequest,
  describeConfigsResponse,
  handle,
);

function handle(
  request: ValueOf<typeof describeConfigsRequest>,
  call: Call,
): AnswerOf<typeof describeConfigsResponse> {
  const described = call.services.store.describeConfigs(request.resources);
  return {
    results: described.map(({ configs, ...resource }) => ({
      ...resource,
      configs: configs.map((config) => ({
        ...config,
        synonyms: request.includeSynonyms ? config.synonyms : [],
        documentation: request.includeDocumentation ? config.documentation : null,
      })),
    })),
  };
}
