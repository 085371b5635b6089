/**
 * DescribeConfigs (32), versions 1-4: what is in force for topics and for this broker, where each value
 * comes from, and on request every other value set (synonyms) and what it is for.
 */
import { describeConfigsRequest, describeConfigsResponse } from "../../wire/api/32_describe_configs.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";
import { mapInTurns } from "../turns.ts";

export const describeConfigs = servedApi(
  findApi(describeConfigsRequest.apiKey),
  describeConfigsRequest,
  describeConfigsResponse,
  handle,
);

async function handle(
  request: ValueOf<typeof describeConfigsRequest>,
  call: Call,
): Promise<AnswerOf<typeof describeConfigsResponse>> {
  const { clock, store } = call.services;
  const described = await mapInTurns(clock, request.resources, (resource) =>
    store.describeConfigs([resource])[0]!);
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
