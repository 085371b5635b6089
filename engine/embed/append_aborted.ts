import type { Offset } from "../model/offsets.ts";

/**
 * An append whose signal fired. What a log holds cannot be taken back: `baseOffset` is null when
 * nothing was written, otherwise the records are in the log, or will be, from that offset on.
 */
export class AppendAborted extends Error {
  override readonly name = "AbortError";
  readonly code = "ABORTED";
  readonly baseOffset: Offset | null;

  constructor(baseOffset: Offset | null, cause: unknown) {
    super(
      baseOffset === null
        ? "append aborted: nothing was written"
        : `append aborted after the write began: the records stay in the log from offset ${baseOffset}`,
      { cause },
    );
    this.baseOffset = baseOffset;
  }
}
