import { uuidToBytes } from "../base/uuid.ts";
import type { Uuid } from "../base/uuid.ts";
import { assert } from "../base/assert.ts";
import { integer } from "./checkpoint_lines.ts";

/**
 * Names inside a data directory, made and read side by side.
 *
 *   orders-0                                       a partition
 *   orders-0.<32 hex>-delete                       deleted; its files follow after a delay
 *   orders-0.<32 hex>-stray                        on disk, but not this node's by the metadata
 *   orders-0.<32 hex>-future                       being moved in from another directory
 */
export interface PartitionDirectoryName {
  /** Cut short in names of kind "delete" and "stray" that would be longer than a name may be. */
  readonly topic: string;
  readonly partition: number;
  readonly kind: PartitionDirectoryKind;
}

export type PartitionDirectoryKind = "live" | "delete" | "stray" | "future";

/** The metadata log: opened on its own, in no checkpoint file. */
export const METADATA_LOG_DIRECTORY = "__cluster_metadata-0";
/** Tiered storage's cache, ignored. */
export const REMOTE_INDEX_DIRECTORY = "remote-log-index-cache";

export const LOCK_FILE = ".lock";

/** What file systems allow. */
const NAME_BYTES_MAX = 255;

const SUFFIXED = /^(\S+)-(\S+)\.(\S+)-(delete|stray|future)$/;

export function partitionDirectoryName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** `unique` tells apart several directories of one partition. */
export function suffixedDirectoryName(
  topic: string,
  partition: number,
  kind: "delete" | "stray",
  unique: Uuid,
): string {
  const suffix = `-${partition}.${hexOf(unique)}-${kind}`;
  const name = topic.slice(0, NAME_BYTES_MAX - suffix.length) + suffix;
  assert(parsePartitionDirectory(name)?.kind === kind, "name does not read back", name);
  return name;
}

/** Null: not the name of a partition's directory, which at start means: refuse the data directory. */
export function parsePartitionDirectory(name: string): PartitionDirectoryName | null {
  const suffixed = SUFFIXED.exec(name);
  // A name that only looks suffixed is nothing: Kafka refuses it, too.
  if (suffixed === null && /-(delete|stray|future)$/.test(name)) return null;
  const kind = (suffixed?.[4] ?? "live") as PartitionDirectoryKind;
  const plain = suffixed === null ? name : name.slice(0, name.lastIndexOf("."));
  const dash = plain.lastIndexOf("-");
  if (dash <= 0) return null;
  const digits = plain.slice(dash + 1);
  const partition = integer(digits);
  if (partition === null || partition < 0 || partition > PARTITION_MAX) return null;
  if (String(partition) !== digits) return null; // "orders-00" would be a second "orders-0"
  return { topic: plain.slice(0, dash), partition, kind };
}

/** Partition numbers are 32-bit. */
const PARTITION_MAX = 0x7fff_ffff;

function hexOf(id: Uuid): string {
  const bytes = new Uint8Array(16);
  uuidToBytes(id, bytes);
  return Buffer.from(bytes).toString("hex");
}
