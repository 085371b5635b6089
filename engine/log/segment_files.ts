import type { Disk, DiskFile } from "../io/disk.ts";
import type { Offset } from "../model/offsets.ts";
import {
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
  segmentPath,
} from "./segment_names.ts";

/** Handles of the files of one segment. Handles touch nothing until used. */
export class SegmentFiles {
  readonly baseOffset: Offset;
  readonly log: DiskFile;
  readonly offsetIndex: DiskFile;
  readonly timeIndex: DiskFile;
  readonly txnIndex: DiskFile;

  constructor(disk: Disk, dir: string, baseOffset: Offset) {
    this.baseOffset = baseOffset;
    this.log = disk.file(segmentPath(dir, baseOffset, LOG_SUFFIX));
    this.offsetIndex = disk.file(segmentPath(dir, baseOffset, OFFSET_INDEX_SUFFIX));
    this.timeIndex = disk.file(segmentPath(dir, baseOffset, TIME_INDEX_SUFFIX));
    this.txnIndex = disk.file(segmentPath(dir, baseOffset, TXN_INDEX_SUFFIX));
  }

  *[Symbol.iterator](): IterableIterator<DiskFile> {
    yield this.log;
    yield this.offsetIndex;
    yield this.timeIndex;
    yield this.txnIndex;
  }

  close(): void {
    for (const file of this) file.close();
  }
}
