import { assert } from "../base/assert.ts";
import type { DiskFile } from "../io/disk.ts";

/** Read-ahead: large enough that a system call per window does not count. */
const WINDOW_BYTES = 1 << 20;

/**
 * A file as one forward-moving window of bytes. What `load` made available starts at `at` in `bytes`
 * and stays until the next `load`.
 */
export class FileWindow {
  readonly size: number;
  bytes: Uint8Array = new Uint8Array(WINDOW_BYTES);
  at = 0;
  readonly #file: DiskFile;
  /** File position of bytes[0], and how many bytes behind it are filled. */
  #from = 0;
  #filled = 0;

  /** `size`: where to stop, whatever is appended meanwhile. */
  constructor(file: DiskFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Makes [position, position + length), which lies in the file, available. False: it got shorter. */
  load(position: number, length: number): boolean {
    assert(position + length <= this.size, "window beyond its file", position, length);
    if (position < this.#from || position + length > this.#from + this.#filled) {
      if (length > this.bytes.length) this.bytes = new Uint8Array(length);
      const wanted = Math.min(this.bytes.length, this.size - position);
      this.#filled = this.#file.read(this.bytes, 0, wanted, position);
      this.#from = position;
    }
    this.at = position - this.#from;
    return this.at + length <= this.#filled;
  }

  /** Reads the file anew from here on. */
  forget(): void {
    this.#filled = 0;
  }
}
