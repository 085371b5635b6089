import * as fs from "node:fs";
import { assert } from "../base/assert.ts";

/**
 * DescriptorPool: at most `limit` descriptors for any number of files.
 *
 *   oldest <-> ... <-> newest      slots that hold a descriptor, by last use; a pinned slot stays
 *
 * Invariants:
 *  1  a slot is in the list exactly when it holds a descriptor
 *  2  the list has at most `limit` slots, except while pinned ones stand in the way
 *  3  a pinned descriptor is never closed; a dropped slot closes at its last unpin
 *
 * A file with unsynced writes keeps its descriptor while any other can go: the kernel reports a failed
 * write-back through descriptors, and with the last one closed it may forget.
 *
 * Owner: the process has one pool for all of its disks. Errors: what node:fs throws.
 */
export class DescriptorPool {
  #limit: number;
  #count = 0;
  #pinned = 0;
  /** Head of the ring: `next` is the oldest, `previous` the newest. */
  readonly #ring = new DescriptorSlot("", false);

  constructor(limit: number) {
    assert(limit >= 1, "a pool of no descriptors", limit);
    this.#limit = limit;
    this.#ring.next = this.#ring;
    this.#ring.previous = this.#ring;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Descriptors open now. */
  get count(): number {
    return this.#count;
  }

  get pinned(): number {
    return this.#pinned;
  }

  /** The slot's descriptor, valid until anything else is asked of the pool. */
  use(slot: DescriptorSlot): number {
    if (slot.fd >= 0) {
      if (this.#ring.previous !== slot) {
        unlink(slot);
        this.#linkNewest(slot);
      }
      return slot.fd;
    }
    assert(!slot.dropped, "file used after close", slot.path);
    if (this.#count >= this.#limit) this.#evict(1);
    slot.fd = this.withRoom(() => openSlot(slot));
    this.#count++;
    this.#linkNewest(slot);
    return slot.fd;
  }

  /** Takes in a descriptor that was opened (for writing) elsewhere. */
  adopt(slot: DescriptorSlot, fd: number): void {
    assert(!slot.dropped, "file used after close", slot.path);
    if (slot.fd >= 0) {
      fs.closeSync(fd); // one is enough, and this one may be borrowed
      return;
    }
    if (this.#count >= this.#limit) this.#evict(1);
    slot.fd = fd;
    slot.writable = true;
    this.#count++;
    this.#linkNewest(slot);
  }

  /** The slot's descriptor, valid until the matching `unpin`. */
  pin(slot: DescriptorSlot): number {
    const fd = this.use(slot);
    if (slot.pins++ === 0) this.#pinned++;
    return fd;
  }

  unpin(slot: DescriptorSlot): void {
    assert(slot.pins > 0, "unpinned more often than pinned", slot.path);
    if (--slot.pins > 0) return;
    this.#pinned--;
    if (slot.dropped) this.#close(slot);
    else if (this.#count > this.#limit) this.#evict(1);
  }

  /** The slot's owner is done with it. */
  drop(slot: DescriptorSlot): void {
    slot.dropped = true;
    if (slot.pins === 0) this.#close(slot);
  }

  closeIdle(): void {
    this.#evict(this.#count);
  }

  /**
   * Runs `open`; when the process has no descriptor left, gives up half of the idle ones and tries
   * once more, with a lower limit from then on.
   */
  withRoom<Result>(open: () => Result): Result {
    try {
      return open();
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (code !== "EMFILE" && code !== "ENFILE") throw error;
      const idle = this.#count - this.#pinned;
      if (idle === 0) throw error;
      this.#limit = Math.max(1, this.#count - Math.ceil(idle / 2));
      this.#evict(Math.ceil(idle / 2));
      return open();
    }
  }

  /** Closes up to `wanted` idle descriptors, oldest first; those with unsynced writes only after others. */
  #evict(wanted: number): void {
    let left = wanted - this.#evictWhere(wanted, (slot) => slot.writes === slot.syncedWrites);
    if (left > 0) left -= this.#evictWhere(left, () => true);
  }

  #evictWhere(wanted: number, may: (slot: DescriptorSlot) => boolean): number {
    let evicted = 0;
    let looked = 0;
    for (let slot = this.#ring.next; slot !== this.#ring && evicted < wanted; ) {
      const next: DescriptorSlot = slot.next;
      if (slot.pins === 0 && may(slot)) {
        this.#close(slot);
        evicted++;
      } else if (wanted === 1 && ++looked >= EVICTION_LOOKS_MAX) {
        break;
      }
      slot = next;
    }
    return evicted;
  }

  #close(slot: DescriptorSlot): void {
    if (slot.fd < 0) return;
    unlink(slot);
    this.#count--;
    const fd = slot.fd;
    slot.fd = -1;
    // The last descriptor of an unlinked file frees it: tens of milliseconds for a full segment.
    if (slot.isUnlinked) fs.close(fd, () => {});
    else fs.closeSync(fd);
  }

  #linkNewest(slot: DescriptorSlot): void {
    const newest = this.#ring.previous;
    newest.next = slot;
    slot.previous = newest;
    slot.next = this.#ring;
    this.#ring.previous = slot;
  }
}

/** One file's place in the pool. */
export class DescriptorSlot {
  path: string;
  /** Never open it for writing. */
  readonly readOnly: boolean;
  /** -1: none now. */
  fd = -1;
  /** Whether `fd` was opened for writing: a file may forbid it. */
  writable = false;
  pins = 0;
  dropped = false;
  isUnlinked = false;
  /** Counts writes; equal to `syncedWrites` when a sync has covered them all. */
  writes = 0;
  syncedWrites = 0;
  next: DescriptorSlot = this;
  previous: DescriptorSlot = this;

  constructor(path: string, readOnly: boolean) {
    this.path = path;
    this.readOnly = readOnly;
  }
}

/** How many slots that must stay are passed over in search of one that may go: bounds one open. */
const EVICTION_LOOKS_MAX = 64;

/** Descriptors kept for the runtime itself: its loop, threads, standard streams, node_modules. */
const RUNTIME_DESCRIPTORS = 64;

/** What a process gets where nobody says otherwise. */
const PROCESS_LIMIT_DEFAULT = 1024;

/** Files get half of the process's descriptors, sockets the other half. */
export function descriptorBudget(processLimit: number): number {
  return Math.max(8, Math.floor((processLimit - RUNTIME_DESCRIPTORS) / 2));
}

/** The soft limit of open files of this process. */
export function processDescriptorLimit(): number {
  try {
    const limits = fs.readFileSync("/proc/self/limits", "latin1");
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? PROCESS_LIMIT_DEFAULT : Number(soft);
  } catch {
    return PROCESS_LIMIT_DEFAULT; // no /proc: not Linux
  }
}

function openSlot(slot: DescriptorSlot): number {
  if (!slot.readOnly) {
    try {
      const fd = fs.openSync(slot.path, fs.constants.O_RDWR);
      slot.writable = true;
      return fd;
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (code !== "EACCES" && code !== "EROFS") throw error;
    }
  }
  slot.writable = false;
  return fs.openSync(slot.path, fs.constants.O_RDONLY);
}

function unlink(slot: DescriptorSlot): void {
  slot.previous.next = slot.next;
  slot.next.previous = slot.previous;
  slot.next = slot;
  slot.previous = slot;
}
