/**
 * The codecs of a record batch. One compressed stream covers all records of a batch; the 61-byte
 * header is never compressed.
 */
export const Codec = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type Codec = (typeof Codec)[keyof typeof Codec];
export type CodecName = keyof typeof Codec;

const NAMES: readonly CodecName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

/** The name of the codec in the low three bits of a batch's attributes, or null for 5, 6 and 7. */
export function codecName(codec: number): CodecName | null {
  return NAMES[codec] ?? null;
}

/** The codec that `text` names; Kafka's configs also say "uncompressed" for none. */
export function parseCodec(text: string): Codec | null {
  const name = text === "uncompressed" ? "none" : text;
  const index = NAMES.indexOf(name as CodecName);
  return index < 0 ? null : (index as Codec);
}

/** Why compressed bytes could not be used: they are damaged, or would unpack to more than allowed. */
export class CompressionError extends Error {
  override readonly name = "CompressionError";
  readonly code: "CORRUPT" | "TOO_LARGE";

  constructor(code: CompressionError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/**
 * Compression both ways. `decompress*` never returns more than `outputBytesMax` bytes: a bomb ends in
 * a CompressionError "TOO_LARGE" before its output is allocated. The `Now` calls run on the caller's
 * thread, the others off it.
 */
export interface Codecs {
  compressNow(codec: Codec, bytes: Uint8Array, level?: number): Uint8Array;
  decompressNow(codec: Codec, bytes: Uint8Array, outputBytesMax: number): Uint8Array;
  compress(codec: Codec, bytes: Uint8Array, level?: number): Promise<Uint8Array>;
  decompress(codec: Codec, bytes: Uint8Array, outputBytesMax: number): Promise<Uint8Array>;
}
