import { UsageError } from "../model/errors.ts";
import type { RecordHeader, RecordInput } from "../model/records.ts";

/** A record to append. Strings are stored as UTF-8. */
export interface EmbeddedRecord {
  readonly key?: Uint8Array | string | null;
  /** Null marks a key as deleted, in a compacted topic. */
  readonly value: Uint8Array | string | null;
  readonly headers?: readonly EmbeddedHeader[];
  /** Milliseconds since 1970 (default: the time of the append). */
  readonly timestamp?: number;
}

export interface EmbeddedHeader {
  readonly key: string;
  readonly value: Uint8Array | string | null;
}

const utf8 = new TextEncoder();

/**
 * The record with bytes in place of strings; itself where there are none. Throws UsageError for what is
 * no record: a mistake of the program, told where it was made and not by a damaged batch.
 */
export function toRecordInput(record: EmbeddedRecord): RecordInput {
  const { headers, key, timestamp, value } = record;
  const isPlain = (key == null || key instanceof Uint8Array) &&
    (value === null || value instanceof Uint8Array) &&
    headers === undefined && timestamp === undefined;
  if (isPlain) return record as RecordInput;
  if (timestamp !== undefined && (!Number.isSafeInteger(timestamp) || timestamp < 0)) {
    throw new UsageError(`timestamp ${String(timestamp)}: give whole milliseconds since 1970`);
  }
  return {
    key: toBytes("key", key ?? null),
    value: toBytes("value", value),
    ...(headers === undefined ? {} : { headers: headers.map(toHeader) }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}

function toHeader(header: EmbeddedHeader): RecordHeader {
  if (typeof header.key !== "string") throw new UsageError("a header needs a key that is a string");
  return { key: header.key, value: toBytes(`header ${header.key}`, header.value) };
}

function toBytes(what: string, field: Uint8Array | string | null): Uint8Array | null {
  if (field === null || field instanceof Uint8Array) return field;
  if (typeof field === "string") return utf8.encode(field);
  throw new UsageError(`${what} of a record: give a Uint8Array, a string or null, not ${typeof field}`);
}
