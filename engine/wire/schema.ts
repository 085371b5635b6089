import type { Uuid } from "../base/uuid.ts";
import type { Decoder } from "./reader.ts";
import type { Encoder, RecordsHole } from "./writer.ts";
import type { VersionRange } from "./version_range.ts";
import { parseVersions } from "./version_range.ts";

/**
 * The language in which every message of the protocol is declared, once:
 *
 *     const heartbeatRequest = message({
 *       name: "HeartbeatRequest", apiKey: 12, type: "request", versions: "0-4", flexible: "4+",
 *       fields: () => ({
 *         groupId: string(),
 *         generationId: int32(),
 *         memberId: string(),
 *         groupInstanceId: nullableString({ versions: "3+", default: null }),
 *       }),
 *     });
 *     type HeartbeatRequest = ValueOf<typeof heartbeatRequest>;
 *
 * From the declaration follow the TypeScript types, the decoder and the encoder of each version
 * (compiled on first use, see codec.ts), the smallest size on the wire and the defaults. Names are
 * those of Kafka's schemas with a small first letter; so are versions, tags and defaults.
 *
 * A decoded value has every field: what its version lacks holds the default. A value to encode may
 * leave out fields that have a default, a tag or a version range (`InputOf`).
 */
export type Kind =
  | "bool"
  | "int8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "float64"
  | "uuid"
  | "string"
  | "bytes"
  | "records"
  | "array"
  | "struct";

export interface FieldOptions<Value = unknown> {
  /** Versions that carry the field; all of the message's when left out. "3+", "0-12" or "7". */
  readonly versions?: string;
  /**
   * Versions in which null is allowed; every version when left out. For the `nullable` helpers
   * only.
   */
  readonly nullable?: string;
  /** What an absent field means; otherwise 0, "", false, empty, or the zero uuid. */
  readonly default?: Value;
  /** The field travels in the tagged section under this number, unless it is the default. */
  readonly tag?: number;
  /** A value other than the default may be dropped silently in a version without the field. */
  readonly ignorable?: true;
  /**
   * "none": keeps its old encoding in flexible versions too. The client id of request headers
   * alone.
   */
  readonly flexible?: "none";
}

export interface Field<Value = unknown, Input = unknown, Optional extends boolean = boolean> {
  readonly kind: Kind;
  readonly isNullable: boolean;
  readonly options: FieldOptions;
  /** Of an array. */
  readonly element: Field | null;
  /** Of a struct. */
  readonly fields: Fields | null;
  /** Never set: carries the types. */
  readonly types?: { readonly value: Value; readonly input: Input; readonly optional: Optional };
}

export type Fields = { readonly [name: string]: Field };

type TypesOf<F> = F extends { readonly types?: infer Types } ? NonNullable<Types> : never;
type ValueOfField<F> = TypesOf<F> extends { readonly value: infer Value } ? Value : never;
type InputOfField<F> = TypesOf<F> extends { readonly input: infer Input } ? Input : never;
type OptionalNames<F> = {
  [Name in keyof F]: TypesOf<F[Name]> extends { readonly optional: true } ? Name : never;
}[keyof F];

export type ValueOfFields<F> = { [Name in keyof F]: ValueOfField<F[Name]> };
export type InputOfFields<F> = {
  readonly [Name in Exclude<keyof F, OptionalNames<F>>]: InputOfField<F[Name]>;
} & { readonly [Name in OptionalNames<F>]?: InputOfField<F[Name]> | undefined };

type IsOptional<O> = O extends
  | { readonly versions: string }
  | { readonly default: unknown }
  | { readonly tag: number }
  ? true
  : false;

export type MessageType = "request" | "response" | "header" | "data";
export type Listener = "broker" | "controller";

export interface MessageOptions<F extends Fields> {
  readonly name: string;
  readonly type: MessageType;
  /** Of a request or response; of a record in a log: its record type, where it has one. */
  readonly apiKey?: number;
  readonly versions: string;
  /** First flexible version as "9+", or "none". */
  readonly flexible: string;
  /** Of a request: where Kafka serves it. */
  readonly listeners?: readonly Listener[];
  /** The highest version is not to be advertised: its meaning may still change. */
  readonly latestVersionUnstable?: true;
  /** A function, so that loading the declarations of all APIs costs 3 ms instead of 5. */
  readonly fields: () => F;
}

export interface Message<F extends Fields = Fields> {
  readonly name: string;
  readonly type: MessageType;
  readonly apiKey: number;
  readonly versions: VersionRange;
  readonly flexible: VersionRange;
  readonly listeners: readonly Listener[];
  readonly latestVersionUnstable: boolean;
  readonly fields: F;
  /** By version, filled by codec.ts as versions are met. */
  readonly decoders: (Decoder | undefined)[];
  readonly encoders: (Encoder | undefined)[];
}

/** What decoding a message gives. */
export type ValueOf<M> = M extends { readonly fields: infer F } ? ValueOfFields<F> : never;
/** What encoding a message takes. Every `ValueOf` is an `InputOf`. */
export type InputOf<M> = M extends { readonly fields: infer F } ? InputOfFields<F> : never;

/** The `apiKey` of a message that has none. */
export const NO_API_KEY = -1;

export function message<const F extends Fields>(options: MessageOptions<F>): Message<F> {
  let fields: F | null = null;
  return {
    name: options.name,
    type: options.type,
    apiKey: options.apiKey ?? NO_API_KEY,
    versions: parseVersions(options.versions),
    flexible: parseVersions(options.flexible),
    listeners: options.listeners ?? [],
    latestVersionUnstable: options.latestVersionUnstable ?? false,
    get fields() {
      return (fields ??= options.fields());
    },
    decoders: [],
    encoders: [],
  };
}

type Declare<Value, Input = Value> = <const O extends FieldOptions<Value>>(
  options?: O,
) => Field<Value, Input, IsOptional<O>>;

type RecordsInput = Uint8Array | readonly Uint8Array[] | RecordsHole;

export const bool: Declare<boolean> = scalar("bool", false);
export const int8: Declare<number> = scalar("int8", false);
export const int16: Declare<number> = scalar("int16", false);
export const uint16: Declare<number> = scalar("uint16", false);
export const int32: Declare<number> = scalar("int32", false);
export const uint32: Declare<number> = scalar("uint32", false);
/** As a number: exact within the safe range, see base/int64.ts. */
export const int64: Declare<number> = scalar("int64", false);
export const float64: Declare<number> = scalar("float64", false);
export const uuid: Declare<Uuid> = scalar("uuid", false);
export const string: Declare<string> = scalar("string", false);
export const nullableString: Declare<string | null> = scalar("string", true);
/** Decoded as a view of the frame: copy what is to outlive the request. */
export const bytes: Declare<Uint8Array> = scalar("bytes", false);
export const nullableBytes: Declare<Uint8Array | null> = scalar("bytes", true);
/**
 * Record batches. Decoded as a view; encoded from one array, from pieces, or as a hole to be
 * filled.
 */
export const records: Declare<Uint8Array, RecordsInput> = scalar("records", false);
export const nullableRecords: Declare<Uint8Array | null, RecordsInput | null> = scalar(
  "records",
  true,
);

type ElementValue<E> = E extends Field ? ValueOfField<E> : ValueOfFields<E>;
type ElementInput<E> = E extends Field ? InputOfField<E> : InputOfFields<E>;

/** `element` is a field, or the fields of a struct. */
export function array<const E extends Field | Fields, const O extends FieldOptions<never>>(
  element: E,
  options?: O,
): Field<ElementValue<E>[], readonly ElementInput<E>[], IsOptional<O>> {
  return compound("array", false, options, elementOf(element), null);
}

export function nullableArray<const E extends Field | Fields, const O extends FieldOptions<null>>(
  element: E,
  options?: O,
): Field<ElementValue<E>[] | null, readonly ElementInput<E>[] | null, IsOptional<O>> {
  return compound("array", true, options, elementOf(element), null);
}

export function struct<const F extends Fields, const O extends FieldOptions<never>>(
  fields: F,
  options?: O,
): Field<ValueOfFields<F>, InputOfFields<F>, IsOptional<O>> {
  return compound("struct", false, options, null, fields);
}

export function nullableStruct<const F extends Fields, const O extends FieldOptions<null>>(
  fields: F,
  options?: O,
): Field<ValueOfFields<F> | null, InputOfFields<F> | null, IsOptional<O>> {
  return compound("struct", true, options, null, fields);
}

const NO_OPTIONS: FieldOptions = {};

function scalar<Value, Input = Value>(kind: Kind, isNullable: boolean): Declare<Value, Input> {
  return (options) => compound(kind, isNullable, options, null, null);
}

function compound(
  kind: Kind,
  isNullable: boolean,
  options: FieldOptions | undefined,
  element: Field | null,
  fields: Fields | null,
): Field<never, never, never> {
  return { kind, isNullable, options: options ?? NO_OPTIONS, element, fields };
}

function elementOf(element: Field | Fields): Field {
  if (typeof element["kind"] === "string") return element as Field;
  const fields = element as Fields;
  return compound("struct", false, NO_OPTIONS, null, fields);
}
