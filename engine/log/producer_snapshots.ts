import { assert } from "../base/assert.ts";
import type { Disk, DiskFile } from "../io/disk.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import type { Crc32c } from "../model/records.ts";
import { encodeProducerSnapshot, parseProducerSnapshot } from "./producer_snapshot.ts";
import type { ProducerState } from "./producer_state.ts";
import { DELETED_SUFFIX, SNAPSHOT_SUFFIX, segmentPath } from "./segment_names.ts";

/**
 * ProducerSnapshots: the `.snapshot` files of one log.
 *
 * Invariants:
 *  N1  `#offsets` ascends and names exactly the snapshot files in use
 *  N2  a file that cannot be read is removed and an older one used: the rest is replayed from the log
 *
 * Owner: one Log.
 */
export class ProducerSnapshots {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #crc32c: Crc32c;
  #offsets: Offset[];
  /** Handles of the files written here: whoever syncs one must hear when it goes. */
  readonly #written = new Map<Offset, DiskFile>();

  constructor(disk: Disk, dir: string, offsets: readonly Offset[], crc32c: Crc32c) {
    this.#disk = disk;
    this.#dir = dir;
    this.#crc32c = crc32c;
    this.#offsets = [...offsets].sort((one, other) => one - other);
  }

  get offsets(): readonly Offset[] {
    return this.#offsets;
  }

  get latestOffset(): Offset | undefined {
    return this.#offsets.at(-1);
  }

  /**
   * Loads the newest readable snapshot in (above, upTo] into `producers`; without one they start empty
   * at `above`. Returns the notes of what was unreadable.
   */
  load(producers: ProducerState, above: Offset, upTo: Offset, nowMs: TimestampMs): string[] {
    const notes: string[] = [];
    for (let index = this.#offsets.length - 1; index >= 0; index--) {
      const offset = this.#offsets[index]!;
      if (offset > upTo) continue;
      if (offset <= above) break;
      const path = this.#path(offset);
      const snapshot = parseProducerSnapshot(this.#disk.readAll(path) ?? NOTHING, this.#crc32c);
      if (snapshot.ok) {
        producers.load(snapshot.value, offset, nowMs);
        return notes;
      }
      notes.push(`${path} removed: ${snapshot.reason}`);
      this.#disk.remove(path);
      this.#offsets.splice(index, 1);
    }
    producers.load([], above, nowMs);
    return notes;
  }

  /**
   * Writes the state as of `producers.endOffset`, unless there is a snapshot of that offset. The file
   * still needs a sync; null when none was written.
   */
  take(producers: ProducerState): DiskFile | null {
    const offset = producers.endOffset;
    const latest = this.latestOffset;
    if (latest !== undefined && latest >= offset) return null;
    const bytes = encodeProducerSnapshot(producers.snapshot(), this.#crc32c);
    const file = this.#disk.file(this.#path(offset));
    file.create("keep");
    file.truncate(0);
    file.write([bytes], 0);
    this.#offsets.push(offset);
    this.#written.set(offset, file);
    return file;
  }

  /** Removes the files above `offset`: they describe what is no longer there. */
  removeAbove(offset: Offset): void {
    for (const stale of this.#offsets.filter((each) => each > offset)) {
      this.#disk.remove(this.#path(stale));
    }
    this.#offsets = this.#offsets.filter((each) => each <= offset);
  }

  /** Removes the files that are of no use any more once the log starts at `offset`. */
  removeUpTo(offset: Offset): void {
    for (const stale of this.#offsets.filter((each) => each <= offset)) {
      this.#disk.remove(this.#path(stale));
    }
    this.#offsets = this.#offsets.filter((each) => each > offset);
  }

  /** Removes the files that belong to no segment, but keeps the newest beyond the last base offset. */
  removeStrays(baseOffsets: ReadonlySet<Offset>, lastBaseOffset: Offset): void {
    const newest = this.latestOffset;
    for (const offset of [...this.#offsets]) {
      if (baseOffsets.has(offset)) continue;
      if (offset === newest && offset > lastBaseOffset) continue;
      this.#disk.remove(this.#path(offset));
      this.#offsets.splice(this.#offsets.indexOf(offset), 1);
    }
  }

  /** The handle that `take` returned for this offset, which may still wait for its sync. */
  writtenFile(offset: Offset): DiskFile | undefined {
    return this.#written.get(offset);
  }

  /** The snapshot that goes with a deleted segment gets its `.deleted` name; null when there is none. */
  markDeleted(offset: Offset): string | null {
    this.#written.delete(offset);
    const index = this.#offsets.indexOf(offset);
    if (index < 0) return null;
    this.#offsets.splice(index, 1);
    const deleted = this.#path(offset) + DELETED_SUFFIX;
    assert(this.#disk.exists(this.#path(offset)), "a snapshot file vanished", offset);
    this.#disk.rename(this.#path(offset), deleted);
    return deleted;
  }

  #path(offset: Offset): string {
    return segmentPath(this.#dir, offset, SNAPSHOT_SUFFIX);
  }
}

const NOTHING = new Uint8Array(0);
