import { systemDisk } from "../io/disk_system.ts";
import { AlterOperation } from "../metadata/plan_configs.ts";
import { ConfigResourceType } from "../metadata/image.ts";
import type { TopicImage } from "../metadata/image.ts";
import type { Outcome } from "../metadata/plan.ts";
import { ownTopicConfigs } from "../metadata/topic_configs.ts";
import { ErrorCode, errorName } from "../model/error_code.ts";
import { KafkaError, UsageError } from "../model/errors.ts";
import type { Crc32c } from "../model/records.ts";
import type { Partition } from "../partition/partition.ts";
import { ReadOnlyPartition } from "../store/read_only_partition.ts";
import type { Store } from "../store/store.ts";
import { EmbeddedLog } from "./embedded_log.ts";
import { configOf, openStore, systemMachine } from "./machine.ts";
import type { DirectoryOptions } from "./machine.ts";

export interface OpenLogOptions extends DirectoryOptions {
  /** Created when there is none. */
  readonly topic: string;
  /** Default 0. */
  readonly partition?: number;
  /** How many a new topic gets (default: as many as it takes for `partition`). */
  readonly partitions?: number;
  /** Topic configs, by Kafka's names: in force when the log is open, also for a topic that exists. */
  readonly config?: Readonly<Record<string, string>>;
  /**
   * Takes no lock and changes nothing, so that another process may have the directory in use: reads up to
   * the last whole batch in the files, acknowledged or not. There must be a topic to read.
   */
  readonly readOnly?: boolean;
}

const BROKER_DEFAULT = -1;

/** How long to wait for another's creation of a topic before asking again. */
const CHANGE_MS_MAX = 10;

/**
 * Opens one partition of a data directory that a broker can use as well. Opens of one directory in one
 * process share it, `startBroker` included; each is closed by itself.
 *
 * Rejects with DataDirectoryError (LOCKED: another process has it; FOREIGN, NEWER_FORMAT, READ_ONLY,
 * DAMAGED), UsageError, KafkaError (INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG),
 * DiskFault.
 */
export async function openLog(options: OpenLogOptions): Promise<EmbeddedLog> {
  const index = options.partition ?? 0;
  if (!Number.isSafeInteger(index) || index < 0) {
    throw new UsageError(`partition ${String(index)}: give a whole number, from 0`);
  }
  if (options.readOnly === true) return openReadOnly(options, index);
  const machine = systemMachine(options.logger);
  const store = await openStore(options, configOf(options, {}), machine);
  try {
    const topic = await existingTopic(store, options, index);
    await applyConfigs(store, topic, options.config ?? {});
    const partition = servedPartition(store, topic, index);
    const { native } = store.disk;
    const crc32c: Crc32c = (bytes, start, end) => native.crc32c(bytes, start, end);
    const release = () => store.close();
    return new EmbeddedLog({ source: partition, partition, ...machine, crc32c, release });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openReadOnly(options: OpenLogOptions, index: number): Promise<EmbeddedLog> {
  const unfit = (["config", "flush", "partitions", "properties"] as const)
    .filter((name) => options[name] !== undefined);
  if (unfit.length > 0) throw new UsageError(`readOnly changes nothing: leave out ${unfit.join(", ")}`);
  const { topic } = options;
  const machine = systemMachine(options.logger);
  const disk = systemDisk({ readOnly: true });
  const source = ReadOnlyPartition.open({ ...machine, disk, dir: options.dir, topic, index });
  const crc32c: Crc32c = (bytes, start, end) => disk.native.crc32c(bytes, start, end);
  const release = async () => source.close();
  return new EmbeddedLog({ source, partition: null, ...machine, crc32c, release });
}

async function existingTopic(
  store: Store,
  options: OpenLogOptions,
  index: number,
): Promise<TopicImage> {
  const name = options.topic;
  let topic = store.image.topic(name);
  while (topic === undefined) {
    const request = {
      name,
      numPartitions: options.partitions ?? index + 1,
      replicationFactor: BROKER_DEFAULT,
      assignments: [],
      configs: Object.entries(options.config ?? {}).map(([key, value]) => ({ name: key, value })),
    };
    const [created] = await store.createTopics([request], { validateOnly: false });
    const isUnderWay = created!.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS;
    if (!isUnderWay) throwRefusal(`topic ${name}`, created!);
    topic = store.image.topic(name);
    // Somebody else of this process creates it: it will be there, or have failed, in a moment.
    if (topic === undefined && isUnderWay) await nextChange(store);
  }
  const count = topic.partitions.length;
  if (index < count) return topic;
  throw new KafkaError(
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    `topic ${name} has ${count} partitions, numbered from 0: there is no partition ${index}`,
  );
}

/** Resolves when the metadata has changed; soon in any case, as what was to change it may have failed. */
function nextChange(store: Store): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stopListening();
      cancel();
      resolve();
    };
    const stopListening = store.onImage(done);
    const cancel = store.clock.after(CHANGE_MS_MAX, done);
  });
}

async function applyConfigs(
  store: Store,
  topic: TopicImage,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const own = ownTopicConfigs(store.image, topic);
  const configs = Object.entries(wanted)
    .filter(([name, value]) => own.get(name) !== value)
    .map(([name, value]) => ({ name, configOperation: AlterOperation.SET, value }));
  if (configs.length === 0) return;
  const [altered] = await store.incrementalAlterConfigs(
    [{ resourceType: ConfigResourceType.TOPIC, resourceName: topic.name, configs }],
    { validateOnly: false },
  );
  throwRefusal(`topic ${topic.name}`, altered!);
}

function servedPartition(store: Store, topic: TopicImage, index: number): Partition {
  const partition = store.partitions.find(topic.name, index);
  if (partition !== undefined) return partition;
  const reason = store.partitions.failureOf(topic.id, index);
  throw new KafkaError(
    ErrorCode.KAFKA_STORAGE_ERROR,
    `${topic.name}-${index} cannot be opened: ${reason?.message ?? "another node leads it"}`,
    reason,
  );
}

function throwRefusal(what: string, { errorCode, errorMessage }: Outcome): void {
  if (errorCode === ErrorCode.NONE) return;
  throw new KafkaError(errorCode, `${what}: ${errorMessage ?? errorName(errorCode)}`);
}
