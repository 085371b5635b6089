/**
 * Reads partitions back through @platformatic/kafka's decoder and codecs, none of which are ours:
 * plain Fetch and ListOffsets requests, no group.
 */
import { Consumer } from "@platformatic/kafka";
import type { PlainRecord } from "./suite_broker.ts";

export interface ReadRecord extends PlainRecord {
  readonly offset: number;
}

const FETCH_BYTES = 8 << 20;
const IDLE_FETCHES_MAX = 20;

export class PartitionReader {
  readonly #consumer: Consumer<string, string, string, string>;

  constructor(address: string) {
    this.#consumer = new Consumer({
      clientId: "reader",
      groupId: "unused",
      bootstrapBrokers: [address],
      retries: 3,
    });
  }

  async close(): Promise<void> {
    await this.#consumer.close(true);
  }

  /** Records from `from` on until `count` have come. */
  read(topic: string, partition: number, from: number, count: number): Promise<ReadRecord[]> {
    return this.#read(topic, partition, from, (found) => found.length >= count);
  }

  /** Records from `from` on, until the one before `end` was passed. */
  async readUpTo(topic: string, partition: number, from: number, end: number): Promise<ReadRecord[]> {
    return from === end ? [] : this.#read(topic, partition, from, (_found, next) => next >= end);
  }

  async #read(
    topic: string,
    partition: number,
    from: number,
    isEnough: (found: readonly ReadRecord[], next: number) => boolean,
  ): Promise<ReadRecord[]> {
    const metadata = await this.#consumer.metadata({ topics: [topic], forceUpdate: true });
    const topicId = metadata.topics.get(topic)!.id;
    const found: ReadRecord[] = [];
    let next = from;
    for (let idle = 0; !isEnough(found, next) && idle < IDLE_FETCHES_MAX; idle++) {
      const response = await this.#consumer.fetch({
        node: metadata.topics.get(topic)!.partitions[partition]!.leader,
        topics: [{
          topicId,
          partitions: [{
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: BigInt(next),
            lastFetchedEpoch: -1,
            partitionMaxBytes: FETCH_BYTES,
          }],
        }],
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        maxWaitTime: 200,
      });
      const before = next;
      for (const batch of response.responses[0]?.partitions[0]?.records ?? []) {
        for (const record of batch.records) {
          const offset = Number(batch.firstOffset) + record.offsetDelta;
          if (offset < next) continue;
          found.push({
            offset,
            key: record.key?.toString() ?? null,
            value: record.value?.toString() ?? null,
            headers: Object.fromEntries(record.headers.map(([name, value]) => [String(name), String(value ?? "")])),
            timestamp: Number(batch.firstTimestamp + record.timestampDelta),
          });
        }
        next = Number(batch.firstOffset) + batch.lastOffsetDelta + 1;
      }
      if (next > before) idle = 0;
    }
    return found;
  }

  /** The compression of the first batch at or after `from`, by the bits of its attributes. */
  async codecBits(topic: string, partition: number, from: number): Promise<number> {
    const metadata = await this.#consumer.metadata({ topics: [topic], forceUpdate: true });
    const found = metadata.topics.get(topic)!;
    const response = await this.#consumer.fetch({
      node: found.partitions[partition]!.leader,
      topics: [{
        topicId: found.id,
        partitions: [{
          ...{ partition, currentLeaderEpoch: -1, fetchOffset: BigInt(from), lastFetchedEpoch: -1 },
          partitionMaxBytes: FETCH_BYTES,
        }],
      }],
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      maxWaitTime: 200,
    });
    return response.responses[0]!.partitions[0]!.records![0]!.attributes & 7;
  }

  /** First offset whose record is not older than `timestamp`; EARLIEST and LATEST are special. */
  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    const offsets = await this.#consumer.listOffsets({
      topics: [topic],
      partitions: { [topic]: [partition] },
      timestamp: BigInt(timestamp),
    });
    return Number(offsets.get(topic)![partition]);
  }
}

export const EARLIEST = -2;
export const LATEST = -1;
