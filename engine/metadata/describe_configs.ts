import type { BrokerConfig, ConfigSynonym } from "../model/broker_config.ts";
import { BROKER_CONFIGS } from "../model/broker_config_table.ts";
import type { ConfigDefinition } from "../model/config_definition.ts";
import {
  CONFIG_TYPE_IDS,
  ConfigSource,
  formatConfigValue,
  isSensitive,
  parseConfigValue,
} from "../model/config_definition.ts";
import { ErrorCode } from "../model/error_code.ts";
import { topicNameInvalidReason } from "../model/topic_name.ts";
import type { TopicConfigDefinition } from "../model/topic_config.ts";
import { TOPIC_CONFIGS } from "../model/topic_config.ts";
import type { MetadataImage } from "./image.ts";
import { ConfigResourceType } from "./image.ts";
import type { Outcome } from "./plan.ts";
import { DONE, UNKNOWN_TOPIC_NAME, refused } from "./plan.ts";
import { ownTopicConfigs } from "./topic_configs.ts";

export interface DescribedSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

/** One config as DescribeConfigs and CreateTopics show it; field names are the protocol's. */
export interface DescribedConfig {
  readonly name: string;
  /** Null when it is secret or has none. */
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  /** Every value that is set somewhere, the one in force first. */
  readonly synonyms: readonly DescribedSynonym[];
  readonly configType: number;
  readonly documentation: string | null;
}

/** A resource of a DescribeConfigs request. */
export interface DescribeRequest {
  readonly resourceType: number;
  readonly resourceName: string;
  /** Null: all. */
  readonly configurationKeys: readonly string[] | null;
}

export interface DescribedResource extends Outcome {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly DescribedConfig[];
}

/** What is in force for a resource and where it comes from (DescribeConfigs, KIP-226 and KIP-569). */
export function describeResource(
  image: MetadataImage,
  config: BrokerConfig,
  request: DescribeRequest,
): DescribedResource {
  const { resourceType, resourceName, configurationKeys } = request;
  const answer = (outcome: Outcome, configs: readonly DescribedConfig[] = []) => {
    const wanted = configurationKeys === null
      ? configs
      : configs.filter((entry) => configurationKeys.includes(entry.name));
    return { ...outcome, resourceType, resourceName, configs: wanted };
  };
  if (resourceType === ConfigResourceType.TOPIC) {
    const reason = topicNameInvalidReason(resourceName);
    if (reason !== null) {
      return answer(refused(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: ${reason}`));
    }
    const topic = image.topic(resourceName);
    if (topic === undefined) return answer(UNKNOWN_TOPIC_NAME);
    return answer(DONE, describeTopicValues(config, ownTopicConfigs(image, topic)));
  }
  if (resourceType !== ConfigResourceType.BROKER) {
    return answer(refused(ErrorCode.INVALID_REQUEST, `Unsupported resource type: ${resourceType}`));
  }
  if (resourceName === "") return answer(DONE, describeBrokerDefaults(config));
  const refusal = brokerNameRefusal(resourceName, config.nodeId);
  return refusal === null ? answer(DONE, describeBroker(config)) : answer(refusal);
}

/** Why a broker resource of this name is not this node's, or null. */
export function brokerNameRefusal(name: string, nodeId: number): Outcome | null {
  if (!/^-?\d+$/.test(name)) {
    return refused(ErrorCode.INVALID_REQUEST, `Broker id must be an integer, but it is: ${name}`);
  }
  if (Number(name) === nodeId) return null;
  const text = `Unexpected broker id, expected ${nodeId} or empty string, but received ${name}`;
  return refused(ErrorCode.INVALID_REQUEST, text);
}

/** What is in force for a topic that has these configs of its own, by name. */
export function describeTopicValues(
  config: BrokerConfig,
  own: ReadonlyMap<string, string>,
): DescribedConfig[] {
  const described: DescribedConfig[] = [];
  for (const definition of TOPIC_CONFIGS.values()) {
    if (definition.internal && !own.has(definition.name)) continue;
    described.push(describeTopicValue(config, own, definition));
  }
  return described;
}

function describeTopicValue(
  config: BrokerConfig,
  own: ReadonlyMap<string, string>,
  definition: TopicConfigDefinition,
): DescribedConfig {
  const ownValue = own.get(definition.name);
  const synonyms = config.synonyms(definition.synonyms.map((synonym) => synonym.name));
  const all: readonly ConfigSynonym[] = ownValue === undefined
    ? synonyms
    : [{ name: definition.name, value: ownValue, source: ConfigSource.TOPIC }, ...synonyms];
  return describe(definition, {
    value: ownValue ?? config.topicDefault(definition),
    synonyms: all,
    readOnly: false,
  });
}

/** This node's own view: static values, dynamic ones and defaults. */
function describeBroker(config: BrokerConfig): DescribedConfig[] {
  const described: DescribedConfig[] = [];
  for (const definition of BROKER_CONFIGS.values()) {
    if (definition.internal) continue;
    const synonyms = config.synonyms(synonymsOf(definition.name));
    const value = config.effectiveText(definition.name);
    described.push(describe(definition, { value, synonyms, readOnly: definition.update === "read-only" }));
  }
  return described;
}

/** Only what was set for all brokers while running. */
function describeBrokerDefaults(config: BrokerConfig): DescribedConfig[] {
  return [...config.dynamicDefaults].map(([name, value]) => describe(BROKER_CONFIGS.get(name)!, {
    value,
    synonyms: [{ name, value, source: ConfigSource.DYNAMIC_DEFAULT_BROKER }],
    readOnly: false,
  }));
}

/** Several broker configs may stand for one topic config: those are each other's synonyms. */
function synonymsOf(name: string): readonly string[] {
  for (const definition of TOPIC_CONFIGS.values()) {
    const names = definition.synonyms.map((synonym) => synonym.name);
    const at = names.indexOf(name);
    if (at >= 0) return names.slice(at);
  }
  return [name];
}

interface Described {
  readonly value: string | null;
  readonly synonyms: readonly ConfigSynonym[];
  readonly readOnly: boolean;
}

function describe(definition: ConfigDefinition, { value, synonyms, readOnly }: Described): DescribedConfig {
  const secret = isSensitive(definition);
  return {
    name: definition.name,
    value: secret || value === null ? null : normalized(definition, value),
    readOnly,
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    isSensitive: secret,
    synonyms: synonyms.map((synonym) => (secret ? { ...synonym, value: null } : synonym)),
    configType: CONFIG_TYPE_IDS[definition.type],
    documentation: definition.documentation,
  };
}

/** As the value reads after parsing: " 010" is shown as "10". */
function normalized(definition: ConfigDefinition, text: string): string {
  const parsed = parseConfigValue(definition, text);
  if (!parsed.ok) return text;
  // A long beyond the exact range of numbers keeps its digits.
  return typeof parsed.value === "number" && !Number.isSafeInteger(parsed.value)
    ? text.trim()
    : formatConfigValue(parsed.value);
}
