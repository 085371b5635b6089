import { assert } from "../base/assert.ts";

/** What a device writes whole or not at all. */
export const SECTOR_BYTES = 512;

/** Which of the unsynced changes a power cut let through. Whatever is absent: nothing of it. */
export interface CrashChoice {
  /**
   * Which version of an unsynced sector the device holds: 0 is what was durable, `versions - 1` the
   * newest, "garbage" neither. False is 0 and true the newest. Garbage is for sectors in which nothing
   * was durable, elsewhere it means the newest: sectors are atomic, or no log could end inside one.
   */
  readonly sector?: (sector: UnsyncedSector) => number | boolean | "garbage";
  /** Which of the sizes that the file has had since its last sync: an index, or false and true. */
  readonly size?: (file: UnsyncedSize) => number | boolean;
  /** Whether a change of names made it to its directory. */
  readonly name?: (change: UnsyncedName) => boolean;
}

export interface UnsyncedSector {
  readonly path: string;
  readonly sector: number;
  /** At least 2: the durable one, perhaps some between, the newest. */
  readonly versions: number;
}

export interface UnsyncedSize {
  readonly path: string;
  /** Oldest first, the durable one first of all. */
  readonly sizes: readonly number[];
}

export interface UnsyncedName {
  /** Counts the unsynced changes of one crash, oldest first. */
  readonly index: number;
  readonly kind: NameChangeKind;
  readonly path: string;
}

export type NameChangeKind = "create" | "make directory" | "remove" | "rename";

/** An older state, and the number of the change that ended it. */
interface Older<State> {
  readonly state: State;
  /** A sync that began at or after this change makes it obsolete. */
  readonly endedBy: number;
}

/**
 * SimulatedInode: content as readers see it, beside what each unsynced sector held before.
 *
 * Invariants:
 *  1  every sector that differs between the durable and the current state has an entry in #sectors,
 *     oldest state first; a sector without an entry is durable as it is
 *  2  the same for the size and #sizes
 *  3  bytes at and beyond `size` are zero; #content may be shorter than `size`, with zeros behind it
 *  4  #content that is shared with another inode is copied before it changes
 */
export class SimulatedInode {
  readonly number: number;
  modifiedMs = 0;
  /** Whether reads would wait for the device. */
  isCold = false;
  isLocked = false;
  #content = NO_CONTENT;
  #isShared = true;
  #size = 0;
  readonly #sectors = new Map<number, Older<Uint8Array>[]>();
  #sizes: Older<number>[] = [];

  constructor(number: number) {
    this.number = number;
  }

  get size(): number {
    return this.#size;
  }

  get isUnsynced(): boolean {
    return this.#sectors.size > 0 || this.#sizes.length > 0;
  }

  bytes(start: number, end: number): Uint8Array {
    const stop = Math.max(start, Math.min(end, this.#size));
    if (stop <= this.#content.length) return this.#content.subarray(start, stop);
    const bytes = new Uint8Array(stop - start);
    bytes.set(this.#content.subarray(start));
    return bytes;
  }

  /** `change` is the number of this change; it only ever rises. */
  write(bytes: Uint8Array, position: number, change: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.#own(end);
    this.#keepOlder(position, end, change);
    this.#content.set(bytes, position);
    if (end > this.#size) this.#setSize(end, change);
  }

  resize(size: number, change: number): void {
    if (size === this.#size) return;
    if (size < this.#content.length && size < this.#size) {
      this.#own(0);
      this.#keepOlder(size, Math.min(this.#size, this.#content.length), change);
      this.#content.fill(0, size);
    }
    this.#setSize(size, change);
  }

  /** Content that was always there. */
  install(bytes: Uint8Array): void {
    this.#content = new Uint8Array(roundUp(bytes.length));
    this.#content.set(bytes);
    this.#isShared = false;
    this.#size = bytes.length;
  }

  /** Everything up to change number `upTo` is on the device now. */
  synced(upTo: number): void {
    this.#forget((older) => older.endedBy <= upTo);
  }

  /** Everything, as if by a sync. */
  makeDurable(): void {
    this.#forget(() => true);
  }

  /** Damages bytes on the device and in the cache alike. */
  flip(position: number, mask: number): void {
    assert(position < this.#size, "no byte there", position, this.#size);
    this.#own(position + 1);
    this.#content[position] = this.#content[position]! ^ mask;
  }

  /** The state after a power cut, itself all durable. */
  afterCrash(path: string, choice: CrashChoice): SimulatedInode {
    const result = new SimulatedInode(this.number);
    result.modifiedMs = this.modifiedMs;
    const sizes = [...this.#sizes.map((older) => older.state), this.#size];
    const size = sizes.length === 1 ? this.#size : sizes[pick(choice.size?.({ path, sizes }), sizes)]!;
    result.#content = this.#content;
    result.#size = size;
    this.#isShared = true;
    if (!this.isUnsynced) return result;
    result.#own(0);
    const content = result.#content;
    for (const [sector, older] of this.#sectors) {
      const versions = older.length + 1;
      const picked = choice.sector?.({ path, sector, versions }) ?? 0;
      const start = sector * SECTOR_BYTES;
      if (picked === "garbage") {
        const nothingDurable = older[0]!.state.every((byte) => byte === 0);
        if (nothingDurable) content.fill(GARBAGE, start, start + SECTOR_BYTES);
      } else if (picked !== true && picked !== versions - 1) {
        const index = picked === false ? 0 : picked;
        content.set(older[index]!.state, start);
      }
    }
    if (size < content.length) content.fill(0, size);
    return result;
  }

  #forget(obsolete: (older: Older<unknown>) => boolean): void {
    for (const [sector, list] of this.#sectors) {
      const rest = list.filter((older) => !obsolete(older));
      if (rest.length === 0) this.#sectors.delete(sector);
      else this.#sectors.set(sector, rest);
    }
    this.#sizes = this.#sizes.filter((older) => !obsolete(older));
  }

  #keepOlder(start: number, end: number, change: number): void {
    const first = Math.floor(start / SECTOR_BYTES);
    for (let sector = first; sector * SECTOR_BYTES < end; sector++) {
      const at = sector * SECTOR_BYTES;
      const older = { state: this.#content.slice(at, at + SECTOR_BYTES), endedBy: change };
      const list = this.#sectors.get(sector);
      if (list === undefined) this.#sectors.set(sector, [older]);
      else list.push(older);
    }
  }

  #setSize(size: number, change: number): void {
    this.#sizes.push({ state: this.#size, endedBy: change });
    this.#size = size;
  }

  /** Makes #content this inode's own, and at least `size` long. */
  #own(size: number): void {
    if (!this.#isShared && size <= this.#content.length) return;
    const isGrowing = size > this.#content.length;
    const length = isGrowing ? Math.max(size, this.#content.length * 2) : this.#content.length;
    const grown = new Uint8Array(roundUp(length));
    grown.set(this.#content);
    this.#content = grown;
    this.#isShared = false;
  }
}

const NO_CONTENT = new Uint8Array(0);

/** What a sector holds that was caught in the middle of being written. */
const GARBAGE = 0xdb;

function roundUp(size: number): number {
  return Math.ceil(size / SECTOR_BYTES) * SECTOR_BYTES;
}

function pick(picked: number | boolean | undefined, from: readonly unknown[]): number {
  if (picked === true) return from.length - 1;
  return picked === undefined || picked === false ? 0 : picked;
}

export type SimulatedNode = SimulatedInode | SimulatedDirectory;

/** Names as readers see them, beside the names that a power cut would leave for sure. */
export class SimulatedDirectory {
  readonly entries = new Map<string, SimulatedNode>();
  readonly durable = new Map<string, SimulatedNode>();
}

interface EntryChange {
  readonly directory: SimulatedDirectory;
  readonly name: string;
  /** Null: the name goes. */
  readonly node: SimulatedNode | null;
}

export interface NameChange {
  readonly kind: NameChangeKind;
  readonly path: string;
  /** Those that no directory sync has covered yet. All of them, or none, survive a power cut. */
  entries: readonly EntryChange[];
}

/** Applies a change for readers; it becomes durable through `syncNames`. */
export function applyChange(change: NameChange): void {
  for (const entry of change.entries) applyEntry(entry.directory.entries, entry);
}

/** The changes that are still not durable after `directory` was synced. */
export function syncNames(
  changes: readonly NameChange[],
  directory: SimulatedDirectory,
): NameChange[] {
  const left: NameChange[] = [];
  for (const change of changes) {
    for (const entry of change.entries) {
      if (entry.directory === directory) applyEntry(directory.durable, entry);
    }
    change.entries = change.entries.filter((entry) => entry.directory !== directory);
    if (change.entries.length > 0) left.push(change);
  }
  return left;
}

/** The tree below `root` after a power cut. */
export function crashTree(
  root: SimulatedDirectory,
  changes: readonly NameChange[],
  choice: CrashChoice,
): SimulatedDirectory {
  const names = new Map<SimulatedDirectory, Map<string, SimulatedNode>>();
  const namesOf = (directory: SimulatedDirectory) => {
    let found = names.get(directory);
    if (found === undefined) names.set(directory, (found = new Map(directory.durable)));
    return found;
  };
  changes.forEach((change, index) => {
    if (!(choice.name?.({ index, kind: change.kind, path: change.path }) ?? false)) return;
    for (const entry of change.entries) applyEntry(namesOf(entry.directory), entry);
  });
  const inodes = new Map<SimulatedInode, SimulatedInode>();
  const copy = (directory: SimulatedDirectory, path: string): SimulatedDirectory => {
    const result = new SimulatedDirectory();
    for (const [name, node] of namesOf(directory)) {
      const nodePath = `${path}/${name}`;
      let copied: SimulatedNode | undefined;
      if (node instanceof SimulatedDirectory) copied = copy(node, nodePath);
      else {
        copied = inodes.get(node);
        if (copied === undefined) inodes.set(node, (copied = node.afterCrash(nodePath, choice)));
      }
      result.entries.set(name, copied);
      result.durable.set(name, copied);
    }
    return result;
  };
  return copy(root, "");
}

function applyEntry(names: Map<string, SimulatedNode>, entry: EntryChange): void {
  if (entry.node === null) names.delete(entry.name);
  else names.set(entry.name, entry.node);
}
