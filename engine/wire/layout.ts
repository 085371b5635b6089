import { ZERO_UUID } from "../base/uuid.ts";
import type { Field, Fields, Kind, Message } from "./schema.ts";
import { ALL_VERSIONS, includesVersion, parseVersions } from "./version_range.ts";

/**
 * What a declaration means in one version: which fields it has, in which encoding, how large they
 * are at least. Shared by the two compilers.
 */
export interface Shape {
  readonly message: Message;
  readonly version: number;
  readonly isFlexible: boolean;
}

export function shapeOf(message: Message, version: number): Shape {
  return { message, version, isFlexible: includesVersion(message.flexible, version) };
}

/** Bytes on the wire of the kinds whose size never varies. */
const FIXED_BYTES: Partial<Record<Kind, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
};

/** Size on the wire, or 0 when it varies. */
export function fixedBytesOf(kind: Kind): number {
  return FIXED_BYTES[kind] ?? 0;
}

export function isPresent(field: Field, version: number): boolean {
  const { versions } = field.options;
  return versions === undefined || includesVersion(parseVersions(versions), version);
}

export function isNullableIn(field: Field, version: number): boolean {
  if (!field.isNullable) return false;
  const { nullable } = field.options;
  return includesVersion(nullable === undefined ? ALL_VERSIONS : parseVersions(nullable), version);
}

/** A field of a flexible version in its compact encoding. */
export function isCompact(field: Field, shape: Shape): boolean {
  return shape.isFlexible && field.options.flexible !== "none";
}

/** The fields that stand in the body of a struct, in order. */
export function bodyFields(fields: Fields, shape: Shape): [name: string, field: Field][] {
  return Object.entries(fields).filter(
    ([, field]) => isPresent(field, shape.version) && field.options.tag === undefined,
  );
}

/** The fields that stand in the tagged section, by ascending tag. */
export function taggedFields(fields: Fields, shape: Shape): [name: string, field: Field][] {
  return Object.entries(fields)
    .filter(([, field]) => isPresent(field, shape.version) && field.options.tag !== undefined)
    .sort(([, first], [, second]) => first.options.tag! - second.options.tag!);
}

/** The fewest bytes that a field of this kind takes. */
export function bytesMinOf(field: Field, shape: Shape): number {
  const fixed = fixedBytesOf(field.kind);
  if (fixed > 0) return fixed;
  if (field.kind === "struct") {
    return isNullableIn(field, shape.version) ? 1 : structBytesMin(field.fields!, shape);
  }
  if (isCompact(field, shape)) return 1;
  return field.kind === "string" ? 2 : 4;
}

export function structBytesMin(fields: Fields, shape: Shape): number {
  let size = shape.isFlexible ? 1 : 0;
  for (const [, field] of bodyFields(fields, shape)) size += bytesMinOf(field, shape);
  return size;
}

// Rough sizes of JavaScript objects on the heap, for the budget only.
const OBJECT_HEAP_BYTES = 32;
const SLOT_HEAP_BYTES = 8;
const VIEW_HEAP_BYTES = 128;
export const ARRAY_HEAP_BYTES = 64;

/** Heap of one array element before its strings and arrays, which charge for themselves. */
export function elementHeapBytes(field: Field, shape: Shape): number {
  return SLOT_HEAP_BYTES + heapBytesOf(field, shape);
}

function heapBytesOf(field: Field, shape: Shape): number {
  if (field.kind === "bytes" || field.kind === "records") return VIEW_HEAP_BYTES;
  if (field.kind === "uuid") return OBJECT_HEAP_BYTES;
  if (field.kind !== "struct") return 0;
  let size = OBJECT_HEAP_BYTES;
  for (const inner of Object.values(field.fields!)) {
    size += SLOT_HEAP_BYTES + heapBytesOf(inner, shape);
  }
  return size;
}

/** What a field that is absent means. A fresh value on each call. */
export function defaultOf(field: Field): unknown {
  if (field.options.default !== undefined) return field.options.default;
  switch (field.kind) {
    case "bool":
      return false;
    case "uuid":
      return ZERO_UUID;
    case "string":
      return "";
    case "bytes":
      return EMPTY_BYTES;
    case "records":
      // As in Kafka, whose records fields start as null.
      return field.isNullable ? null : EMPTY_BYTES;
    case "array":
      return [];
    case "struct":
      return defaultStruct(field.fields!);
    default:
      return 0;
  }
}

export function defaultStruct(fields: Fields): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) value[name] = defaultOf(field);
  return value;
}

export const EMPTY_BYTES = new Uint8Array(0);
