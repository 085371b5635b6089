/**
 * What the shim does where the kernel or the processor offers less: missing cachestat, humbler ways to
 * compute the CRC.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ENOSYS, EOPNOTSUPP, EPERM } from "../../native/errno.ts";
import { loadCompiledShim, loadTinyccShim } from "../../native/shim_build.ts";
import { ShimNative } from "../../native/shim_native.ts";
import type { ShimSymbols } from "../../native/symbols.ts";
import { crc32cBitwise } from "../support/crc32c_bitwise.ts";
import { BUILDS } from "./builds.ts";
import { dropFromCache } from "./contract_files.ts";

const SIZE = 40 * 4096 + 17;

for (const { name, native: loaded, missing } of BUILDS) {
  if (name === "off") continue; // nothing to fall back to
  describe(`fallbacks of build ${name}`, () => {
    if (loaded === null) {
      test.skip(`cannot be had here: ${missing}`, () => {});
      return;
    }
    const symbols: ShimSymbols = name === "tcc" ? loadTinyccShim() : loadCompiledShim();
    let directory = "";
    let fd = -1;

    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), "millrace-native-"));
      writeFileSync(join(directory, "file"), new Uint8Array(SIZE).fill(1));
      fd = openSync(join(directory, "file"), "r+");
    });
    afterAll(() => {
      closeSync(fd);
      rmSync(directory, { recursive: true, force: true });
    });

    test.each([
      ["missing (old kernel)", ENOSYS],
      ["forbidden (container filter)", EPERM],
    ])("residency without cachestat: %s", (_case, errno) => {
      let probes = 0;
      const native = new ShimNative(
        {
          ...symbols,
          mr_cachestat: () => -errno,
          mr_resident_nowait: (file, position, length) => {
            probes++;
            return symbols.mr_resident_nowait(file, position, length);
          },
        },
        name,
      );
      expect(native.capabilities.cachestat).toBe(false);
      expect(native.isResident(fd, 0, SIZE)).toBe(true);
      expect(native.isResident(fd, 5000, 1)).toBe(true);
      expect(probes).toBe(2);
      if (!dropFromCache(native, fd)) return; // a memory file system keeps everything
      expect(native.isResident(fd, 0, SIZE)).toBe(false);
      const target = new Uint8Array(SIZE);
      expect(native.pread(fd, target, 0, SIZE, 0)).toBe(SIZE);
      expect(native.isResident(fd, 0, SIZE)).toBe(true);
    });

    test("one page that is missing in the middle is noticed either way", () => {
      const native = new ShimNative(symbols, name);
      const page = 20 * 4096;
      native.pread(fd, new Uint8Array(SIZE), 0, SIZE, 0);
      native.fsync(fd);
      native.fadvise(fd, page, 4096, 4);
      if (native.residentNowait(fd, page, 1) === 1) return; // kept, as part of a larger folio
      expect(native.isResident(fd, 0, SIZE)).toBe(false);
      expect(native.residentNowait(fd, 0, SIZE)).toBe(0);
      expect(native.isResident(fd, 0, page)).toBe(true);
      expect(native.residentNowait(fd, 0, page)).toBe(1);
    });

    test("what lies beyond the end of the file is not resident", () => {
      const native = new ShimNative(symbols, name);
      native.pread(fd, new Uint8Array(SIZE), 0, SIZE, 0);
      expect(native.residentNowait(fd, SIZE - 10, 10)).toBe(1);
      expect(native.residentNowait(fd, SIZE - 10, 11)).toBe(0);
      expect(native.residentNowait(fd, SIZE + 5000, 1)).toBe(0);
      expect(native.isResident(fd, 0, SIZE + 8192)).toBe(false);
    });

    test("residency that nobody can tell is undefined", () => {
      const mute = { ...symbols, mr_cachestat: () => -ENOSYS, mr_resident_nowait: () => -EOPNOTSUPP };
      expect(new ShimNative(mute, name).isResident(fd, 0, SIZE)).toBeUndefined();
    });

    test("every way to compute the CRC that this processor has", () => {
      const bytes = Uint8Array.from({ length: 30_000 }, (_, i) => (i * 131 + (i >> 7)) & 0xff);
      const best = symbols.mr_crc_kind(0);
      try {
        for (let kind = 1; kind <= best; kind++) {
          expect(symbols.mr_crc_kind(kind)).toBe(kind);
          const native = new ShimNative({ ...symbols, mr_crc_kind: () => kind }, name);
          for (let length = 0; length < 30_000; length += length < 1400 ? 1 : 997) {
            const start = length % 23;
            const end = Math.min(start + length, bytes.length);
            if (native.crc32c(bytes, start, end) !== crc32cBitwise(bytes, start, end)) {
              throw new Error(`kind ${kind}, length ${length}`);
            }
          }
        }
      } finally {
        symbols.mr_crc_kind(0);
      }
    });
  });
}
