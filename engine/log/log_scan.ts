import type { RunScan } from "../../native/scan.ts";
import { SCAN_FULL, SCAN_OK, SCAN_PARTIAL, scanReasonText } from "../../native/scan.ts";
import type { Native } from "../../native/native.ts";
import { assert } from "../base/assert.ts";
import type { DiskFile } from "../io/disk.ts";
import { DataDirectoryError } from "../model/errors.ts";
import { BATCH_HEADER_BYTES } from "../model/record_batch.ts";
import { isLegacyMessage, legacySize } from "./legacy_batch.ts";

/** Read at a time; a larger batch makes the buffer grow to its size. */
const CHUNK_BYTES = 1024 * 1024;

/** How the walk over a log file ended. */
export interface ScanOutcome {
  /** Where the valid batches end. */
  readonly validBytes: number;
  /** Bytes of the file. */
  readonly fileBytes: number;
  /** What is wrong with the bytes at `validBytes`; null at the end of the file. */
  readonly reason: string | null;
}

/**
 * Told of each valid batch: row `row` of `scan` is the batch at `position` of the file, its bytes lie at
 * [start, end) of `bytes`. Returns why it must not be taken, or null.
 */
export type BatchVisitor = (
  scan: RunScan,
  row: number,
  position: number,
  bytes: Uint8Array,
  start: number,
) => string | null;

/**
 * Walks a log file from a batch boundary on, verifying each batch by length and CRC, until its end or
 * the first batch that is not valid or that `visit` refuses. Throws DataDirectoryError when it meets a
 * batch of a format before magic 2: that is no damage, and nothing may be cut off.
 */
export function scanLog(
  native: Native,
  file: DiskFile,
  scan: RunScan,
  from: number,
  visit: BatchVisitor,
): ScanOutcome {
  const fileBytes = file.size();
  let buffer = new Uint8Array(Math.max(1, Math.min(CHUNK_BYTES, fileBytes - from)));
  let position = from;
  while (position < fileBytes) {
    const wanted = Math.min(buffer.length, fileBytes - position);
    const count = file.read(buffer, 0, wanted, position);
    assert(count === wanted, "log file shrank while scanned", count, wanted);
    const result = native.scanRun(buffer, 0, count, scan);
    for (let row = 0; row < scan.count; row++) {
      const start = scan.position[row]!;
      const reason = visit(scan, row, position + start, buffer, start);
      if (reason !== null) return { validBytes: position + start, fileBytes, reason };
    }
    const stoppedAt = scan.stoppedAt;
    position += stoppedAt;
    if (result === SCAN_OK || result === SCAN_FULL) continue;
    if (result === SCAN_PARTIAL) {
      const left = fileBytes - position;
      const needed = Math.max(scan.neededBytes, BATCH_HEADER_BYTES);
      if (needed <= left) {
        if (needed > buffer.length) buffer = new Uint8Array(needed);
        continue;
      }
    }
    refuseLegacy(file, position, fileBytes);
    return { validBytes: position, fileBytes, reason: scanReasonText(result) };
  }
  return { validBytes: position, fileBytes, reason: null };
}

function refuseLegacy(file: DiskFile, position: number, fileBytes: number): void {
  const head = new Uint8Array(BATCH_HEADER_BYTES);
  const count = file.read(head, 0, head.length, position);
  const size = legacySize(head, 0, count);
  if (size === 0 || position + size > fileBytes) return;
  const message = new Uint8Array(size);
  file.read(message, 0, size, position);
  if (!isLegacyMessage(message, 0, size)) return;
  throw new DataDirectoryError(
    "FOREIGN",
    `${file.path} holds messages in a format older than Kafka 0.11 at byte ${position}: ` +
      "let Kafka 3 compact or expire them first",
  );
}
