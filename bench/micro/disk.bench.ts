/**
 * What the disk layer adds to bare system calls: writes, descriptors borrowed from the pool, and the ways
 * to sync off the loop with one sync in flight (the callback of node:fs is what NodeDisk uses). Rounds in
 * turn; medians.
 *
 *   bun bench/micro/disk.bench.ts [directory]
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescriptorPool } from "../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../engine/io/disk_node.ts";
import { loadNative } from "../../native/native.ts";

const ROUNDS = 7;
const FILE_BYTES = 32 << 20;
const RECORD_BYTES = 1024;
const native = loadNative();
const dir = fs.mkdtempSync(join(process.argv[2] ?? tmpdir(), "millrace-bench-disk-"));
const disk = new NodeDisk({ native, descriptors: new DescriptorPool(64), readOnly: false });
const record = new Uint8Array(RECORD_BYTES).fill(90);

const file = disk.file(join(dir, "f"));
file.create();
// Written and synced once: no step below grows the file or meets a page for the first time.
file.write([new Uint8Array(FILE_BYTES)], 0);
file.syncNow();
const fd = file.borrow();
const handle = await fs.promises.open(file.path, "r+");

let position = 0;
function next(): number {
  position = position + RECORD_BYTES < FILE_BYTES ? position + RECORD_BYTES : 0;
  return position;
}

interface Way {
  readonly name: string;
  readonly count: number;
  readonly step: () => void | Promise<void>;
}

const others = Array.from({ length: 200 }, (_, index) => {
  const other = disk.file(join(dir, `other-${index}`));
  other.create();
  other.write([record], 0);
  other.syncNow();
  return other;
});
let turn = 0;
const target = new Uint8Array(RECORD_BYTES);

const ways: readonly Way[] = [
  { name: "pwrite 1 KiB, bare", count: 20_000, step: () => void native.pwrite(fd, record, 0, RECORD_BYTES, next()) },
  { name: "DiskFile.write 1 KiB", count: 20_000, step: () => file.write([record], next()) },
  { name: "borrow + giveBack", count: 200_000, step: () => (file.borrow(), file.giveBack()) },
  {
    name: "read 1 KiB of 200 files in turn, 64 descriptors",
    count: 4_000,
    step: () => void others[turn++ % others.length]!.read(target, 0, RECORD_BYTES, 0),
  },
  { name: "fdatasync on the loop", count: 200, step: () => (file.write([record], next()), file.syncNow()) },
  { name: "DiskFile.sync (fs.fdatasync callback)", count: 200, step: () => (file.write([record], next()), file.sync()) },
  { name: "FileHandle.datasync", count: 200, step: () => (file.write([record], next()), handle.datasync()) },
];

async function microseconds(way: Way): Promise<number> {
  file.syncNow(); // what the way before has written is not this one's to flush
  const start = performance.now();
  for (let count = 0; count < way.count; count++) await way.step();
  return ((performance.now() - start) / way.count) * 1000;
}

const results = new Map(ways.map((way) => [way, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const way of ways) results.get(way)!.push(await microseconds(way));
}
for (const [way, times] of results) {
  times.sort((one, other) => one - other);
  const median = times[ROUNDS >> 1]!.toFixed(2).padStart(9);
  console.log(`${median} us  (fastest ${times[0]!.toFixed(2)})  ${way.name}`);
}
file.giveBack();
await handle.close();
for (const each of [file, ...others]) each.close();
fs.rmSync(dir, { recursive: true });
