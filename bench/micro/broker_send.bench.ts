/**
 * The two ways of a fetch answer to its socket, by size: read into memory and sent with its head in one
 * write, or head and sendfile. Both ask first whether the range is in the page cache. The reader drops
 * what it gets inside the kernel. Linux only.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bench, group, run, summary } from "mitata";
import { loadNative } from "../../native/native.ts";
import { tcpPair } from "../../test/native/tcp_pair.ts";

const KIB = 1024;
const HEAD_BYTES = 64;
const FILE_BYTES = 8 * KIB * KIB;
const SIZES = [1 * KIB, 4 * KIB, 8 * KIB, 16 * KIB, 24 * KIB, 32 * KIB, 64 * KIB];

const native = loadNative();
const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"));
const path = join(directory, "file");
writeFileSync(path, new Uint8Array(FILE_BYTES).fill(7));
const file = openSync(path, "r");
const pair = tcpPair();
const memory = new Uint8Array(256 * KIB);
const head = new Uint8Array(4 * KIB);
let position = 0;

/** Another place each time, odd as places in a log are. */
function next(size: number): number {
  position = (position + size + 61) % (FILE_BYTES - size);
  return position;
}

function discard(size: number): void {
  for (let left = size; left > 0; ) {
    const got = native.recvDiscard(pair.far, left);
    if (got > 0) left -= got;
  }
}

for (const size of SIZES) {
  group(`${size / KIB} KiB`, () => {
    summary(() => {
      bench("pread, one send", () => {
        const at = next(size);
        native.isResident(file, at, size);
        native.pread(file, memory, HEAD_BYTES, size, at);
        native.send(pair.near, memory, 0, HEAD_BYTES + size);
        discard(HEAD_BYTES + size);
      });
      bench("head, sendfile", () => {
        const at = next(size);
        native.isResident(file, at, size);
        native.sendHeadAndFile(pair.near, head, HEAD_BYTES, file, at, size);
        discard(HEAD_BYTES + size);
      });
    });
  });
}

await run();
pair.close();
closeSync(file);
rmSync(directory, { recursive: true });
