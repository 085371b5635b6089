/** Run with few descriptors allowed: uses more files than that, and says how it went. See disk.test.ts. */
import { openSync } from "node:fs";
import { join } from "node:path";
import { DescriptorPool } from "../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../engine/io/disk_node.ts";
import { DiskFault } from "../../engine/model/errors.ts";
import { loadNative } from "../../native/native.ts";

const FILES = 200;
const dir = process.argv[2]!;
// The pool believes in more than the process has.
const descriptors = new DescriptorPool(1_000);
const disk = new NodeDisk({ native: loadNative("off"), descriptors, readOnly: false });
disk.makeDirectory(dir);

const files = Array.from({ length: FILES }, (_, index) => {
  const file = disk.file(join(dir, String(index)));
  file.create();
  file.write([Uint8Array.of(index)], 0);
  return file;
});
disk.replaceFile(join(dir, "checkpoint"), Uint8Array.of(1));
const target = new Uint8Array(1);
const intact = files.every((file, index) => file.read(target, 0, 1, 0) === 1 && target[0] === index);
const lowered = descriptors.limit < 48;

// With everything pinned, or taken by others, there is nothing to give up: an error, not a hang.
disk.closeIdle();
for (let taken = true; taken; ) {
  try {
    openSync("/dev/null", "r");
  } catch {
    taken = false;
  }
}
let allPinned = "nothing";
try {
  files[0]!.borrow();
} catch (error) {
  allPinned = error instanceof DiskFault ? error.systemCode : String(error);
}
console.log(JSON.stringify({ files: FILES, intact, lowered, fault: disk.fault, allPinned }));
