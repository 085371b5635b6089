import { CompressionError } from "../model/compression.ts";

/**
 * The LZ4 frame around the blocks of a record batch, read block by block so that the output can be
 * capped: the package's own frame reader has no cap.
 *
 *   magic 04 22 4D 18 | FLG 1 | BD 1 | [content size 8] | [dictionary id 4] | HC 1
 *   block: u32 LE length, bit 31 = stored as it is | data | [checksum 4]      ... until length 0
 *   [content checksum 4]
 *
 * As Kafka's Java reader: version 01, independent blocks, no dictionary; block checksums are verified
 * where present, the content checksum is not.
 */
export interface Lz4Block {
  readonly start: number;
  readonly end: number;
  readonly stored: boolean;
}

export interface Lz4Frame {
  readonly blocks: readonly Lz4Block[];
  /** The most that one block may unpack to. */
  readonly blockBytesMax: number;
}

const MAGIC = [0x04, 0x22, 0x4d, 0x18] as const;
const HEADER_BYTES_MIN = 7;
const VERSION_MASK = 0xc0;
const VERSION_01 = 0x40;
const BLOCKS_INDEPENDENT = 0x20;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const RESERVED_OR_DICTIONARY = 0x03;
const BLOCK_SIZE_BYTES = new Map([[4, 1 << 16], [5, 1 << 18], [6, 1 << 20], [7, 1 << 22]]);
const STORED_BIT = 0x8000_0000;

/** @throws CompressionError "CORRUPT" */
export function parseLz4Frame(bytes: Uint8Array, xxh32: (bytes: Uint8Array) => number): Lz4Frame {
  if (bytes.length < HEADER_BYTES_MIN || MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw corrupt("no LZ4 frame header");
  }
  const flags = bytes[4]!;
  if ((flags & VERSION_MASK) !== VERSION_01) throw corrupt("LZ4 frame of an unknown version");
  if ((flags & BLOCKS_INDEPENDENT) === 0) throw corrupt("LZ4 frame with linked blocks");
  if ((flags & RESERVED_OR_DICTIONARY) !== 0) throw corrupt("LZ4 frame with reserved flags");
  const descriptor = bytes[5]!;
  const blockBytesMax = BLOCK_SIZE_BYTES.get((descriptor >> 4) & 0x7);
  if (blockBytesMax === undefined || (descriptor & 0x8f) !== 0) {
    throw corrupt("LZ4 frame with an illegal block size");
  }
  const checksumAt = (flags & CONTENT_SIZE) !== 0 ? 14 : 6;
  if (checksumAt >= bytes.length) throw corrupt("LZ4 frame header cut short");
  const expected = (xxh32(bytes.subarray(4, checksumAt)) >>> 8) & 0xff;
  if (bytes[checksumAt] !== expected) throw corrupt("LZ4 frame header checksum differs");
  return { blocks: parseBlocks(bytes, checksumAt + 1, flags, blockBytesMax, xxh32), blockBytesMax };
}

function parseBlocks(
  bytes: Uint8Array,
  firstAt: number,
  flags: number,
  blockBytesMax: number,
  xxh32: (bytes: Uint8Array) => number,
): Lz4Block[] {
  const blocks: Lz4Block[] = [];
  let at = firstAt;
  for (;;) {
    if (at + 4 > bytes.length) throw corrupt("LZ4 frame without end mark");
    const word = readUint32LittleEndian(bytes, at);
    at += 4;
    if (word === 0) return blocks;
    const length = word & ~STORED_BIT;
    const stored = (word & STORED_BIT) !== 0;
    if (length > blockBytesMax || at + length > bytes.length) {
      throw corrupt("LZ4 block longer than its frame allows");
    }
    blocks.push({ start: at, end: at + length, stored });
    at += length;
    if ((flags & BLOCK_CHECKSUM) !== 0) {
      if (at + 4 > bytes.length) throw corrupt("LZ4 block checksum cut short");
      const checksum = xxh32(bytes.subarray(at - length, at)) >>> 0;
      if (readUint32LittleEndian(bytes, at) !== checksum) {
        throw corrupt("LZ4 block checksum differs");
      }
      at += 4;
    }
  }
}

function readUint32LittleEndian(bytes: Uint8Array, at: number): number {
  const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
  return (low | (bytes[at + 3]! << 24)) >>> 0;
}

function corrupt(message: string): CompressionError {
  return new CompressionError("CORRUPT", message);
}
