import type { Offset } from "../model/offsets.ts";
import { at, formatCheckpointLines, integer, parseCheckpointLines } from "./checkpoint_lines.ts";
import { parsed } from "./parsed.ts";
import type { Parsed } from "./parsed.ts";

/** Everything below is synced. Every 60 s and on a clean stop. */
export const RECOVERY_POINT_FILE = "recovery-point-offset-checkpoint";
/** Only logs whose start lies above their first segment's base offset. */
export const LOG_START_FILE = "log-start-offset-checkpoint";
/** High watermarks. Every 5 s and on a clean stop. */
export const REPLICATION_FILE = "replication-offset-checkpoint";
/** First dirty offset of each compacted log. */
export const CLEANER_FILE = "cleaner-offset-checkpoint";

export const OFFSET_CHECKPOINT_FILES: readonly string[] = [
  RECOVERY_POINT_FILE,
  LOG_START_FILE,
  REPLICATION_FILE,
  CLEANER_FILE,
];

/** One offset for each of many partitions: the content of one of the four files above. */
export class OffsetCheckpoint {
  readonly #topics = new Map<string, Map<number, Offset>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(topic: string, partition: number): Offset | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  set(topic: string, partition: number, offset: Offset): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = new Map()));
    if (!partitions.has(partition)) this.#size++;
    partitions.set(partition, offset);
  }

  delete(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined || !partitions.delete(partition)) return;
    this.#size--;
    if (partitions.size === 0) this.#topics.delete(topic);
  }

  *[Symbol.iterator](): Generator<CheckpointEntry, void, undefined> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, offset] of partitions) yield { topic, partition, offset };
    }
  }
}

export interface CheckpointEntry {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Offset;
}

/** A partition named twice keeps its last offset, as in Kafka. */
export function parseOffsetCheckpoint(bytes: Uint8Array): Parsed<OffsetCheckpoint> {
  const lines = parseCheckpointLines(bytes, 3);
  if (!lines.ok) return lines;
  const checkpoint = new OffsetCheckpoint();
  for (const line of lines.value) {
    const partition = integer(line.fields[1]);
    const offset = integer(line.fields[2]);
    if (partition === null || partition < 0) return at(line, "not a partition number");
    if (offset === null || offset < 0) return at(line, "not an offset");
    checkpoint.set(line.fields[0]!, partition, offset as Offset);
  }
  return parsed(checkpoint);
}

export function formatOffsetCheckpoint(checkpoint: OffsetCheckpoint): Uint8Array {
  const lines: string[] = [];
  for (const { topic, partition, offset } of checkpoint) {
    lines.push(`${topic} ${partition} ${offset}`);
  }
  return formatCheckpointLines(lines);
}
