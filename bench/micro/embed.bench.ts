/**
 * What the embedded log does for one append and one read: encoding, the way of a write, unpacking.
 * Mode "os", on a folder under the system's temporary one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bench, do_not_optimize, group, run, summary } from "mitata";
import { openLog } from "../../engine/embed/index.ts";
import { NativeCodecs } from "../../engine/io/compression.ts";
import { Codec } from "../../engine/model/compression.ts";
import type { TimestampMs } from "../../engine/model/offsets.ts";
import { encodeRecords, plainBatch, sealBatch } from "../../engine/model/records.ts";
import { loadNative } from "../../native/native.ts";

const native = loadNative();
const codecs = new NativeCodecs();
const crc32c = (bytes: Uint8Array, start: number, end: number) => native.crc32c(bytes, start, end);
const dir = mkdtempSync(join(tmpdir(), "millrace-bench-embed-"));
const log = await openLog({
  dir,
  topic: "bench",
  flush: "os",
  config: { "segment.bytes": String(64 * 2 ** 20), "retention.bytes": "0", "file.delete.delay.ms": "0" },
});

const value = new Uint8Array(100).fill(97);
const one = [{ value }];
const now = Date.now() as TimestampMs;
const FIELDS = { attributes: 0, producerId: -1, producerEpoch: -1, baseSequence: -1 };

summary(() => {
  group("encode one record of 100 B", () => {
    bench("encodeRecords, sealBatch", () => {
      const region = encodeRecords(one, now);
      do_not_optimize(sealBatch(region, { ...FIELDS, packed: region.bytes }, crc32c));
    });
    bench("plainBatch", () => do_not_optimize(plainBatch(one, now, crc32c)));
  });
});

group("append", () => {
  bench("one record, awaited", async () => do_not_optimize(await log.append({ value })));
  bench("one record, the end of the tick awaited", async () => {
    const done = log.append({ value });
    await new Promise((resolve) => setImmediate(resolve));
    do_not_optimize(await done);
  });
  bench("a hundred records, then awaited", async () => {
    const all: Promise<unknown>[] = [];
    for (let index = 0; index < 100; index++) all.push(log.append({ value }));
    do_not_optimize(await Promise.all(all));
  });
  bench("a hundred records in one call", async () => {
    do_not_optimize(await log.append(new Array(100).fill({ value })));
  });
  const batch = plainBatch(new Array(63).fill({ value: new Uint8Array(1024).fill(98) }), now, crc32c);
  bench("a batch of 64 KiB", async () => do_not_optimize(await log.appendBatch(batch)));
});

for (const size of [8, 16, 32, 64, 256]) {
  const text = JSON.stringify(Array.from({ length: 40_000 }, (_, index) => ({ id: index, at: index * 7919 })));
  const plain = new TextEncoder().encode(text);
  const packed = codecs.compressNow(Codec.zstd, plain.subarray(0, size * 4 * 1024));
  summary(() => {
    group(`unpack ${Math.round(packed.length / 1024)} KiB of zstd`, () => {
      bench("at once", () => do_not_optimize(codecs.decompressNow(Codec.zstd, packed, 1 << 26)));
      bench("off the loop", async () => do_not_optimize(await codecs.decompress(Codec.zstd, packed, 1 << 26)));
    });
  });
}

await run();
await log.close();
rmSync(dir, { recursive: true });
