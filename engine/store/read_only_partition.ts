import type { Cancel, Clock } from "../io/clock.ts";
import type { Disk } from "../io/disk.ts";
import { keepProcessAlive } from "../io/keep_alive.ts";
import { METADATA_LOG_DIRECTORY } from "../log/directory_names.ts";
import { inspectDirectory } from "../log/directory_state.ts";
import { isOutOfRange } from "../log/read_plan.ts";
import { ReadOnlyLog } from "../log/read_only_log.ts";
import type { TimestampHit } from "../log/timestamp_lookup.ts";
import { loadMetadata } from "../metadata/metadata_reader.ts";
import type { Codecs } from "../model/compression.ts";
import { ErrorCode } from "../model/error_code.ts";
import { DataDirectoryError, KafkaError, UsageError } from "../model/errors.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import type { FetchPlan, Isolation, PartitionWaiter } from "../partition/partition.ts";

export interface ReadOnlyOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly codecs: Codecs;
  readonly dir: string;
  readonly topic: string;
  readonly index: number;
}

/** How often a waiting reader looks whether the writer has written: no more than a person notices. */
const POLL_MS = 20;

/**
 * One partition of a data directory that is not held: its files as they are, beside whatever process
 * uses them. What a reader can ask of a Partition, without the lock and without a change to anything.
 *
 * Owner: whoever opened it. Errors: DiskFault, KafkaError (damage).
 */
export class ReadOnlyPartition {
  readonly topic: string;
  readonly index: number;
  readonly log: ReadOnlyLog;
  readonly #clock: Clock;
  readonly #waiters = new Set<PartitionWaiter>();
  #stopPolling: Cancel | null = null;

  /**
   * Throws DataDirectoryError when there is no formatted data directory, KafkaError
   * UNKNOWN_TOPIC_OR_PARTITION when its metadata does not have the partition.
   */
  static open(options: ReadOnlyOptions): ReadOnlyPartition {
    const { disk, index, topic: name } = options;
    const dir = disk.realPath(options.dir);
    const { meta } = inspectDirectory(disk, dir, { clusterId: null, nodeId: null });
    if (meta === null) {
      throw new DataDirectoryError("FOREIGN", `${dir} holds no data directory: there is nothing to read`);
    }
    const topic = loadMetadata(disk, `${dir}/${METADATA_LOG_DIRECTORY}`, null).image.topic(name);
    const count = topic?.partitions.length ?? 0;
    if (topic === undefined || index >= count) {
      throw new KafkaError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        topic === undefined
          ? `there is no topic ${name} in ${dir}`
          : `topic ${name} has ${count} partitions, numbered from 0: there is no partition ${index}`,
      );
    }
    return new ReadOnlyPartition({ ...options, dir }, new ReadOnlyLog({
      disk,
      codecs: options.codecs,
      dir,
      topic: name,
      partition: index,
      topicId: topic.id,
    }));
  }

  private constructor(options: ReadOnlyOptions, log: ReadOnlyLog) {
    this.topic = options.topic;
    this.index = options.index;
    this.log = log;
    this.#clock = options.clock;
  }

  /** The end of the last whole batch. Looks at the files. */
  get highWatermark(): Offset {
    this.log.refresh();
    return this.log.logEndOffset;
  }

  get lastStableOffset(): Offset {
    throw new UsageError("isolation \"committed\": open transactions cannot be told with readOnly");
  }

  /** The topic was deleted. Looks at the files. */
  get isGone(): boolean {
    this.log.refresh();
    return this.log.isGone;
  }

  planRead(
    from: Offset,
    maxBytes: number,
    isolation: Isolation,
    minOneBatch: boolean,
  ): Pick<FetchPlan, "errorCode" | "ranges" | "byteCount" | "abortedTransactions"> {
    if (isolation === "committed") void this.lastStableOffset;
    if (from >= this.log.logEndOffset) this.log.refresh();
    if (this.log.isGone) return { ...NOTHING, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER };
    const plan = this.log.planRead(from, maxBytes, minOneBatch);
    if (isOutOfRange(plan)) return { ...NOTHING, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE };
    return { ...NOTHING, ranges: plan.ranges, byteCount: plan.byteCount };
  }

  offsetForTimestamp(timestamp: TimestampMs): TimestampHit | null | Promise<TimestampHit | null> {
    this.log.refresh();
    return this.log.offsetForTimestamp(timestamp);
  }

  /** Called at most every 20 ms, when there is more to read. Keeps the process alive meanwhile. */
  wait(waiter: PartitionWaiter): Cancel {
    this.#waiters.add(waiter);
    this.#stopPolling ??= this.#poll();
    return () => {
      this.#waiters.delete(waiter);
      if (this.#waiters.size > 0) return;
      this.#stopPolling?.();
      this.#stopPolling = null;
    };
  }

  close(): void {
    this.#stopPolling?.();
    this.#stopPolling = null;
    this.log.close();
  }

  #poll(): Cancel {
    const letGo = keepProcessAlive();
    let end = this.log.logEndOffset;
    const cancel = this.#clock.every(POLL_MS, () => {
      const before = end;
      end = this.#look();
      if (end === before && !this.log.isGone) return;
      for (const waiter of [...this.#waiters]) waiter.onProgress();
    });
    return () => {
      cancel();
      letGo();
    };
  }

  /** A fault is for the reader, who meets it when it reads on: -1 wakes it. */
  #look(): Offset {
    try {
      return this.highWatermark;
    } catch (error) {
      if (error instanceof KafkaError) return -1 as Offset;
      throw error;
    }
  }
}

const NOTHING = { errorCode: ErrorCode.NONE, ranges: [], byteCount: 0, abortedTransactions: null };
