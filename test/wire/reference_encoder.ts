import type { Field, Fields, Message } from "../../engine/wire/schema.ts";
import { defaultOf } from "../../engine/wire/layout.ts";
import { includesVersion, parseVersions } from "../../engine/wire/version_range.ts";

/**
 * The encoding of a message by the plainest reading of the protocol: a list of numbers, one field after
 * the other, nothing compiled, bigint for 64 bits. Slow; what the compiled encoders are compared with.
 */
export function referenceEncode(
  message: Message,
  version: number,
  value: Record<string, unknown>,
): Uint8Array {
  const isFlexible = includesVersion(message.flexible, version);
  const out: number[] = [];
  struct(out, message.fields, value, version, isFlexible);
  return Uint8Array.from(out);
}

function isIn(range: string | undefined, version: number): boolean {
  return range === undefined || includesVersion(parseVersions(range), version);
}

function struct(
  out: number[],
  fields: Fields,
  value: Record<string, unknown>,
  version: number,
  isFlexible: boolean,
): void {
  const present = Object.entries(fields).filter(([, field]) => isIn(field.options.versions, version));
  for (const [name, field] of present) {
    if (field.options.tag === undefined) one(out, field, value[name], version, isFlexible, false);
  }
  if (!isFlexible) return;
  const tagged = present
    .filter(([name, field]) => field.options.tag !== undefined && !isDefault(field, value[name]))
    .sort(([, first], [, second]) => first.options.tag! - second.options.tag!);
  uvarint(out, tagged.length);
  for (const [name, field] of tagged) {
    const data: number[] = [];
    one(data, field, value[name], version, isFlexible, true);
    uvarint(out, field.options.tag!);
    uvarint(out, data.length);
    out.push(...data);
  }
}

function isDefault(field: Field, value: unknown): boolean {
  return Bun.deepEquals(value, defaultOf(field));
}

function one(
  out: number[],
  field: Field,
  value: unknown,
  version: number,
  isFlexible: boolean,
  isTagged: boolean,
): void {
  const isCompact = isFlexible && field.options.flexible === undefined;
  switch (field.kind) {
    case "struct":
      if (field.isNullable && isIn(field.options.nullable, version)) {
        if (value === null) {
          out.push(isTagged ? 0 : 255);
          return;
        }
        out.push(1);
      }
      struct(out, field.fields!, value as Record<string, unknown>, version, isFlexible);
      return;
    case "array": {
      const elements = value as unknown[] | null;
      length(out, elements?.length ?? -1, isCompact, 4);
      for (const element of elements ?? []) {
        one(out, field.element!, element, version, isFlexible, false);
      }
      return;
    }
    case "string": {
      const text = value === null ? null : new TextEncoder().encode(value as string);
      length(out, text?.length ?? -1, isCompact, 2);
      out.push(...(text ?? []));
      return;
    }
    case "bytes":
    case "records": {
      const data = value as Uint8Array | null;
      length(out, data?.length ?? -1, isCompact, 4);
      out.push(...(data ?? []));
      return;
    }
    default:
      fixed(out, field.kind, value);
  }
}

function length(out: number[], count: number, isCompact: boolean, size: number): void {
  if (isCompact) uvarint(out, count + 1);
  else integer(out, BigInt(count), size);
}

function fixed(out: number[], kind: Field["kind"], value: unknown): void {
  switch (kind) {
    case "bool":
      out.push(value === true ? 1 : 0);
      return;
    case "uuid":
      out.push(...Buffer.from(value as string, "base64url"));
      return;
    case "float64": {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value as number);
      out.push(...new Uint8Array(view.buffer));
      return;
    }
    case "int64":
      integer(out, value === 2 ** 63 ? 2n ** 63n - 1n : BigInt(value as number), 8);
      return;
    default:
      integer(out, BigInt(value as number), kind === "int8" ? 1 : kind.endsWith("16") ? 2 : 4);
  }
}

function integer(out: number[], value: bigint, size: number): void {
  for (let shift = size - 1; shift >= 0; shift--) out.push(Number((value >> BigInt(shift * 8)) & 255n));
}

function uvarint(out: number[], value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  out.push(rest);
}
