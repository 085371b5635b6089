import { DiskFault } from "../model/errors.ts";
import type { Cancel } from "./clock.ts";

/** The stage of every sync, of files and of directories: a fault at this stage always latches. */
export const SYNC_STAGE = "sync";

/** A device that answers with one of these cannot be trusted with another write. */
const DEVICE_CODES: ReadonlySet<string> = new Set([
  "EIO", "EROFS", "ENXIO", "ENODEV", "EUCLEAN", "EREMOTEIO", "ESTALE",
]);

/** Whether a fault ends all writing to its data directory: EIO and its kin, and any failed sync. */
export function isLatching(fault: DiskFault): boolean {
  return fault.stage === SYNC_STAGE || DEVICE_CODES.has(fault.systemCode);
}

/** Remembers the first grave fault of one data directory and hands it to every later caller. */
export class FaultLatch {
  readonly #readOnly: boolean;
  #fault: DiskFault | null = null;
  #listeners: ((fault: DiskFault) => void)[] = [];

  constructor(readOnly: boolean) {
    this.#readOnly = readOnly;
  }

  get fault(): DiskFault | null {
    return this.#fault;
  }

  onFault(listener: (fault: DiskFault) => void): Cancel {
    if (this.#fault !== null) listener(this.#fault);
    else this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** Before anything that changes or syncs: throws once latched, or on a read-only disk. */
  guard(stage: string, path: string): void {
    if (this.#fault !== null) throw this.#fault;
    if (this.#readOnly) throw new DiskFault(stage, path, "EROFS");
  }

  report(fault: DiskFault): void {
    this.latchIfGrave(fault);
  }

  /** Runs a call of the system; its errors come out as DiskFaults, all others as they are. */
  run<Result>(stage: string, path: string, call: () => Result): Result {
    try {
      return call();
    } catch (error) {
      throw this.capture(stage, path, error);
    }
  }

  /** The DiskFault for an error of the system, latched if grave; any other error is thrown on. */
  capture(stage: string, path: string, error: unknown): DiskFault {
    const code = codeOf(error);
    if (error instanceof DiskFault || code === null) throw error;
    return this.latchIfGrave(new DiskFault(stage, path, code, error));
  }

  /** Throws the fault of a native call's error name. */
  failCode(stage: string, path: string, code: string): never {
    throw this.latchIfGrave(new DiskFault(stage, path, code));
  }

  latchIfGrave(fault: DiskFault): DiskFault {
    if (this.#fault !== null || this.#readOnly || !isLatching(fault)) return fault;
    this.#fault = fault;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener(fault);
    return fault;
  }
}

/** "ENOENT" of an error that the system reported; null for every other thing that may be thrown. */
export function codeOf(error: unknown): string | null {
  const code = error instanceof Error ? (error as { code?: unknown }).code : null;
  return typeof code === "string" && SYSTEM_CODE.test(code) ? code : null;
}

/** ENOENT, EIO ...: not the ERR_ names of runtime errors, which are mistakes of the caller. */
const SYSTEM_CODE = /^E(?!RR_)[A-Z0-9]+$/;
