import { assert } from "../base/assert.ts";

/**
 * The most that is written ahead in one step: a sync that carries so much takes a few hundred
 * microseconds longer, one in two hundred at 1 KiB each.
 */
export const ZERO_STEP_BYTES_MAX = 256 * 1024;

/** The first step of a file: a thousand partitions that get a record each should cost little. */
const ZERO_STEP_BYTES_MIN = 16 * 1024;

/**
 * Writes of more than this on average get no zeros: the device would take each byte twice, which costs
 * more than it saves.
 */
const WRITE_BYTES_MAX = 32 * 1024;

/** Zeros end where a page does, so that the write after them meets a whole page. */
const PAGE_BYTES = 4096;

const NONE = new Uint8Array(0);
let zeros: Uint8Array | null = null;

/**
 * ZerosAhead: zeros written behind the batches of an active file, where the next batches will come.
 *
 *   0 |-- batches --|-- zeros, written --|-- reserved, never written --|
 *                              #zeroedBytes                      reservedBytes
 *
 * The first sync of a block that was only reserved waits for the file system, too, which notes among its
 * own records (in its journal, where it has one) that the block is written now. A sync over blocks that
 * were written before has nothing to send but the data: a sixth less at 1 KiB and at 16 KiB
 * (bench/micro/sync.bench.ts). The zeros go out with a batch, in the same write.
 *
 * Invariants:
 *  Z1  zeros are only written where blocks are reserved, so that a full disk refuses no batch for them
 *  Z2  a step is at most what was written since the file was opened: never more zeros than batches,
 *      but for the first step
 *
 * Owner: one ActiveSegment.
 */
export class ZerosAhead {
  readonly #openedBytes: number;
  #zeroedBytes: number;
  /** Of the writes, recent ones counting most. */
  #averageWriteBytes = 0;

  constructor(openedBytes: number) {
    this.#openedBytes = openedBytes;
    this.#zeroedBytes = openedBytes;
  }

  /** What to write behind a write of [from, to) into a file whose blocks are reserved up to a point. */
  behind(from: number, to: number, reservedBytes: number): Uint8Array {
    assert(from >= this.#openedBytes && to > from, "a write that adds nothing", from, to);
    const before = this.#averageWriteBytes;
    this.#averageWriteBytes = before === 0 ? to - from : (3 * before + (to - from)) / 4;
    if (to <= this.#zeroedBytes || this.#averageWriteBytes > WRITE_BYTES_MAX) return NONE;
    const step = Math.max(ZERO_STEP_BYTES_MIN, Math.min(ZERO_STEP_BYTES_MAX, to - this.#openedBytes));
    const wanted = Math.ceil((to + step) / PAGE_BYTES) * PAGE_BYTES;
    const end = Math.min(wanted, reservedBytes);
    if (end <= to) return NONE;
    zeros ??= new Uint8Array(ZERO_STEP_BYTES_MAX + PAGE_BYTES);
    return zeros.subarray(0, end - to);
  }

  /** The file holds something, be it zeros, up to here. */
  wrote(endBytes: number): void {
    this.#zeroedBytes = Math.max(this.#zeroedBytes, endBytes);
  }
}
