/** Splits a stream of bytes at newlines; the last line needs none. Lines come without "\n" or "\r\n". */
export class LineSplitter {
  #rest: Uint8Array = new Uint8Array(0);

  /** The lines that `chunk` completes. Views of `chunk` or of bytes of their own. */
  push(chunk: Uint8Array): Uint8Array[] {
    const bytes = this.#rest.length === 0 ? chunk : joined(this.#rest, chunk);
    const lines: Uint8Array[] = [];
    let start = 0;
    for (;;) {
      const newline = bytes.indexOf(NEWLINE, start);
      if (newline < 0) break;
      lines.push(bytes.subarray(start, trimmedEnd(bytes, start, newline)));
      start = newline + 1;
    }
    this.#rest = bytes.subarray(start);
    return lines;
  }

  /** What is left at the end of the input: null when it ended with a newline. */
  end(): Uint8Array | null {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    return rest.length === 0 ? null : rest.subarray(0, trimmedEnd(rest, 0, rest.length));
  }
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

function trimmedEnd(bytes: Uint8Array, start: number, end: number): number {
  return end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}
