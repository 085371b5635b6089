import type { Uuid } from "../base/uuid.ts";
import type { Partition } from "./partition.ts";

/** All partitions that this node serves, by topic name and by topic id. */
export class PartitionTable {
  readonly #byName = new Map<string, Map<number, Partition>>();
  readonly #byId = new Map<Uuid, Map<number, Partition>>();
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
  add(_partition: Partition): void {
    throw new Error("not yet");
  }

  /** Takes it out; retiring it is the caller's. */
  remove(_partition: Partition): void {
    throw new Error("not yet");
  }

  *[Symbol.iterator](): IterableIterator<Partition> {
    for (const partitions of this.#byName.values()) yield* partitions.values();
  }
}
