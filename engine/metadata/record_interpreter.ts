import { assert, unreachable } from "../base/assert.ts";
import {
  readInt16,
  readInt32,
  readInt64,
  readUint16,
  readUint32,
  writeInt16,
  writeInt32,
  writeInt64,
} from "../base/int64.ts";
import type { Uuid } from "../base/uuid.ts";
import { UUID_BYTES, uuidFromBytes, uuidToBytes } from "../base/uuid.ts";
import { VarintCursor, writeUvarint } from "../base/varint.ts";
import { bodyFields, defaultOf, fixedBytesOf, shapeOf, taggedFields } from "../wire/layout.ts";
import type { Field, Fields, Message } from "../wire/schema.ts";
import { WireError } from "../wire/wire_error.ts";

/**
 * Reads and writes flexible messages by walking their declarations. A compiled codec is faster in the end,
 * but its first use costs one to four milliseconds, and a start meets a dozen kinds a few times each:
 * those come here (bench/micro/metadata.bench.ts).
 *
 * Everything else is as in wire/codec.ts, whose tests compare the two.
 */
export function interpretDecode(
  message: Message,
  version: number,
  bytes: Uint8Array,
  start: number,
): unknown {
  const cursor = new VarintCursor(bytes, start, bytes.length);
  const value = readStruct(cursor, planOf(message, message.fields, version));
  if (cursor.bad) throw new WireError("TRUNCATED", `${message.name} ends early or is malformed`);
  if (cursor.at !== bytes.length) {
    throw new WireError("MALFORMED", `${message.name}: ${bytes.length - cursor.at} bytes behind the message`);
  }
  return value;
}

export function interpretEncode(message: Message, version: number, value: unknown): Uint8Array {
  const sink = new Sink();
  writeStruct(sink, planOf(message, message.fields, version), value as Values);
  return sink.take();
}

type Values = Record<string, unknown>;

/** Most records are smaller. */
const SINK_BYTES = 256;

/** What a struct has in one version. */
interface Plan {
  readonly body: readonly Planned[];
  readonly tagged: readonly Planned[];
  /** Fields that the version lacks. */
  readonly absent: readonly Planned[];
}

interface Planned {
  readonly name: string;
  readonly field: Field;
  /** Of a struct, and of an array of structs. */
  readonly inner: Plan | null;
}

const PLANS = new WeakMap<Fields, Map<number, Plan>>();

function planOf(message: Message, fields: Fields, version: number): Plan {
  let versions = PLANS.get(fields);
  if (versions === undefined) PLANS.set(fields, (versions = new Map()));
  let plan = versions.get(version);
  if (plan === undefined) {
    const shape = shapeOf(message, version);
    const planned = ([name, field]: [string, Field]): Planned => {
      const inner = field.fields ?? field.element?.fields ?? null;
      return { name, field, inner: inner === null ? null : planOf(message, inner, version) };
    };
    const body = bodyFields(fields, shape).map(planned);
    const tagged = taggedFields(fields, shape).map(planned);
    const known = new Set([...body, ...tagged].map(({ name }) => name));
    const absent = Object.entries(fields).filter(([name]) => !known.has(name)).map(planned);
    plan = { body, tagged, absent };
    versions.set(version, plan);
  }
  return plan;
}

function readStruct(cursor: VarintCursor, plan: Plan): Values {
  const values: Values = {};
  for (const planned of plan.body) values[planned.name] = readField(cursor, planned, planned.field);
  for (const { name, field } of plan.tagged) values[name] = defaultOf(field);
  for (const { name, field } of plan.absent) values[name] = defaultOf(field);
  const count = cursor.readUvarint();
  for (let index = 0; index < count && !cursor.bad; index++) {
    const tag = cursor.readUvarint();
    const size = cursor.readUvarint();
    const end = cursor.at + size;
    const planned = plan.tagged.find(({ field }) => field.options.tag === tag);
    if (planned === undefined) cursor.at = end;
    else values[planned.name] = readField(cursor, planned, planned.field);
    if (cursor.at !== end || end > cursor.end) cursor.bad = true;
  }
  return values;
}

function readField(cursor: VarintCursor, planned: Planned, field: Field): unknown {
  const fixed = fixedBytesOf(field.kind);
  if (fixed > 0) return readFixed(cursor, field.kind, fixed);
  if (field.kind === "struct") {
    const isNull = field.isNullable && readFixed(cursor, "int8", 1) === -1;
    return isNull ? null : readStruct(cursor, planned.inner!);
  }
  const length = cursor.readUvarint() - 1;
  if (length < 0) {
    if (!field.isNullable) cursor.bad = true;
    return null;
  }
  // Each element and each byte takes one at least.
  if (length > cursor.end - cursor.at) cursor.bad = true;
  if (cursor.bad) return null;
  if (field.kind === "array") {
    const elements: unknown[] = [];
    while (elements.length < length && !cursor.bad) elements.push(readField(cursor, planned, field.element!));
    return elements;
  }
  const at = cursor.at;
  cursor.at += length;
  const contents = cursor.bytes.subarray(at, cursor.at);
  return field.kind === "string" ? DECODER.decode(contents) : contents;
}

function readFixed(cursor: VarintCursor, kind: Field["kind"], size: number): unknown {
  const { at, bytes } = cursor;
  if (size > cursor.end - at) {
    cursor.bad = true;
    return 0;
  }
  cursor.at += size;
  switch (kind) {
    case "bool": return bytes[at] !== 0;
    case "int8": return (bytes[at]! << 24) >> 24;
    case "int16": return readInt16(bytes, at);
    case "uint16": return readUint16(bytes, at);
    case "int32": return readInt32(bytes, at);
    case "uint32": return readUint32(bytes, at);
    case "int64": return readInt64(bytes, at);
    case "float64": return new DataView(bytes.buffer, bytes.byteOffset + at, size).getFloat64(0);
    case "uuid": return uuidFromBytes(bytes, at);
    default: return unreachable("not of a fixed size", kind);
  }
}

function writeStruct(sink: Sink, plan: Plan, value: Values): void {
  for (const planned of plan.body) writeField(sink, planned, planned.field, value[planned.name]);
  for (const { name, field } of plan.absent) requireDefault(name, field, value[name]);
  const present = plan.tagged.filter(({ name, field }) => !isDefault(field, value[name]));
  sink.uvarint(present.length);
  for (const planned of present) {
    const contents = new Sink();
    writeField(contents, planned, planned.field, value[planned.name]);
    sink.uvarint(planned.field.options.tag!);
    sink.uvarint(contents.length);
    sink.bytes(contents.take());
  }
}

function writeField(sink: Sink, planned: Planned, field: Field, given: unknown): void {
  const value = given === undefined ? defaultOf(field) : given;
  const fixed = fixedBytesOf(field.kind);
  if (fixed > 0) return writeFixed(sink, field.kind, fixed, value);
  if (field.kind === "struct") {
    if (field.isNullable) writeFixed(sink, "int8", 1, value === null ? -1 : 1);
    if (value !== null) writeStruct(sink, planned.inner!, value as Values);
    return;
  }
  if (value === null) {
    if (!field.isNullable) throw new WireError("UNSUPPORTED_FIELD", `${planned.name} must not be null`);
    return sink.uvarint(0);
  }
  if (field.kind === "array") {
    const elements = value as readonly unknown[];
    sink.uvarint(elements.length + 1);
    for (const element of elements) writeField(sink, planned, field.element!, element);
    return;
  }
  const contents = field.kind === "string" ? ENCODER.encode(value as string) : (value as Uint8Array);
  sink.uvarint(contents.length + 1);
  sink.bytes(contents);
}

function writeFixed(sink: Sink, kind: Field["kind"], size: number, value: unknown): void {
  const at = sink.reserve(size);
  const bytes = sink.target;
  switch (kind) {
    case "bool": bytes[at] = value === true ? 1 : 0; return;
    case "int8": bytes[at] = value as number; return;
    case "int16":
    case "uint16": return writeInt16(bytes, at, value as number);
    case "int32":
    case "uint32": return writeInt32(bytes, at, value as number);
    case "int64": return writeInt64(bytes, at, value as number);
    case "float64": return new DataView(bytes.buffer, at, size).setFloat64(0, value as number);
    case "uuid": return uuidToBytes(value as Uuid, bytes, at);
    default: unreachable("not of a fixed size", kind);
  }
}

function isDefault(field: Field, value: unknown): boolean {
  if (value === undefined) return true;
  const fallback = defaultOf(field);
  if (Array.isArray(fallback)) return Array.isArray(value) && value.length === 0;
  return value === fallback;
}

/** A value that the version cannot express must not get lost. */
function requireDefault(name: string, field: Field, value: unknown): void {
  if (field.options.ignorable === true || isDefault(field, value)) return;
  throw new WireError("UNSUPPORTED_FIELD", `${name} is not in this version`);
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const UVARINT_BYTES_MAX = 5;
assert(UUID_BYTES === fixedBytesOf("uuid"), "a uuid has one size");

/** Bytes that grow. */
class Sink {
  target = new Uint8Array(SINK_BYTES);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** Where the next `count` bytes go. `target` may be another array afterwards. */
  reserve(count: number): number {
    if (this.target.length - this.#at < count) {
      const grown = new Uint8Array(2 * (this.#at + count));
      grown.set(this.target.subarray(0, this.#at));
      this.target = grown;
    }
    const at = this.#at;
    this.#at += count;
    return at;
  }

  uvarint(value: number): void {
    const at = this.reserve(UVARINT_BYTES_MAX);
    this.#at = writeUvarint(this.target, at, value);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.target.set(bytes, at);
  }

  take(): Uint8Array {
    return this.target.subarray(0, this.#at);
  }
}
