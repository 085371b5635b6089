import type { Cluster, TopicPlace } from "./cluster.ts";
import { findErrorMessage } from "./error_message.ts";
import { AbortedProducers } from "../model/aborted_producers.ts";
import { batchesIn, recordsOfBatch } from "../model/batch_run.ts";
import type { BatchSpan } from "../model/batch_run.ts";
import * as batch from "../model/record_batch.ts";
import { CompressionError } from "../model/compression.ts";
import type { Codecs } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError } from "../model/errors.ts";
import type { Offset } from "../model/offsets.ts";
import { RecordsError } from "../model/records.ts";
import type { Crc32c, StoredRecord } from "../model/records.ts";
import { fetchRequest, fetchResponse } from "../wire/api/01_fetch.ts";

/** Records of one partition, in order. To be iterated once; unpacked as they are. */
export interface FetchedRecords {
  readonly partition: number;
  readonly records: Iterable<StoredRecord>;
}

export interface FetchLoopOptions {
  readonly codecs: Codecs;
  readonly crc32c: Crc32c;
  /** Leave out what aborted transactions wrote, and what open ones may still abort. */
  readonly committedOnly: boolean;
  /** Ends when no record came for so long. */
  readonly idleMs: number;
  /** Where to end, by partition; null: never. */
  readonly ends: ReadonlyMap<number, Offset> | null;
}

/** What one answer holds of one partition. */
interface FetchedBytes {
  readonly partition: number;
  readonly bytes: Uint8Array;
  readonly spans: readonly BatchSpan[];
  /** A batch may begin before the offset that was asked for. */
  readonly from: Offset;
}

/** How long the broker may hold an empty answer back. */
const WAIT_MS = 500;
const FETCH_BYTES_MAX = 16 * 1024 * 1024;
const PARTITION_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Reads partitions of one topic from given offsets on, without a fetch session: the next fetch is under
 * way while the records of the last one are used, so that two answers at most are in memory.
 *
 * Errors: KafkaError (CORRUPT_MESSAGE for a batch that arrived damaged), ConnectionLost.
 */
export class FetchLoop {
  readonly #cluster: Cluster;
  readonly #topic: TopicPlace;
  readonly #options: FetchLoopOptions;
  readonly #next: Map<number, Offset>;

  constructor(
    cluster: Cluster,
    topic: TopicPlace,
    starts: ReadonlyMap<number, Offset>,
    options: FetchLoopOptions,
  ) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#next = new Map(starts);
    this.#options = options;
  }

  async *records(): AsyncGenerator<FetchedRecords, void, undefined> {
    let idleMs = 0;
    let fetching = this.#fetchAll(idleMs);
    while (fetching !== null) {
      const fetched = await fetching;
      idleMs = fetched.length > 0 ? 0 : idleMs + WAIT_MS;
      fetching = idleMs >= this.#options.idleMs ? null : this.#fetchAll(idleMs);
      fetching?.catch(() => {}); // for the next round, unless nobody wants one
      for (const one of fetched) yield { partition: one.partition, records: this.#recordsOf(one) };
    }
  }

  /** One fetch at each leader; null when every partition has been read to its end. */
  #fetchAll(idleMs: number): Promise<FetchedBytes[]> | null {
    const waitMs = Math.min(WAIT_MS, this.#options.idleMs - idleMs);
    const byLeader = new Map<number, number[]>();
    for (const [partition, offset] of this.#next) {
      const end = this.#options.ends?.get(partition) ?? Number.POSITIVE_INFINITY;
      if (offset >= end) continue;
      const leader = this.#topic.leaders[partition] ?? -1;
      const group = byLeader.get(leader);
      if (group === undefined) byLeader.set(leader, [partition]);
      else group.push(partition);
    }
    if (byLeader.size === 0) return null;
    const all = [...byLeader].map(([leader, partitions]) => this.#fetch(leader, partitions, waitMs));
    return Promise.all(all).then((fetched) => fetched.flat());
  }

  async #fetch(leader: number, partitions: readonly number[], waitMs: number): Promise<FetchedBytes[]> {
    const client = await this.#cluster.broker(leader);
    const answer = await client.call({ request: fetchRequest, response: fetchResponse }, {
      maxWaitMs: Math.max(0, Math.ceil(waitMs)),
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
      isolationLevel: this.#options.committedOnly ? 1 : 0,
      topics: [{
        topic: this.#topic.name,
        topicId: this.#topic.id,
        partitions: partitions.map((partition) => ({
          partition,
          fetchOffset: this.#next.get(partition)!,
          partitionMaxBytes: PARTITION_BYTES_MAX,
        })),
      }],
      forgottenTopicsData: [],
    });
    this.#refuse(answer.errorCode, "fetch");
    const fetched: FetchedBytes[] = [];
    for (const result of answer.responses[0]?.partitions ?? []) {
      const partition = result.partitionIndex;
      this.#refuse(result.errorCode, `${this.#topic.name} ${partition} at ${this.#next.get(partition)}`);
      if (result.records === null) continue;
      const aborted = new AbortedProducers(result.abortedTransactions ?? []);
      const before = this.#next.get(partition)!;
      const taken = this.#take(partition, result.records, aborted);
      if (this.#next.get(partition)! > before) fetched.push(taken);
    }
    return fetched;
  }

  /** Moves on behind the whole batches in `bytes`, so that the next fetch can start. */
  #take(partition: number, bytes: Uint8Array, aborted: AbortedProducers): FetchedBytes {
    const from = this.#next.get(partition)!;
    const spans: BatchSpan[] = [];
    let next = from;
    for (const span of batchesIn(bytes, 0, bytes.length)) {
      const crc = this.#options.crc32c(bytes, span.start + batch.ATTRIBUTES_AT, span.end);
      const isWhole = crc === batch.crcOf(bytes, span.start);
      if (!isWhole) throw this.#damaged(partition, next, "its CRC does not match");
      const after = batch.nextOffsetOf(bytes, span.start);
      if (!aborted.covers(bytes, span)) spans.push(span);
      if (after > next) next = after;
    }
    this.#next.set(partition, next);
    return { partition, bytes, spans, from };
  }

  *#recordsOf({ partition, bytes, spans, from }: FetchedBytes): Generator<StoredRecord, void, undefined> {
    const end = this.#options.ends?.get(partition) ?? Number.POSITIVE_INFINITY;
    for (const span of spans) {
      try {
        for (const record of recordsOfBatch(bytes, span, from, this.#options.codecs)) {
          if (record.offset >= end) return;
          yield record;
        }
      } catch (error) {
        if (!(error instanceof RecordsError || error instanceof CompressionError)) throw error;
        throw this.#damaged(partition, batch.baseOffsetOf(bytes, span.start), error.message, error);
      }
    }
  }

  #damaged(partition: number, offset: Offset, reason: string, cause?: unknown): KafkaError {
    return new KafkaError(
      ErrorCode.CORRUPT_MESSAGE,
      `${this.#topic.name} ${partition}: the batch at offset ${offset} arrived damaged: ${reason}`,
      cause,
    );
  }

  #refuse(code: number, what: string): void {
    if (code === ErrorCode.NONE) return;
    throw new KafkaError(code as ErrorCode, `${what}: ${findErrorMessage(code)}`);
  }
}
