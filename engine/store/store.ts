import { assert } from "../base/assert.ts";
import type { Uuid } from "../base/uuid.ts";
import type { Clock } from "../io/clock.ts";
import type { Disk } from "../io/disk.ts";
import { systemDisk } from "../io/disk_system.ts";
import type { Logger } from "../io/logger.ts";
import type { Random } from "../io/random.ts";
import { LogDirectory } from "../log/log_directory.ts";
import type { LogEnvironment } from "../log/log_environment.ts";
import { createLogEnvironment } from "../log/log_environment.ts";
import type { DescribeRequest, DescribedResource } from "../metadata/describe_configs.ts";
import { describeResource } from "../metadata/describe_configs.ts";
import type { MetadataImage, TopicImage } from "../metadata/image.ts";
import type { ImageDelta } from "../metadata/image_delta.ts";
import { MetadataLog } from "../metadata/metadata_log.ts";
import type { Outcome, Plan, PlanContext } from "../metadata/plan.ts";
import { DONE, refused } from "../metadata/plan.ts";
import { planStop } from "../metadata/plan_broker.ts";
import type { AlteredResource, FullAlteration, IncrementalAlteration } from "../metadata/plan_configs.ts";
import { planAlterConfigs, planIncrementalAlterConfigs } from "../metadata/plan_configs.ts";
import type { GrownTopic, PartitionsRequest } from "../metadata/plan_partitions.ts";
import { planCreatePartitions } from "../metadata/plan_partitions.ts";
import type { DeletedTopic, TopicReference } from "../metadata/plan_topic_deletion.ts";
import { planDeleteTopics } from "../metadata/plan_topic_deletion.ts";
import type { CreatedTopic, TopicRequest } from "../metadata/plan_topics.ts";
import { planCreateTopics } from "../metadata/plan_topics.ts";
import { ownTopicConfigs } from "../metadata/topic_configs.ts";
import type { BrokerConfig } from "../model/broker_config.ts";
import type { Codecs } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError } from "../model/errors.ts";
import type { LogConfig } from "../model/log_config.ts";
import { isInternalTopic } from "../model/topic_name.ts";
import type { LazyPartitions } from "./lazy_partitions.ts";
import { ProducerIds } from "./producer_ids.ts";
import { ServedTopics, withDynamicConfigs } from "./served_topics.ts";
import { checkServable, openIdentity, startRecords } from "./store_start.ts";
import { SharedInstances } from "./shared_instances.ts";
import { directorySettings, metadataLogSettings } from "./store_settings.ts";

export interface StoreOptions {
  readonly dir: string;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  readonly logger: Logger;
  /** Absent: the disk of this machine; then all opens of one directory share one Store. */
  readonly disk?: Disk;
}

export interface Validation {
  /** Plan and answer, but change nothing. */
  readonly validateOnly: boolean;
}

export type ImageListener = (image: MetadataImage, delta: ImageDelta) => void;

interface StoreParts {
  readonly options: StoreOptions;
  readonly environment: LogEnvironment;
  readonly directory: LogDirectory;
  readonly metadata: MetadataLog;
  readonly clusterId: string;
  readonly directoryId: Uuid;
  readonly config: BrokerConfig;
}

const CHANGE: Validation = { validateOnly: false };

/**
 * Store: one data directory in use: its lock, its metadata, its partitions. What the broker and the
 * embedded log open, and share when they are in one process.
 *
 *   request -> plan (on the latest image) -> one batch of the metadata log -> on the device
 *           -> the image is replaced -> partitions, logs and listeners follow -> answer
 *
 * Invariants:
 *  T1  `image` is on the device: what it says cannot vanish
 *  T2  a partition is served exactly while the image has it; its directory comes with its first batch
 *  T3  when an answer says that a topic is gone, its partitions have been retired
 *  T4  a change of configs is in force in every open log when its answer is given
 *
 * Owner: whoever opened it, each with a `close` of his own. Concurrency: operations may overlap; they
 * take effect in the order of the calls. Errors: DataDirectoryError from `open`; results carry codes.
 */
export class Store {
  readonly dir: string;
  readonly disk: Disk;
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: Uuid;
  readonly partitions: LazyPartitions;
  readonly #parts: StoreParts;
  readonly #topics: ServedTopics;
  readonly #producerIds: ProducerIds;
  readonly #listeners = new Set<ImageListener>();
  /** Topics that are being created because somebody asked for them. */
  readonly #creating = new Map<string, Promise<Outcome>>();
  #users = 1;
  #closing: Promise<void> | null = null;

  /**
   * Opens a data directory, which is made and formatted when there is none. Throws DataDirectoryError
   * with one line that says what to do, UsageError, or DiskFault.
   */
  static open(options: StoreOptions): Promise<Store> {
    if (options.disk !== undefined) return Store.#openAlone(options, options.disk, options.dir);
    const disk = systemDisk({ readOnly: false });
    makeDirectories(disk, options.dir);
    const dir = disk.realPath(options.dir);
    return STORES.share(dir, {
      open: () => Store.#openAlone(options, disk, dir),
      join: (store) => store.#users++,
      closed: (store) => store.#closing,
    });
  }

  static async #openAlone(options: StoreOptions, disk: Disk, dir: string): Promise<Store> {
    makeDirectories(disk, dir);
    const { clock, codecs, config, logger, random } = options;
    const producerExpirationMs = config.number("producer.id.expiration.ms");
    const environment = createLogEnvironment({ disk, clock, random, codecs, producerExpirationMs });
    const directory = LogDirectory.open({
      dir,
      environment,
      logger,
      settings: directorySettings(config),
      expected: { clusterId: null, nodeId: config.isSet("node.id") ? config.nodeId : null },
    });
    let metadata: MetadataLog | null = null;
    let isUnchanged = true;
    try {
      const identity = openIdentity({ directory, config, disk, clock, random });
      metadata = MetadataLog.open({
        environment,
        logger,
        dir,
        nodeId: identity.nodeId,
        cleanStop: directory.wasCleanlyClosed,
        settings: metadataLogSettings(config),
        check: (image) => checkServable(dir, image, identity),
      });
      const records = startRecords({
        metadata,
        directory,
        config: identity.config,
        disk,
        incarnationId: random.uuid(),
        directoryId: identity.directoryId,
        flushModeOf: (image, topic) =>
          withDynamicConfigs(identity.config, image).logConfig(ownTopicConfigs(image, topic)).flushMode,
      });
      isUnchanged = false;
      metadata.lead();
      await metadata.append(records(metadata.nextOffset));
      return new Store({ options, environment, directory, metadata, ...identity });
    } catch (error) {
      metadata?.discard();
      directory.abandon(isUnchanged);
      throw error;
    }
  }

  /** Partitions and logs follow the metadata from here on, and the directory's upkeep begins. */
  private constructor(parts: StoreParts) {
    const { directory, metadata, options } = parts;
    this.#parts = parts;
    this.dir = directory.dir;
    this.disk = parts.environment.disk;
    this.clusterId = parts.clusterId;
    this.nodeId = parts.config.nodeId;
    this.directoryId = parts.directoryId;
    const { config } = parts;
    this.#topics = new ServedTopics({ directory, config, image: metadata.image, logger: options.logger });
    this.partitions = this.#topics.partitions;
    this.#producerIds = new ProducerIds(metadata, this.nodeId);
    metadata.onCommit((image, delta) => {
      this.#topics.follow(image, delta);
      for (const listener of this.#listeners) listener(image, delta);
    });
    for (const { topic, partition } of [...directory.partitions()]) {
      if (this.#topics.describe(topic, partition) === null) directory.setAside(topic, partition);
    }
    directory.start({
      describe: (topic, partition) => this.#topics.describe(topic, partition),
      highWatermarkOf: (log) => log.stableOffset,
    });
  }

  /** What the metadata says now. Replaced at each change, never changed itself. */
  get image(): MetadataImage {
    return this.#topics.image;
  }

  /** The broker's configs, dynamic ones included. */
  get config(): BrokerConfig {
    return this.#topics.config;
  }

  get clock(): Clock {
    return this.#parts.options.clock;
  }

  /** Bytes of the metadata log. */
  get metadataBytes(): number {
    return this.#parts.metadata.sizeBytes;
  }

  logConfigOf(topic: TopicImage): LogConfig {
    return this.#topics.logConfigOf(topic);
  }

  /** Called after every change of the image, when partitions and logs have followed it. */
  onImage(listener: ImageListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  createTopics(requests: readonly TopicRequest[], how: Validation): Promise<readonly CreatedTopic[]> {
    return this.#execute(planCreateTopics(this.#planContext(), requests), how);
  }

  deleteTopics(references: readonly TopicReference[]): Promise<readonly DeletedTopic[]> {
    if (!this.config.flag("delete.topic.enable")) {
      const disabled = refused(ErrorCode.TOPIC_DELETION_DISABLED, "Topic deletion is disabled.");
      return Promise.resolve(references.map((reference) => ({ ...reference, ...disabled })));
    }
    return this.#execute(planDeleteTopics(this.#planContext(), references), CHANGE);
  }

  createPartitions(requests: readonly PartitionsRequest[], how: Validation): Promise<readonly GrownTopic[]> {
    return this.#execute(planCreatePartitions(this.#planContext(), requests), how);
  }

  incrementalAlterConfigs(
    resources: readonly IncrementalAlteration[],
    how: Validation,
  ): Promise<readonly AlteredResource[]> {
    return this.#execute(planIncrementalAlterConfigs(this.#planContext(), resources), how);
  }

  alterConfigs(resources: readonly FullAlteration[], how: Validation): Promise<readonly AlteredResource[]> {
    return this.#execute(planAlterConfigs(this.#planContext(), resources), how);
  }

  describeConfigs(requests: readonly DescribeRequest[]): readonly DescribedResource[] {
    return requests.map((request) => describeResource(this.image, this.config, request));
  }

  /**
   * Creates a topic that a client asked for, with the broker's defaults (auto.create.topics.enable is the
   * caller's to ask). An internal topic is not created this way.
   */
  ensureTopic(name: string): Promise<Outcome> {
    if (this.image.topic(name) !== undefined) return Promise.resolve(DONE);
    if (isInternalTopic(name)) {
      const text = `${name} is an internal topic and is not created on demand`;
      return Promise.resolve(refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, text));
    }
    const underWay = this.#creating.get(name);
    if (underWay !== undefined) return underWay;
    const request = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
    const created = this.createTopics([request], CHANGE).then(([result]) => {
      this.#creating.delete(name);
      const isThere = result!.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS;
      return isThere ? DONE : { errorCode: result!.errorCode, errorMessage: result!.errorMessage };
    });
    this.#creating.set(name, created);
    return created;
  }

  /** Records deleted before this call stay deleted, whatever happens. Rejects with a DiskFault. */
  persistLogStarts(): Promise<void> {
    return this.#parts.directory.persistLogStarts();
  }

  /** An id that no producer ever had. Throws KafkaError when none can be recorded. */
  allocateProducerId(): Promise<number> {
    return this.#producerIds.next();
  }

  /**
   * Clean stop, once everybody who opened this Store has closed it: parked readers are woken, logs are
   * synced, the next start need not recover.
   */
  close(): Promise<void> {
    assert(this.#users > 0, "a store closed more often than opened", this.dir);
    this.#users--;
    if (this.#users > 0) return Promise.resolve();
    this.#closing = this.#closeNow();
    return this.#closing;
  }

  async #closeNow(): Promise<void> {
    const { directory, metadata, options } = this.#parts;
    this.#topics.retire();
    const epoch = this.image.brokers.get(this.nodeId)?.epoch;
    let isMetadataClosed = true;
    try {
      await this.#recordStop();
      await metadata.close();
    } catch (error) {
      // A disk that fails now has been told about; the next start recovers.
      if (!(error instanceof KafkaError)) throw error;
      options.logger.error("metadata was not closed cleanly", { reason: error.message });
      metadata.discard();
      isMetadataClosed = false;
    }
    await directory.close(epoch, isMetadataClosed);
  }

  /** Without room on the disk the stop is clean all the same: a Kafka would only start more slowly. */
  async #recordStop(): Promise<void> {
    const { metadata, options } = this.#parts;
    const records = planStop(metadata.latest, this.nodeId);
    if (records.length === 0) return;
    try {
      await metadata.append(records);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      options.logger.warn("the stop was not recorded in the metadata", { reason: error.message });
    }
  }

  /** Carries a plan out; when its records cannot be written, what it granted is refused. */
  async #execute<Result extends Outcome>(plan: Plan<Result>, how: Validation): Promise<readonly Result[]> {
    if (how.validateOnly || plan.records.length === 0) return plan.results;
    try {
      await this.#parts.metadata.append(plan.records);
      return plan.results;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const failure = refused(error.errorCode, error.message);
      return plan.results.map((result) =>
        result.errorCode === ErrorCode.NONE ? { ...result, ...failure } : result
      );
    }
  }

  #planContext(): PlanContext {
    const { metadata, options } = this.#parts;
    return { image: metadata.latest, config: this.config, newId: () => options.random.uuid() };
  }

}

/** Makes the directory and those above it. */
function makeDirectories(disk: Disk, dir: string): void {
  if (dir === "" || disk.isDirectory(dir)) return;
  const parent = dir.slice(0, Math.max(0, dir.lastIndexOf("/")));
  makeDirectories(disk, parent);
  disk.makeDirectory(dir);
  disk.syncDirectory(parent === "" ? "/" : parent);
}

/** Of this process, by the real path of their directory. */
const STORES = new SharedInstances<Store>();
