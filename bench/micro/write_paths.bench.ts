/**
 * Ways to put one batch of 64 KiB (and of 170 bytes) into the page cache from TypeScript: the shim, node:fs,
 * Bun.write to a descriptor. Pages that were written before are overwritten, so that the file system's
 * allocation of blocks, the same for all, does not blur the difference.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync, writevSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bench, do_not_optimize, group, run, summary } from "mitata";
import { loadNative } from "../../native/native.ts";

const FILE_BYTES = 32 * 2 ** 20;
const CHUNK_BYTES = 65_536;

const native = loadNative();
const dir = mkdtempSync(join(tmpdir(), "millrace-bench-write-"));
const fd = openSync(join(dir, "file"), "w+");
const chunk = new Uint8Array(CHUNK_BYTES).fill(90);
for (let at = 0; at < FILE_BYTES; at += CHUNK_BYTES) writeSync(fd, chunk, 0, CHUNK_BYTES, at);

for (const size of [CHUNK_BYTES, 170]) {
  const bytes = new Uint8Array(size).fill(90);
  const halves = [bytes.subarray(0, size >> 1), bytes.subarray(size >> 1)];
  let at = 0;
  const next = (): number => {
    at = at + 2 * size > FILE_BYTES ? 0 : at + size;
    return at;
  };
  summary(() => {
    group(`${size} bytes`, () => {
      bench("shim pwrite", () => do_not_optimize(native.pwrite(fd, bytes, 0, size, next())));
      bench("shim pwritev, two pieces", () => do_not_optimize(native.pwritev(fd, halves, next())));
      bench("fs.writeSync", () => do_not_optimize(writeSync(fd, bytes, 0, size, next())));
      bench("fs.writevSync, two pieces", () => do_not_optimize(writevSync(fd, halves, next())));
    });
  });
}

await run();
closeSync(fd);
rmSync(dir, { recursive: true });
