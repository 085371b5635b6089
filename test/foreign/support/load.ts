/**
 * Load with a history: producers and consumers that talk to one broker over the wire client, write
 * down in a ledger what they were told, and pick up after the broker was killed.
 */
import { Client, ConnectionLost } from "../../../engine/client/client.ts";
import { NativeCodecs } from "../../../engine/io/compression.ts";
import { batchesIn, recordsOfBatch } from "../../../engine/model/batch_run.ts";
import type { Codec } from "../../../engine/model/compression.ts";
import type { Uuid } from "../../../engine/base/uuid.ts";
import type { Offset, TimestampMs } from "../../../engine/model/offsets.ts";
import { nextOffsetOf, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE } from "../../../engine/model/record_batch.ts";
import { encodeRecords, sealBatch } from "../../../engine/model/records.ts";
import { produceRequest, produceResponse } from "../../../engine/wire/api/00_produce.ts";
import { fetchRequest, fetchResponse } from "../../../engine/wire/api/01_fetch.ts";
import { listOffsetsRequest, listOffsetsResponse } from "../../../engine/wire/api/02_list_offsets.ts";
import { metadataRequest, metadataResponse } from "../../../engine/wire/api/03_metadata.ts";
import { createTopicsRequest, createTopicsResponse } from "../../../engine/wire/api/19_create_topics.ts";
import { initProducerIdRequest, initProducerIdResponse } from "../../../engine/wire/api/22_init_producer_id.ts";
import { crc32c } from "../../../native/crc32c.ts";
import { Lane, type LedgerBatch, type LogRecord, PartitionLedger, recordValue } from "./ledger.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** Names of the error codes that this load reacts to. */
const NONE = 0;
const UNKNOWN_TOPIC_OR_PARTITION = 3;
const LEADER_NOT_AVAILABLE = 5;
const NOT_LEADER = 6;
const COORDINATOR_LOAD_IN_PROGRESS = 14;
const KAFKA_STORAGE_ERROR = 56;
const OUT_OF_ORDER_SEQUENCE = 45;
const DUPLICATE_SEQUENCE_NUMBER = 46;
const UNKNOWN_TOPIC_ID = 100;
const RETRIABLE: readonly number[] = [
  UNKNOWN_TOPIC_OR_PARTITION,
  LEADER_NOT_AVAILABLE,
  NOT_LEADER,
  COORDINATOR_LOAD_IN_PROGRESS,
  UNKNOWN_TOPIC_ID,
];

const FETCH_BYTES = 4 << 20;
const REQUEST_TIMEOUT_MS = 30_000;
const RETRY_MS = 20;

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

export interface LoadOptions {
  readonly topics: readonly TopicSpec[];
  /** Idempotent producers; each writes to every partition. */
  readonly idempotentProducers: number;
  /** Producers without ids, acks=1; each writes to every partition. */
  readonly plainProducers: number;
  readonly inFlightMax: number;
  readonly recordsPerBatchMax: number;
  readonly valueBytesMax: number;
  readonly random: SeededRandom;
  /** Between two batches of a lane: bounds what one run writes. */
  readonly pauseMs: number;
  /** On KAFKA_STORAGE_ERROR: try again until the disk has room, or end the run as if the broker had died. */
  readonly onStorageError?: "retry" | "end";
}

interface Producer {
  readonly isIdempotent: boolean;
  readonly lanes: Lane[];
  producerId: number;
  producerEpoch: number;
}

const codecs = new NativeCodecs();
const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

/** A broker said no to what it must take. */
export class Refused extends Error {
  readonly code: number;

  constructor(what: string, code: number) {
    super(`${what}: error code ${code}`);
    this.code = code;
  }
}

/**
 * Owner: one test. `run` until the connection is lost (the broker was killed) or `stop`; then
 * `settle` against the broker started again; `verify` when nothing is under way.
 */
export class Load {
  readonly partitions: PartitionLedger[] = [];
  /** Answers with KAFKA_STORAGE_ERROR: a full or failed disk. The batch stays pending. */
  storageErrors = 0;
  readonly #options: LoadOptions;
  readonly #producers: Producer[] = [];
  readonly #topicIds = new Map<string, Uuid>();
  #isRunning = false;
  #isFrozen = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    for (const topic of options.topics) {
      for (let index = 0; index < topic.partitions; index++) {
        this.partitions.push(new PartitionLedger(topic.name, index));
      }
    }
    let laneId = 0;
    const count = options.idempotentProducers + options.plainProducers;
    for (let index = 0; index < count; index++) {
      const isIdempotent = index < options.idempotentProducers;
      const lanes = this.partitions.map((ledger) => {
        const lane = new Lane(laneId++, ledger.topic, ledger.partition, isIdempotent);
        ledger.lanes.set(lane.id, lane);
        return lane;
      });
      this.#producers.push({ isIdempotent, lanes, producerId: -1, producerEpoch: -1 });
    }
  }

  get acknowledgedRecords(): number {
    return this.#producers.flatMap((each) => each.lanes).reduce((sum, lane) => sum + lane.acknowledgedCount, 0);
  }

  async createTopics(port: number): Promise<void> {
    const client = await connect(port);
    for (const topic of this.#options.topics) await createTopic(client, topic);
    client.close();
  }

  /** Sends again what the last run left unanswered, in order and one by one. */
  async settle(port: number): Promise<void> {
    this.#isFrozen = false;
    await this.#withProducers(port, async (client, producer) => {
      for (const lane of producer.lanes) {
        if (!producer.isIdempotent) lane.abandonPending();
        for (const batch of [...lane.pending]) await this.#deliver(client, lane, batch);
      }
    });
  }

  /**
   * Takes what `verify` found in the log as acknowledged. Before `settle` on Kafka, which after an unclean
   * stop knows a producer's last batch only, and refuses to hear of the four before it again.
   */
  acknowledgeStored(): void {
    for (const lane of this.#producers.flatMap((producer) => producer.lanes)) {
      for (const batch of lane.isIdempotent ? [...lane.pending] : []) {
        if (batch.first + batch.count - 1 <= lane.lastSeen) lane.acknowledge(batch, -1);
      }
    }
  }

  /** Produces and consumes until the connection is lost or `stop` is called; then nothing is under way. */
  async run(port: number): Promise<void> {
    this.#isRunning = true;
    this.#isFrozen = false;
    const consuming = this.#consume(port).catch(ignoreLoss);
    await this.#withProducers(port, async (client, producer) => {
      await Promise.all(producer.lanes.map((lane) => this.#drive(client, producer, lane)));
    }).catch(ignoreLoss);
    this.#isRunning = false;
    await consuming;
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** Answers that come from now on do not count, as if the machine had lost power at this moment. */
  freeze(): void {
    this.#isFrozen = true;
    this.#isRunning = false;
  }

  /** Holds every log against the ledger; `full` reads from the first record on. */
  async verify(port: number, full: boolean, mayLoseTail = false): Promise<string[]> {
    const client = await connect(port);
    await this.#learnTopicIds(client);
    const problems: string[] = [];
    for (const ledger of this.partitions) {
      if (full) ledger.startOver();
      const from = ledger.verifiedOffset;
      const end = await this.#endOffset(client, ledger);
      if (end < from) {
        problems.push(`${ledger.topic}-${ledger.partition}: the log ends at ${end}, it reached ${from} before`);
        continue;
      }
      const records: LogRecord[] = [];
      for (let next = from; next < end;) {
        const result = await this.#fetch(client, ledger, next, 0);
        if (result.next === next) throw new Error(`nothing at ${next} of ${ledger.topic}-${ledger.partition}, end ${end}`);
        records.push(...result.records);
        next = result.next;
      }
      ledger.consumedOffset = end;
      problems.push(...ledger.verify(records, mayLoseTail));
    }
    client.close();
    return problems;
  }

  /** Where each log ends, as a consumer is told. */
  async endOffsets(port: number): Promise<number[]> {
    const client = await connect(port);
    try {
      return await Promise.all(this.partitions.map((ledger) => this.#endOffset(client, ledger)));
    } finally {
      client.close();
    }
  }

  async #withProducers(port: number, work: (client: Client, producer: Producer) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(this.#producers.map(async (producer) => {
      const client = await connect(port);
      try {
        await this.#learnTopicIds(client);
        if (producer.isIdempotent && producer.producerId < 0) await initProducer(client, producer);
        await work(client, producer);
      } finally {
        client.close();
      }
    }));
    const failures = results.filter((result) => result.status === "rejected").map((result) => result.reason as Error);
    const serious = failures.find((failure) => !(failure instanceof ConnectionLost));
    if (serious !== undefined) throw serious;
    if (failures.length > 0) throw failures[0]!;
  }

  async #learnTopicIds(client: Client): Promise<void> {
    const names = this.#options.topics.map(({ name }) => ({ name }));
    for (;;) {
      const answer = await client.call(
        { request: metadataRequest, response: metadataResponse },
        { topics: names, allowAutoTopicCreation: false },
      );
      for (const topic of answer.topics) this.#topicIds.set(topic.name!, topic.topicId);
      const wrong = answer.topics.find((topic) => topic.errorCode !== NONE);
      if (wrong === undefined) return;
      if (!RETRIABLE.includes(wrong.errorCode)) throw new Refused(`metadata of ${wrong.name}`, wrong.errorCode);
      await Bun.sleep(RETRY_MS); // Kafka's brokers learn of a topic a little after its creation
    }
  }

  /** One lane: new batches, up to `inFlightMax` under way. */
  async #drive(client: Client, producer: Producer, lane: Lane): Promise<void> {
    const underWay = new Set<Promise<void>>();
    let failure: unknown = null;
    while (this.#isRunning && failure === null) {
      const batch = this.#nextBatch(producer, lane);
      lane.pending.push(batch);
      const sent = this.#deliver(client, lane, batch).catch((error: unknown) => {
        failure ??= error;
      }).finally(() => underWay.delete(sent));
      underWay.add(sent);
      if (underWay.size >= this.#options.inFlightMax) await Promise.race(underWay);
      if (this.#options.pauseMs > 0) await Bun.sleep(this.#options.pauseMs);
    }
    await Promise.all(underWay);
    if (failure !== null) throw failure;
  }

  #nextBatch(producer: Producer, lane: Lane): LedgerBatch {
    const { random, recordsPerBatchMax, valueBytesMax } = this.#options;
    const count = random.between(1, recordsPerBatchMax);
    const first = lane.nextNumber;
    const bytes = random.between(10, valueBytesMax);
    const records = Array.from({ length: count }, (_, index) => ({
      value: utf8.encode(recordValue(lane.id, first + index, bytes)),
    }));
    const region = encodeRecords(records, Date.now() as TimestampMs);
    const codec = random.between(0, 4) as Codec;
    const sequence = lane.nextSequence;
    const batch = sealBatch(region, {
      packed: codec === 0 ? region.bytes : codecs.compressNow(codec, region.bytes),
      attributes: codec,
      producerId: producer.isIdempotent ? producer.producerId : NO_PRODUCER_ID,
      producerEpoch: producer.isIdempotent ? producer.producerEpoch : NO_PRODUCER_EPOCH,
      baseSequence: producer.isIdempotent ? sequence : NO_SEQUENCE,
    }, crc32c);
    lane.nextNumber += count;
    lane.nextSequence += count;
    return { first, count, sequence, bytes: batch };
  }

  /** Until the broker has it. A refusal that no retry can mend is an error. */
  async #deliver(client: Client, lane: Lane, batch: LedgerBatch): Promise<void> {
    for (;;) {
      const answer = await client.call({ request: produceRequest, response: produceResponse }, {
        acks: lane.isIdempotent ? -1 : 1,
        timeoutMs: REQUEST_TIMEOUT_MS,
        topicData: [{
          name: lane.topic,
          topicId: this.#topicIds.get(lane.topic)!,
          partitionData: [{ index: lane.partition, records: batch.bytes }],
        }],
      });
      if (this.#isFrozen) throw new ConnectionLost("the power is off");
      const result = answer.responses[0]!.partitionResponses[0]!;
      if (result.errorCode === NONE || result.errorCode === DUPLICATE_SEQUENCE_NUMBER) {
        lane.acknowledge(batch, result.errorCode === NONE ? result.baseOffset : -1);
        return;
      }
      if (result.errorCode === KAFKA_STORAGE_ERROR) {
        this.storageErrors++;
        if (this.#options.onStorageError === "end") throw new ConnectionLost("the disk has failed");
        if (this.#options.onStorageError === "retry") {
          await Bun.sleep(RETRY_MS);
          if (lane.isIdempotent) continue;
          lane.abandon(batch); // a later one may be stored already
          return;
        }
      }
      // Refused because one before it was: it goes once that one is through.
      const isBehindAnother = result.errorCode === OUT_OF_ORDER_SEQUENCE && lane.pending[0] !== batch;
      if (isBehindAnother) {
        await Bun.sleep(RETRY_MS);
        continue;
      }
      if (!RETRIABLE.includes(result.errorCode)) {
        const what = `lane ${lane.id} ${lane.topic}-${lane.partition}, sequence ${batch.sequence}`;
        throw new Refused(`${what}: ${result.errorMessage ?? ""}`, result.errorCode);
      }
      await Bun.sleep(RETRY_MS);
    }
  }

  async #consume(port: number): Promise<void> {
    const client = await connect(port);
    try {
      await this.#learnTopicIds(client);
      while (this.#isRunning) {
        for (const ledger of this.partitions) {
          const { records, next } = await this.#fetch(client, ledger, ledger.consumedOffset, 5);
          if (this.#isFrozen) return;
          for (const { offset, value } of records) {
            const [lane, number] = value.split(" ", 2);
            ledger.seen.set(offset, `${lane} ${number}`);
          }
          ledger.consumedOffset = next;
        }
      }
    } finally {
      client.close();
    }
  }

  async #fetch(
    client: Client,
    ledger: PartitionLedger,
    from: number,
    maxWaitMs: number,
  ): Promise<{ records: LogRecord[]; next: number }> {
    const answer = await client.call({ request: fetchRequest, response: fetchResponse }, {
      maxWaitMs,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      isolationLevel: 0,
      topics: [{
        topic: ledger.topic,
        topicId: this.#topicIds.get(ledger.topic)!,
        partitions: [{ partition: ledger.partition, fetchOffset: from, partitionMaxBytes: FETCH_BYTES }],
      }],
      forgottenTopicsData: [],
    });
    const result = answer.responses[0]?.partitions[0];
    const code = answer.errorCode !== NONE ? answer.errorCode : result?.errorCode ?? NONE;
    if (code !== NONE) throw new Refused(`fetch of ${ledger.topic}-${ledger.partition} at ${from}`, code);
    const records: LogRecord[] = [];
    let next = from;
    const bytes = result?.records ?? new Uint8Array(0);
    for (const span of batchesIn(bytes, 0, bytes.length)) {
      for (const record of recordsOfBatch(bytes, span, from as Offset, codecs)) {
        records.push({ offset: record.offset, value: fromUtf8.decode(record.value!) });
      }
      next = nextOffsetOf(bytes, span.start);
    }
    return { records, next };
  }

  async #endOffset(client: Client, ledger: PartitionLedger): Promise<number> {
    const answer = await client.call({ request: listOffsetsRequest, response: listOffsetsResponse }, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: ledger.topic, partitions: [{ partitionIndex: ledger.partition, timestamp: -1 }] }],
    });
    const result = answer.topics[0]!.partitions[0]!;
    if (result.errorCode !== NONE) throw new Refused(`end of ${ledger.topic}-${ledger.partition}`, result.errorCode);
    return result.offset;
  }
}

export function connect(port: number): Promise<Client> {
  return Client.connect({ host: "127.0.0.1", port, clientId: "load" });
}

export async function createTopic(client: Client, topic: TopicSpec): Promise<void> {
  const configs = Object.entries(topic.configs).map(([name, value]) => ({ name, value }));
  const answer = await client.call({ request: createTopicsRequest, response: createTopicsResponse }, {
    topics: [{ name: topic.name, numPartitions: topic.partitions, replicationFactor: 1, assignments: [], configs }],
    timeoutMs: REQUEST_TIMEOUT_MS,
  });
  const code = answer.topics[0]!.errorCode;
  if (code !== NONE) throw new Refused(`creating ${topic.name}`, code);
}

async function initProducer(client: Client, producer: Producer): Promise<void> {
  for (;;) {
    const answer = await client.call(
      { request: initProducerIdRequest, response: initProducerIdResponse },
      { transactionalId: null, transactionTimeoutMs: 60_000 },
    );
    if (answer.errorCode === NONE) {
      producer.producerId = answer.producerId;
      producer.producerEpoch = answer.producerEpoch;
      return;
    }
    if (!RETRIABLE.includes(answer.errorCode)) throw new Refused("a producer id", answer.errorCode);
    await Bun.sleep(RETRY_MS);
  }
}

function ignoreLoss(error: unknown): void {
  if (!(error instanceof ConnectionLost)) throw error;
}
