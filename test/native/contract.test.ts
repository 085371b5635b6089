/**
 * One contract, run by every build of the native surface: the C shim built by the system's compiler, the
 * same sources built by TinyCC, and TypeScript over node:fs.
 */
import { describe, expect, test } from "bun:test";
import { BUILDS } from "./builds.ts";
import { bytesContract } from "./contract_bytes.ts";
import { filesContract } from "./contract_files.ts";
import { socketsContract } from "./contract_sockets.ts";

for (const { name, native, missing } of BUILDS) {
  describe(`native build ${name}`, () => {
    if (native === null) {
      test.skip(`cannot be had here: ${missing}`, () => {});
      return;
    }
    test("tells what it is", () => {
      expect(native.build).toBe(name);
      expect(native.capabilities.crc).toMatch(/^(folding|instruction|table|javascript)$/);
      expect(native.capabilities.wideCrc).toBe(native.capabilities.crc === "folding");
    });
    filesContract(native);
    socketsContract(native);
    bytesContract(native);
  });
}
