/** A golden data directory of Kafka, or a part of it, on a simulated disk: to be damaged at will. */
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import {
  OFFSET_CHECKPOINT_FILES,
  OffsetCheckpoint,
  formatOffsetCheckpoint,
  parseOffsetCheckpoint,
} from "../../engine/log/checkpoint_file.ts";
import { loadNative } from "../../native/native.ts";
import { unpackGolden } from "./golden.ts";
import type { GoldenName } from "./golden.ts";

export type Files = ReadonlyMap<string, Uint8Array>;

/** All files by path inside the directory. */
export function goldenFiles(name: GoldenName): Files {
  const golden = unpackGolden(name);
  try {
    const files = new Map<string, Uint8Array>();
    for (const entry of readdirSync(golden.dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(relative(golden.dir, path), new Uint8Array(readFileSync(path)));
    }
    return files;
  } finally {
    golden.remove();
  }
}

/** The same directory with only some of its subdirectories; checkpoints name only these. */
export function keepDirectories(files: Files, directories: readonly string[]): Files {
  const kept = new Map<string, Uint8Array>();
  for (const [path, bytes] of files) {
    const slash = path.indexOf("/");
    if (slash >= 0 && !directories.includes(path.slice(0, slash))) continue;
    if (!OFFSET_CHECKPOINT_FILES.includes(path)) {
      kept.set(path, bytes);
      continue;
    }
    const parsed = parseOffsetCheckpoint(bytes);
    if (!parsed.ok) throw new Error(parsed.reason);
    const checkpoint = new OffsetCheckpoint();
    for (const { topic, partition, offset } of parsed.value) {
      if (directories.includes(`${topic}-${partition}`)) checkpoint.set(topic, partition, offset);
    }
    kept.set(path, formatOffsetCheckpoint(checkpoint));
  }
  return kept;
}

export function diskOf(files: Files, dir = "/data"): SimulatedDisk {
  const disk = new SimulatedDisk({ native: loadNative() });
  for (const [path, bytes] of files) disk.install(`${dir}/${path}`, bytes);
  return disk;
}
