export interface DiskPoint {
  readonly index: number;
  readonly kind: DiskPointKind;
  readonly path: string;
}

export type DiskPointKind =
  | "write"
  | "allocate"
  | "truncate"
  | "sync"
  | "name"
  | "sync directory";

/**
 * What happens at a point: it goes well; the power goes right after it (before it, for a sync); it
 * fails, a write after half of its bytes; a write stays short; it claims success and does nothing.
 */
export type PointOutcome = "go" | "cut" | "EIO" | "ENOSPC" | "short" | "lost";

/** Every call of a disk without power ends in this: no fault that an engine handles, but the end. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";

  constructor(point: number) {
    super(`power cut at point ${point}`);
  }
}
