import { assert } from "../base/assert.ts";
import type { DiskFile } from "../io/disk.ts";
import type { Offset } from "../model/offsets.ts";
import type { Syncer } from "./syncer.ts";

/**
 * The appends of one write: they are settled together, because they reach file and device together.
 * `promise` is what `Appended.settled` hands out.
 */
export class WriteGroup {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** One past the last offset of the group; known once it is written. */
  endOffset: Offset = 0 as Offset;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.promise = promise;
    this.resolve = resolve;
    this.reject = reject;
    // A producer that asked for no answer leaves nobody to hear of a failure.
    promise.catch(ignore);
  }
}

function ignore(): void {}

/**
 * GroupCommit: what of one log is on the device, and who waits for it.
 *
 *   offset   0 ------ syncedOffset ------ #inFlightEnd ------ writtenOffset
 *              durable  |  in the sync that runs  |  #waiting: for the next one  |
 *
 * Invariants:
 *  C1  at most one sync is in flight
 *  C2  a group joins the next sync to start, never the one in flight: that may have begun before the
 *      group's bytes were written
 *  C3  a sync covers every file and directory touched since the last one started, so that across a roll
 *      the sealed file, the new file and the directory are down before anything is acknowledged
 *  C4  after a failed sync nothing is ever durable any more: every group of now and later is rejected
 *      with the first failure, and nothing is synced again
 *  C5  syncedOffset only grows, and only to offsets that were written before their sync started
 *
 * Owner: one Log. Concurrency: `wrote` and `touch` are synchronous; completion arrives between ticks.
 */
export class GroupCommit {
  readonly #syncer: Syncer;
  readonly #onSynced: () => void;
  #writtenOffset: Offset;
  #syncedOffset: Offset;
  #files = new Set<DiskFile>();
  #directories = new Set<string>();
  #waiting: WriteGroup[] = [];
  #inFlight: WriteGroup[] | null = null;
  #inFlightEnd: Offset;
  #recoveryPoint: Offset;
  #failure: Error | null = null;

  /** `onSynced`: syncedOffset moved; called before the groups are resolved. */
  constructor(syncer: Syncer, endOffset: Offset, syncedOffset: Offset, onSynced: () => void) {
    assert(syncedOffset <= endOffset, "synced beyond the end", syncedOffset, endOffset);
    this.#syncer = syncer;
    this.#onSynced = onSynced;
    this.#writtenOffset = endOffset;
    this.#syncedOffset = syncedOffset;
    this.#inFlightEnd = syncedOffset;
    this.#recoveryPoint = syncedOffset;
  }

  get writtenOffset(): Offset {
    return this.#writtenOffset;
  }

  get syncedOffset(): Offset {
    return this.#syncedOffset;
  }

  /** Below it everything is durable, indexes and snapshots of sealed segments included. */
  get recoveryPoint(): Offset {
    return this.#recoveryPoint;
  }

  get failure(): Error | null {
    return this.#failure;
  }

  get isDirty(): boolean {
    return this.#files.size > 0 || this.#directories.size > 0;
  }

  /** A file or a name that the next sync must cover. */
  touchFile(file: DiskFile): void {
    this.#files.add(file);
  }

  touchDirectory(dir: string): void {
    this.#directories.add(dir);
  }

  /** A file that is going away needs no sync. */
  forgetFile(file: DiskFile): void {
    this.#files.delete(file);
  }

  /** `file` was written up to `endOffset`. Nobody waits yet. */
  wrote(file: DiskFile, endOffset: Offset): void {
    assert(endOffset >= this.#writtenOffset, "written offset goes back", endOffset);
    this.#writtenOffset = endOffset;
    this.#files.add(file);
  }

  /** `group` wants to be durable: with the next sync, which starts now unless one is in flight. */
  wait(group: WriteGroup): void {
    if (this.#failure !== null) {
      group.reject(this.#failure);
      return;
    }
    this.#waiting.push(group);
    if (this.#inFlight === null) this.#start();
  }

  /** The written group, if any, whose promise covers the batch that ends before `endOffset`. */
  groupCovering(endOffset: Offset): WriteGroup | null {
    for (const group of this.#inFlight ?? []) {
      if (group.endOffset >= endOffset) return group;
    }
    for (const group of this.#waiting) {
      if (group.endOffset >= endOffset) return group;
    }
    return null;
  }

  /** Resolves when everything written and touched by now is durable. */
  flush(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (!this.isDirty) {
      // Nothing new: what was touched last is durable, or in the sync that runs.
      if (this.#inFlight === null) return Promise.resolve();
      const group = new WriteGroup();
      group.endOffset = this.#inFlightEnd;
      this.#inFlight.push(group);
      return group.promise;
    }
    const group = new WriteGroup();
    group.endOffset = this.#writtenOffset;
    this.wait(group);
    return group.promise;
  }

  /** The log files were made durable by other means, before anybody was served; no index was. */
  assumeSynced(): void {
    assert(this.#inFlight === null, "a sync is in flight");
    this.#syncedOffset = this.#writtenOffset;
  }

  /** Rejects whoever waits. The log goes away or its disk has latched. */
  fail(error: Error): void {
    this.#failure ??= error;
    const groups = [...(this.#inFlight ?? []), ...this.#waiting];
    if (this.#inFlight !== null) this.#inFlight = [];
    this.#waiting = [];
    for (const group of groups) group.reject(this.#failure);
  }

  #start(): void {
    assert(this.#inFlight === null, "two syncs of one log in flight");
    const files = Array.from(this.#files);
    const directories = Array.from(this.#directories);
    if (files.length > 0) this.#files.clear();
    if (directories.length > 0) this.#directories.clear();
    this.#inFlight = this.#waiting;
    this.#waiting = [];
    this.#inFlightEnd = this.#writtenOffset;
    this.#syncer.sync({ files, directories }).then(this.#done, this.#failed);
  }

  readonly #done = (): void => {
    const groups = this.#inFlight!;
    this.#inFlight = null;
    if (this.#failure !== null) return; // rejected already
    const moved = this.#inFlightEnd > this.#syncedOffset;
    if (moved) this.#syncedOffset = this.#inFlightEnd;
    this.#recoveryPoint = this.#inFlightEnd;
    // The next sync first: the device need not wait for what the answers cost.
    if (this.#waiting.length > 0) this.#start();
    if (moved) this.#onSynced();
    for (const group of groups) group.resolve();
  };

  readonly #failed = (error: Error): void => {
    this.fail(error);
    this.#inFlight = null;
  };
}
