import { describe, expect, test } from "bun:test";
import { NativeCodecs } from "../../engine/io/compression.ts";
import { Codec, CompressionError } from "../../engine/model/compression.ts";
import type { CodecName } from "../../engine/model/compression.ts";

const codecs = new NativeCodecs();
const NAMES = Object.keys(Codec) as CodecName[];
const SIZES = [0, 1, 63, 32_768, 65_536, 65_537, 300_000];

/** Half text, half noise, so that both packed and stored blocks occur. */
function sample(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = 12345;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[index] = (index >> 15) % 2 === 0 ? 97 + (index % 7) : state >>> 24;
  }
  return bytes;
}

function problem(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CompressionError) return error.code;
    throw error;
  }
  return "none";
}

describe.each(NAMES)("%s", (name) => {
  const codec = Codec[name];

  test.each(SIZES)("%i bytes come back, on and off the thread", async (size) => {
    const bytes = sample(size);
    const packed = codecs.compressNow(codec, bytes);
    expect(Buffer.from(codecs.decompressNow(codec, packed, size + 1)).equals(bytes)).toBe(true);
    const again = await codecs.compress(codec, bytes);
    expect(Buffer.from(await codecs.decompress(codec, again, size + 1)).equals(bytes)).toBe(true);
  });

  test("output is capped to the byte", async () => {
    const bytes = sample(100_000);
    const packed = codecs.compressNow(codec, bytes);
    expect(codecs.decompressNow(codec, packed, 100_000).length).toBe(100_000);
    expect(problem(() => codecs.decompressNow(codec, packed, 99_999))).toMatch(/TOO_LARGE|CORRUPT/);
    await expect(codecs.decompress(codec, packed, 99_999)).rejects.toBeInstanceOf(CompressionError);
  });

  test("every truncation and a flood of bit flips end in a result or a CompressionError", () => {
    const packed = codecs.compressNow(codec, sample(3_000));
    for (let length = 0; length < packed.length; length += 7) {
      problem(() => codecs.decompressNow(codec, packed.subarray(0, length), 1 << 20));
    }
    for (let at = 0; at < packed.length; at++) {
      const damaged = packed.slice();
      damaged[at]! ^= 0x10;
      problem(() => codecs.decompressNow(codec, damaged, 1 << 20));
    }
  });
});

describe("framings", () => {
  test("snappy: one raw block, as librdkafka writes it, is read too", async () => {
    const { compressSync } = await import("snappy");
    const bytes = sample(1_000);
    const raw = compressSync(Buffer.from(bytes));
    expect(Buffer.from(codecs.decompressNow(Codec.snappy, raw, 1_000)).equals(bytes)).toBe(true);
  });

  test("snappy: streams joined one after the other, header and all, are one stream", () => {
    const one = codecs.compressNow(Codec.snappy, sample(10));
    const joined = Buffer.concat([one, one]);
    expect(codecs.decompressNow(Codec.snappy, joined, 100).length).toBe(20);
  });

  test("snappy: a declared length beyond the cap is refused before it is allocated", () => {
    const bomb = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07, 0);
    expect(problem(() => codecs.decompressNow(Codec.snappy, bomb, 1 << 20))).toBe("TOO_LARGE");
  });

  test("lz4: the frame that Java's client writes (64 KiB blocks, no checksums)", () => {
    // magic, FLG 60, BD 40, HC 82, one stored block "abc", end mark
    const frame = Buffer.from("04224d18604082" + "03000080" + "616263" + "00000000", "hex");
    expect(Buffer.from(codecs.decompressNow(Codec.lz4, frame, 100)).toString()).toBe("abc");
  });

  test("lz4: linked blocks and a wrong header checksum are refused, as in Kafka", () => {
    const linked = Buffer.from("04224d18404082" + "00000000", "hex");
    expect(problem(() => codecs.decompressNow(Codec.lz4, linked, 100))).toBe("CORRUPT");
    const wrong = Buffer.from("04224d18604083" + "00000000", "hex");
    expect(problem(() => codecs.decompressNow(Codec.lz4, wrong, 100))).toBe("CORRUPT");
  });
});
