import type { Field, Fields, Kind, Message } from "./schema.ts";
import type { Encoder } from "./writer.ts";
import type { Shape } from "./layout.ts";
import { assert, unreachable } from "../base/assert.ts";
import {
  bodyFields,
  defaultOf,
  EMPTY_BYTES,
  fixedBytesOf,
  isCompact,
  isNullableIn,
  isPresent,
  shapeOf,
  taggedFields,
} from "./layout.ts";
import { INT64_MAX } from "../base/int64.ts";
import { WireError } from "./wire_error.ts";

/**
 * Compiles the encoder of one message in one version into straight-line JavaScript, the mirror of
 * compile_decoder.ts: one reservation per run of fixed-size fields, then plain stores.
 *
 * A missing value of a field that may be left out is written as its default. A value of the wrong
 * type or range is a programmer error and asserted. A value that this version cannot carry - a
 * field it lacks, not declared ignorable, with other than its default, or a null where it allows
 * none - is a WireError "UNSUPPORTED_FIELD": the same caller is right with a newer peer.
 */
export function compileEncoder(message: Message, version: number): Encoder {
  const emitter = new EncoderEmitter(shapeOf(message, version));
  emitter.struct(message.fields, "value", message.name);
  const source = [
    `"use strict";`,
    `return function encode${message.name}V${version}(w, value) {`,
    `let b = w.bytes, at = w.at, n = 0, high = 0;`,
    ...emitter.lines,
    `w.at = at;`,
    `}`,
  ].join("\n");
  const make = new Function("defaults", "unsupported", "badValue", source);
  return make(emitter.defaults, unsupported, badValue) as Encoder;
}

function unsupported(field: string, version: number): never {
  throw new WireError("UNSUPPORTED_FIELD", `${field}: not expressible in version ${version}`);
}

function badValue(field: string, value: unknown): never {
  unreachable(`${field} holds a value of another type or range`, value);
}

class EncoderEmitter {
  readonly lines: string[] = [];
  /** Default values that are no literals, by the index that the code uses. */
  readonly defaults: unknown[] = [];
  readonly #shape: Shape;
  #names = 0;

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  /** Emits the writing of the struct that the variable `value` holds. */
  struct(fields: Fields, value: string, path: string): void {
    this.#checkAbsent(fields, value, path);
    let run: [name: string, field: Field][] = [];
    for (const entry of bodyFields(fields, this.#shape)) {
      if (fixedBytesOf(entry[1].kind) > 0) {
        run.push(entry);
        continue;
      }
      this.#fixedRun(run, value, path);
      run = [];
      const inner = `${path}.${entry[0]}`;
      this.#variable(entry[1], this.#load(entry[1], `${value}.${entry[0]}`), inner, false);
    }
    this.#fixedRun(run, value, path);
    if (this.#shape.isFlexible) this.#tagSection(fields, value, path);
  }

  #name(): string {
    return `v${++this.#names}`;
  }

  /** Reads a property into a variable, the default in place of undefined. */
  #load(field: Field, expression: string): string {
    const variable = this.#name();
    const { options } = field;
    const mayBeLeftOut =
      options.versions !== undefined || options.default !== undefined || options.tag !== undefined;
    if (!mayBeLeftOut) {
      this.lines.push(`const ${variable} = ${expression};`);
      return variable;
    }
    this.lines.push(
      `let ${variable} = ${expression};`,
      `if (${variable} === undefined) ${variable} = ${this.#defaultExpression(field)};`,
    );
    return variable;
  }

  #defaultExpression(field: Field): string {
    const value = defaultOf(field);
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    this.defaults.push(value);
    return `defaults[${this.defaults.length - 1}]`;
  }

  /** Fields that this version lacks must hold their defaults, unless they may be dropped. */
  #checkAbsent(fields: Fields, value: string, path: string): void {
    for (const [name, field] of Object.entries(fields)) {
      if (isPresent(field, this.#shape.version) || field.options.ignorable === true) continue;
      const variable = this.#name();
      this.lines.push(
        `const ${variable} = ${value}.${name};`,
        `if (!(${isDefaultExpression(field, variable)})) ${this.#unsupported(`${path}.${name}`)}`,
      );
    }
  }

  #unsupported(path: string): string {
    return `unsupported(${quote(path)}, ${this.#shape.version});`;
  }

  #reserve(count: number): void {
    this.lines.push(
      `if (b.length - at < ${count}) { w.at = at; w.reserve(${count}); b = w.bytes; at = w.at; }`,
    );
  }

  /** Calls a method of the writer, which may move to another buffer. */
  #call(call: string): void {
    this.lines.push(`w.at = at; ${call}; b = w.bytes; at = w.at;`);
  }

  #fixedRun(run: [name: string, field: Field][], value: string, path: string): void {
    if (run.length === 0) return;
    this.#reserve(run.reduce((sum, [, field]) => sum + fixedBytesOf(field.kind), 0));
    for (const [name, field] of run) this.#store(field, `${value}.${name}`, `${path}.${name}`);
  }

  #store(field: Field, expression: string, path: string): void {
    const variable = this.#load(field, expression);
    const check = rangeCheck(field.kind, variable);
    if (check !== "") this.lines.push(`if (${check}) badValue(${quote(path)}, ${variable});`);
    const isCall = field.kind === "uuid" || field.kind === "float64";
    if (isCall) this.#call(`w.${field.kind}(${variable})`);
    else this.lines.push(...storeLines(field.kind, variable));
  }

  /** Emits the writing of the field of varying size that `variable` holds. */
  #variable(field: Field, variable: string, path: string, isTagged: boolean): void {
    if (field.kind === "struct") {
      this.#structField(field, variable, path, isTagged);
      return;
    }
    this.lines.push(`if (${variable} === null) {`);
    if (isNullableIn(field, this.#shape.version)) this.#nullLength(field);
    else this.lines.push(this.#unsupported(path));
    this.lines.push(`} else {`);
    const compact = isCompact(field, this.#shape);
    switch (field.kind) {
      case "string":
        this.#call(`w.${compact ? "compactString" : "string"}(${variable}, ${quote(path)})`);
        break;
      case "bytes":
        this.#call(`w.blob(${variable}, ${compact}, ${quote(path)})`);
        break;
      case "records":
        this.#call(`w.records(${variable}, ${compact}, ${quote(path)})`);
        break;
      default:
        this.#elements(field, variable, path);
    }
    this.lines.push(`}`);
  }

  #nullLength(field: Field): void {
    if (isCompact(field, this.#shape)) {
      this.#reserve(1);
      this.lines.push(`b[at++] = 0;`);
      return;
    }
    const size = field.kind === "string" ? 2 : 4;
    this.#reserve(size);
    for (let index = 0; index < size; index++) this.lines.push(`b[at++] = 255;`);
  }

  #elements(field: Field, variable: string, path: string): void {
    const element = field.element!;
    this.lines.push(`if (!Array.isArray(${variable})) badValue(${quote(path)}, ${variable});`);
    if (isCompact(field, this.#shape)) this.#uvarint(`${variable}.length + 1`);
    else {
      this.#reserve(4);
      this.lines.push(`n = ${variable}.length;`, ...storeLines("int32", "n"));
    }
    const item = this.#name();
    this.lines.push(
      `for (let i = 0; i < ${variable}.length; i++) {`,
      `const ${item} = ${variable}[i];`,
    );
    if (element.kind === "struct") this.struct(element.fields!, item, path);
    else this.#any(element, item, path);
    this.lines.push(`}`);
  }

  #any(field: Field, variable: string, path: string): void {
    const size = fixedBytesOf(field.kind);
    if (size === 0) {
      this.#variable(field, variable, path, false);
      return;
    }
    this.#reserve(size);
    this.#store(field, variable, path);
  }

  #uvarint(expression: string): void {
    this.#reserve(1);
    this.lines.push(`n = ${expression};`, `if (n < 128) b[at++] = n; else {`);
    this.#call(`w.uvarint(n)`);
    this.lines.push(`}`);
  }

  #structField(field: Field, variable: string, path: string, isTagged: boolean): void {
    this.lines.push(`if (${variable} === null) {`);
    const isNullable = isNullableIn(field, this.#shape.version);
    if (isNullable) {
      this.#reserve(1);
      this.lines.push(`b[at++] = ${isTagged ? 0 : 255};`);
    } else {
      this.lines.push(this.#unsupported(path));
    }
    this.lines.push(`} else {`);
    if (isNullable) {
      this.#reserve(1);
      this.lines.push(`b[at++] = 1;`);
    }
    this.struct(field.fields!, variable, path);
    this.lines.push(`}`);
  }

  #tagSection(fields: Fields, value: string, path: string): void {
    const known = taggedFields(fields, this.#shape);
    if (known.length === 0) {
      this.#reserve(1);
      this.lines.push(`b[at++] = 0;`);
      return;
    }
    const present: string[] = [];
    const loaded = known.map(([name, field]) => {
      const [variable, isThere] = [this.#name(), this.#name()];
      this.lines.push(
        `const ${variable} = ${value}.${name};`,
        `const ${isThere} = !(${isDefaultExpression(field, variable)});`,
      );
      present.push(`(${isThere} ? 1 : 0)`);
      return { field, variable, isThere, path: `${path}.${name}` };
    });
    this.#uvarint(present.join(" + "));
    for (const { field, variable, isThere, path: inner } of loaded) {
      const mark = this.#name();
      this.lines.push(`if (${isThere}) {`, `let ${mark} = 0;`);
      this.#call(`${mark} = w.openTag(${field.options.tag})`);
      if (field.kind === "struct") this.#structField(field, variable, inner, true);
      else this.#any(field, variable, inner);
      this.#call(`w.closeTag(${mark})`);
      this.lines.push(`}`);
    }
  }
}

/** Stores a value of fixed size and moves on; there is room. */
function storeLines(kind: Kind, variable: string): string[] {
  switch (kind) {
    case "bool":
      return [`b[at++] = ${variable} ? 1 : 0;`];
    case "int8":
      return [`b[at++] = ${variable};`];
    case "int16":
    case "uint16":
      return [`b[at] = ${variable} >> 8; b[at + 1] = ${variable}; at += 2;`];
    case "int32":
    case "uint32":
      return [...wordLines(variable, 0), `at += 4;`];
    case "int64":
      return [
        `if (${variable} >= ${INT64_MAX}) { high = 2147483647; n = -1; }`,
        `else { high = Math.floor(${variable} / 4294967296);`,
        `n = ${variable} - high * 4294967296; }`,
        ...wordLines("high", 0),
        ...wordLines("n", 4),
        `at += 8;`,
      ];
    default:
      unreachable("no store for this kind", kind);
  }
}

function wordLines(variable: string, offset: number): string[] {
  const store = (index: number): string =>
    `b[at + ${offset + index}] = ${variable} >> ${24 - index * 8};`;
  return [store(0), store(1), store(2), store(3)];
}

/** An expression that is true when the value is no value of this kind. */
function rangeCheck(kind: Kind, variable: string): string {
  switch (kind) {
    case "bool":
      return `typeof ${variable} !== "boolean"`;
    case "int8":
      return `${variable} << 24 >> 24 !== ${variable}`;
    case "int16":
      return `${variable} << 16 >> 16 !== ${variable}`;
    case "uint16":
      return `(${variable} & 65535) !== ${variable}`;
    case "int32":
      return `(${variable} | 0) !== ${variable}`;
    case "uint32":
      return `${variable} >>> 0 !== ${variable}`;
    case "int64":
      return `Math.floor(${variable}) !== ${variable}`;
    default:
      return "";
  }
}

/** An expression that is true when `variable` holds the field's default, or nothing. */
function isDefaultExpression(field: Field, variable: string): string {
  const value = defaultOf(field);
  const isMissing = `${variable} === undefined`;
  if (value === null) return `${isMissing} || ${variable} === null`;
  if (typeof value !== "object") return `${isMissing} || ${variable} === ${JSON.stringify(value)}`;
  if (field.kind === "struct") {
    const inner = Object.entries(field.fields!).map(
      ([name, one]) => `(${isDefaultExpression(one, `${variable}.${name}`)})`,
    );
    return `${isMissing} || ${variable} !== null && ${inner.join(" && ")}`;
  }
  assert(value === EMPTY_BYTES || Array.isArray(value), "unforeseen default", field.kind);
  return `${isMissing} || ${variable} !== null && ${variable}.length === 0`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
