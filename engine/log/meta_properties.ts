import { formatProperties, parseProperties } from "../model/properties.ts";
import { parseUuid, uuidToBytes } from "../base/uuid.ts";
import type { Uuid } from "../base/uuid.ts";
import { integer } from "./checkpoint_lines.ts";
import { malformed, parsed } from "./parsed.ts";
import type { Parsed } from "./parsed.ts";

/** In every log directory: to which cluster and node it belongs. Its presence means "formatted". */
export const META_PROPERTIES_FILE = "meta.properties";

export interface MetaProperties {
  /** 1 since KRaft; 0 was written by brokers that kept their metadata in ZooKeeper. */
  readonly version: number;
  /** Null only in version 0. */
  readonly clusterId: string | null;
  readonly nodeId: number | null;
  /** Names this directory among all directories of the cluster. Absent before Kafka 3.7. */
  readonly directoryId: Uuid | null;
}

/** What a reader of META_PROPERTIES_FILE finds when a later release has written it. */
export const NEWEST_META_VERSION = 1;

/**
 * Versions above NEWEST_META_VERSION are malformed too, with `version` in the reason; ask
 * `metaPropertiesVersion` to tell them from damage.
 */
export function parseMetaProperties(bytes: Uint8Array): Parsed<MetaProperties> {
  const wrong = (reason: string) => malformed(reason, 0, bytes.length);
  const properties = readProperties(bytes);
  if (properties === null) return wrong("not a properties file");
  const version = versionOf(properties);
  if (version === null) return wrong("version is no number");
  if (version < 0 || version > NEWEST_META_VERSION) return wrong(`unknown version ${version}`);
  const nodeKey = version === 0 ? "broker.id" : "node.id";
  const nodeText = properties.get(nodeKey);
  const nodeId = nodeText === undefined ? null : integer(nodeText);
  if (nodeText !== undefined && (nodeId === null || nodeId < 0)) {
    return wrong(`${nodeKey} is no node number`);
  }
  const clusterId = properties.get("cluster.id") ?? null;
  if (version > 0 && (clusterId === null || clusterId === "")) return wrong("cluster.id is missing");
  if (version > 0 && nodeId === null) return wrong("node.id is missing");
  const directoryText = properties.get("directory.id");
  const directoryId = directoryText === undefined ? null : parseUuid(directoryText);
  if (directoryText !== undefined && directoryId === null) return wrong("directory.id is no uuid");
  if (directoryId !== null && isReservedDirectoryId(directoryId)) {
    return wrong("directory.id is reserved");
  }
  return parsed({ version, clusterId, nodeId, directoryId });
}

/** The declared version whatever else is in the file; absent means 0. Null: there is no telling. */
export function metaPropertiesVersion(bytes: Uint8Array): number | null {
  const properties = readProperties(bytes);
  return properties === null ? null : versionOf(properties);
}

function versionOf(properties: ReadonlyMap<string, string>): number | null {
  const text = properties.get("version");
  return text === undefined ? 0 : integer(text);
}

function readProperties(bytes: Uint8Array): ReadonlyMap<string, string> | null {
  try {
    return parseProperties(new TextDecoder().decode(bytes));
  } catch {
    return null; // a broken escape: the only thing that no properties file may hold
  }
}

/** Version 1, the only one that is written. `nowMs` goes into the comment, as Kafka's does. */
export function formatMetaProperties(
  meta: { readonly clusterId: string; readonly nodeId: number; readonly directoryId: Uuid },
  nowMs: number,
): Uint8Array {
  const properties: [string, string][] = [
    ["node.id", String(meta.nodeId)],
    ["directory.id", meta.directoryId],
    ["version", String(NEWEST_META_VERSION)],
    ["cluster.id", meta.clusterId],
  ];
  return new TextEncoder().encode(`#\n#${javaDate(nowMs)}\n${formatProperties(properties)}`);
}

/** The first hundred ids stand for no directory: MIGRATING 0, UNASSIGNED 1, LOST 2. */
const RESERVED_DIRECTORY_IDS = 100;

/** Ids that a directory must not have; draw again. */
export function isReservedDirectoryId(id: Uuid): boolean {
  const bytes = new Uint8Array(16);
  uuidToBytes(id, bytes);
  return bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15]! < RESERVED_DIRECTORY_IDS;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = [
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/** As java.util.Date prints itself: "Sat Nov 21 06:38:08 UTC 2026". */
function javaDate(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${two(date.getUTCDate())} ` +
    `${time} UTC ${date.getUTCFullYear()}`;
}
