import type { Fields, InputOfFields, Message, ValueOfFields } from "./schema.ts";
import { compileDecoder } from "./compile_decoder.ts";
import { compileEncoder } from "./compile_encoder.ts";
import { includesVersion } from "./version_range.ts";
import type { Decoder } from "./reader.ts";
import { Reader } from "./reader.ts";
import { REQUEST_HEAP_BYTES_MAX } from "./wire_limits.ts";
import { WireError } from "./wire_error.ts";
import type { Encoder } from "./writer.ts";
import { Writer } from "./writer.ts";

/**
 * Bytes to values and back, for any declared message in any of its versions.
 *
 * Decoding throws WireError and nothing else, allocates no more than its heap budget, and never
 * keeps a reference to more than views of `bytes` (fields of kind bytes and records). Like Kafka it
 * ignores what stands behind the message; `decodeExactly` does not.
 */
export function decode<F extends Fields>(
  message: Message<F>,
  version: number,
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
  heapBytesMax = REQUEST_HEAP_BYTES_MAX,
): ValueOfFields<F> {
  return decodeFrom(message, version, new Reader(bytes, start, end, heapBytesMax));
}

/** Also refuses bytes behind the message: for records in logs and files, whose length is known. */
export function decodeExactly<F extends Fields>(
  message: Message<F>,
  version: number,
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): ValueOfFields<F> {
  const reader = new Reader(bytes, start, end, REQUEST_HEAP_BYTES_MAX);
  const value = decodeFrom(message, version, reader);
  if (reader.at !== end) {
    const excess = end - reader.at;
    throw new WireError("MALFORMED", `${message.name}: ${excess} bytes behind the message`);
  }
  return value;
}

/** Decodes at the reader's position and leaves it behind the message. */
export function decodeFrom<F extends Fields>(
  message: Message<F>,
  version: number,
  reader: Reader,
): ValueOfFields<F> {
  const decoder = message.decoders[version] ?? decoderOf(message, version);
  return decoder(reader) as ValueOfFields<F>;
}

/**
 * Throws WireError when the version cannot express the value. The result is a view of its own
 * buffer.
 */
export function encode<F extends Fields>(
  message: Message<F>,
  version: number,
  value: InputOfFields<F>,
): Uint8Array {
  const writer = new Writer();
  encodeInto(writer, message, version, value);
  return writer.take();
}

/** Writes behind what the writer holds. When it throws, the writer is as before. */
export function encodeInto<F extends Fields>(
  writer: Writer,
  message: Message<F>,
  version: number,
  value: InputOfFields<F>,
): void {
  const encoder = message.encoders[version] ?? encoderOf(message, version);
  const { length, holeCount } = writer;
  try {
    encoder(writer, value);
  } catch (error) {
    writer.rollBack(length, holeCount);
    throw error;
  }
}

function decoderOf(message: Message, version: number): Decoder {
  requireVersion(message, version);
  const decoder = compileDecoder(message, version);
  message.decoders[version] = decoder;
  return decoder;
}

function encoderOf(message: Message, version: number): Encoder {
  requireVersion(message, version);
  const encoder = compileEncoder(message, version);
  message.encoders[version] = encoder;
  return encoder;
}

function requireVersion(message: Message, version: number): void {
  if (Number.isInteger(version) && includesVersion(message.versions, version)) return;
  throw new WireError("UNSUPPORTED_VERSION", `${message.name} has no version ${version}`);
}
