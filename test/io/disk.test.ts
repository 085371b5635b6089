/** NodeDisk over both kinds of native build and SimulatedDisk under one contract; then what only NodeDisk does. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescriptorPool } from "../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../engine/io/disk_node.ts";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { loadNative } from "../../native/native.ts";
import type { NativeBuild } from "../../native/native.ts";
import { diskContract } from "./disk_contract.ts";
import type { DiskUnderTest } from "./disk_contract.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-disk-"));
let count = 0;
afterAll(() => rmSync(root, { recursive: true }));

function nodeDisk(build: NativeBuild | undefined): DiskUnderTest {
  const native = loadNative(build);
  // Three descriptors: everything that holds more than one file at a time goes through eviction.
  const descriptors = new DescriptorPool(3);
  const disk = new NodeDisk({ native, descriptors, readOnly: false });
  const readOnly = new NodeDisk({ native, descriptors, readOnly: true });
  const dir = join(root, String(count++));
  disk.makeDirectory(dir);
  return {
    disk,
    readOnly,
    dir,
    release() {
      expect(descriptors.pinned).toBe(0);
      expect(descriptors.count).toBe(0); // every test closes what it opened
    },
  };
}

diskContract("the best native build", () => nodeDisk(undefined));
diskContract("the portable build", () => nodeDisk("off"));
diskContract("simulated", () => {
  const disk = new SimulatedDisk({ native: loadNative("off") });
  disk.makeDirectory("/data");
  return {
    disk,
    dir: "/data",
    release: () => expect(disk.borrowed).toBe(0),
  };
});
