import { createRequire } from "node:module";
import type * as Zlib from "node:zlib";
import { assert } from "../base/assert.ts";
import { readInt32, writeInt32 } from "../base/int64.ts";
import { VarintCursor } from "../base/varint.ts";
import { Codec, CompressionError } from "../model/compression.ts";
import type { Codecs } from "../model/compression.ts";
import { parseLz4Frame } from "./lz4_frame.ts";
import type { Lz4Block } from "./lz4_frame.ts";

/**
 * The four codecs as Kafka's Java client and librdkafka write and read them: gzip and zstd from the
 * runtime, snappy blocks and LZ4 blocks from their packages. The framings around the blocks are ours:
 * snappy's "xerial" chunks (Java; librdkafka writes one raw block, told apart by the magic) and the
 * LZ4 frame. Packages and zlib load on first use (zlib takes 5 ms): a broker that never unpacks never
 * pays for them.
 */
export class NativeCodecs implements Codecs {
  compressNow(codec: Codec, bytes: Uint8Array, level?: number): Uint8Array {
    switch (codec) {
      case Codec.none: return bytes;
      case Codec.gzip: return zlib().gzipSync(bytes, gzipOptions(level));
      case Codec.zstd: return zlib().zstdCompressSync(bytes, zstdOptions(level));
      case Codec.lz4: return lz4().compressFrameSync(asBuffer(bytes));
      case Codec.snappy:
        return joinXerial(xerialChunks(bytes).map((chunk) => snappy().compressSync(asBuffer(chunk))));
    }
  }

  decompressNow(codec: Codec, bytes: Uint8Array, outputBytesMax: number): Uint8Array {
    assert(outputBytesMax > 0, "a cap of nothing", outputBytesMax);
    try {
      switch (codec) {
        case Codec.none: return capped(bytes, outputBytesMax);
        case Codec.gzip: return zlib().gunzipSync(bytes, { maxOutputLength: outputBytesMax });
        case Codec.zstd: return zlib().zstdDecompressSync(bytes, { maxOutputLength: outputBytesMax });
        case Codec.lz4: {
          const output = new OutputPieces(outputBytesMax);
          const frame = parseLz4Frame(bytes, xxh32);
          for (const block of frame.blocks) {
            output.push(block.stored
              ? bytes.subarray(block.start, block.end)
              : lz4().uncompressSync(sizedBlock(bytes, block, output.room(frame.blockBytesMax))));
          }
          return output.join();
        }
        case Codec.snappy: {
          const output = new OutputPieces(outputBytesMax);
          for (const block of snappyBlocks(bytes)) {
            output.reserve(snappyLength(block));
            output.push(snappy().uncompressSync(asBuffer(block), { asBuffer: true }) as Buffer);
          }
          return output.join();
        }
      }
    } catch (error) {
      throw asCompressionError(error);
    }
  }

  async compress(codec: Codec, bytes: Uint8Array, level?: number): Promise<Uint8Array> {
    switch (codec) {
      case Codec.none: return bytes;
      case Codec.gzip: return called((done) => zlib().gzip(bytes, gzipOptions(level), done));
      case Codec.zstd: {
        return called((done) => zlib().zstdCompress(bytes, zstdOptions(level), done));
      }
      case Codec.lz4: return lz4().compressFrame(bytes);
      case Codec.snappy: {
        const chunks: Buffer[] = [];
        for (const chunk of xerialChunks(bytes)) chunks.push(await snappy().compress(asBuffer(chunk)));
        return joinXerial(chunks);
      }
    }
  }

  async decompress(codec: Codec, bytes: Uint8Array, outputBytesMax: number): Promise<Uint8Array> {
    try {
      switch (codec) {
        case Codec.none: return capped(bytes, outputBytesMax);
        case Codec.gzip:
          return await called((done) => zlib().gunzip(bytes, { maxOutputLength: outputBytesMax }, done));
        case Codec.zstd:
          return await called((done) =>
            zlib().zstdDecompress(bytes, { maxOutputLength: outputBytesMax }, done));
        case Codec.lz4: {
          const output = new OutputPieces(outputBytesMax);
          const frame = parseLz4Frame(bytes, xxh32);
          for (const block of frame.blocks) {
            output.push(block.stored
              ? bytes.subarray(block.start, block.end)
              : await lz4().uncompress(sizedBlock(bytes, block, output.room(frame.blockBytesMax))));
          }
          return output.join();
        }
        case Codec.snappy: {
          const output = new OutputPieces(outputBytesMax);
          for (const block of snappyBlocks(bytes)) {
            output.reserve(snappyLength(block));
            output.push((await snappy().uncompress(asBuffer(block), { asBuffer: true })) as Buffer);
          }
          return output.join();
        }
      }
    } catch (error) {
      throw asCompressionError(error);
    }
  }
}

// --- gzip and zstd ---------------------------------------------------------------------------------

type Callback = (error: Error | null, result: Buffer) => void;

/** One of zlib's calls that end in a callback, as a promise. */
function called(call: (callback: Callback) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

function gzipOptions(level: number | undefined): Zlib.ZlibOptions {
  return level === undefined ? {} : { level };
}

function zstdOptions(level: number | undefined): Zlib.ZstdOptions {
  if (level === undefined) return {};
  return { params: { [zlib().constants.ZSTD_c_compressionLevel]: level } };
}

// --- snappy ----------------------------------------------------------------------------------------

/** "\x82SNAPPY\0", then the version and the lowest version that can read it: both 1. */
const XERIAL_MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00);
const XERIAL_HEADER_BYTES = 16;
/** What Java's SnappyOutputStream puts into one chunk. */
const XERIAL_CHUNK_BYTES = 32 * 1024;

function xerialChunks(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += XERIAL_CHUNK_BYTES) {
    chunks.push(bytes.subarray(at, Math.min(bytes.length, at + XERIAL_CHUNK_BYTES)));
  }
  return chunks;
}

function joinXerial(chunks: readonly Uint8Array[]): Uint8Array {
  const total = chunks.reduce((sum, chunk) => sum + 4 + chunk.length, XERIAL_HEADER_BYTES);
  const joined = new Uint8Array(total);
  joined.set(XERIAL_MAGIC);
  writeInt32(joined, 8, 1);
  writeInt32(joined, 12, 1);
  let at = XERIAL_HEADER_BYTES;
  for (const chunk of chunks) {
    writeInt32(joined, at, chunk.length);
    joined.set(chunk, at + 4);
    at += 4 + chunk.length;
  }
  return joined;
}

function startsXerial(bytes: Uint8Array, at: number): boolean {
  if (at + XERIAL_HEADER_BYTES > bytes.length) return false;
  return XERIAL_MAGIC.every((byte, index) => bytes[at + index] === byte);
}

/** The raw snappy blocks in `bytes`; a header in mid-stream (joined streams) is legal. */
function snappyBlocks(bytes: Uint8Array): Uint8Array[] {
  if (!startsXerial(bytes, 0)) return [bytes];
  const blocks: Uint8Array[] = [];
  let at = XERIAL_HEADER_BYTES;
  while (at < bytes.length) {
    if (startsXerial(bytes, at)) {
      at += XERIAL_HEADER_BYTES;
      continue;
    }
    const length = at + 4 <= bytes.length ? readInt32(bytes, at) : -1;
    if (length < 0 || at + 4 + length > bytes.length) {
      throw new CompressionError("CORRUPT", "snappy chunk longer than its stream");
    }
    blocks.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return blocks;
}

/** A snappy block opens with its unpacked length. */
function snappyLength(block: Uint8Array): number {
  const cursor = new VarintCursor(block, 0, block.length);
  const length = cursor.readUvarint();
  if (cursor.bad) throw new CompressionError("CORRUPT", "snappy block without a length");
  return length;
}

// --- lz4 -------------------------------------------------------------------------------------------

function xxh32(bytes: Uint8Array): number {
  return Bun.hash.xxHash32(bytes, 0);
}

/** The package wants the unpacked size in front, little-endian; it serves as the cap. */
function sizedBlock(bytes: Uint8Array, block: Lz4Block, sizeMax: number): Buffer {
  const sized = Buffer.allocUnsafe(4 + block.end - block.start);
  sized.writeUInt32LE(sizeMax, 0);
  sized.set(bytes.subarray(block.start, block.end), 4);
  return sized;
}

// --- shared ----------------------------------------------------------------------------------------

/** Collects unpacked pieces and refuses to pass the cap. */
class OutputPieces {
  readonly #pieces: Uint8Array[] = [];
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Throws when `bytes` more would pass the cap. */
  reserve(bytes: number): void {
    if (this.#bytes + bytes > this.#bytesMax) throw tooLarge(this.#bytesMax);
  }

  /** How much the next block may unpack to: its own limit, or one byte more than the cap leaves. */
  room(blockBytesMax: number): number {
    return Math.min(blockBytesMax, this.#bytesMax - this.#bytes + 1);
  }

  push(piece: Uint8Array): void {
    this.reserve(piece.length);
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  join(): Uint8Array {
    if (this.#pieces.length === 1) return this.#pieces[0]!;
    return Buffer.concat(this.#pieces, this.#bytes);
  }
}

function capped(bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (bytes.length > bytesMax) throw tooLarge(bytesMax);
  return bytes;
}

function tooLarge(bytesMax: number): CompressionError {
  return new CompressionError("TOO_LARGE", `records unpack to more than ${bytesMax} bytes`);
}

function asCompressionError(error: unknown): CompressionError {
  if (error instanceof CompressionError) return error;
  if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") {
    return new CompressionError("TOO_LARGE", "records unpack to more than allowed", error);
  }
  return new CompressionError("CORRUPT", `compressed records are damaged: ${String(error)}`, error);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

const load = createRequire(import.meta.url);
let lz4Package: typeof import("lz4-napi") | null = null;
let snappyPackage: typeof import("snappy") | null = null;
let zlibModule: typeof Zlib | null = null;

function zlib(): typeof Zlib {
  zlibModule ??= load("node:zlib") as typeof Zlib;
  return zlibModule;
}

function lz4(): typeof import("lz4-napi") {
  lz4Package ??= load("lz4-napi") as typeof import("lz4-napi");
  return lz4Package;
}

function snappy(): typeof import("snappy") {
  snappyPackage ??= load("snappy") as typeof import("snappy");
  return snappyPackage;
}
