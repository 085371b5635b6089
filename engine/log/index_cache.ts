import { assert } from "../base/assert.ts";
import type { DiskFile } from "../io/disk.ts";
import type { MappedFile } from "../../native/mapped_file.ts";

/**
 * Maps held at once. Linux allows 65,530 per process (vm.max_map_count), and the runtime wants some;
 * a node with 10,000 partitions would hold 20,000 if every last sealed segment were looked up.
 */
export const INDEX_MAPS_MAX = 4096;

const NOTHING = new Uint8Array(0);

/** One index file of a sealed segment: whole entries, never changed again. */
export interface SealedIndexFile {
  readonly file: DiskFile;
  readonly sizeBytes: number;
}

/**
 * IndexCache: memory maps of sealed indexes, made on first use, the least recently used given up.
 *
 * Invariants:
 *  X1  at most `mapsMax` files are mapped
 *  X2  a file is never truncated, renamed or removed while mapped: its owner calls `drop` first
 *
 * Owner: one per data directory. Concurrency: bytes are valid until the next call of any kind; nobody
 * keeps them across one.
 */
export class IndexCache {
  readonly #mapsMax: number;
  /** In order of last use. */
  readonly #maps = new Map<SealedIndexFile, MappedFile>();

  constructor(mapsMax: number = INDEX_MAPS_MAX) {
    assert(mapsMax >= 2, "a segment has two indexes", mapsMax);
    this.#mapsMax = mapsMax;
  }

  get size(): number {
    return this.#maps.size;
  }

  bytes(index: SealedIndexFile): Uint8Array {
    if (index.sizeBytes === 0) return NOTHING;
    let map = this.#maps.get(index);
    if (map === undefined) {
      map = index.file.map(index.sizeBytes);
      if (this.#maps.size >= this.#mapsMax) this.#dropOldest();
    } else {
      this.#maps.delete(index);
    }
    this.#maps.set(index, map);
    return map.bytes();
  }

  /** Unmaps it, if mapped. */
  drop(index: SealedIndexFile): void {
    const map = this.#maps.get(index);
    if (map === undefined) return;
    this.#maps.delete(index);
    map.unmap();
  }

  #dropOldest(): void {
    const oldest = this.#maps.keys().next();
    assert(oldest.done === false, "an index cache that is full and empty");
    this.drop(oldest.value);
  }
}
