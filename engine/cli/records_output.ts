import type { StoredRecord } from "../model/records.ts";
import type { Terminal } from "./command.ts";

/** Handed to standard output at once: enough for a system call to be worth it. */
const PIECE_BYTES = 256 * 1024;

/** Gathers bytes and hands them to the terminal in large pieces, no faster than it takes them. */
export class RecordsOutput {
  readonly #terminal: Terminal;
  #piece = new Uint8Array(PIECE_BYTES);
  #length = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get isFull(): boolean {
    return this.#length >= PIECE_BYTES;
  }

  add(bytes: Uint8Array): void {
    const end = this.#length + bytes.length;
    if (end > this.#piece.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#piece.length));
      larger.set(this.#piece.subarray(0, this.#length));
      this.#piece = larger;
    }
    this.#piece.set(bytes, this.#length);
    this.#length = end;
  }

  /** Resolves when more may be added. Rejects when nobody reads any more. */
  flush(): Promise<void> {
    if (this.#length === 0) return Promise.resolve();
    this.#terminal.out(this.#piece.subarray(0, this.#length));
    // What was handed over is the stream's until it is written.
    this.#piece = new Uint8Array(PIECE_BYTES);
    this.#length = 0;
    return this.#terminal.drained();
  }
}

/** Puts one record into the output. */
export type RecordFormat = (record: StoredRecord, partition: number, output: RecordsOutput) => void;

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NEWLINE = utf8.encode("\n");
const NULL = utf8.encode("null");

/** The value as it is and a newline; with a separator, the key before it. */
export function plainFormat(keySeparator: string | null): RecordFormat {
  const separator = keySeparator === null ? null : utf8.encode(keySeparator);
  return (record, _partition, output) => {
    if (separator !== null) {
      output.add(record.key ?? NULL);
      output.add(separator);
    }
    output.add(record.value ?? NULL);
    output.add(NEWLINE);
  };
}

/** An object a line. Bytes that are no UTF-8 come as `{"base64": "..."}`, so that none is lost. */
export function jsonFormat(topic: string): RecordFormat {
  return ({ headers, key, offset, timestamp, value }, partition, output) => {
    const line = {
      topic,
      partition,
      offset,
      timestamp,
      key: jsonBytes(key),
      value: jsonBytes(value),
      headers: headers.map((header) => [header.key, jsonBytes(header.value)]),
    };
    output.add(utf8.encode(`${JSON.stringify(line)}\n`));
  };
}

function jsonBytes(bytes: Uint8Array | null): string | { base64: string } | null {
  if (bytes === null) return null;
  try {
    return fromUtf8.decode(bytes);
  } catch {
    return { base64: bytes.toBase64() };
  }
}
