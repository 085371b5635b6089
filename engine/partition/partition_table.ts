import { assert } from "../base/assert.ts";
import type { Uuid } from "../base/uuid.ts";
import type { Partition } from "./partition.ts";

type ByIndex = Map<number, Partition>;

/**
 * All partitions that this node serves, by topic name and by topic id. Two maps of maps: a lookup by a
 * key string per request costs four times as much (bench/micro/partition_lookup.bench.ts).
 */
export class PartitionTable {
  readonly #byName = new Map<string, ByIndex>();
  readonly #byId = new Map<Uuid, ByIndex>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(topic: string, index: number): Partition | undefined {
    return this.#byName.get(topic)?.get(index);
  }

  findById(topicId: Uuid, index: number): Partition | undefined {
    return this.#byId.get(topicId)?.get(index);
  }

  /** The partitions of one topic; a topic without any has none. */
  ofTopic(topic: string): Iterable<Partition> {
    return this.#byName.get(topic)?.values() ?? [];
  }

  /** Replaces nothing: an index that is taken is a mistake of the caller. */
  add(partition: Partition): void {
    const { topic, topicId, index } = partition;
    const named = this.#byName.get(topic) ?? new Map<number, Partition>();
    assert(!named.has(index), "a partition added twice", topic, index);
    named.set(index, partition);
    this.#byName.set(topic, named);
    this.#byId.set(topicId, named);
    this.#size++;
  }

  /** Takes it out; retiring it is the caller's. */
  remove(partition: Partition): void {
    const { topic, topicId, index } = partition;
    const named = this.#byName.get(topic);
    assert(named?.get(index) === partition, "removed a partition that is not here", topic, index);
    named.delete(index);
    this.#size--;
    if (named.size > 0) return;
    this.#byName.delete(topic);
    this.#byId.delete(topicId);
  }

  *[Symbol.iterator](): IterableIterator<Partition> {
    for (const partitions of this.#byName.values()) yield* partitions.values();
  }
}
