import type { LeaderEpoch, Offset } from "../model/offsets.ts";
import { at, formatCheckpointLines, integer, parseCheckpointLines } from "./checkpoint_lines.ts";
import { parsed } from "./parsed.ts";
import type { Parsed } from "./parsed.ts";

/** In each partition's directory. */
export const EPOCH_CHECKPOINT_FILE = "leader-epoch-checkpoint";

/** From `startOffset` on, records were written under leader `epoch`. */
export interface EpochLine {
  readonly epoch: LeaderEpoch;
  readonly startOffset: Offset;
}

/** Epochs rise from line to line, and so do start offsets; anything else is malformed. */
export function parseEpochCheckpoint(bytes: Uint8Array): Parsed<EpochLine[]> {
  const lines = parseCheckpointLines(bytes, 2);
  if (!lines.ok) return lines;
  const entries: EpochLine[] = [];
  for (const line of lines.value) {
    const epoch = integer(line.fields[0]);
    const startOffset = integer(line.fields[1]);
    if (epoch === null || epoch < 0 || epoch > EPOCH_MAX) return at(line, "not a leader epoch");
    if (startOffset === null || startOffset < 0) return at(line, "not an offset");
    const last = entries.at(-1);
    if (last !== undefined && epoch <= last.epoch) return at(line, "epochs do not rise");
    if (last !== undefined && startOffset <= last.startOffset) {
      return at(line, "start offsets do not rise");
    }
    entries.push({ epoch: epoch as LeaderEpoch, startOffset: startOffset as Offset });
  }
  return parsed(entries);
}

export function formatEpochCheckpoint(entries: readonly EpochLine[]): Uint8Array {
  return formatCheckpointLines(entries.map((entry) => `${entry.epoch} ${entry.startOffset}`));
}

/** Epochs are 32-bit. */
const EPOCH_MAX = 0x7fff_ffff;
