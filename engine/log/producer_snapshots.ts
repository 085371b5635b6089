import { assert } from "../base/assert.ts";
import type { Disk, DiskFile } from "../io/disk.ts";
import type { Offset, TimestampMs } from "../model/offsets.ts";
import type { Crc32c } from "../model/records.ts";
import { encodeProducerSnapshot, parseProducerSnapshot } from "./producer_snapshot.ts";
import type { ProducerState } from "./producer_state.ts";
import { DELETED_SUFFIX, SNAPSHOT_SUFFIX, segmentPath } from "./segment_names.ts";

export interface EncodedSnapshot {
  readonly offset: Offset;
  readonly bytes: Uint8Array;
}

/**
 * ProducerSnapshots: the `.snapshot` files of one log.
 *
 * Invariants:
 *  N1  `#offsets` ascends and names exactly the snapshot files in use; doubted ones are not in use
 *  N2  a file that cannot be read is removed and an older one used: the rest is replayed from the log
 *
 * Owner: one Log.
 */
export class ProducerSnapshots {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #crc32c: Crc32c;
  #offsets: Offset[];
  /** Files of a crashed run: only when the same is to be written are they used again. */
  readonly #doubted = new Set<Offset>();
  /** The one within the active segment, if any. */
  #checkpointed: Offset | null = null;
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
   * Writes the state as of `producers.endOffset`, unless there is a snapshot of that offset. Returns the
   * file when it was written by this process: it may still need a sync.
   */
  take(producers: ProducerState): DiskFile | null {
    const offset = producers.endOffset;
    const latest = this.latestOffset;
    if (latest !== undefined && latest >= offset) {
      if (this.#checkpointed === offset) this.#checkpointed = null; // from now on it belongs here
      return this.#written.get(offset) ?? null;
    }
    const bytes = encodeProducerSnapshot(producers.snapshot(), this.#crc32c);
    if (this.#doubted.delete(offset)) {
      const stored = this.#disk.readAll(this.#path(offset));
      if (stored !== null && Buffer.compare(stored, bytes) === 0) {
        this.#offsets.push(offset);
        return null;
      }
    }
    return this.#write({ offset, bytes });
  }

  #write({ offset, bytes }: EncodedSnapshot): DiskFile {
    const file = this.#disk.file(this.#path(offset));
    file.create("keep");
    file.truncate(0);
    file.write([bytes], 0);
    this.#offsets.push(offset);
    this.#written.set(offset, file);
    return file;
  }

  /** The state of this moment, to be written by `checkpoint` later; null when it is on disk already. */
  encode(producers: ProducerState): EncodedSnapshot | null {
    const offset = producers.endOffset;
    const latest = this.latestOffset;
    if (latest !== undefined && latest >= offset) return null;
    return { offset, bytes: encodeProducerSnapshot(producers.snapshot(), this.#crc32c) };
  }

  /**
   * Writes a snapshot within the active segment; it replaces the last one of this kind. Whoever finds it
   * may believe the index entries below it, so the caller has synced those.
   */
  checkpoint(snapshot: EncodedSnapshot): void {
    const latest = this.latestOffset;
    if (latest !== undefined && latest >= snapshot.offset) return; // a roll was faster
    this.#write(snapshot);
    const before = this.#checkpointed;
    this.#checkpointed = snapshot.offset;
    if (before === null) return;
    this.#written.delete(before);
    this.#offsets = this.#offsets.filter((each) => each !== before);
    this.#disk.remove(this.#path(before));
  }

  /** The newest offset in (above, upTo] whose file can be read, or null. */
  newestReadable(above: Offset, upTo: Offset): Offset | null {
    for (const offset of this.#offsets.toReversed()) {
      if (offset > upTo) continue;
      if (offset <= above) break;
      const bytes = this.#disk.readAll(this.#path(offset)) ?? NOTHING;
      if (parseProducerSnapshot(bytes, this.#crc32c).ok) return offset;
    }
    return null;
  }

  /** Takes the files above `offset` out of use: they may describe what is no longer there. */
  doubtAbove(offset: Offset): void {
    for (const doubtful of this.#offsets) if (doubtful > offset) this.#doubted.add(doubtful);
    this.#offsets = this.#offsets.filter((each) => each <= offset);
  }

  /** Removes the doubted files that were not written again. */
  removeDoubted(): void {
    for (const offset of this.#doubted) this.#disk.remove(this.#path(offset));
    this.#doubted.clear();
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
