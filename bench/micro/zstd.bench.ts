/**
 * The built-in zstd beside @mongodb-js/zstd, on lines of JSON, level 1 (Kafka's default is 3; the ratio is
 * the same). The package is no dependency, because its release needs an install script that downloads a
 * binary from GitHub (the sources it would build from instead are not in the package): name a folder that
 * holds a built one in MONGODB_ZSTD to measure both.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { bench, do_not_optimize, group, run, summary } from "mitata";

interface AsyncZstd {
  compress(bytes: Uint8Array, level: number): Promise<Uint8Array>;
  decompress(bytes: Uint8Array): Promise<Uint8Array>;
}

const LEVEL = 1;
const SIZES = [16 * 1024, 1024 * 1024] as const;
const OPTIONS = { params: { [zlib.constants.ZSTD_c_compressionLevel]: LEVEL } };

const zstdCompress = promisify(zlib.zstdCompress);
const zstdDecompress = promisify(zlib.zstdDecompress);

function jsonLines(bytes: number): Buffer {
  let text = "";
  for (let i = 0; text.length < bytes; i++) {
    const user = (i * 2654435761) % 1_000_000;
    text += `{"id":${i},"user":${user},"path":"/items/${user % 977}","status":${200 + (i % 5)},"ms":${(i * 7919) % 1500}}\n`;
  }
  return Buffer.from(text.slice(0, bytes));
}

function loadPackage(): AsyncZstd | null {
  const dir = process.env["MONGODB_ZSTD"];
  if (dir === undefined) return null;
  return createRequire(join(dir, "package.json"))(join(dir, "lib/index.js")) as AsyncZstd;
}

const mongodb = loadPackage();
if (mongodb === null) console.log("MONGODB_ZSTD is not set: @mongodb-js/zstd is left out\n");

for (const size of SIZES) {
  const plain = jsonLines(size);
  const packed = zlib.zstdCompressSync(plain, OPTIONS);
  summary(() => {
    group(`compress ${size / 1024} KiB`, () => {
      bench("node:zlib, synchronous", () => do_not_optimize(zlib.zstdCompressSync(plain, OPTIONS)));
      bench("node:zlib, thread pool", async () => do_not_optimize(await zstdCompress(plain, OPTIONS)));
      bench("Bun.zstdCompressSync", () => do_not_optimize(Bun.zstdCompressSync(plain, { level: LEVEL })));
      if (mongodb !== null) {
        bench("@mongodb-js/zstd", async () => do_not_optimize(await mongodb.compress(plain, LEVEL)));
      }
    });
  });
  summary(() => {
    group(`decompress to ${size / 1024} KiB`, () => {
      const capped = { maxOutputLength: size };
      bench("node:zlib, synchronous, capped", () => do_not_optimize(zlib.zstdDecompressSync(packed, capped)));
      bench("node:zlib, thread pool, capped", async () => do_not_optimize(await zstdDecompress(packed, capped)));
      bench("Bun.zstdDecompressSync, no cap", () => do_not_optimize(Bun.zstdDecompressSync(packed)));
      if (mongodb !== null) {
        bench("@mongodb-js/zstd, no cap", async () => do_not_optimize(await mongodb.decompress(packed)));
      }
    });
  });
}

await run();
