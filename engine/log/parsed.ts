/** The outcome of reading a small file: its value, or what is wrong with it and where. */
export type Parsed<Value> = { readonly ok: true; readonly value: Value } | Malformed;

export interface Malformed {
  readonly ok: false;
  /** A sentence fragment: "unknown version 7". */
  readonly reason: string;
  /** The bytes that are to blame: [start, end). */
  readonly start: number;
  readonly end: number;
}

export function parsed<Value>(value: Value): Parsed<Value> {
  return { ok: true, value };
}

export function malformed(reason: string, start: number, end: number): Malformed {
  return { ok: false, reason, start, end };
}
