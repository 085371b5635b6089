import { writeInt64 } from "../base/int64.ts";
import type { Clock } from "../io/clock.ts";
import type { AppendResult } from "../log/append_result.ts";
import { Codec } from "../model/compression.ts";
import type { CodecName, Codecs } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError, UsageError } from "../model/errors.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import {
  BASE_OFFSET_AT,
  BATCH_HEADER_BYTES,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
} from "../model/record_batch.ts";
import { encodeRecords, plainBatch, sealBatch } from "../model/records.ts";
import type { Crc32c, RecordInput, StoredRecord } from "../model/records.ts";
import type { Partition } from "../partition/partition.ts";
import { AppendAborted } from "./append_aborted.ts";
import { EarlyWriter } from "./early_writer.ts";
import { LogReader } from "./log_reader.ts";
import type { ReadOptions, StoredBatch } from "./log_reader.ts";
import { toRecordInput } from "./record.ts";
import type { EmbeddedRecord } from "./record.ts";
import type { ReadableLog } from "./readable_log.ts";

export interface AppendOptions {
  /** Default "none". The batch is compressed off the loop. */
  readonly compression?: CodecName;
  readonly signal?: AbortSignal;
}

export interface EmbeddedLogParts {
  readonly source: ReadableLog;
  /** The same again, when it may be appended to. */
  readonly partition: Partition | null;
  readonly clock: Clock;
  readonly codecs: Codecs;
  readonly crc32c: Crc32c;
  /** Lets the data directory go. */
  readonly release: () => Promise<void>;
}

interface Decided {
  readonly baseOffset: Offset;
  readonly settled: Promise<void>;
}

/**
 * EmbeddedLog: one partition, used in the program that holds it.
 *
 *   append(records) -- offsets are decided in the order of the calls --> resolves once acknowledged
 *   read()          log start ........ high watermark                   ends there
 *   follow()        log start ........ high watermark ........ and on   ends with its signal
 *
 * In flush mode "commit" what is acknowledged is on the device, and nothing is read that could vanish; in
 * mode "os" the operating system has it.
 *
 * Lifetime of views: keys, values and batches that a reader yields lie in memory of their own read
 * (`maxBytes` at a time) and stay as they are for as long as they are held; holding one record holds the
 * memory of its read. What is given to `append` is copied before it returns; arrays given to `appendBatch`
 * belong to the log until its promise settles, and are stamped in place.
 *
 * Concurrency: any number of appends and readers at once. Errors: KafkaError with the protocol's code
 * (`error.code === "OFFSET_OUT_OF_RANGE"`), its subclass DiskFault, AppendAborted ("ABORTED"), UsageError
 * ("USAGE") for arguments that cannot be.
 */
export class EmbeddedLog implements AsyncDisposable {
  readonly topic: string;
  readonly partition: number;
  readonly #parts: EmbeddedLogParts;
  readonly #reader: LogReader;
  readonly #writer: EarlyWriter | null;
  readonly #closed = new AbortController();
  /** The last append that waits for its turn: later ones queue behind it. */
  #queue: Promise<unknown> | null = null;
  #lastSettled: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(parts: EmbeddedLogParts) {
    const { clock, partition, source } = parts;
    this.#parts = parts;
    this.topic = source.topic;
    this.partition = source.index;
    this.#reader = new LogReader({ ...parts, closed: this.#closed.signal });
    this.#writer = partition === null ? null : new EarlyWriter(partition.log, clock);
  }

  /** The oldest offset that can be read. */
  get logStartOffset(): Offset {
    return this.#parts.source.log.logStartOffset;
  }

  /** One past the last offset that can be read. */
  get highWatermark(): Offset {
    return this.#parts.source.highWatermark;
  }

  /** The next offset to be handed out: ahead of the high watermark while appends are under way. */
  get logEndOffset(): Offset {
    return this.#parts.source.log.logEndOffset;
  }

  /**
   * Appends records as one batch. Resolves to the offset of the first once it is acknowledged; the others
   * follow it. Offsets have the order of the calls, whatever was compressed in between. Rejects with
   * AppendAborted when the signal fires first; what was being written then is in the log all the same.
   */
  append(
    records: EmbeddedRecord | readonly EmbeddedRecord[],
    options?: AppendOptions,
  ): Promise<Offset> {
    try {
      this.#requireWritable(options?.signal);
      const inputs = Array.isArray(records)
        ? (records as readonly EmbeddedRecord[]).map(toRecordInput)
        : [toRecordInput(records as EmbeddedRecord)];
      if (inputs.length === 0) throw new UsageError("append at least one record");
      const nowMs = this.#parts.clock.wallMs();
      const codec = codecOf(options?.compression);
      const { signal } = options ?? NO_OPTIONS;
      return codec === Codec.none
        ? this.#append([plainBatch(inputs, nowMs, this.#parts.crc32c)], signal)
        : this.#appendLater(this.#compressed(inputs, nowMs, codec), signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Appends one encoded batch (v2), whole or in pieces of which the first holds at least the header. The
   * offset that it carries does not count: its new one is stamped in place with the leader epoch, and
   * what this resolves to.
   */
  appendBatch(bytes: Uint8Array | readonly Uint8Array[], signal?: AbortSignal): Promise<Offset> {
    try {
      this.#requireWritable(signal);
      const pieces = bytes instanceof Uint8Array ? [bytes] : bytes;
      if (pieces.length === 0 || pieces[0]!.length < BATCH_HEADER_BYTES) {
        const header = `its header of ${BATCH_HEADER_BYTES} bytes`;
        throw new UsageError(`the first piece of a batch must hold ${header}`);
      }
      // It may come from another log, or from an append before.
      writeInt64(pieces[0]!, BASE_OFFSET_AT, 0);
      return this.#append(pieces, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The records from `from` to where the high watermark was when the iteration began. */
  read(options: ReadOptions = {}): AsyncGenerator<StoredRecord, void, undefined> {
    return this.#reader.records(options, false);
  }

  /**
   * The records from `from` on, for ever: ends when the signal fires or the log is closed. Waiting does not
   * keep the process alive, unless the log is `readOnly`: then what comes, comes from another one.
   */
  follow(options: ReadOptions = {}): AsyncGenerator<StoredRecord, void, undefined> {
    return this.#reader.records(options, true);
  }

  /** Like `read`, a batch at a time and nothing unpacked. The first may begin before `from`. */
  readBatches(options: ReadOptions = {}): AsyncGenerator<StoredBatch, void, undefined> {
    return this.#reader.batches(options, false);
  }

  /** Like `follow`, a batch at a time and nothing unpacked. */
  followBatches(options: ReadOptions = {}): AsyncGenerator<StoredBatch, void, undefined> {
    return this.#reader.batches(options, true);
  }

  /** The offset of the first record whose timestamp is `timestamp` (ms) or later; null: there is none. */
  async offsetForTimestamp(timestamp: number): Promise<Offset | null> {
    const hit = await this.#parts.source.offsetForTimestamp(timestamp as TimestampMs, "uncommitted");
    return hit === null ? null : hit.offset;
  }

  /** Everything appended so far is on the device when this resolves, whatever the flush mode. */
  async flush(): Promise<void> {
    this.#requireWritable(undefined);
    await this.#queue;
    await this.#parts.partition!.log.flush();
  }

  /**
   * Waits for the appends under way, ends the readers and lets the data directory go: closed cleanly when
   * nobody else in this process has it open.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#queue;
    await this.#lastSettled.catch(ignore); // whoever appended hears of it
    this.#closed.abort();
    await this.#parts.release();
  }

  #requireWritable(signal: AbortSignal | undefined): void {
    if (this.#parts.partition === null) {
      throw new UsageError(`${this.topic}-${this.partition} was opened with readOnly: append nothing`);
    }
    if (this.#closing !== null) {
      throw new KafkaError(
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        `the log ${this.topic}-${this.partition} was closed`,
      );
    }
    if (signal?.aborted === true) throw new AppendAborted(null, signal.reason);
  }

  async #compressed(
    inputs: readonly RecordInput[],
    nowMs: TimestampMs,
    codec: Codec,
  ): Promise<readonly Uint8Array[]> {
    const { codecs, crc32c } = this.#parts;
    const region = encodeRecords(inputs, nowMs);
    const packed = await codecs.compress(codec, region.bytes);
    const fields = {
      packed,
      attributes: codec,
      producerId: NO_PRODUCER_ID,
      producerEpoch: NO_PRODUCER_EPOCH,
      baseSequence: NO_SEQUENCE,
    };
    return [sealBatch(region, fields, crc32c)];
  }

  #append(pieces: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<Offset> {
    if (this.#queue !== null) return this.#appendLater(Promise.resolve(pieces), signal);
    const result = this.#parts.partition!.appendInOrder(pieces);
    if (result instanceof Promise) {
      const decided = result.then((known) => this.#decided(known));
      this.#enqueue(decided);
      return settledOrAborted(decided, { isDone: true }, signal);
    }
    const known = this.#decided(result);
    if (signal === undefined) return known.settled.then(() => known.baseOffset);
    return settledOrAborted(Promise.resolve(known), { isDone: true }, signal);
  }

  /** Behind the appends that are queued already, when `batch` is ready, and unless the signal has fired. */
  #appendLater(
    batch: Promise<readonly Uint8Array[]>,
    signal: AbortSignal | undefined,
  ): Promise<Offset> {
    const handover = { isDone: false };
    const decided = Promise.all([batch, this.#queue]).then(async ([pieces]) => {
      if (signal?.aborted === true) throw new AppendAborted(null, signal.reason);
      handover.isDone = true;
      return this.#decided(await this.#parts.partition!.appendInOrder(pieces));
    });
    this.#enqueue(decided);
    return settledOrAborted(decided, handover, signal);
  }

  #enqueue(decided: Promise<unknown>): void {
    const queue: Promise<unknown> = decided.then(ignore, ignore).then(() => {
      if (this.#queue === queue) this.#queue = null;
    });
    this.#queue = queue;
  }

  #decided(result: AppendResult): Decided {
    if (!result.ok) throw new KafkaError(result.errorCode, result.message);
    const settled = this.#writer!.appended(result.settled);
    this.#lastSettled = settled;
    return { baseOffset: result.baseOffset, settled };
  }
}

/** Whether the partition has been given the batch: from then on it cannot be taken back. */
interface Handover {
  readonly isDone: boolean;
}

async function settle(decided: Promise<Decided>): Promise<Offset> {
  const { baseOffset, settled } = await decided;
  await settled;
  return baseOffset;
}

/** The base offset; or AppendAborted as soon as it is known what the abort left in the log. */
function settledOrAborted(
  decided: Promise<Decided>,
  handover: Handover,
  signal: AbortSignal | undefined,
): Promise<Offset> {
  const done = settle(decided);
  if (signal === undefined) return done;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      const refuse = (baseOffset: Offset | null) => reject(new AppendAborted(baseOffset, signal.reason));
      if (handover.isDone) decided.then((known) => refuse(known.baseOffset), reject);
      else refuse(null);
    };
    signal.addEventListener("abort", abort, { once: true });
    done.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

const NO_OPTIONS: AppendOptions = {};

function codecOf(name: CodecName | undefined): Codec {
  if (name === undefined) return Codec.none;
  const codec = Codec[name] as Codec | undefined;
  if (codec !== undefined) return codec;
  throw new UsageError(`compression ${String(name)}: give none, gzip, snappy, lz4 or zstd`);
}

function ignore(): void {}
