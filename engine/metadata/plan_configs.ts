import type { BrokerConfig } from "../model/broker_config.ts";
import { BROKER_CONFIGS } from "../model/broker_config_table.ts";
import { isInertBrokerConfig } from "../model/broker_config_inert.ts";
import type { ConfigDefinition } from "../model/config_definition.ts";
import { parseConfigValue } from "../model/config_definition.ts";
import { ErrorCode } from "../model/error_code.ts";
import { CONFIG_VALUE_LENGTH_MAX } from "../model/limits.ts";
import { TOPIC_CONFIGS, topicConfigsInvalidReason } from "../model/topic_config.ts";
import { topicNameInvalidReason } from "../model/topic_name.ts";
import { brokerNameRefusal } from "./describe_configs.ts";
import type { MetadataImage } from "./image.ts";
import { ConfigResourceType } from "./image.ts";
import type { Outcome, Plan, PlanContext } from "./plan.ts";
import { DONE, Refusal, attempt } from "./plan.ts";
import type { MetadataRecord } from "./records.ts";
import { configRecord, isTopicFlushMode, ownTopicConfigs, topicConfigRecord } from "./topic_configs.ts";

/** Operations of IncrementalAlterConfigs (KIP-339). */
export const AlterOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface ConfigChange {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

/** A resource of an IncrementalAlterConfigs request. */
export interface IncrementalAlteration {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly ConfigChange[];
}

/** A resource of an AlterConfigs request: what is not named goes back to its default. */
export interface FullAlteration {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export interface AlteredResource extends Outcome {
  readonly resourceType: number;
  readonly resourceName: string;
}

type Values = ReadonlyMap<string, string>;
/** A null value takes the config back. */
type Changes = ReadonlyMap<string, string | null>;

const ELR_FEATURE = "eligible.leader.replicas.version";
const MIN_ISR = "min.insync.replicas";

/** IncrementalAlterConfigs. A resource is altered as a whole or not at all. */
export function planIncrementalAlterConfigs(
  context: PlanContext,
  resources: readonly IncrementalAlteration[],
): Plan<AlteredResource> {
  return planEach(context, resources, (resource, target) => {
    const nulls = resource.configs
      .filter(({ configOperation, value }) => configOperation !== AlterOperation.DELETE && value === null)
      .map((config) => config.name);
    checkNulls(nulls);
    const changes = new Map<string, string | null>();
    for (const change of resource.configs) changes.set(change.name, changedValue(target, change));
    return changes;
  });
}

/** AlterConfigs, the older call. */
export function planAlterConfigs(
  context: PlanContext,
  resources: readonly FullAlteration[],
): Plan<AlteredResource> {
  return planEach(context, resources, (resource, target) => {
    checkNulls(resource.configs.filter(({ value }) => value === null).map((config) => config.name));
    const changes = new Map<string, string | null>();
    for (const { name, value } of resource.configs) changes.set(name, value);
    for (const name of target.values.keys()) {
      if (!changes.has(name) && !isTopicFlushMode(name)) changes.set(name, null);
    }
    return changes;
  });
}

/** Why a topic cannot have these configs, or null. `changed` are the names that the request sets. */
export function topicConfigsRefusal(values: Values, changed: Iterable<string>): string | null {
  return tooLong(values.values()) ?? topicConfigsInvalidReason(values, changed);
}

/** The resource that a change is about, as it is now. */
interface Target {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly values: Values;
}

type ReadChanges<Resource> = (resource: Resource, target: Target) => Changes;

function planEach<Resource extends IncrementalAlteration | FullAlteration>(
  context: PlanContext,
  resources: readonly Resource[],
  read: ReadChanges<Resource>,
): Plan<AlteredResource> {
  const records: MetadataRecord[] = [];
  const results: AlteredResource[] = [];
  const counts = new Map<string, number>();
  const keyOf = (resource: Resource) => `${resource.resourceType}:${resource.resourceName}`;
  for (const resource of resources) counts.set(keyOf(resource), (counts.get(keyOf(resource)) ?? 0) + 1);
  for (const resource of resources) {
    const { resourceType, resourceName } = resource;
    const planned = attempt(() => {
      if (counts.get(keyOf(resource))! > 1) throw invalid("Each resource must appear at most once.");
      const names = resource.configs.map((config) => config.name);
      if (new Set(names).size !== names.length) throw invalid("Error due to duplicate config keys");
      const target = { resourceType, resourceName, values: valuesOf(context, resource) };
      return planChanges(context, target, read(resource, target));
    });
    if ("value" in planned) records.push(...planned.value);
    results.push({ resourceType, resourceName, ...("refusal" in planned ? planned.refusal : DONE) });
  }
  return { records, results };
}

/** The values set on the resource itself. Throws Refusal when there can be no such resource. */
function valuesOf(context: PlanContext, resource: FullAlteration): Values {
  const { image, config } = context;
  const { resourceType, resourceName } = resource;
  if (resourceType === ConfigResourceType.BROKER) {
    const refusal = resourceName === "" ? null : brokerNameRefusal(resourceName, config.nodeId);
    if (refusal !== null) throw new Refusal(refusal.errorCode, refusal.errorMessage!);
    return image.configs(ConfigResourceType.BROKER, resourceName);
  }
  if (resourceType !== ConfigResourceType.TOPIC) throw invalid(`Unknown resource type ${resourceType}`);
  if (resourceName === "") throw invalid("Default topic resources are not allowed.");
  const reason = topicNameInvalidReason(resourceName);
  if (reason !== null) {
    throw new Refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: ${reason}`);
  }
  const topic = image.topic(resourceName);
  return topic === undefined ? new Map() : ownTopicConfigs(image, topic);
}

function planChanges(context: PlanContext, target: Target, changes: Changes): MetadataRecord[] {
  const after = new Map(target.values);
  for (const [name, value] of changes) {
    if (value === null) after.delete(name);
    else after.set(name, value);
  }
  const records = target.resourceType === ConfigResourceType.TOPIC
    ? planTopicChanges(context.image, target, changes, after)
    : planBrokerChanges(context.config, context.image, target, changes);
  if (changes.has(MIN_ISR) && hasElr(context.image)) {
    const topicName = target.resourceType === ConfigResourceType.TOPIC ? target.resourceName : "";
    records.push({ kind: "clearElr", version: 0, value: { topicName } });
  }
  return records;
}

function planTopicChanges(
  image: MetadataImage,
  target: Target,
  changes: Changes,
  after: Values,
): MetadataRecord[] {
  const set = [...changes].filter(([, value]) => value !== null).map(([name]) => name);
  const refusal = topicConfigsRefusal(after, set);
  if (refusal !== null) throw new Refusal(ErrorCode.INVALID_CONFIG, refusal);
  const topic = image.topic(target.resourceName);
  if (topic === undefined) {
    const text = `The topic '${target.resourceName}' does not exist.`;
    throw new Refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, text);
  }
  const records: MetadataRecord[] = [];
  for (const [name, value] of changes) {
    if ((target.values.get(name) ?? null) === value) continue;
    records.push(topicConfigRecord(topic.name, topic.id, name, value));
  }
  return records;
}

/** Recorded even when the value is the same: Kafka reloads a broker's files that way. */
function planBrokerChanges(
  config: BrokerConfig,
  image: MetadataImage,
  target: Target,
  changes: Changes,
): MetadataRecord[] {
  const fixed: string[] = [];
  for (const [name, value] of changes) {
    checkMinIsrChange(image, target, name, value);
    const definition = BROKER_CONFIGS.get(name);
    if (value === null) continue;
    if (definition === undefined) throw unknownBrokerConfig(name);
    if (definition.update === "read-only") fixed.push(name);
    checkBrokerValue(definition, value);
  }
  if (fixed.length > 0) throw invalid(`Cannot update these configs dynamically: [${fixed.join(", ")}]`);
  checkRetention(config, target, changes);
  return [...changes].map(([name, value]) =>
    configRecord(ConfigResourceType.BROKER, target.resourceName, name, value));
}

function checkBrokerValue(definition: ConfigDefinition, text: string): void {
  const long = tooLong([text]);
  if (long !== null) throw new Refusal(ErrorCode.INVALID_CONFIG, long);
  const parsed = parseConfigValue(definition, text);
  // Kafka answers INVALID_REQUEST here, not INVALID_CONFIG (KAFKA-13609).
  if (!parsed.ok) throw invalid(parsed.reason);
  const topic = topicConfigOf(definition.name);
  const reason = topic?.refusal?.(parsed.value) ?? null;
  if (reason !== null) {
    const name = definition.name;
    throw new Refusal(ErrorCode.INVALID_CONFIG, `Invalid value ${text} for configuration ${name}: ${reason}`);
  }
}

function checkRetention(config: BrokerConfig, target: Target, changes: Changes): void {
  const retention = changes.get("log.retention.ms");
  if (retention == null) return;
  const layer = new Map([["log.retention.ms", retention]]);
  const ms = config.withDynamic(layer, target.resourceName === "" ? new Map() : layer).logConfig(new Map());
  if (ms.retentionMs !== -1 && ms.retentionMs < 1) {
    throw invalid("log.retention.ms must be unlimited (-1) or, greater than or equal to 1");
  }
}

/** KIP-966: with eligible leader replicas the minimum is a matter of the cluster, and always set. */
function checkMinIsrChange(image: MetadataImage, target: Target, name: string, value: string | null): void {
  if (name !== MIN_ISR || !hasElr(image)) return;
  if (target.resourceName !== "") {
    const text = `Broker-level ${MIN_ISR} cannot be altered while ELR is enabled.`;
    throw new Refusal(ErrorCode.INVALID_CONFIG, text);
  }
  if (value === null) {
    const text = `Cluster-level ${MIN_ISR} cannot be removed while ELR is enabled.`;
    throw new Refusal(ErrorCode.INVALID_CONFIG, text);
  }
}

function changedValue(target: Target, { name, configOperation, value }: ConfigChange): string | null {
  switch (configOperation) {
    case AlterOperation.SET:
      return value;
    case AlterOperation.DELETE:
      return null;
    case AlterOperation.APPEND:
    case AlterOperation.SUBTRACT: {
      const definition = target.resourceType === ConfigResourceType.TOPIC
        ? TOPIC_CONFIGS.get(name)
        : BROKER_CONFIGS.get(name);
      const isAppend = configOperation === AlterOperation.APPEND;
      if (definition?.type !== "list") {
        const operation = isAppend ? "APPEND" : "SUBTRACT";
        const text = `Can't ${operation} to key ${name} because its type is not LIST.`;
        throw new Refusal(ErrorCode.INVALID_CONFIG, text);
      }
      const before = (target.values.get(name) ?? definition.fallback ?? "").split(",");
      const named = value!.split(",");
      const kept = before.filter((entry) => entry !== "" && (isAppend || !named.includes(entry)));
      return [...new Set(isAppend ? [...kept, ...named] : kept)].join(",");
    }
    default:
      throw invalid(`Unknown operations type ${configOperation}`);
  }
}

function checkNulls(names: readonly string[]): void {
  if (names.length > 0) throw invalid(`Null value not supported for : ${names.join(", ")}`);
}

function tooLong(values: Iterable<string>): string | null {
  for (const value of values) {
    if (value.length > CONFIG_VALUE_LENGTH_MAX) {
      return "The configuration value cannot be added because it exceeds the maximum value size of " +
        `${CONFIG_VALUE_LENGTH_MAX} bytes.`;
    }
  }
  return null;
}

function unknownBrokerConfig(name: string): Refusal {
  const what = isInertBrokerConfig(name) ? "has no effect on this broker" : "is no broker config";
  return new Refusal(ErrorCode.INVALID_CONFIG, `${name} ${what}.`);
}

function topicConfigOf(brokerConfig: string) {
  for (const definition of TOPIC_CONFIGS.values()) {
    if (definition.synonyms.some((synonym) => synonym.name === brokerConfig)) return definition;
  }
  return undefined;
}

function hasElr(image: MetadataImage): boolean {
  return (image.features.get(ELR_FEATURE) ?? 0) > 0;
}

function invalid(text: string): Refusal {
  return new Refusal(ErrorCode.INVALID_REQUEST, text);
}
