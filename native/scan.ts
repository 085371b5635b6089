import { assert } from "../engine/base/assert.ts";

/**
 * What a scan of record batches (magic 2) reports. The scans themselves: `scanBatch` and `scanRun` of
 * native.ts, in C (native/batch_scan.c) and in TypeScript (native/batch_scan.ts), proven equal.
 *
 * 64-bit fields are doubles: exact within the safe range, rounded once beyond it; Long.MAX_VALUE
 * reads as 2^63, as everywhere in Millrace.
 */

/** Require offset deltas 0..n-1 and recordsCount = lastOffsetDelta + 1 > 0: what producers must send. */
export const SCAN_DENSE = 1;
/** Walk the records of uncompressed batches too: lengths, deltas, counts, nothing left over. */
export const SCAN_RECORDS = 2;
/** The checks that Kafka makes (and a few it should) on a batch that a client produces. */
export const SCAN_PRODUCE = SCAN_DENSE | SCAN_RECORDS;

/** Reason codes of a scan. The numbers are shared with native/batch_scan.c. */
export const SCAN_OK = 0;
export const SCAN_TOO_SHORT = 1;
export const SCAN_LENGTH_TOO_SMALL = 2;
export const SCAN_LENGTH_MISMATCH = 3;
export const SCAN_BAD_MAGIC = 4;
export const SCAN_BAD_CRC = 5;
export const SCAN_BAD_COUNT = 6;
export const SCAN_BAD_RECORD_LENGTH = 7;
export const SCAN_BAD_OFFSET_DELTA = 8;
export const SCAN_BAD_KEY = 9;
export const SCAN_BAD_VALUE = 10;
export const SCAN_BAD_HEADERS = 11;
export const SCAN_BAD_TIMESTAMP = 12;
export const SCAN_RECORD_LEFT_OVER = 13;
export const SCAN_BATCH_LEFT_OVER = 14;
/** scanRun only: the bytes end inside a batch; `neededBytes` says how many it would take, if known. */
export const SCAN_PARTIAL = 15;
/** scanRun only: the result is full; go on from `stoppedAt`. */
export const SCAN_FULL = 16;

const REASON_TEXTS: readonly string[] = [
  "valid",
  "shorter than a batch header (61 bytes)",
  "batchLength is below the minimum of 49",
  "batchLength does not match the bytes given",
  "magic is not 2",
  "CRC-32C does not match",
  "recordsCount does not fit lastOffsetDelta",
  "a record's length is malformed or runs beyond the batch",
  "a record's offset delta is malformed or out of sequence",
  "a record's key length is malformed or runs beyond the record",
  "a record's value length is malformed or runs beyond the record",
  "a record's headers are malformed or run beyond the record",
  "a record's timestamp delta is malformed",
  "bytes are left over after the last field of a record",
  "bytes are left over after the last record",
  "the bytes end inside a batch",
  "the result holds no more batches",
];

/** A sentence fragment for people: "magic is not 2". */
export function scanReasonText(reason: number): string {
  const text = REASON_TEXTS[reason];
  assert(text !== undefined, "unknown scan reason", reason);
  return text;
}

/**
 * The result of `scanBatch`: a plain object made once and filled again and again. The header's fields
 * are set unless the reason is TOO_SHORT, LENGTH_TOO_SMALL or LENGTH_MISMATCH; they are worth something
 * after SCAN_OK and every reason beyond SCAN_BAD_CRC.
 */
export class BatchScan {
  /** Bytes of the whole batch. */
  sizeBytes = 0;
  leaderEpoch = 0;
  /** All 16 bits, reserved ones included: reported, not judged. Signed, as the header stores it. */
  attributes = 0;
  /** Bits 0-2 of `attributes`; 0 means that records were walked (with SCAN_RECORDS). */
  codec = 0;
  baseOffset = 0;
  lastOffsetDelta = 0;
  baseTimestamp = 0;
  /** As the header claims. */
  maxTimestamp = 0;
  producerId = 0;
  producerEpoch = 0;
  baseSequence = 0;
  recordsCount = 0;
  /**
   * The batch is valid and its records were walked: uncompressed, and SCAN_RECORDS given. The next five
   * fields are set then, else -1 and false.
   */
  walked = false;
  /** Largest and smallest of baseTimestamp + timestampDelta; -1 without records. */
  walkedMaxTimestamp = -1;
  walkedMinTimestamp = -1;
  /** Offset delta of the first record that carries walkedMaxTimestamp; -1 without records. */
  maxTimestampOffsetDelta = -1;
  hasNullKey = false;
  /** Index of the first record without a key; -1 when there is none. */
  firstNullKey = -1;
  /** Index of the record that a reason is about; -1 when the reason is about the batch. */
  badRecord = -1;
}

/** Enough for a megabyte of smallest batches from one producer at a time; larger runs take more calls. */
export const RUN_SCAN_BATCHES = 4096;

const FLOAT_COLUMNS = 6;
const INT_COLUMNS = 7;
/** Result words before the columns: count, stoppedAt, neededBytes, badRecord. */
const RUN_HEAD_FLOATS = 4;

/**
 * The result of `scanRun`: one column per field, row i is batch i. Made once and filled again and
 * again; all columns are views of one allocation that native code fills.
 *
 *   head (4 f64) | baseOffset[] lastOffset[] position[] baseTimestamp[] maxTimestamp[] producerId[]
 *   | size[] leaderEpoch[] attributes[] lastOffsetDelta[] producerEpoch[] baseSequence[] recordsCount[]
 *
 * Rows [0, count) are valid; the rest is left from earlier calls.
 */
export class RunScan {
  readonly capacity: number;
  /** The whole allocation: what native code is handed. */
  readonly memory: Uint8Array;
  readonly head: Float64Array;
  readonly baseOffset: Float64Array;
  readonly lastOffset: Float64Array;
  /** Index into the scanned bytes. */
  readonly position: Float64Array;
  readonly baseTimestamp: Float64Array;
  readonly maxTimestamp: Float64Array;
  readonly producerId: Float64Array;
  /** Bytes of the whole batch. */
  readonly size: Int32Array;
  readonly leaderEpoch: Int32Array;
  readonly attributes: Int32Array;
  readonly lastOffsetDelta: Int32Array;
  readonly producerEpoch: Int32Array;
  readonly baseSequence: Int32Array;
  readonly recordsCount: Int32Array;

  constructor(capacity: number = RUN_SCAN_BATCHES) {
    // At least 64 rows keep the allocation above 4 KiB, where it never moves (native/README.md).
    assert(Number.isInteger(capacity) && capacity >= 64, "run scan too small", capacity);
    assert(capacity % 2 === 0, "run scan of an odd capacity", capacity);
    this.capacity = capacity;
    const floats = RUN_HEAD_FLOATS + FLOAT_COLUMNS * capacity;
    const buffer = new ArrayBuffer(floats * 8 + INT_COLUMNS * capacity * 4);
    this.memory = new Uint8Array(buffer);
    this.head = new Float64Array(buffer, 0, RUN_HEAD_FLOATS);
    const floatColumn = (index: number) =>
      new Float64Array(buffer, (RUN_HEAD_FLOATS + index * capacity) * 8, capacity);
    const intColumn = (index: number) =>
      new Int32Array(buffer, floats * 8 + index * capacity * 4, capacity);
    this.baseOffset = floatColumn(0);
    this.lastOffset = floatColumn(1);
    this.position = floatColumn(2);
    this.baseTimestamp = floatColumn(3);
    this.maxTimestamp = floatColumn(4);
    this.producerId = floatColumn(5);
    this.size = intColumn(0);
    this.leaderEpoch = intColumn(1);
    this.attributes = intColumn(2);
    this.lastOffsetDelta = intColumn(3);
    this.producerEpoch = intColumn(4);
    this.baseSequence = intColumn(5);
    this.recordsCount = intColumn(6);
  }

  /** Valid batches found. */
  get count(): number {
    return this.head[0]!;
  }

  /** Index into the scanned bytes of the first byte that is not part of a valid batch. */
  get stoppedAt(): number {
    return this.head[1]!;
  }

  /** After SCAN_PARTIAL: bytes from `stoppedAt` that the batch there takes, or 0 when not known yet. */
  get neededBytes(): number {
    return this.head[2]!;
  }

  /** Index of the record that the reason is about; -1 when it is about the batch. */
  get badRecord(): number {
    return this.head[3]!;
  }
}
