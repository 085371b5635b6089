/**
 * Each function of the native surface, in each build that this machine has.
 *
 *   bun bench/micro/native.bench.ts [cc|tcc|off]     one build in this process (default: the best)
 *
 * Compare builds in separate processes, so that neither warms the other's code.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dlopen, FFIType } from "bun:ffi";
import { bench, group, run, summary } from "mitata";
import { writeInt32 } from "../../engine/base/int64.ts";
import { ATTRIBUTES_AT, CRC_AT } from "../../engine/model/record_batch.ts";
import { crc32c } from "../../native/crc32c.ts";
import { loadNative, type NativeBuild } from "../../native/native.ts";
import { BatchScan, RunScan } from "../../native/scan.ts";
import { encodeBatch } from "../../test/native/batches.ts";
import { tcpPair } from "../../test/native/tcp_pair.ts";

const native = loadNative(process.argv[2] as NativeBuild | undefined);
const KIB = 1024;
const MIB = KIB * KIB;

const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"));
const path = join(directory, "file");
writeFileSync(path, new Uint8Array(8 * MIB).fill(7));
const fd = openSync(path, "r+");
const megabyte = new Uint8Array(MIB).map((_, i) => i * 31);

function batchOf(count: number, valueBytes: number): Uint8Array {
  const value = megabyte.subarray(0, valueBytes);
  const records = Array.from({ length: count }, (_, offsetDelta) => ({
    key: null,
    value,
    timestampDelta: offsetDelta,
    offsetDelta,
    headers: [],
  }));
  const bytes = encodeBatch({
    baseOffset: 0,
    leaderEpoch: 0,
    attributes: 0,
    lastOffsetDelta: count - 1,
    baseTimestamp: 1_700_000_000_000,
    maxTimestamp: 1_700_000_000_000 + count,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordsCount: count,
    records,
  });
  writeInt32(bytes, CRC_AT, crc32c(bytes, ATTRIBUTES_AT, bytes.length));
  return bytes;
}

console.log(`native build ${native.build}, CRC by ${native.capabilities.crc}`);

group("what a number costs on its way through bun:ffi", () => {
  const integer = dlopen("libc.so.6", { labs: { args: [FFIType.i64_fast], returns: FFIType.i64_fast } }).symbols.labs;
  const double = dlopen("libm.so.6", { fabs: { args: ["f64"], returns: "f64" } }).symbols.fabs;
  let i = 0;
  bench("i64_fast to i64_fast (labs)", () => integer(i++ * 1e4));
  bench("f64 to f64 (fabs)", () => double(i++ * 1e4));
});

group("crc32c", () => {
  for (const size of [64, KIB, 16 * KIB, 64 * KIB, MIB]) {
    bench(`crc32c of ${size} B`, () => native.crc32c(megabyte, 0, size));
  }
  const pieces = Array.from({ length: 8 }, (_, i) => megabyte.subarray(i * 8 * KIB, (i + 1) * 8 * KIB));
  bench("crc32c of 8 pieces of 8 KiB", () => native.crc32cPieces(pieces));
});

group("scanBatch", () => {
  const out = new BatchScan();
  for (const [count, size] of [[1, 100], [10, 100], [600, 100], [64, 1000], [1000, 1000], [10_000, 100]] as const) {
    const batch = [batchOf(count, size)];
    const bytes = batch[0]!.length;
    bench(`scanBatch of ${count} records of ${size} B (${bytes} B)`, () => native.scanBatch(batch, out));
  }
  const whole = batchOf(1000, 1000);
  const halves = [whole.slice(0, 512 * KIB), whole.slice(512 * KIB)];
  bench("scanBatch of 1000 records of 1000 B in 2 pieces", () => native.scanBatch(halves, out));
});

group("scanRun", () => {
  const out = new RunScan();
  const small = batchOf(1, 100);
  const run = Buffer.concat(Array.from({ length: 4000 }, () => small));
  bench(`scanRun of 4000 batches of ${small.length} B`, () => native.scanRun(run, 0, run.length, out));
  const large = Buffer.concat(Array.from({ length: 16 }, () => batchOf(64, 1000)));
  bench(`scanRun of 16 batches of 64 KiB`, () => native.scanRun(large, 0, large.length, out));
});

group("files", () => {
  const target = new Uint8Array(64 * KIB);
  const small = megabyte.subarray(0, 200);
  const two = [megabyte.subarray(0, 100), megabyte.subarray(500, 600)];
  const sixteen = Array.from({ length: 16 }, (_, i) => megabyte.subarray(i * 100, i * 100 + 100));
  bench("pread of 200 B", () => native.pread(fd, target, 0, 200, 4096));
  bench("pread of 64 KiB", () => native.pread(fd, target, 0, 64 * KIB, 4096));
  bench("pwrite of 200 B", () => native.pwrite(fd, small, 0, 200, 4096));
  bench("pwritev of 2 pieces of 100 B", () => native.pwritev(fd, two, 4096));
  bench("pwritev of 16 pieces of 100 B", () => native.pwritev(fd, sixteen, 4096));
  bench("fallocate over what is allocated", () => native.fallocate(fd, 0, 0, MIB));
  bench("ftruncate to the same size", () => native.ftruncate(fd, 8 * MIB));
  bench("fdatasync of nothing", () => native.fdatasync(fd));
  bench("fsync of nothing", () => native.fsync(fd));
  bench("syncfs of nothing", () => native.syncfs(fd));
  bench("fadvise WILLNEED 1 MiB", () => native.fadvise(fd, 0, MIB, 3));
  bench("syncFileRange of nothing", () => native.syncFileRange(fd, 0, MIB, 2));
  bench("cachestat over 1 MiB", () => native.cachestat(fd, 0, MIB));
  bench("residentNowait over 1 MiB", () => native.residentNowait(fd, 0, MIB));
  bench("isResident over 64 KiB", () => native.isResident(fd, 0, 64 * KIB));
  bench("mapFile and unmap of 64 KiB", () => native.mapFile(fd, 64 * KIB).unmap());
  bench("lockFile and unlockFile", () => {
    native.lockFile(fd);
    native.unlockFile(fd);
  });
  bench("dup and close", () => {
    const second = native.dup(fd);
    if (second >= 0) native.close(second);
  });
});

if (native.capabilities.sendfile) {
  const pair = tcpPair();
  const head = new Uint8Array(100);
  const drain = (bytes: number) => {
    for (let left = bytes; left > 0; ) left -= Math.max(0, native.recvDiscard(pair.far, left));
  };
  group("sockets over loopback, with the receiver's share", () => {
    bench("send of 100 B", () => {
      native.send(pair.near, head, 0, 100);
      drain(100);
    });
    const target = new Uint8Array(100);
    bench("send and recv of 100 B", () => {
      native.send(pair.near, head, 0, 100);
      native.recv(pair.far, target, 0, 100);
    });
    bench("sendfile of 64 KiB", () => {
      native.sendfile(pair.near, fd, 0, 64 * KIB);
      drain(64 * KIB);
    });
    bench("sendHeadAndFile of 100 B and 64 KiB", () => {
      native.sendHeadAndFile(pair.near, head, 100, fd, 0, 64 * KIB);
      drain(64 * KIB + 100);
    });
    bench("setSendBuffer", () => native.setSendBuffer(pair.near, 262_144));
    bench("getSendBuffer", () => native.getSendBuffer(pair.near));
    bench("setNoDelay", () => native.setNoDelay(pair.near, true));
  });
}

summary(() => {
  bench("crc32c of 64 KiB, native", () => native.crc32c(megabyte, 0, 64 * KIB));
  bench("crc32c of 64 KiB, JavaScript", () => crc32c(megabyte, 0, 64 * KIB));
});

await run();
closeSync(fd);
rmSync(directory, { recursive: true });
