import type { DirectoryEntry, Disk } from "../io/disk.ts";
import { DataDirectoryError, DiskFault } from "../model/errors.ts";
import { OFFSET_CHECKPOINT_FILES } from "./checkpoint_file.ts";
import { CLEAN_SHUTDOWN_FILE } from "./clean_shutdown.ts";
import {
  LOCK_FILE,
  METADATA_LOG_DIRECTORY,
  REMOTE_INDEX_DIRECTORY,
  parsePartitionDirectory,
} from "./directory_names.ts";
import type { PartitionDirectoryName } from "./directory_names.ts";
import {
  META_PROPERTIES_FILE,
  NEWEST_META_VERSION,
  metaPropertiesVersion,
  parseMetaProperties,
} from "./meta_properties.ts";
import type { MetaProperties } from "./meta_properties.ts";
import { LOG_SUFFIX } from "./segment_names.ts";

/** A data directory as it lies there, read without a lock and without changing anything. */
export interface DirectoryState {
  /** Null: not formatted yet; then there is nothing in it that formatting could destroy. */
  readonly meta: MetaProperties | null;
  readonly partitions: readonly FoundPartition[];
}

export interface FoundPartition extends PartitionDirectoryName {
  readonly directoryName: string;
}

/** What a directory must say of itself; null where anything will do. */
export interface ExpectedIdentity {
  readonly clusterId: string | null;
  readonly nodeId: number | null;
}

/** What replaceFile calls a file that is not in place yet. */
const TEMPORARY_SUFFIX = ".tmp";

/** A file that formatting writes, or that an interrupted formatting may leave behind. */
const FORMAT_FILES: ReadonlySet<string> = new Set([
  LOCK_FILE,
  "bootstrap.checkpoint",
  ...OFFSET_CHECKPOINT_FILES,
  CLEAN_SHUTDOWN_FILE,
]);

/**
 * Reads what the directory is. Throws DataDirectoryError: FOREIGN (other cluster or node, a directory
 * that is no partition's, or files of something else), NEWER_FORMAT, DAMAGED; DiskFault when it cannot
 * be read.
 */
export function inspectDirectory(
  disk: Disk,
  dir: string,
  expected: ExpectedIdentity,
): DirectoryState {
  const entries = listEntries(disk, dir);
  const meta = readMeta(disk, dir);
  if (meta === null) refuseForeignFiles(disk, dir, entries);
  else checkIdentity(dir, meta, expected);
  return { meta, partitions: foundPartitions(dir, entries) };
}

function listEntries(disk: Disk, dir: string): DirectoryEntry[] {
  try {
    return disk.listEntries(dir);
  } catch (error) {
    if (!(error instanceof DiskFault)) throw error;
    if (error.systemCode === "ENOENT") {
      throw new DataDirectoryError("FOREIGN", `${dir} does not exist`, error);
    }
    if (error.systemCode === "ENOTDIR") {
      throw new DataDirectoryError("FOREIGN", `${dir} is not a directory`, error);
    }
    throw error;
  }
}

function readMeta(disk: Disk, dir: string): MetaProperties | null {
  const path = `${dir}/${META_PROPERTIES_FILE}`;
  const bytes = disk.readAll(path);
  if (bytes === null) return null;
  const meta = parseMetaProperties(bytes);
  if (meta.ok) return meta.value;
  const version = metaPropertiesVersion(bytes);
  if (version !== null && version > NEWEST_META_VERSION) {
    throw new DataDirectoryError(
      "NEWER_FORMAT",
      `${dir} was formatted by a later release (version ${version}, this one knows up to ` +
        `${NEWEST_META_VERSION}): use that release`,
    );
  }
  throw new DataDirectoryError("DAMAGED", `${path}: ${meta.reason}`);
}

function checkIdentity(dir: string, meta: MetaProperties, expected: ExpectedIdentity): void {
  if (meta.version === 0) {
    throw new DataDirectoryError(
      "FOREIGN",
      `${dir} was formatted for ZooKeeper (version 0 of ${META_PROPERTIES_FILE}), not for KRaft`,
    );
  }
  if (expected.clusterId !== null && meta.clusterId !== expected.clusterId) {
    throw new DataDirectoryError(
      "FOREIGN",
      `${dir} belongs to cluster ${meta.clusterId}, not to ${expected.clusterId}`,
    );
  }
  if (expected.nodeId !== null && meta.nodeId !== expected.nodeId) {
    throw new DataDirectoryError(
      "FOREIGN",
      `${dir} belongs to node ${meta.nodeId}, but node.id is ${expected.nodeId}`,
    );
  }
}

/** Formatting somebody's home directory would be a poor surprise. */
function refuseForeignFiles(disk: Disk, dir: string, entries: readonly DirectoryEntry[]): void {
  const foreign = entries.find(({ name }) => {
    if (FORMAT_FILES.has(name) || name.endsWith(TEMPORARY_SUFFIX)) return false;
    return name !== METADATA_LOG_DIRECTORY || holdsRecords(disk, `${dir}/${name}`);
  });
  if (foreign === undefined) return;
  throw new DataDirectoryError(
    "FOREIGN",
    `${dir} is no data directory and not empty (it holds "${foreign.name}"): name another one`,
  );
}

function holdsRecords(disk: Disk, logDir: string): boolean {
  if (!disk.isDirectory(logDir)) return true; // a file of that name is nobody's formatting
  return disk.list(logDir).some((name) =>
    name.endsWith(LOG_SUFFIX) && disk.fileSize(`${logDir}/${name}`) > 0);
}

function foundPartitions(dir: string, entries: readonly DirectoryEntry[]): FoundPartition[] {
  const found: FoundPartition[] = [];
  for (const { name, isDirectory } of entries) {
    if (!isDirectory || name === METADATA_LOG_DIRECTORY || name === REMOTE_INDEX_DIRECTORY) continue;
    const partition = parsePartitionDirectory(name);
    if (partition === null) {
      throw new DataDirectoryError(
        "FOREIGN",
        `${dir}/${name} is not of the form topic-partition: move it out of the data directory`,
      );
    }
    found.push({ ...partition, directoryName: name });
  }
  return found;
}
