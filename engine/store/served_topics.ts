import type { Uuid } from "../base/uuid.ts";
import type { Logger } from "../io/logger.ts";
import type { LogDirectory } from "../log/log_directory.ts";
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import { ConfigResourceType, configKey } from "../metadata/image.ts";
import type { ImageDelta } from "../metadata/image_delta.ts";
import { ownTopicConfigs } from "../metadata/topic_configs.ts";
import type { BrokerConfig } from "../model/broker_config.ts";
import { DiskFault } from "../model/errors.ts";
import type { LogConfig } from "../model/log_config.ts";
import { isCompacted } from "../model/log_config.ts";
import { Partition } from "../partition/partition.ts";
import { LazyPartitions } from "./lazy_partitions.ts";

export interface ServedTopicsOptions {
  readonly directory: LogDirectory;
  /** server.properties and the command line, without what the metadata adds. */
  readonly config: BrokerConfig;
  readonly image: MetadataImage;
  readonly logger: Logger;
}

const NO_TEXTS: ReadonlyMap<string, string> = new Map();

/**
 * ServedTopics: the partitions of this node and the configs of their logs, in step with the metadata.
 *
 * Invariants:
 *  1  a partition is found exactly while the image has it and names this node its leader
 *  2  every open log has the config that the image gives it
 *
 * Owner: one Store, which calls `follow` for each image. Concurrency: synchronous. Errors: none; what
 * the disk refuses is told.
 */
export class ServedTopics {
  readonly partitions: LazyPartitions;
  readonly #options: ServedTopicsOptions;
  #image: MetadataImage;
  #config: BrokerConfig;
  /** Of topics with configs of their own; the others share one. */
  readonly #logConfigs = new Map<Uuid, LogConfig>();
  #defaultLogConfig: LogConfig;

  constructor(options: ServedTopicsOptions) {
    this.#options = options;
    this.#image = options.image;
    this.#config = withDynamicConfigs(options.config, options.image);
    this.#defaultLogConfig = this.#config.logConfig(NO_TEXTS);
    this.partitions = new LazyPartitions({
      image: () => this.#image,
      isServed: (topic, index) => topic.partitions[index]!.leader === options.config.nodeId,
      open: (topic, index) => this.#openPartition(topic, index),
      logger: options.logger,
    });
    this.#warnOfCompaction(this.#image.topics());
  }

  get image(): MetadataImage {
    return this.#image;
  }

  /** With what the metadata adds. */
  get config(): BrokerConfig {
    return this.#config;
  }

  /** For the upkeep of logs that nobody has asked for yet. Null: no partition of this node. */
  describe(topicName: string, partition: number): { topicId: Uuid; config: LogConfig } | null {
    const topic = this.#image.topic(topicName);
    if (topic?.partitions[partition] === undefined) return null;
    return { topicId: topic.id, config: this.logConfigOf(topic) };
  }

  logConfigOf(topic: TopicImage): LogConfig {
    const known = this.#logConfigs.get(topic.id);
    if (known !== undefined) return known;
    const own = ownTopicConfigs(this.#image, topic);
    if (own.size === 0) return this.#defaultLogConfig;
    const config = this.#config.logConfig(own);
    this.#logConfigs.set(topic.id, config);
    return config;
  }

  /** The image was replaced: everything that hangs on it follows. */
  follow(image: MetadataImage, delta: ImageDelta): void {
    this.#image = image;
    for (const topic of delta.deletedTopics.values()) this.#dropTopic(topic);
    for (const id of delta.changedTopics) this.#followTopic(image.topicById(id)!);
    if (delta.changedConfigs.size > 0) this.#followConfigs(delta);
  }

  /** The stop: readers are woken, and nobody appends any more. */
  retire(): void {
    for (const partition of this.partitions.opened()) partition.retire();
  }

  #dropTopic(topic: TopicImage): void {
    for (const partition of [...this.partitions.openedOf(topic.name)]) {
      if (partition.topicId !== topic.id) continue;
      this.partitions.remove(partition);
      partition.retire();
    }
    this.partitions.forgetFailures(topic.id);
    this.#logConfigs.delete(topic.id);
    try {
      this.#options.directory.deleteLogs(topic.name, topic.partitions.keys());
    } catch (error) {
      if (!(error instanceof DiskFault)) throw error;
      // Gone from the metadata all the same; the next start sets the directories aside.
      const fields = { topic: topic.name, reason: error.message };
      this.#options.logger.error("directories of a deleted topic stay", fields);
    }
  }

  #followTopic(topic: TopicImage): void {
    this.partitions.forgetFailures(topic.id);
    for (const partition of this.partitions.openedOf(topic.name)) {
      if (partition.topicId !== topic.id) continue;
      const image = topic.partitions[partition.index]!;
      if (image.leaderEpoch > partition.leaderEpoch) partition.becomeLeader(image.leaderEpoch);
    }
  }

  #followConfigs({ changedConfigs }: ImageDelta): void {
    const { nodeId } = this.#options.config;
    const ofBrokers = ["", String(nodeId)].map((name) => configKey(ConfigResourceType.BROKER, name));
    // Brokers' configs are the defaults of topics' - and hold their flush modes.
    if (ofBrokers.some((key) => changedConfigs.has(key))) return this.#followBrokerConfigs();
    for (const key of changedConfigs) {
      const topic = this.#image.topic(topicNameOf(key) ?? "");
      if (topic === undefined) continue;
      this.#logConfigs.delete(topic.id);
      this.#configure(topic);
      this.#warnOfCompaction([topic]);
    }
  }

  #followBrokerConfigs(): void {
    this.#config = withDynamicConfigs(this.#options.config, this.#image);
    this.#defaultLogConfig = this.#config.logConfig(NO_TEXTS);
    this.#logConfigs.clear();
    const names = new Set([...this.partitions.opened()].map((partition) => partition.topic));
    for (const name of names) {
      const topic = this.#image.topic(name);
      if (topic !== undefined) this.#configure(topic);
    }
  }

  #configure(topic: TopicImage): void {
    const config = this.logConfigOf(topic);
    for (const partition of this.partitions.openedOf(topic.name)) {
      if (partition.topicId === topic.id) partition.log.configure(config);
    }
  }

  #openPartition(topic: TopicImage, index: number): Partition {
    const { directory, logger } = this.#options;
    const log = directory.openLog(topic.name, index, topic.id, this.logConfigOf(topic));
    const { deletedSegments, truncatedBytes } = log.recovery;
    if (truncatedBytes > 0 || deletedSegments > 0) {
      const fields = { topic: topic.name, partition: index, truncatedBytes, deletedSegments };
      logger.warn("the torn end of a log was cut off", fields);
    }
    return new Partition(log, topic.partitions[index]!.leaderEpoch);
  }

  /** Compaction may come at any time, so that keeping all is within its promise - but not for ever. */
  #warnOfCompaction(topics: Iterable<TopicImage>): void {
    for (const topic of topics) {
      if (!isCompacted(this.logConfigOf(topic))) continue;
      const text = "topic asks for compaction, which is not available yet: all its records are kept";
      this.#options.logger.warn(text, { topic: topic.name });
    }
  }
}

/** The broker's configs with the dynamic ones that the metadata holds. */
export function withDynamicConfigs(config: BrokerConfig, image: MetadataImage): BrokerConfig {
  const forAll = image.configs(ConfigResourceType.BROKER, "");
  const own = image.configs(ConfigResourceType.BROKER, String(config.nodeId));
  return forAll.size === 0 && own.size === 0 ? config : config.withDynamic(forAll, own);
}

/** The topic that a key of `changedConfigs` names, or null. */
function topicNameOf(key: string): string | null {
  const prefix = configKey(ConfigResourceType.TOPIC, "");
  return key.startsWith(prefix) ? key.slice(prefix.length) : null;
}
