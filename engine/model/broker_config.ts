import { assert } from "../base/assert.ts";
import type {
  FlagConfigName,
  ListConfigName,
  NumberConfigName,
  TextConfigName,
} from "./broker_config_table.ts";
import { BROKER_CONFIGS, REFUSED_BROKER_CONFIGS } from "./broker_config_table.ts";
import { isInertBrokerConfig } from "./broker_config_inert.ts";
import type { ConfigValue } from "./config_definition.ts";
import { ConfigSource, parseConfigValue } from "./config_definition.ts";
import type { ListenerSettings } from "./listener.ts";
import { parseListeners } from "./listener.ts";
import type { LogConfig } from "./log_config.ts";
import type { TopicConfigDefinition } from "./topic_config.ts";
import { TOPIC_CONFIGS, toLogConfig } from "./topic_config.ts";

type Texts = ReadonlyMap<string, string>;
const NOTHING: Texts = new Map();

/** One value of one config, and where it stands. */
export interface ConfigSynonym {
  readonly name: string;
  readonly value: string;
  readonly source: ConfigSource;
}

export interface ParsedBrokerConfig {
  /** Null exactly when there are problems. */
  readonly config: BrokerConfig | null;
  /** One line each, fit for people. */
  readonly problems: readonly string[];
  /** Names that neither Kafka nor this broker knows: typing errors, most likely. */
  readonly unknown: readonly string[];
  /** Names that Kafka knows and that change nothing here. */
  readonly withoutEffect: readonly string[];
}

/**
 * Reads a server.properties: `overrides` (from the command line) win over `properties`. Every bad
 * value is reported in a line of its own.
 */
export function parseBrokerConfig(properties: Texts, overrides: Texts = NOTHING): ParsedBrokerConfig {
  const problems: string[] = [];
  const unknown: string[] = [];
  const withoutEffect: string[] = [];
  const kept = new Map<string, string>();
  for (const [name, text] of new Map([...properties, ...overrides])) {
    const definition = BROKER_CONFIGS.get(name);
    const refused = REFUSED_BROKER_CONFIGS.get(name);
    if (definition !== undefined) {
      const parsed = parseConfigValue(definition, text);
      if (parsed.ok) kept.set(name, text.trim());
      else problems.push(parsed.reason);
    } else if (refused !== undefined) {
      if (!refused.allowed.test(text.trim())) problems.push(`${name}=${text}: ${refused.reason}`);
    } else if (isInertBrokerConfig(name)) withoutEffect.push(name);
    else unknown.push(name);
  }
  const listeners = parseListeners(listenerTexts(kept), problems);
  const layers = { fixed: kept, dynamicDefault: NOTHING, dynamicNode: NOTHING, listeners };
  const config = new BrokerConfig(layers);
  checkTogether(config, problems);
  return { config: problems.length === 0 ? config : null, problems, unknown, withoutEffect };
}

interface Layers {
  readonly fixed: Texts;
  readonly dynamicDefault: Texts;
  readonly dynamicNode: Texts;
  readonly listeners: ListenerSettings;
}

/**
 * BrokerConfig: what this node is configured to be. Immutable; a change made through the admin APIs
 * gives another one (`withDynamic`).
 *
 *   order   this node's dynamic values, then those of all nodes, then server.properties, then defaults
 *
 * Invariants:
 *  C1  every value parses: a dynamic one that does not is left out
 *  C2  only configs whose update mode allows it are taken from the dynamic layers
 *
 * Owner: the Store. Errors: none; what is wrong was reported by `parseBrokerConfig`.
 */
export class BrokerConfig {
  readonly listeners: ListenerSettings;
  readonly #layers: Layers;
  readonly #parsed = new Map<string, ConfigValue | null>();

  constructor(layers: Layers) {
    this.#layers = layers;
    this.listeners = layers.listeners;
  }

  /** Every config at its default. */
  static defaults(): BrokerConfig {
    const { config } = parseBrokerConfig(NOTHING);
    assert(config !== null, "the defaults must be valid");
    return config;
  }

  get nodeId(): number {
    const layers = this.#layers.fixed;
    return Number(layers.get("node.id") ?? layers.get("broker.id") ?? this.number("node.id"));
  }

  /** Whether server.properties or the command line says it, rather than the defaults. */
  isSet(name: string): boolean {
    return this.#layers.fixed.has(name);
  }

  /** The same with one static value more. */
  withStatic(name: string, text: string): BrokerConfig {
    const fixed = new Map(this.#layers.fixed).set(name, text);
    return new BrokerConfig({ ...this.#layers, fixed });
  }

  /** The data directory as written, or null when none is configured. */
  get dataDirectory(): string | null {
    const directories = this.#value("log.dirs") ?? this.#value("log.dir");
    return directories === null ? null : (directories as readonly string[])[0] ?? null;
  }

  number(name: NumberConfigName): number {
    return this.#required(name) as number;
  }

  flag(name: FlagConfigName): boolean {
    return this.#required(name) as boolean;
  }

  text(name: TextConfigName): string | null {
    return this.#value(name) as string | null;
  }

  list(name: ListConfigName): readonly string[] {
    return (this.#value(name) ?? []) as readonly string[];
  }

  /** The same static values under other dynamic ones, which may hold anything (C1, C2). */
  withDynamic(dynamicDefault: Texts, dynamicNode: Texts): BrokerConfig {
    return new BrokerConfig({
      fixed: this.#layers.fixed,
      listeners: this.listeners,
      dynamicDefault: keepUsable(dynamicDefault),
      dynamicNode: keepUsable(dynamicNode),
    });
  }

  /** The log's view of a topic that has these configs of its own. */
  logConfig(topicConfigs: Texts): LogConfig {
    return toLogConfig({
      effective: (definition) => topicConfigs.get(definition.name) ?? this.topicDefault(definition),
    });
  }

  /** The default of a topic config as the broker's configs give it, in the topic config's unit. */
  topicDefault(definition: TopicConfigDefinition): string | null {
    for (const layer of [this.#layers.dynamicNode, this.#layers.dynamicDefault, this.#layers.fixed]) {
      for (const synonym of definition.synonyms) {
        const text = layer.get(synonym.name);
        if (text !== undefined) return inTopicUnit(text, synonym.unitMs);
      }
    }
    return definition.fallback;
  }

  /** The values of these configs, the one in force first: by layer, and within it in the order given. */
  synonyms(names: readonly string[]): ConfigSynonym[] {
    const layers: readonly (readonly [Texts, ConfigSource])[] = [
      [this.#layers.dynamicNode, ConfigSource.DYNAMIC_BROKER],
      [this.#layers.dynamicDefault, ConfigSource.DYNAMIC_DEFAULT_BROKER],
      [this.#layers.fixed, ConfigSource.STATIC_BROKER],
    ];
    const found: ConfigSynonym[] = [];
    for (const [layer, source] of layers) {
      for (const name of names) {
        const value = layer.get(name);
        if (value !== undefined) found.push({ name, value, source });
      }
    }
    for (const name of names) {
      const value = BROKER_CONFIGS.get(name)?.fallback ?? null;
      if (value !== null) found.push({ name, value, source: ConfigSource.DEFAULT });
    }
    return found;
  }

  /** The values set for all nodes while running. */
  get dynamicDefaults(): Texts {
    return this.#layers.dynamicDefault;
  }

  /** The text in force, or null. */
  effectiveText(name: string): string | null {
    return this.synonyms([name])[0]?.value ?? null;
  }

  #value(name: string): ConfigValue | null {
    const known = this.#parsed.get(name);
    if (known !== undefined) return known;
    const definition = BROKER_CONFIGS.get(name);
    assert(definition !== undefined, "no such broker config", name);
    const text = this.effectiveText(name);
    const parsed = text === null ? null : parseConfigValue(definition, text);
    const value = parsed?.ok === true ? parsed.value : null;
    this.#parsed.set(name, value);
    return value;
  }

  #required(name: string): ConfigValue {
    const value = this.#value(name);
    assert(value !== null, "a broker config without value", name);
    return value;
  }
}

/** C1 and C2. */
function keepUsable(dynamic: Texts): Texts {
  const kept = new Map<string, string>();
  for (const [name, text] of dynamic) {
    const definition = BROKER_CONFIGS.get(name);
    if (definition === undefined || definition.update === "read-only") continue;
    if (parseConfigValue(definition, text).ok) kept.set(name, text);
  }
  return kept;
}

/** Negative durations mean "for ever" in any unit. */
function inTopicUnit(text: string, unitMs: number): string {
  if (unitMs === 1) return text;
  const value = Number(text);
  return value < 0 ? "-1" : String(value * unitMs);
}

function listenerTexts(kept: Texts) {
  const text = (name: string) => kept.get(name) ?? BROKER_CONFIGS.get(name)!.fallback ?? "";
  const list = (name: string) =>
    text(name).split(",").map((part) => part.trim()).filter((part) => part !== "");
  return {
    listeners: list("listeners"),
    advertised: list("advertised.listeners"),
    controllerNames: list("controller.listener.names"),
    protocolMap: text("listener.security.protocol.map"),
  };
}

/** Rules over more than one config, or over what a single node cannot be. */
function checkTogether(config: BrokerConfig, problems: string[]): void {
  const directories = [...config.list("log.dirs")];
  if (directories.length === 0) directories.push(...config.list("log.dir"));
  if (directories.length > 1) {
    problems.push(`log.dirs: ${directories.join(", ")} are ${directories.length} directories; one is supported`);
  }
  const metadataDir = config.text("metadata.log.dir");
  if (metadataDir !== null && metadataDir !== "" && metadataDir !== config.dataDirectory) {
    problems.push(`metadata.log.dir=${metadataDir}: metadata lives in the data directory; leave it unset`);
  }
  const [nodeId, brokerId] = [config.effectiveText("node.id"), config.effectiveText("broker.id")];
  if (brokerId !== null && config.nodeId !== Number(brokerId)) {
    problems.push(`node.id=${nodeId} and broker.id=${brokerId} differ; set node.id alone`);
  }
  const roles = config.list("process.roles");
  if (!roles.includes("broker") || !roles.includes("controller")) {
    problems.push(`process.roles=${roles.join(",")}: one node is both; use broker,controller`);
  }
  checkVoters(config, problems);
  checkTimes(config, problems);
  for (const definition of TOPIC_CONFIGS.values()) {
    const text = config.topicDefault(definition);
    const parsed = text === null ? null : parseConfigValue(definition, text);
    const reason = parsed?.ok === true ? definition.refusal?.(parsed.value) ?? null : null;
    if (reason !== null) problems.push(`${definition.synonyms[0]?.name}=${text}: ${reason}`);
  }
}

function checkVoters(config: BrokerConfig, problems: string[]): void {
  const voters = config.list("controller.quorum.voters");
  const ids = voters.map((voter) => /^(\d+)@.+:\d+$/.exec(voter)?.[1]);
  if (voters.length > 1) {
    problems.push(`controller.quorum.voters: ${voters.length} controllers; a single node is supported so far`);
  } else if (voters.length === 1 && ids[0] === undefined) {
    problems.push(`controller.quorum.voters=${voters[0]} is not of the form id@host:port`);
  } else if (voters.length === 1 && Number(ids[0]) !== config.nodeId) {
    const voter = `controller.quorum.voters=${voters[0]}`;
    problems.push(`${voter}: the only voter must be this node, ${config.nodeId}`);
  }
}

function checkTimes(config: BrokerConfig, problems: string[]): void {
  const effective = config.logConfig(NOTHING);
  if (effective.retentionMs !== -1 && effective.retentionMs < 1) {
    problems.push("log.retention.ms must be unlimited (-1) or, greater than or equal to 1");
  }
  if (effective.segmentMs < 1) problems.push("log.roll.ms must be greater than or equal to 1");
  if (effective.segmentJitterMs < 0) problems.push("log.roll.jitter.ms must be greater than or equal to 0");
}
