/**
 * The golden data directories: what Apache Kafka 4.3.1 left on a disk, made by
 * test/foreign/kafka/golden.ts. Each archive holds NAME/ (the data directory) and NAME.json (every
 * record by topic, as `kcat -J` prints it).
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * clean: stopped; killed: kill -9; snapshotted: stopped, the metadata log has snapshots beside it;
 * trimmed: kill -9, the metadata log starts above 0; transactions: stopped, aborted transactions and
 * committed group offsets.
 */
export type GoldenName = "clean" | "killed" | "snapshotted" | "trimmed" | "transactions";

export interface GoldenRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly tstype: "create" | "append";
  readonly ts: number;
  readonly broker: number;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
  readonly key: string | null;
  readonly payload: string | null;
}

export interface Golden {
  readonly dir: string;
  readonly records: Readonly<Record<string, readonly GoldenRecord[]>>;
  remove(): void;
}

/** Unpacks a copy that the caller may change, and removes with `remove`. */
export function unpackGolden(name: GoldenName): Golden {
  const root = mkdtempSync(join(tmpdir(), "millrace-golden-"));
  const archive = join(import.meta.dir, "../golden/kafka-4.3.1", `${name}.tar.gz`);
  const unpacked = Bun.spawnSync(["tar", "-xzf", archive, "-C", root]);
  if (!unpacked.success) throw new Error(`unpacking ${archive}: ${unpacked.stderr.toString()}`);
  const records = JSON.parse(readFileSync(join(root, `${name}.json`), "utf8")) as Golden["records"];
  return { dir: join(root, name), records, remove: () => rmSync(root, { recursive: true, force: true }) };
}
