import { assert } from "../base/assert.ts";

/** Versions `first` to `last`, both included. No version at all: NO_VERSIONS. */
export interface VersionRange {
  readonly first: number;
  readonly last: number;
}

/** Versions are int16 on the wire. */
const VERSION_MAX = 0x7fff;

export const NO_VERSIONS: VersionRange = { first: 0, last: -1 };
export const ALL_VERSIONS: VersionRange = { first: 0, last: VERSION_MAX };

/** "4-18", "12+", "7" or "none", as Kafka's schemas write them. */
export function parseVersions(text: string): VersionRange {
  if (text === "none") return NO_VERSIONS;
  const first = Number.parseInt(text, 10);
  assert(first >= 0, "not a range of versions", text);
  if (text.endsWith("+")) return { first, last: VERSION_MAX };
  const dash = text.indexOf("-");
  return { first, last: dash < 0 ? first : Number.parseInt(text.slice(dash + 1), 10) };
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.first && version <= range.last;
}
