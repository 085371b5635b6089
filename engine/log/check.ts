import { METADATA_TOPIC_ID } from "../base/uuid.ts";
import type { Uuid } from "../base/uuid.ts";
import type { Disk } from "../io/disk.ts";
import type { Codecs } from "../model/compression.ts";
import type { Offset } from "../model/offsets.ts";
import {
  checkMetadataExtras,
  checkSnapshotFile,
  isMetadataFile,
  metadataLogStart,
} from "./check_metadata.ts";
import { checkPartitionFiles, firstDifference } from "./check_partition.ts";
import type { PartitionExtent } from "./check_partition.ts";
import { CheckReport } from "./check_report.ts";
import type { CheckProgress, Problem } from "./check_report.ts";
import {
  CLEANER_FILE,
  LOG_START_FILE,
  OFFSET_CHECKPOINT_FILES,
  OffsetCheckpoint,
  RECOVERY_POINT_FILE,
  REPLICATION_FILE,
  formatOffsetCheckpoint,
  parseOffsetCheckpoint,
} from "./checkpoint_file.ts";
import { CLEAN_SHUTDOWN_FILE, formatCleanShutdown, parseCleanShutdown } from "./clean_shutdown.ts";
import {
  LOCK_FILE,
  METADATA_LOG_DIRECTORY,
  REMOTE_INDEX_DIRECTORY,
  parsePartitionDirectory,
} from "./directory_names.ts";
import { META_PROPERTIES_FILE, parseMetaProperties } from "./meta_properties.ts";
import type { MetaProperties } from "./meta_properties.ts";
import {
  PARTITION_METADATA_FILE,
  formatPartitionMetadata,
  parsePartitionMetadata,
} from "./partition_metadata.ts";
import { LOG_SUFFIX } from "./segment_names.ts";

export interface CheckOptions {
  readonly codecs: Codecs;
  readonly onProgress?: (progress: CheckProgress) => void;
  /** A topic's id by the metadata, if it is known there. Absent: ids are compared among themselves. */
  readonly topicIdOf?: (topic: string) => Uuid | undefined;
  /** What meta.properties must say. Absent: whatever parses. */
  readonly identity?: Pick<MetaProperties, "clusterId" | "nodeId" | "directoryId">;
}

const BOOTSTRAP_FILE = "bootstrap.checkpoint";

/**
 * Reads everything in a data directory and returns all that is wrong with it: every batch (frame, CRC,
 * records, times, offsets, epochs, sequences), every index entry, snapshots, checkpoints, identity.
 *
 * Takes no lock and changes nothing: a directory in use may be checked, up to the last whole batch that
 * each log had at the start. What may be missing or unfinished after an unclean stop is not reported,
 * or as a warning. Throws DiskFault only when the directory itself cannot be listed.
 */
export function checkDirectory(disk: Disk, dir: string, options: CheckOptions): Problem[] {
  return new DirectoryChecker(disk, dir, options).run();
}

interface Checkpoints {
  readonly recoveryPoints: OffsetCheckpoint;
  readonly logStarts: OffsetCheckpoint;
  readonly highWatermarks: OffsetCheckpoint;
  readonly cleaned: OffsetCheckpoint;
}

class DirectoryChecker {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #options: CheckOptions;
  readonly #report: CheckReport;
  readonly #topicIds = new Map<string, Uuid>();
  readonly #extents = new Map<string, PartitionExtent | null>();
  #isClean = false;

  constructor(disk: Disk, dir: string, options: CheckOptions) {
    this.#disk = disk;
    this.#dir = dir;
    this.#options = options;
    this.#report = new CheckReport(options.onProgress ?? (() => {}));
  }

  run(): Problem[] {
    const entries = this.#disk.listEntries(this.#dir);
    this.#checkMeta();
    this.#isClean = this.#checkMarker();
    // Before the logs: what a checkpoint promises must be there, whatever is appended meanwhile.
    const checkpoints: Checkpoints = {
      recoveryPoints: this.#readCheckpoint(RECOVERY_POINT_FILE),
      logStarts: this.#readCheckpoint(LOG_START_FILE),
      highWatermarks: this.#readCheckpoint(REPLICATION_FILE),
      cleaned: this.#readCheckpoint(CLEANER_FILE),
    };
    const directories = entries.filter((entry) => entry.isDirectory).map((entry) => entry.name);
    for (const name of directories) {
      if (isChecked(name)) this.#report.bytesTotal += this.#logBytes(`${this.#dir}/${name}`);
    }
    for (const { name, isDirectory } of entries) {
      if (isDirectory) this.#checkSubdirectory(name, checkpoints);
      else this.#checkRootFile(name);
    }
    this.#compareCheckpoints(checkpoints);
    return this.#report.problems;
  }

  #checkMeta(): void {
    const path = `${this.#dir}/${META_PROPERTIES_FILE}`;
    const bytes = this.#disk.readAll(path);
    if (bytes === null) return this.#report.error(path, "missing: this is no formatted data directory");
    const meta = parseMetaProperties(bytes);
    if (!meta.ok) return this.#report.error(path, meta.reason, meta.start, meta.end);
    const { identity } = this.#options;
    if (identity === undefined) return;
    for (const key of ["clusterId", "nodeId", "directoryId"] as const) {
      if (meta.value[key] === identity[key]) continue;
      this.#report.error(path, `${key} is ${meta.value[key]}, not ${identity[key]}`, 0, bytes.length);
    }
  }

  #checkMarker(): boolean {
    const path = `${this.#dir}/${CLEAN_SHUTDOWN_FILE}`;
    const bytes = this.#disk.readAll(path);
    if (bytes === null) return false;
    const marker = parseCleanShutdown(bytes);
    if (!marker.ok) this.#report.error(path, marker.reason, marker.start, marker.end);
    else if (bytes.length > 0) this.#expectBytes(path, bytes, formatCleanShutdown(marker.value));
    return true;
  }

  #readCheckpoint(name: string): OffsetCheckpoint {
    const path = `${this.#dir}/${name}`;
    const bytes = this.#disk.readAll(path);
    if (bytes === null) {
      if (this.#isClean) this.#report.warning(path, "missing after a clean stop");
      return new OffsetCheckpoint();
    }
    const checkpoint = parseOffsetCheckpoint(bytes);
    if (!checkpoint.ok) {
      this.#report.error(path, checkpoint.reason, checkpoint.start, checkpoint.end);
      return new OffsetCheckpoint();
    }
    // Also finds a partition that is named twice: only its last line is kept.
    const expected = formatOffsetCheckpoint(checkpoint.value);
    if (bytes.length > 0) this.#expectBytes(path, bytes, expected, sameLines);
    return checkpoint.value;
  }

  #expectBytes(
    path: string,
    bytes: Uint8Array,
    expected: Uint8Array,
    isSame: (one: Uint8Array, other: Uint8Array) => boolean = () => false,
  ): void {
    const at = firstDifference(bytes, expected);
    if (at < 0 || isSame(bytes, expected)) return;
    this.#report.error(path, "is not what its content would be written as", at, at + 1);
  }

  #logBytes(path: string): number {
    let bytes = 0;
    for (const name of this.#disk.list(path)) {
      if (name.endsWith(LOG_SUFFIX)) bytes += Math.max(0, this.#disk.fileSize(`${path}/${name}`));
    }
    return bytes;
  }

  #checkRootFile(name: string): void {
    const path = `${this.#dir}/${name}`;
    if (name === BOOTSTRAP_FILE) checkSnapshotFile(this.#snapshotCheck(path, 0));
    else if (!ROOT_FILES.has(name)) this.#report.warning(path, "no file of this name belongs here");
  }

  #snapshotCheck(path: string, epoch: number) {
    const tools = { native: this.#disk.native, codecs: this.#options.codecs };
    return { disk: this.#disk, path, epoch, tools, report: this.#report };
  }

  #checkSubdirectory(name: string, checkpoints: Checkpoints): void {
    const path = `${this.#dir}/${name}`;
    if (name === REMOTE_INDEX_DIRECTORY) return;
    if (name === METADATA_LOG_DIRECTORY) return this.#checkMetadataLog(path);
    const parsed = parsePartitionDirectory(name);
    if (parsed === null) {
      return this.#report.error(path, "is not of the form topic-partition: a broker would not start");
    }
    if (parsed.kind === "delete") return;
    if (parsed.kind !== "live") return this.#report.warning(path, `not in use (${parsed.kind})`);
    const { topic, partition } = parsed;
    this.#checkTopicId(path, topic);
    const extent = checkPartitionFiles({
      disk: this.#disk,
      dir: path,
      tools: { native: this.#disk.native, codecs: this.#options.codecs },
      report: this.#report,
      isClean: this.#isClean,
      recoveryPoint: checkpoints.recoveryPoints.get(topic, partition) ?? (0 as Offset),
      logStart: checkpoints.logStarts.get(topic, partition) ?? null,
      mayHaveGaps: checkpoints.cleaned.get(topic, partition) !== undefined,
      // Coordinators write their own logs, and number nothing there.
      checkSequences: !topic.startsWith("__"),
      isKnownFile: (file) => file === PARTITION_METADATA_FILE,
    });
    this.#extents.set(name, extent);
  }

  #checkMetadataLog(path: string): void {
    const known = (name: string) => name === PARTITION_METADATA_FILE || isMetadataFile(name);
    this.#checkTopicId(path, METADATA_LOG_DIRECTORY);
    const extent = checkPartitionFiles({
      disk: this.#disk,
      dir: path,
      tools: { native: this.#disk.native, codecs: this.#options.codecs },
      report: this.#report,
      isClean: this.#isClean,
      // Recovered in full at every start: nothing in it is promised by a checkpoint.
      recoveryPoint: 0 as Offset,
      logStart: metadataLogStart(this.#disk, path),
      mayHaveGaps: false,
      checkSequences: false,
      isKnownFile: known,
    });
    checkMetadataExtras(path, extent, this.#isClean, (file, epoch) => this.#snapshotCheck(file, epoch));
  }

  #checkTopicId(dir: string, topic: string): void {
    const path = `${dir}/${PARTITION_METADATA_FILE}`;
    const bytes = this.#disk.readAll(path);
    if (bytes === null) return this.#report.warning(path, "missing: nothing tells which topic this is");
    if (bytes.length === 0 && !this.#isClean) {
      return this.#report.warning(path, "empty, perhaps never synced: the next start writes it anew");
    }
    const metadata = parsePartitionMetadata(bytes);
    if (!metadata.ok) return this.#report.error(path, metadata.reason, metadata.start, metadata.end);
    this.#expectBytes(path, bytes, formatPartitionMetadata(metadata.value));
    const { topicId } = metadata.value;
    const { topicIdOf } = this.#options;
    let other = topicIdOf === undefined ? (this.#topicIds.get(topic) ?? topicId) : topicIdOf(topic);
    if (topic === METADATA_LOG_DIRECTORY) other = METADATA_TOPIC_ID;
    if (other !== topicId) {
      const message = `topic id is ${topicId}, elsewhere it is ${other ?? "unknown"}`;
      this.#report.error(path, message, 0, bytes.length);
    }
    if (!this.#topicIds.has(topic)) this.#topicIds.set(topic, topicId);
  }

  #compareCheckpoints(checkpoints: Checkpoints): void {
    this.#eachLine(RECOVERY_POINT_FILE, checkpoints.recoveryPoints, (where, offset, extent) => {
      if (offset > extent.logEnd || (this.#isClean && offset !== extent.logEnd)) {
        return `recovery point of ${where} is ${offset}, its log ends at ${extent.logEnd}`;
      }
      return null;
    });
    this.#eachLine(LOG_START_FILE, checkpoints.logStarts, (where, offset, extent) => {
      if (offset > extent.logEnd || (this.#isClean && offset < extent.firstBase)) {
        return `log start of ${where} is ${offset}, its log spans ${extent.firstBase} to ${extent.logEnd}`;
      }
      return null;
    });
    this.#eachLine(REPLICATION_FILE, checkpoints.highWatermarks, (where, offset, extent) => {
      // A follower, or a power cut without commits, may leave less or more; not a clean single node.
      if (!this.#isClean || offset === extent.logEnd) return null;
      return `high watermark of ${where} is ${offset}, its log ends at ${extent.logEnd}`;
    });
    this.#eachLine(CLEANER_FILE, checkpoints.cleaned, (where, offset, extent) =>
      offset > extent.logEnd ? `${where} is cleaned up to ${offset}, but ends at ${extent.logEnd}` : null);
    if (!this.#isClean) return;
    for (const [name, extent] of this.#extents) {
      if (extent === null) continue; // made, and never appended to
      const { topic, partition } = parsePartitionDirectory(name)!;
      for (const [file, checkpoint] of [
        [RECOVERY_POINT_FILE, checkpoints.recoveryPoints],
        [REPLICATION_FILE, checkpoints.highWatermarks],
      ] as const) {
        if (checkpoint.get(topic, partition) !== undefined) continue;
        this.#report.warning(`${this.#dir}/${file}`, `no line for ${topic} ${partition}`);
      }
    }
  }

  #eachLine(
    file: string,
    checkpoint: OffsetCheckpoint,
    judge: (where: string, offset: Offset, extent: PartitionExtent) => string | null,
  ): void {
    const path = `${this.#dir}/${file}`;
    for (const { topic, partition, offset } of checkpoint) {
      const extent = this.#extents.get(`${topic}-${partition}`);
      if (extent === undefined) {
        this.#report.warning(path, `names ${topic} ${partition}, which has no directory`);
        continue;
      }
      const reason = extent === null ? null : judge(`${topic} ${partition}`, offset, extent);
      if (reason !== null) this.#report.error(path, reason);
    }
  }
}

const ROOT_FILES: ReadonlySet<string> = new Set([
  META_PROPERTIES_FILE,
  LOCK_FILE,
  CLEAN_SHUTDOWN_FILE,
  ...OFFSET_CHECKPOINT_FILES,
]);

function isChecked(directoryName: string): boolean {
  const partition = parsePartitionDirectory(directoryName);
  return directoryName === METADATA_LOG_DIRECTORY || partition?.kind === "live";
}

/** The order of lines is free. */
function sameLines(one: Uint8Array, other: Uint8Array): boolean {
  const sorted = (bytes: Uint8Array) => {
    const lines = new TextDecoder("latin1").decode(bytes).split("\n");
    return [...lines.slice(0, 2), ...lines.slice(2).sort()].join("\n");
  };
  return sorted(one) === sorted(other);
}
