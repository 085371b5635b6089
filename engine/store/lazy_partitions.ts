import type { Uuid } from "../base/uuid.ts";
import type { Logger } from "../io/logger.ts";
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { DataDirectoryError, DiskFault } from "../model/errors.ts";
import type { Partition } from "../partition/partition.ts";
import { PartitionTable } from "../partition/partition_table.ts";

export interface LazyPartitionsOptions {
  readonly image: () => MetadataImage;
  /** Whether this node leads the partition. */
  readonly isServed: (topic: TopicImage, index: number) => boolean;
  /** Opens the log. Throws DiskFault, DataDirectoryError. */
  readonly open: (topic: TopicImage, index: number) => Partition;
  readonly logger: Logger;
}

/**
 * The partitions of this node, opened when they are first asked for: a start with ten thousand of them
 * must not wait for each. A partition exists when the metadata says so; the log has no directory before
 * its first append.
 *
 * One that cannot be opened stays away, is told once, and is tried again when its topic changes.
 */
export class LazyPartitions extends PartitionTable {
  readonly #options: LazyPartitionsOptions;
  /** Why, by topic id and partition number. */
  readonly #broken = new Map<Uuid, Map<number, Error>>();

  constructor(options: LazyPartitionsOptions) {
    super();
    this.#options = options;
  }

  override find(topic: string, index: number): Partition | undefined {
    return super.find(topic, index) ?? this.#open(this.#options.image().topic(topic), index);
  }

  override findById(topicId: Uuid, index: number): Partition | undefined {
    return super.findById(topicId, index) ?? this.#open(this.#options.image().topicById(topicId), index);
  }

  override ofTopic(topic: string): Iterable<Partition> {
    this.#openAll(this.#options.image().topic(topic));
    return super.ofTopic(topic);
  }

  /** Opens every partition there is. */
  override *[Symbol.iterator](): IterableIterator<Partition> {
    for (const topic of this.#options.image().topics()) this.#openAll(topic);
    yield* super[Symbol.iterator]();
  }

  /** Those that are open already. */
  *opened(): IterableIterator<Partition> {
    yield* super[Symbol.iterator]();
  }

  /** Of those that are open already. */
  openedOf(topic: string): Iterable<Partition> {
    return super.ofTopic(topic);
  }

  /** Why a partition that there is cannot be found; undefined when it was not tried, or is not served. */
  failureOf(topicId: Uuid, index: number): Error | undefined {
    return this.#broken.get(topicId)?.get(index);
  }

  /** The topic changed or is gone: what failed may be tried again. */
  forgetFailures(topicId: Uuid): void {
    this.#broken.delete(topicId);
  }

  #openAll(topic: TopicImage | undefined): void {
    topic?.partitions.forEach((_, index) => {
      if (super.find(topic.name, index) === undefined) this.#open(topic, index);
    });
  }

  #open(topic: TopicImage | undefined, index: number): Partition | undefined {
    if (topic?.partitions[index] === undefined) return undefined;
    if (!this.#options.isServed(topic, index)) return undefined;
    if (this.#broken.get(topic.id)?.has(index)) return undefined;
    try {
      const partition = this.#options.open(topic, index);
      this.add(partition);
      return partition;
    } catch (error) {
      if (!(error instanceof DiskFault || error instanceof DataDirectoryError)) throw error;
      this.#broken.set(topic.id, (this.#broken.get(topic.id) ?? new Map<number, Error>()).set(index, error));
      const fields = { topic: topic.name, partition: index, reason: error.message };
      this.#options.logger.error("partition cannot be opened", fields);
      return undefined;
    }
  }
}
