import type { Field, Fields, Kind, Message } from "./schema.ts";
import type { Decoder } from "./reader.ts";
import type { Shape } from "./layout.ts";
import {
  ARRAY_HEAP_BYTES,
  bodyFields,
  bytesMinOf,
  defaultOf,
  elementHeapBytes,
  EMPTY_BYTES,
  fixedBytesOf,
  isCompact,
  isNullableIn,
  shapeOf,
  taggedFields,
} from "./layout.ts";

/**
 * Compiles the decoder of one message in one version into straight-line JavaScript: one bounds
 * check per run of fixed-size fields, the position in a local variable, arrays as loops, no call
 * per field but for text and views. Heartbeat v4, for instance, becomes
 *
 *     if (end - at < 1) r.truncated("HeartbeatRequest.groupId");
 *     n = b[at++]; if (n > 127) { n = r.uvarint(at - 1, ...); at = r.at; }
 *     ...
 *     return { groupId: v1, generationId: v2, memberId: v3, groupInstanceId: v4 };
 *
 * Every version of a message yields objects of one shape: absent fields hold their defaults.
 */
export function compileDecoder(message: Message, version: number): Decoder {
  const emitter = new DecoderEmitter(shapeOf(message, version));
  const result = emitter.struct(message.fields, message.name);
  const source = [
    `"use strict";`,
    `return function decode${message.name}V${version}(r) {`,
    `const b = r.bytes, end = r.end;`,
    `let at = r.at, n = 0;`,
    ...emitter.lines,
    `r.at = at;`,
    `return ${result};`,
    `}`,
  ].join("\n");
  return new Function("EMPTY", source)(EMPTY_BYTES) as Decoder;
}

class DecoderEmitter {
  readonly lines: string[] = [];
  readonly #shape: Shape;
  #names = 0;

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  /** Emits the reading of a struct; returns the expression of its value. */
  struct(fields: Fields, path: string): string {
    const values = new Map<string, string>();
    let run: [name: string, field: Field][] = [];
    for (const entry of bodyFields(fields, this.#shape)) {
      if (fixedBytesOf(entry[1].kind) > 0) {
        run.push(entry);
        continue;
      }
      this.#fixedRun(run, path, values);
      run = [];
      values.set(entry[0], this.#variable(entry[1], `${path}.${entry[0]}`));
    }
    this.#fixedRun(run, path, values);
    if (this.#shape.isFlexible) this.#tagSection(fields, path, values);
    const properties = Object.entries(fields).map(
      ([name, field]) => `${name}: ${values.get(name) ?? defaultExpression(field)}`,
    );
    return `{ ${properties.join(", ")} }`;
  }

  #name(): string {
    return `v${++this.#names}`;
  }

  /** Fields of fixed size side by side: one bounds check for all. */
  #fixedRun(run: [name: string, field: Field][], path: string, values: Map<string, string>): void {
    if (run.length === 0) return;
    let offset = 0;
    const reads: string[] = [];
    for (const [name, field] of run) {
      const variable = this.#name();
      reads.push(`const ${variable} = ${readExpression(field.kind, offset)};`);
      values.set(name, variable);
      offset += fixedBytesOf(field.kind);
    }
    this.lines.push(`if (end - at < ${offset}) r.truncated(${quote(`${path}.${run[0]![0]}`)});`);
    this.lines.push(...reads, `at += ${offset};`);
  }

  /** Emits the reading of a field of any kind; returns the variable that holds it. */
  #any(field: Field, path: string): string {
    const size = fixedBytesOf(field.kind);
    if (size === 0) return this.#variable(field, path);
    const variable = this.#name();
    this.lines.push(
      `if (end - at < ${size}) r.truncated(${quote(path)});`,
      `const ${variable} = ${readExpression(field.kind, 0)};`,
      `at += ${size};`,
    );
    return variable;
  }

  #variable(field: Field, path: string): string {
    if (field.kind === "struct") return this.#structField(field, path, false);
    const variable = this.#name();
    this.lines.push(`let ${variable} = null;`);
    this.#length(field, path);
    if (isNullableIn(field, this.#shape.version)) this.lines.push(`if (n >= 0) {`);
    else this.lines.push(`if (n < 0) r.unexpectedNull(${quote(path)});`, `{`);
    if (field.kind === "array") this.#elements(field, path, variable);
    else this.#contents(field, path, variable);
    this.lines.push(`}`);
    return variable;
  }

  /** Leaves the length in `n`, negative for null. */
  #length(field: Field, path: string): void {
    if (isCompact(field, this.#shape)) {
      this.#uvarint(path);
      this.lines.push(`n--;`);
      return;
    }
    const kind: Kind = field.kind === "string" ? "int16" : "int32";
    const size = fixedBytesOf(kind);
    this.lines.push(
      `if (end - at < ${size}) r.truncated(${quote(path)});`,
      `n = ${readExpression(kind, 0)}; at += ${size};`,
    );
  }

  /** Leaves an unsigned varint in `n`. */
  #uvarint(path: string): void {
    this.lines.push(
      `if (at >= end) r.truncated(${quote(path)});`,
      `n = b[at++];`,
      `if (n > 127) { n = r.uvarint(at - 1, ${quote(path)}); at = r.at; }`,
    );
  }

  #contents(field: Field, path: string, variable: string): void {
    const helper = field.kind === "string" ? "string" : "view";
    this.lines.push(`${variable} = r.${helper}(at, n, ${quote(path)}); at += n;`);
  }

  #elements(field: Field, path: string, variable: string): void {
    const element = field.element!;
    const bytesMin = bytesMinOf(element, this.#shape);
    const heapBytes = `${ARRAY_HEAP_BYTES} + n * ${elementHeapBytes(element, this.#shape)}`;
    const count = this.#name();
    this.lines.push(
      `r.admitArray(at, n * ${bytesMin}, ${heapBytes}, ${quote(path)});`,
      `const ${count} = n; ${variable} = [];`,
      `for (let i = 0; i < ${count}; i++) {`,
    );
    const isStruct = element.kind === "struct";
    const value = isStruct ? this.struct(element.fields!, path) : this.#any(element, path);
    this.lines.push(`${variable}.push(${value});`, `}`);
  }

  /** A nullable struct has a byte before it: below 0 is null in a body, 0 is null behind a tag. */
  #structField(field: Field, path: string, isTagged: boolean): string {
    const variable = this.#name();
    if (!isNullableIn(field, this.#shape.version)) {
      const value = this.struct(field.fields!, path);
      this.lines.push(`const ${variable} = ${value};`);
      return variable;
    }
    const isThere = isTagged ? `b[at++] > 0` : `b[at++] < 128`;
    this.lines.push(
      `let ${variable} = null;`,
      `if (at >= end) r.truncated(${quote(path)});`,
      `if (${isThere}) {`,
    );
    const value = this.struct(field.fields!, path);
    this.lines.push(`${variable} = ${value};`, `}`);
    return variable;
  }

  #tagSection(fields: Fields, path: string, values: Map<string, string>): void {
    const known = taggedFields(fields, this.#shape);
    const where = quote(`${path} tags`);
    this.lines.push(`if (at >= end) r.truncated(${where});`);
    if (known.length === 0) {
      this.lines.push(`if (b[at] === 0) at++; else at = r.skipTags(at, ${where});`);
      return;
    }
    const variables = new Map<string, string>();
    for (const [name, field] of known) {
      const variable = this.#name();
      this.lines.push(`let ${variable};`);
      variables.set(name, variable);
      values.set(name, `${variable} === undefined ? ${defaultExpression(field)} : ${variable}`);
    }
    const [count, tag, end] = [this.#name(), this.#name(), this.#name()];
    this.lines.push(
      `if (b[at] === 0) at++;`,
      `else for (let i = 0, ${count} = r.tagCount(at, ${where}), ${tag} = -1; i < ${count}; i++) {`,
      `if (i === 0) at = r.at;`,
      `${tag} = r.tag(at, ${tag}, ${where});`,
      `const ${end} = r.tagEnd(r.at, ${where}); at = r.at;`,
      `switch (${tag}) {`,
    );
    for (const [name, field] of known) {
      const inner = `${path}.${name}`;
      this.lines.push(`case ${field.options.tag}: {`);
      const isStruct = field.kind === "struct";
      const value = isStruct ? this.#structField(field, inner, true) : this.#any(field, inner);
      this.lines.push(`${variables.get(name)} = ${value};`);
      this.lines.push(`if (at !== ${end}) r.wrongTagSize(${quote(inner)});`, `break; }`);
    }
    this.lines.push(`default: at = ${end};`, `}`, `}`);
  }
}

/** Reads a value of fixed size `offset` bytes behind `at`; the bounds are checked already. */
function readExpression(kind: Kind, offset: number): string {
  const byte = (index: number): string => `b[at + ${offset + index}]`;
  const int32 = (index: number): string =>
    `(${byte(index)} << 24 | ${byte(index + 1)} << 16` +
    ` | ${byte(index + 2)} << 8 | ${byte(index + 3)})`;
  switch (kind) {
    case "bool":
      return `${byte(0)} !== 0`;
    case "int8":
      return `${byte(0)} << 24 >> 24`;
    case "int16":
      return `${byte(0)} << 24 >> 16 | ${byte(1)}`;
    case "uint16":
      return `${byte(0)} << 8 | ${byte(1)}`;
    case "int32":
      return int32(0);
    case "uint32":
      return `${int32(0)} >>> 0`;
    case "int64":
      return `${int32(0)} * 4294967296 + (${int32(4)} >>> 0)`;
    case "float64":
      return `r.float64(at + ${offset})`;
    default:
      return `r.uuid(at + ${offset})`;
  }
}

function defaultExpression(field: Field): string {
  const value = defaultOf(field);
  if (value === EMPTY_BYTES) return "EMPTY";
  if (field.kind === "struct" && value !== null) {
    const inner = Object.entries(field.fields!);
    return `{ ${inner.map(([name, one]) => `${name}: ${defaultExpression(one)}`).join(", ")} }`;
  }
  return JSON.stringify(value);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
