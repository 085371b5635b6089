import { UsageError } from "../model/errors.ts";

/** A line longer than any request may be is no line: most likely the input is no text. */
const LINE_BYTES_MAX = 100 * 1024 * 1024;

/**
 * Splits a stream of bytes at newlines; the last line needs none. Lines come without it, and otherwise as
 * they are, carriage returns included: what is consumed again is what was produced.
 */
export class LineSplitter {
  /** The beginning of a line that has not ended yet. */
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;

  /** The lines that `chunk` completes: views of it, or bytes of their own. Throws UsageError. */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, start);
      if (newline < 0) break;
      const line = chunk.subarray(start, newline);
      lines.push(this.#pieces.length === 0 ? line : this.#joinedWith(line));
      start = newline + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  /** What is left at the end of the input: null when it ended with a newline. */
  end(): Uint8Array | null {
    return this.#pieces.length === 0 ? null : this.#joinedWith(NOTHING);
  }

  #keep(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
    if (this.#piecesBytes <= LINE_BYTES_MAX) return;
    throw new UsageError(`a line is longer than ${LINE_BYTES_MAX} bytes: the input does not look like lines`);
  }

  #joinedWith(last: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(this.#piecesBytes + last.length);
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    bytes.set(last, at);
    this.#pieces = [];
    this.#piecesBytes = 0;
    return bytes;
  }
}

const NEWLINE = 0x0a;
const NOTHING = new Uint8Array(0);
