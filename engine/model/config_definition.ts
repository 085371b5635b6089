import { INT64_MAX } from "../base/int64.ts";

/** The types of Kafka's configs; a value travels and is stored as text. */
export type ConfigType =
  | "boolean"
  | "string"
  | "int"
  | "short"
  | "long"
  | "double"
  | "list"
  | "class"
  | "password";

export type ConfigValue = boolean | number | string | readonly string[];

/** One config by name: how its text is read, what it may be, and what it is for. */
export interface ConfigDefinition {
  readonly name: string;
  readonly type: ConfigType;
  /** As text; null: no value unless one is set. */
  readonly fallback: string | null;
  /** Why the value is refused, or null. Called with a value of the right type. */
  readonly check: ValueCheck | null;
  readonly documentation: string;
}

export type ValueCheck = (value: ConfigValue) => string | null;

export type ParsedValue =
  | { readonly ok: true; readonly value: ConfigValue }
  | { readonly ok: false; readonly reason: string };

/** Numbers of DescribeConfigs' ConfigType field. */
export const CONFIG_TYPE_IDS: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
};

/** Numbers of DescribeConfigs' ConfigSource field: where a value comes from. */
export const ConfigSource = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
} as const;
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource];

const INT_RANGE = [-(2 ** 31), 2 ** 31 - 1] as const;
const SHORT_RANGE = [-(2 ** 15), 2 ** 15 - 1] as const;

/** Reads `text` by its type and checks it. The reason names value and config, as Kafka's does. */
export function parseConfigValue(definition: ConfigDefinition, text: string): ParsedValue {
  const value = parseByType(definition.type, text.trim());
  if (value === null) {
    return refuse(definition.name, text, expectation(definition.type));
  }
  const reason = definition.check?.(value) ?? null;
  return reason === null ? { ok: true, value } : refuse(definition.name, text, reason);
}

/** The text that Kafka shows for a value: lists joined by commas, numbers in decimal. */
export function formatConfigValue(value: ConfigValue): string {
  if (typeof value === "number") return value >= INT64_MAX ? LONG_MAX_TEXT : String(value);
  if (typeof value === "object") return value.join(",");
  return String(value);
}

/** Passwords are never shown; neither are values whose definition is unknown. */
export function isSensitive(definition: ConfigDefinition | undefined): boolean {
  return definition === undefined || definition.type === "password";
}

export function atLeast(minimum: number): ValueCheck {
  return (value) => ((value as number) < minimum ? `Value must be at least ${minimum}` : null);
}

export function between(minimum: number, maximum: number): ValueCheck {
  const tooHigh = `Value must be no more than ${maximum}`;
  const lower = atLeast(minimum);
  return (value) => lower(value) ?? ((value as number) > maximum ? tooHigh : null);
}

export function oneOf(...allowed: readonly string[]): ValueCheck {
  const reason = `String must be one of: ${allowed.join(", ")}`;
  return (value) => (allowed.includes(value as string) ? null : reason);
}

/** A list without duplicates and empty entries, of allowed values only. */
export function listOf(...allowed: readonly string[]): ValueCheck {
  const each = oneOf(...allowed);
  return (value) => {
    const entries = value as readonly string[];
    if (new Set(entries).size !== entries.length) return "Values must not be duplicated";
    for (const entry of entries) {
      if (entry === "") return "Values must not be empty";
      const reason = allowed.length > 0 ? each(entry) : null;
      if (reason !== null) return reason;
    }
    return null;
  };
}

export const LONG_MAX_TEXT = "9223372036854775807";
const LONG_MAX = BigInt(LONG_MAX_TEXT);

function parseByType(type: ConfigType, text: string): ConfigValue | null {
  switch (type) {
    case "boolean":
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : null;
    case "int":
      return parseInteger(text, INT_RANGE);
    case "short":
      return parseInteger(text, SHORT_RANGE);
    case "long":
      return parseLong(text);
    case "double":
      return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : null;
    case "list":
      return text === "" ? [] : text.split(/\s*,\s*/);
    case "string":
    case "class":
    case "password":
      return text;
  }
}

function parseInteger(text: string, [minimum, maximum]: readonly [number, number]): number | null {
  if (!/^[+-]?\d+$/.test(text)) return null;
  const value = Number(text);
  return value >= minimum && value <= maximum ? value : null;
}

/** Exact within the safe range; Long.MAX_VALUE becomes INT64_MAX. */
function parseLong(text: string): number | null {
  if (!/^[+-]?\d+$/.test(text)) return null;
  const exact = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return exact <= LONG_MAX && exact >= -LONG_MAX - 1n ? Number(exact) : null;
}

function expectation(type: ConfigType): string {
  if (type === "boolean") return "Expected value to be either true or false";
  return `Not a number of type ${type.toUpperCase()}`;
}

function refuse(name: string, text: string, reason: string): ParsedValue {
  return { ok: false, reason: `Invalid value ${text} for configuration ${name}: ${reason}` };
}
