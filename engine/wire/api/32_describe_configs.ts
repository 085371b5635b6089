/**
 * DescribeConfigs (32): configs of topics, brokers, groups and clients' metrics, with where each
 * comes from.
 *
 * Versions 1-4, flexible from 4; types and documentation from 3 (KIP-569). Null keys ask for all.
 */
import {
  array,
  bool,
  int16,
  int32,
  int8,
  message,
  nullableArray,
  nullableString,
  string,
} from "../schema.ts";

export const describeConfigsRequest = message({
  name: "DescribeConfigsRequest",
  apiKey: 32,
  type: "request",
  versions: "1-4",
  flexible: "4+",
  listeners: ["broker", "controller"],
  fields: () => ({
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: nullableArray(string()),
    }),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool({ versions: "3+", default: false }),
  }),
});

export const describeConfigsResponse = message({
  name: "DescribeConfigsResponse",
  apiKey: 32,
  type: "response",
  versions: "1-4",
  flexible: "4+",
  fields: () => ({
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: nullableString(),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: nullableString(),
        readOnly: bool(),
        configSource: int8({ default: -1 }),
        isSensitive: bool(),
        synonyms: array({ name: string(), value: nullableString(), source: int8() }),
        configType: int8({ versions: "3+", default: 0, ignorable: true }),
        documentation: nullableString({ versions: "3+", ignorable: true }),
      }),
    }),
  }),
});
