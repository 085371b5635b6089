/**
 * Run by scan.test.ts: scans damaged batches that end exactly where mapped memory ends, so that one byte
 * read too far kills this process. Argument: the build.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { loadCompiledShim, loadTinyccShim } from "../../native/shim_build.ts";
import { ShimNative } from "../../native/shim_native.ts";
import { BatchScan, RunScan, SCAN_RECORDS } from "../../native/scan.ts";
import { mutate, randomBatch, randomFrom } from "./batches.ts";

const PAGE = 4096;
const ROUNDS = 6000;

const build = process.argv[2] === "tcc" ? "tcc" : "cc";
const symbols = build === "tcc" ? loadTinyccShim() : loadCompiledShim();
const native = new ShimNative(symbols, build);

const directory = mkdtempSync(join(tmpdir(), "millrace-guard-"));
const fd = openSync(join(directory, "pages"), "w+");
rmSync(directory, { recursive: true });
native.ftruncate(fd, 2 * PAGE);
const address = symbols.mr_mmap(fd, 2 * PAGE);
symbols.mr_munmap(address + PAGE, PAGE); // the guard
const page = new Uint8Array(toArrayBuffer(address as Pointer, 0, PAGE));

const random = randomFrom(20_26);
const out = new BatchScan();
const run = new RunScan(64);
let scans = 0;
for (let round = 0; round < ROUNDS; round++) {
  let bytes = randomBatch(random);
  if (round % 5 > 0) bytes = mutate(random, bytes);
  if (bytes.length > PAGE) continue;
  const start = PAGE - bytes.length;
  writeSync(fd, bytes, 0, bytes.length, start); // the map shows what the file holds
  const cut = start + random(bytes.length + 1);
  native.scanBatch([page.subarray(start)], out);
  native.scanBatch([page.subarray(start, cut), page.subarray(cut)], out, SCAN_RECORDS);
  native.scanRun(page, start, PAGE, run, SCAN_RECORDS);
  native.crc32c(page, start, PAGE);
  scans += 4;
}
closeSync(fd);
console.log(`scanned ${scans} times`);
