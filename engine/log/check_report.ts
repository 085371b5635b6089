/** error: something stored is wrong or missing. warning: odd, or lost at the next start, or unused. */
export type Severity = "error" | "warning";

export interface Problem {
  readonly severity: Severity;
  readonly path: string;
  /** The bytes that are wrong: [start, end). Absent: the file as a whole, or its absence. */
  readonly position?: { readonly start: number; readonly end: number };
  readonly message: string;
}

/** How far a check has come, in bytes of record data. */
export interface CheckProgress {
  readonly path: string;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** Collects what a check finds, and tells how far it is. */
export class CheckReport {
  readonly problems: Problem[] = [];
  readonly #onProgress: (progress: CheckProgress) => void;
  #bytesDone = 0;
  bytesTotal = 0;

  constructor(onProgress: (progress: CheckProgress) => void) {
    this.#onProgress = onProgress;
  }

  error(path: string, message: string, start?: number, end?: number): void {
    this.add("error", path, message, start, end);
  }

  warning(path: string, message: string, start?: number, end?: number): void {
    this.add("warning", path, message, start, end);
  }

  add(severity: Severity, path: string, message: string, start?: number, end?: number): void {
    const position = start === undefined || end === undefined ? {} : { position: { start, end } };
    this.problems.push({ severity, path, message, ...position });
  }

  advance(path: string, bytes: number): void {
    this.#bytesDone += bytes;
    this.#onProgress({ path, bytesDone: this.#bytesDone, bytesTotal: this.bytesTotal });
  }
}
