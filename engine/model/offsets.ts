import type { Brand } from "../base/brand.ts";

/** The place of a record in its partition: 0, 1, 2 ... A safe integer; -1 stands for "none". */
export type Offset = Brand<number, "Offset">;

/** Counts the leaders that a partition has had. Rises with each new one; -1 stands for "unknown". */
export type LeaderEpoch = Brand<number, "LeaderEpoch">;

/** Milliseconds since 1970 by the wall clock; -1 stands for "none". Only for records and retention. */
export type TimestampMs = Brand<number, "TimestampMs">;

/** Milliseconds of a clock that never jumps. Only differences mean anything. */
export type MonotonicMs = Brand<number, "MonotonicMs">;

export const NO_OFFSET = -1 as Offset;
export const NO_EPOCH = -1 as LeaderEpoch;
export const NO_TIMESTAMP = -1 as TimestampMs;

export function offset(value: number): Offset {
  return value as Offset;
}

export function offsetAfter(base: Offset, delta: number): Offset {
  return (base + delta) as Offset;
}
