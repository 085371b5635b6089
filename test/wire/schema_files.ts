import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import type { Field, Fields, Message } from "../../engine/wire/schema.ts";
import { defaultOf, isNullableIn, isPresent } from "../../engine/wire/layout.ts";
import type { VersionRange } from "../../engine/wire/version_range.ts";
import { ALL_VERSIONS, includesVersion, parseVersions } from "../../engine/wire/version_range.ts";

/** Kafka's own message schemas, as its build reads them. Only what this project compares. */
export interface SchemaFile {
  readonly name: string;
  readonly type: string;
  readonly apiKey?: number;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly latestVersionUnstable?: boolean;
  readonly listeners?: readonly string[];
  readonly fields: readonly SchemaField[];
  readonly commonStructs?: readonly SchemaStruct[];
}

interface SchemaStruct {
  readonly name: string;
  readonly versions: string;
  readonly fields: readonly SchemaField[];
}

interface SchemaField {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly flexibleVersions?: string;
  readonly tag?: number;
  readonly ignorable?: boolean;
  readonly default?: unknown;
  readonly fields?: readonly SchemaField[];
}

const MODULES = [
  "clients",
  "metadata",
  "group-coordinator",
  "transaction-coordinator",
  "share-coordinator",
  "raft",
];

/** The folder of Kafka's schema files, or null when this machine has none. */
export function findSchemas(): string | null {
  const candidates = [
    process.env["MILLRACE_KAFKA_SCHEMAS"],
    join(import.meta.dir, "../../../shared/kafka/schemas"),
  ];
  return candidates.find((path) => path !== undefined && existsSync(path)) ?? null;
}

/** All schemas that have a version, by name. */
export function readSchemas(folder: string): Map<string, SchemaFile> {
  const schemas = new Map<string, SchemaFile>();
  for (const module of MODULES) {
    for (const file of readdirSync(join(folder, module)).filter((name) => name.endsWith(".json"))) {
      const text = readFileSync(join(folder, module, file), "utf8");
      const schema = JSON.parse(withoutComments(text)) as SchemaFile;
      if (schema.validVersions !== "none") schemas.set(schema.name, schema);
    }
  }
  return schemas;
}

function withoutComments(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replace(/^\s*\/\/.*$/, "").replace(/\s\/\/[^"]*$/, ""))
    .join("\n");
}

/** Everything in which a declaration differs from its schema. */
export function differences(message: Message, schema: SchemaFile): string[] {
  const found: string[] = [];
  const expect = (what: string, ours: unknown, theirs: unknown): void => {
    if (!Bun.deepEquals(ours, theirs)) {
      found.push(`${message.name} ${what}: ${JSON.stringify(ours)}, schema ${JSON.stringify(theirs)}`);
    }
  };
  const versions = parseVersions(schema.validVersions);
  expect("versions", message.versions, versions);
  expect("flexible", message.flexible, parseVersions(schema.flexibleVersions));
  expect("api key", message.apiKey, schema.apiKey ?? -1);
  expect("type", message.type, messageType(schema.type));
  expect("listeners", message.listeners, schema.listeners ?? []);
  expect("unstable", message.latestVersionUnstable, schema.latestVersionUnstable ?? false);
  const compared: Compared = { versions, structs: schema.commonStructs ?? [], expect };
  compareFields(compared, message.fields, schema.fields, message.versions, "");
  return found;
}

function messageType(type: string): string {
  return ["request", "response", "header"].includes(type) ? type : "data";
}

interface Compared {
  readonly versions: VersionRange;
  readonly structs: readonly SchemaStruct[];
  readonly expect: (what: string, ours: unknown, theirs: unknown) => void;
}

/** `within` are the versions in which the struct itself is there. */
function compareFields(
  compared: Compared,
  ours: Fields,
  theirs: readonly SchemaField[],
  within: VersionRange,
  path: string,
): void {
  const inUse = theirs.filter((field) => versionsOf(versionRange(field), within).length > 0);
  compared.expect(`${path} field names`, Object.keys(ours), inUse.map((field) => camelCase(field.name)));
  for (const field of inUse) {
    const declared = ours[camelCase(field.name)];
    if (declared !== undefined) compareField(compared, declared, field, within, `${path}.${field.name}`);
  }
}

function compareField(
  compared: Compared,
  ours: Field,
  theirs: SchemaField,
  within: VersionRange,
  path: string,
): void {
  const { expect } = compared;
  const present = versionsOf(versionRange(theirs), within);
  expect(`${path} versions`, versionsWhere(within, (version) => isPresent(ours, version)), present);
  const nullable = parseVersions(theirs.nullableVersions ?? "none");
  expect(
    `${path} nullable`,
    present.filter((version) => isNullableIn(ours, version)),
    present.filter((version) => includesVersion(nullable, version)),
  );
  expect(`${path} tag`, ours.options.tag, theirs.tag);
  expect(`${path} flexible`, ours.options.flexible, theirs.flexibleVersions);
  const isEverywhere = present.length === versionsOf(ALL_VERSIONS, within).length;
  if (!isEverywhere) expect(`${path} ignorable`, ours.options.ignorable ?? false, theirs.ignorable ?? false);
  if (theirs.type !== "records") expect(`${path} default`, defaultOf(ours), schemaDefault(theirs, ours));
  compareType(compared, ours, theirs, intersect(within, versionRange(theirs)), path);
}

function compareType(
  compared: Compared,
  ours: Field,
  theirs: SchemaField,
  within: VersionRange,
  path: string,
): void {
  const isArray = theirs.type.startsWith("[]");
  compared.expect(`${path} is an array`, ours.kind === "array", isArray);
  const element = isArray ? ours.element! : ours;
  const type = isArray ? theirs.type.slice(2) : theirs.type;
  if (/^[a-z]/.test(type)) {
    compared.expect(`${path} type`, element.kind, type);
    return;
  }
  compared.expect(`${path} type`, element.kind, "struct");
  const common = compared.structs.find((struct) => struct.name === type);
  const fields = common?.fields ?? theirs.fields ?? [];
  const inner = common === undefined ? within : intersect(within, parseVersions(common.versions));
  if (element.fields !== null) compareFields(compared, element.fields, fields, inner, path);
}

/** The default as the schema spells it; what is left out is the type's own. */
function schemaDefault(field: SchemaField, ours: Field): unknown {
  const text = field.default === undefined || field.default === null ? "" : String(field.default);
  if (text === "null") return null;
  if (field.type.startsWith("[]")) return [];
  switch (field.type) {
    case "string":
      return text;
    case "bool":
      return text === "true";
    case "uuid":
      return ZERO_UUID;
    case "bytes":
      return new Uint8Array(0);
    default:
      if (/^[A-Z]/.test(field.type)) return defaultOf({ ...ours, options: {} });
      return text === "" ? 0 : Number(text);
  }
}

function versionRange(field: SchemaField): VersionRange {
  return parseVersions(field.versions ?? field.taggedVersions ?? "none");
}

function intersect(first: VersionRange, second: VersionRange): VersionRange {
  return { first: Math.max(first.first, second.first), last: Math.min(first.last, second.last) };
}

function versionsOf(range: VersionRange, within: VersionRange): number[] {
  return versionsWhere(within, (version) => includesVersion(range, version));
}

function versionsWhere(within: VersionRange, accept: (version: number) => boolean): number[] {
  const versions: number[] = [];
  for (let version = within.first; version <= within.last; version++) {
    if (accept(version)) versions.push(version);
  }
  return versions;
}

function camelCase(name: string): string {
  return name[0]!.toLowerCase() + name.slice(1);
}
