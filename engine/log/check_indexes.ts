import { readInt16, readInt32, readInt64 } from "../base/int64.ts";
import type { Offset } from "../model/offsets.ts";
import type { CheckReport, Severity } from "./check_report.ts";
import { OFFSET_ENTRY_BYTES } from "./offset_index.ts";
import { TIME_ENTRY_BYTES } from "./time_index.ts";
import { TXN_ENTRY_BYTES, decodeTxnEntry } from "./txn_index.ts";
import type { AbortedTransaction } from "./txn_index.ts";

/** What an index checker is told of each batch, in order. */
export interface IndexedBatch {
  readonly position: number;
  readonly lastOffset: Offset;
  readonly maxTimestamp: number;
}

export interface IndexFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly baseOffset: Offset;
  readonly severity: Severity;
  /** The segment was written to when the process died: what lies behind the last entry is no entry. */
  readonly mayHaveTail: boolean;
}

/** Follows the batches of a segment along its `.index`: every entry must be the start of one. */
export class OffsetIndexCheck {
  readonly #file: IndexFile;
  readonly #report: CheckReport;
  readonly #end: number;
  #at = 0;

  constructor(file: IndexFile, report: CheckReport) {
    this.#file = file;
    this.#report = report;
    this.#end = endOfEntries(file, OFFSET_ENTRY_BYTES, report);
  }

  see(batch: IndexedBatch): void {
    while (this.#at < this.#end && this.#position() < batch.position) {
      this.#complain(`entry points at byte ${this.#position()}, where no batch starts`);
    }
    if (this.#at >= this.#end || this.#position() !== batch.position) return;
    const offset = this.#file.baseOffset + readInt32(this.#file.bytes, this.#at);
    if (offset !== batch.lastOffset) {
      this.#complain(`entry says offset ${offset}, its batch ends with ${batch.lastOffset}`);
    } else {
      this.#at += OFFSET_ENTRY_BYTES;
    }
  }

  end(): void {
    if (this.#file.mayHaveTail) return; // the log went on after its size was taken
    while (this.#at < this.#end) this.#complain(`entry points at byte ${this.#position()}, beyond the log`);
  }

  #position(): number {
    return readInt32(this.#file.bytes, this.#at + 4);
  }

  #complain(message: string): void {
    const { path, severity } = this.#file;
    this.#report.add(severity, path, message, this.#at, this.#at + OFFSET_ENTRY_BYTES);
    this.#at += OFFSET_ENTRY_BYTES;
  }
}

/** Follows the batches along the `.timeindex`: every entry is the largest time so far, at its batch. */
export class TimeIndexCheck {
  readonly #file: IndexFile;
  readonly #report: CheckReport;
  readonly #end: number;
  /** The last entry of a segment that is not written to any more must name its largest time. */
  readonly #mustBeComplete: boolean;
  #at = 0;
  #largest = -1;
  #lastEntry = -1;

  constructor(file: IndexFile, mustBeComplete: boolean, report: CheckReport) {
    this.#file = file;
    this.#report = report;
    this.#mustBeComplete = mustBeComplete;
    this.#end = endOfEntries(file, TIME_ENTRY_BYTES, report);
  }

  see(batch: IndexedBatch): void {
    if (batch.maxTimestamp > this.#largest) this.#largest = batch.maxTimestamp;
    while (this.#at < this.#end && this.#offset() < batch.lastOffset) {
      this.#complain(`entry names offset ${this.#offset()}, with which no batch ends`);
    }
    while (this.#at < this.#end && this.#offset() === batch.lastOffset) {
      const timestamp = readInt64(this.#file.bytes, this.#at);
      if (timestamp !== batch.maxTimestamp) {
        this.#complain(`entry says time ${timestamp}, its batch ${batch.maxTimestamp}`);
      } else if (timestamp !== this.#largest) {
        this.#complain(`an earlier batch has a later time than the entry's ${timestamp}`);
      } else if (timestamp <= this.#lastEntry) {
        this.#complain(`time ${timestamp} was entered before`);
      } else {
        this.#lastEntry = timestamp;
        this.#at += TIME_ENTRY_BYTES;
      }
    }
  }

  end(): void {
    if (this.#file.mayHaveTail) return;
    while (this.#at < this.#end) this.#complain(`entry names offset ${this.#offset()}, beyond the log`);
    if (this.#mustBeComplete && this.#largest >= 0 && this.#lastEntry !== this.#largest) {
      const { path, severity, bytes } = this.#file;
      const message = `the last entry should name time ${this.#largest}`;
      this.#report.add(severity, path, message, Math.max(0, bytes.length - TIME_ENTRY_BYTES), bytes.length);
    }
  }

  #offset(): number {
    return this.#file.baseOffset + readInt32(this.#file.bytes, this.#at + 8);
  }

  #complain(message: string): void {
    const { path, severity } = this.#file;
    this.#report.add(severity, path, message, this.#at, this.#at + TIME_ENTRY_BYTES);
    this.#at += TIME_ENTRY_BYTES;
  }
}

/** Compares the `.txnindex` with the transactions that the log itself shows to have been aborted. */
export class TxnIndexCheck {
  readonly #file: IndexFile;
  readonly #report: CheckReport;
  readonly #end: number;
  #at = 0;

  constructor(file: IndexFile, report: CheckReport) {
    this.#file = file;
    this.#report = report;
    this.#end = endOfEntries({ ...file, mayHaveTail: false }, TXN_ENTRY_BYTES, report);
  }

  /** `null` first offset: it lies before what was read, and any is taken. */
  see(aborted: Omit<AbortedTransaction, "firstOffset"> & { firstOffset: Offset | null }): void {
    while (this.#at < this.#end && this.#entry().lastOffset < aborted.lastOffset) {
      this.#complain(`entry names a marker at ${this.#entry().lastOffset}, where none is`);
    }
    if (this.#at >= this.#end || this.#entry().lastOffset !== aborted.lastOffset) {
      const { path, severity } = this.#file;
      this.#report.add(severity, path, `no entry for the marker at ${aborted.lastOffset}`);
      return;
    }
    const entry = this.#entry();
    const version = readInt16(this.#file.bytes, this.#at);
    if (version !== 0) this.#complain(`entry is of unknown version ${version}`);
    else if (entry.producerId !== aborted.producerId) {
      this.#complain(`entry names producer ${entry.producerId}, its marker ${aborted.producerId}`);
    } else if (aborted.firstOffset !== null && entry.firstOffset !== aborted.firstOffset) {
      this.#complain(`entry begins at ${entry.firstOffset}, its transaction at ${aborted.firstOffset}`);
    } else if (entry.lastStableOffset !== aborted.lastStableOffset) {
      this.#complain(
        `entry has last stable offset ${entry.lastStableOffset}, not ${aborted.lastStableOffset}`,
      );
    } else {
      this.#at += TXN_ENTRY_BYTES;
    }
  }

  end(): void {
    if (this.#file.mayHaveTail) return;
    while (this.#at < this.#end) {
      this.#complain(`entry names a marker at ${this.#entry().lastOffset}, where none is`);
    }
  }

  #entry(): AbortedTransaction {
    return decodeTxnEntry(this.#file.bytes, this.#at);
  }

  #complain(message: string): void {
    const { path, severity } = this.#file;
    this.#report.add(severity, path, message, this.#at, this.#at + TXN_ENTRY_BYTES);
    this.#at += TXN_ENTRY_BYTES;
  }
}

/** Where whole entries end. Kafka's pre-sized active files carry zeros behind them. */
function endOfEntries(file: IndexFile, entryBytes: number, report: CheckReport): number {
  const whole = Math.floor(file.bytes.length / entryBytes) * entryBytes;
  if (whole !== file.bytes.length && !file.mayHaveTail) {
    report.add(file.severity, file.path, "bytes left over behind the last entry", whole, file.bytes.length);
  }
  if (!file.mayHaveTail) return whole;
  let end = whole;
  while (end > 0 && isZero(file.bytes, end - entryBytes, end)) end -= entryBytes;
  return end;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
