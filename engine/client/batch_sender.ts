import type { Client } from "./client.ts";
import type { Cluster, TopicPlace } from "./cluster.ts";
import { findErrorMessage } from "./error_message.ts";
import type { Codecs } from "../model/compression.ts";
import { Codec } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError } from "../model/errors.ts";
import type { TimestampMs } from "../model/offsets.ts";
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE } from "../model/record_batch.ts";
import { encodeRecords, sealBatch } from "../model/records.ts";
import type { Crc32c, RecordInput } from "../model/records.ts";
import { produceRequest, produceResponse } from "../wire/api/00_produce.ts";

export interface BatchSenderOptions {
  readonly codecs: Codecs;
  readonly codec: Codec;
  readonly crc32c: Crc32c;
  /** 0: no answer; 1: the leader has it; -1: all in-sync replicas have it. */
  readonly acks: 0 | 1 | -1;
  /** A batch goes out when its records reach this size. */
  readonly batchBytes: number;
  readonly now: () => TimestampMs;
}

interface Filling {
  records: RecordInput[];
  bytes: number;
}

/** Requests under way at once: enough to keep a broker busy, few enough to bound memory. */
const IN_FLIGHT_MAX = 5;
const TIMEOUT_MS = 30_000;

/**
 * After so many bytes every batch goes out, full or not: a record that waits for a batch that fills
 * slowly may hold the memory of a whole read.
 */
const GATHERED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Gathers records into batches and sends them in order, several requests under way. The first error
 * ends it: nothing is sent again, so nothing is there twice.
 */
export class BatchSender {
  readonly #cluster: Cluster;
  readonly #topic: TopicPlace;
  readonly #options: BatchSenderOptions;
  readonly #filling = new Map<number, Filling>();
  readonly #underWay = new Set<Promise<void>>();
  #failure: unknown = null;
  /** Since everything was sent last. */
  #gatheredBytes = 0;
  /** Records that the broker acknowledged (acks=0: that were sent). */
  acknowledged = 0;

  constructor(cluster: Cluster, topic: TopicPlace, options: BatchSenderOptions) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#options = options;
  }

  /**
   * Null when there is room for the next record, else a promise of it, which rejects with the first error.
   * The record's bytes must stay as they are until it is sent.
   */
  add(partition: number, record: RecordInput): Promise<void> | null {
    let filling = this.#filling.get(partition);
    if (filling === undefined) this.#filling.set(partition, (filling = { records: [], bytes: 0 }));
    const size = (record.key?.length ?? 0) + (record.value?.length ?? 0) + RECORD_OVERHEAD_BYTES;
    filling.records.push(record);
    filling.bytes += size;
    this.#gatheredBytes += size;
    if (this.#gatheredBytes >= GATHERED_BYTES_MAX) return this.#sendAll();
    return filling.bytes >= this.#options.batchBytes ? this.#send(partition) : null;
  }

  /** Sends what is gathered and waits for every answer. */
  async flush(): Promise<void> {
    await this.#sendAll();
    await Promise.all(this.#underWay);
    this.#throwFailure();
  }

  async #sendAll(): Promise<void> {
    this.#gatheredBytes = 0;
    for (const partition of [...this.#filling.keys()]) await this.#send(partition);
  }

  async #send(partition: number): Promise<void> {
    const filling = this.#filling.get(partition);
    this.#filling.delete(partition);
    if (filling === undefined) return;
    while (this.#underWay.size >= IN_FLIGHT_MAX) await Promise.race(this.#underWay);
    this.#throwFailure();
    const client = await this.#cluster.broker(this.#topic.leaders[partition] ?? -1);
    const batch = this.#encode(filling.records);
    const sent = this.#request(client, partition, batch, filling.records.length)
      .catch((error: unknown) => {
        this.#failure ??= error;
      });
    this.#underWay.add(sent);
    void sent.finally(() => this.#underWay.delete(sent));
  }

  #encode(records: readonly RecordInput[]): Uint8Array {
    const { codec, codecs, crc32c, now } = this.#options;
    const region = encodeRecords(records, now());
    const packed = codecs.compressNow(codec, region.bytes);
    // As librdkafka: compression that does not help is left off.
    const helps = codec !== Codec.none && packed.length < region.bytes.length;
    return sealBatch(region, {
      packed: helps ? packed : region.bytes,
      attributes: helps ? codec : Codec.none,
      producerId: NO_PRODUCER_ID,
      producerEpoch: NO_PRODUCER_EPOCH,
      baseSequence: NO_SEQUENCE,
    }, crc32c);
  }

  async #request(client: Client, partition: number, batch: Uint8Array, count: number): Promise<void> {
    const { acks } = this.#options;
    const value = {
      acks,
      timeoutMs: TIMEOUT_MS,
      topicData: [{
        name: this.#topic.name,
        topicId: this.#topic.id,
        partitionData: [{ index: partition, records: batch }],
      }],
    };
    if (acks === 0) {
      client.tell(produceRequest, value);
      await client.drained();
    } else {
      const answer = await client.call({ request: produceRequest, response: produceResponse }, value);
      const result = answer.responses[0]!.partitionResponses[0]!;
      if (result.errorCode !== ErrorCode.NONE) {
        const reason = result.errorMessage ?? findErrorMessage(result.errorCode);
        throw new KafkaError(result.errorCode as ErrorCode, `${this.#topic.name} ${partition}: ${reason}`);
      }
    }
    this.acknowledged += count;
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

/** What a record takes beside key and value, roughly. */
const RECORD_OVERHEAD_BYTES = 10;
