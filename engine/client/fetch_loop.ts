import type { Cluster, TopicPlace } from "./cluster.ts";
import { findErrorMessage } from "./error_message.ts";
import { AbortedProducers } from "../model/aborted_producers.ts";
import { batchesIn, recordsOfBatch } from "../model/batch_run.ts";
import * as batch from "../model/record_batch.ts";
import type { Codecs } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError } from "../model/errors.ts";
import type { Offset } from "../model/offsets.ts";
import type { StoredRecord } from "../model/records.ts";
import { fetchRequest, fetchResponse } from "../wire/api/01_fetch.ts";

export interface FetchedRecord extends StoredRecord {
  readonly partition: number;
}

export interface FetchLoopOptions {
  readonly codecs: Codecs;
  /** Leave out what aborted transactions wrote, and what open ones may still abort. */
  readonly committedOnly: boolean;
  /** Ends when no record came for so long. */
  readonly idleMs: number;
  /** Where to end, by partition; null: never. */
  readonly ends: ReadonlyMap<number, Offset> | null;
}

/** How long the broker may hold an empty answer back. */
const WAIT_MS = 500;
const FETCH_BYTES_MAX = 16 * 1024 * 1024;
const PARTITION_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Reads partitions of one topic from given offsets on: one fetch after the other at each leader,
 * without a fetch session. Yields the records of one answer at a time, in order within a partition.
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

  async *batches(): AsyncGenerator<FetchedRecord[], void, undefined> {
    let idleMs = 0;
    for (;;) {
      this.#dropFinished();
      if (this.#next.size === 0) return;
      let count = 0;
      for (const [leader, partitions] of this.#byLeader()) {
        const waitMs = Math.min(WAIT_MS, this.#options.idleMs - idleMs);
        const records = await this.#fetch(leader, partitions, waitMs);
        count += records.length;
        if (records.length > 0) yield records;
      }
      idleMs = count > 0 ? 0 : idleMs + WAIT_MS;
      if (idleMs >= this.#options.idleMs) return;
    }
  }

  #dropFinished(): void {
    if (this.#options.ends === null) return;
    for (const [partition, offset] of this.#next) {
      if (offset >= (this.#options.ends.get(partition) ?? 0)) this.#next.delete(partition);
    }
  }

  #byLeader(): Map<number, number[]> {
    const groups = new Map<number, number[]>();
    for (const partition of this.#next.keys()) {
      const leader = this.#topic.leaders[partition]!;
      const group = groups.get(leader);
      if (group === undefined) groups.set(leader, [partition]);
      else group.push(partition);
    }
    return groups;
  }

  async #fetch(leader: number, partitions: readonly number[], waitMs: number): Promise<FetchedRecord[]> {
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
    const records: FetchedRecord[] = [];
    for (const result of answer.responses[0]?.partitions ?? []) {
      const partition = result.partitionIndex;
      this.#refuse(result.errorCode, `${this.#topic.name} ${partition} at ${this.#next.get(partition)}`);
      if (result.records === null) continue;
      const aborted = new AbortedProducers(result.abortedTransactions ?? []);
      this.#take(partition, result.records, aborted, records);
    }
    return records;
  }

  #take(
    partition: number,
    bytes: Uint8Array,
    aborted: AbortedProducers,
    records: FetchedRecord[],
  ): void {
    for (const span of batchesIn(bytes, 0, bytes.length)) {
      const from = this.#next.get(partition)!;
      const next = batch.nextOffsetOf(bytes, span.start);
      if (!aborted.covers(bytes, span)) {
        for (const record of recordsOfBatch(bytes, span, from, this.#options.codecs)) {
          records.push({ ...record, partition });
        }
      }
      if (next > from) this.#next.set(partition, next);
    }
  }

  #refuse(code: number, what: string): void {
    if (code === ErrorCode.NONE) return;
    throw new KafkaError(code as ErrorCode, `${what}: ${findErrorMessage(code)}`);
  }
}
