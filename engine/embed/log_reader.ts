import { assert } from "../base/assert.ts";
import type { Clock } from "../io/clock.ts";
import type { FileRange } from "../log/read_plan.ts";
import { AbortedProducers } from "../model/aborted_producers.ts";
import { UNPACKED_BYTES_MAX, batchesIn, packedRecordsOf } from "../model/batch_run.ts";
import type { BatchSpan } from "../model/batch_run.ts";
import { Codec, CompressionError } from "../model/compression.ts";
import type { Codecs } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { DiskFault, KafkaError, UsageError } from "../model/errors.ts";
import type { Offset } from "../model/offsets.ts";
import * as batch from "../model/record_batch.ts";
import { RecordsError, readRecords } from "../model/records.ts";
import type { Crc32c, StoredRecord } from "../model/records.ts";
import type { Isolation } from "../partition/partition.ts";
import type { ReadableLog } from "./readable_log.ts";

export interface ReadOptions {
  /** First offset wanted (default: the oldest). */
  readonly from?: number;
  /** Bytes of one read from disk (default 1 MiB); a larger batch is read whole all the same. */
  readonly maxBytes?: number;
  /** What to do when `from` is not, or no longer, in the log: an error, or start at the oldest. */
  readonly onOutOfRange?: "error" | "earliest";
  /** "committed" leaves out what aborted transactions wrote, and ends before an open one. */
  readonly isolation?: Isolation;
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
}

/** One batch as it is stored: `bytes` hold it whole, header and all. */
export interface StoredBatch {
  readonly bytes: Uint8Array;
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
}

export interface LogReaderParts {
  readonly source: ReadableLog;
  readonly clock: Clock;
  readonly codecs: Codecs;
  readonly crc32c: Crc32c;
  /** Fires when the log is closed. */
  readonly closed: AbortSignal;
}

interface ReadRequest {
  readonly from: Offset;
  /** Where to end; null: never. */
  readonly end: Offset | null;
  readonly maxBytes: number;
  readonly isolation: Isolation;
  readonly resetsToEarliest: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Whole batches of one read from disk, those of aborted transactions left out. */
interface Run {
  readonly bytes: Uint8Array;
  readonly spans: readonly BatchSpan[];
}

const READ_BYTES_DEFAULT = 1024 * 1024;

/** One step of warming: long enough to be worth a thread, short enough not to hold it. */
const WARM_STEP_BYTES = 1024 * 1024;

/**
 * Batches whose stored records are larger are unpacked off the loop, which the smaller ones hold for a
 * fifth of a millisecond at most; the way to a thread and back costs about half of that
 * (bench/micro/embed.bench.ts).
 */
const UNPACK_NOW_BYTES_MAX = 32 * 1024;

/**
 * LogReader: the ways to read a log from a given offset.
 *
 *   from ...|== run: whole batches, one read ==|== run ==| ... high watermark
 *
 * Every batch is checked by its CRC. Each iteration has its own place and memory; any number may be
 * under way. Errors: KafkaError (OFFSET_OUT_OF_RANGE, CORRUPT_MESSAGE, NOT_LEADER_OR_FOLLOWER when the
 * topic was deleted), DiskFault.
 */
export class LogReader {
  readonly #parts: LogReaderParts;

  constructor(parts: LogReaderParts) {
    this.#parts = parts;
  }

  /** Up to the high watermark of the moment of the first `next()`, or on and on. */
  async *records(
    options: ReadOptions,
    forever: boolean,
  ): AsyncGenerator<StoredRecord, void, undefined> {
    const request = this.#begin(options, forever);
    let next = request.from;
    for await (const { bytes, spans } of this.#runs(request)) {
      for (const span of spans) {
        for (const record of await this.#unpack(bytes, span)) {
          // A batch may begin before the offset that was asked for.
          if (record.offset < next) continue;
          if (this.#isOver(request)) return;
          yield record;
          next = (record.offset + 1) as Offset;
        }
      }
    }
  }

  async *batches(
    options: ReadOptions,
    forever: boolean,
  ): AsyncGenerator<StoredBatch, void, undefined> {
    const request = this.#begin(options, forever);
    for await (const { bytes, spans } of this.#runs(request)) {
      for (const { start, end } of spans) {
        if (this.#isOver(request)) return;
        yield {
          bytes: bytes.subarray(start, end),
          baseOffset: batch.baseOffsetOf(bytes, start),
          lastOffset: batch.lastOffsetOf(bytes, start),
        };
      }
    }
  }

  #begin(options: ReadOptions, forever: boolean): ReadRequest {
    const isolation = options.isolation ?? "uncommitted";
    const resetsToEarliest = options.onOutOfRange === "earliest";
    return {
      from: this.#firstOffset(options.from, resetsToEarliest),
      end: forever ? null : this.#readableEnd(isolation),
      maxBytes: wholeNumber("maxBytes", options.maxBytes ?? READ_BYTES_DEFAULT, 1),
      isolation,
      resetsToEarliest,
      signal: options.signal,
    };
  }

  #firstOffset(wanted: number | undefined, resetsToEarliest: boolean): Offset {
    const { source } = this.#parts;
    const { logStartOffset } = source.log;
    if (wanted === undefined) return logStartOffset;
    const from = wholeNumber("from", wanted, Number.MIN_SAFE_INTEGER);
    if (from >= logStartOffset && from <= source.highWatermark) return from as Offset;
    if (resetsToEarliest) return logStartOffset;
    throw new KafkaError(
      ErrorCode.OFFSET_OUT_OF_RANGE,
      `offset ${from} is not in ${nameOf(source)}, which holds ${logStartOffset} to ${source.highWatermark}`,
    );
  }

  async *#runs(request: ReadRequest): AsyncGenerator<Run, void, undefined> {
    const { source } = this.#parts;
    const { end, isolation, maxBytes, resetsToEarliest } = request;
    let next = request.from;
    while (!this.#isOver(request) && (end === null || next < end)) {
      const plan = source.planRead(next, maxBytes, isolation, true);
      if (plan.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && resetsToEarliest) {
        // Retention, or a deletion of records, overtook the reader.
        next = source.log.logStartOffset;
        continue;
      }
      if (plan.errorCode !== ErrorCode.NONE) throw refused(source, plan.errorCode, next);
      if (plan.byteCount === 0) {
        if (end !== null) return;
        await this.#progress(next, request);
        continue;
      }
      const bytes = await this.#read(plan.ranges, plan.byteCount, next);
      if (bytes === null) continue;
      const run = this.#checked(bytes, plan.abortedTransactions, next, end);
      next = run.next;
      if (run.spans.length === 0) continue;
      yield run;
      // What is in the page cache needs no waiting: timers and sockets are to have their turn all the same.
      await new Promise<void>((resolve) => this.#parts.clock.atEndOfTick(resolve));
    }
  }

  /** Null: the records were deleted in the meantime, and a new plan will say so. */
  async #read(
    ranges: readonly FileRange[],
    byteCount: number,
    next: Offset,
  ): Promise<Uint8Array | null> {
    const { source } = this.#parts;
    try {
      const bytes = new Uint8Array(byteCount);
      let at = 0;
      for (const { file, position, length } of ranges) {
        for (let done = 0; done < length; done += WARM_STEP_BYTES) {
          const step = Math.min(WARM_STEP_BYTES, length - done);
          // What is not in the page cache is fetched off the loop, which would stall otherwise.
          if (!file.isResident(position + done, step)) await file.warm(position + done, step);
          const count = file.read(bytes, at, step, position + done);
          at += count;
          if (count < step) return bytes.subarray(0, at);
        }
      }
      return bytes;
    } catch (error) {
      const isDeleted = source.isGone || source.log.logStartOffset > next;
      if (error instanceof DiskFault && isDeleted) return null;
      throw error;
    }
  }

  /** The whole batches in `bytes` that end after `from` and begin before `end`, each checked. */
  #checked(
    bytes: Uint8Array,
    abortedTransactions: readonly { producerId: number; firstOffset: Offset }[] | null,
    from: Offset,
    end: Offset | null,
  ): Run & { readonly next: Offset } {
    const aborted = abortedTransactions === null ? null : new AbortedProducers(abortedTransactions);
    const spans: BatchSpan[] = [];
    let next = from;
    for (const span of batchesIn(bytes, 0, bytes.length)) {
      const { start } = span;
      if (end !== null && batch.baseOffsetOf(bytes, start) >= end) break;
      const crc = this.#parts.crc32c(bytes, start + batch.ATTRIBUTES_AT, span.end);
      if (crc !== batch.crcOf(bytes, start)) throw this.#damaged(next, "its CRC does not match");
      const after = batch.nextOffsetOf(bytes, start);
      if (after <= next) continue;
      next = after;
      if (aborted?.covers(bytes, span) !== true) spans.push(span);
    }
    if (next === from) throw this.#damaged(next, "no whole batch stands there");
    return { bytes, spans, next };
  }

  async #unpack(bytes: Uint8Array, span: BatchSpan): Promise<Iterable<StoredRecord>> {
    const { codecs } = this.#parts;
    try {
      const packed = packedRecordsOf(bytes, span);
      if (packed === null) return NO_RECORDS;
      const { codec } = packed;
      const isSmall = codec === Codec.none || packed.bytes.length <= UNPACK_NOW_BYTES_MAX;
      const unpacked = isSmall
        ? codecs.decompressNow(codec, packed.bytes, UNPACKED_BYTES_MAX)
        : await codecs.decompress(codec, packed.bytes, UNPACKED_BYTES_MAX);
      return this.#parsed(bytes, span, unpacked);
    } catch (error) {
      if (!(error instanceof CompressionError)) throw error;
      throw this.#damaged(batch.baseOffsetOf(bytes, span.start), error.message, error);
    }
  }

  *#parsed(
    bytes: Uint8Array,
    span: BatchSpan,
    unpacked: Uint8Array,
  ): Generator<StoredRecord, void, undefined> {
    try {
      yield* readRecords(bytes, span.start, unpacked);
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error;
      throw this.#damaged(batch.baseOffsetOf(bytes, span.start), error.message, error);
    }
  }

  #damaged(offset: Offset, reason: string, cause?: unknown): KafkaError {
    const where = nameOf(this.#parts.source);
    return new KafkaError(
      ErrorCode.CORRUPT_MESSAGE,
      `the batch at offset ${offset} of ${where} is damaged: ${reason}`,
      cause,
    );
  }

  #readableEnd(isolation: Isolation): Offset {
    const { source } = this.#parts;
    return isolation === "committed" ? source.lastStableOffset : source.highWatermark;
  }

  #isOver(request: ReadRequest): boolean {
    return this.#parts.closed.aborted || request.signal?.aborted === true;
  }

  /** Resolves when there may be more to read at `next`, or when there is no point in waiting. */
  #progress(next: Offset, request: ReadRequest): Promise<void> {
    const { closed, source } = this.#parts;
    return new Promise((resolve) => {
      const stop = (): void => {
        cancel();
        request.signal?.removeEventListener("abort", stop);
        closed.removeEventListener("abort", stop);
        resolve();
      };
      const cancel = source.wait({ onProgress: stop });
      request.signal?.addEventListener("abort", stop);
      closed.addEventListener("abort", stop);
      const isThere = this.#readableEnd(request.isolation) > next;
      if (isThere || source.isGone || this.#isOver(request)) stop();
    });
  }
}

const NO_RECORDS: readonly StoredRecord[] = [];

function nameOf(source: ReadableLog): string {
  return `${source.topic}-${source.index}`;
}

function refused(source: ReadableLog, code: ErrorCode, next: Offset): KafkaError {
  const { logStartOffset } = source.log;
  const reason = code === ErrorCode.OFFSET_OUT_OF_RANGE
    ? `it holds ${logStartOffset} to ${source.highWatermark}`
    : source.isGone
      ? "the topic was deleted, or its log closed"
      : "the disk failed or holds damage there";
  return new KafkaError(code, `cannot read ${nameOf(source)} at offset ${next}: ${reason}`);
}

function wholeNumber(name: string, value: number, min: number): number {
  assert(Number.isSafeInteger(min), "bound of an option", min);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new UsageError(`${name}: ${String(value)} is not a whole number${min === 1 ? " above 0" : ""}`);
}
