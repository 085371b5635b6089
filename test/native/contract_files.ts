import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EINVAL, ENOSYS, errnoName } from "../../native/errno.ts";
import {
  FADVISE_DONTNEED,
  FADVISE_WILLNEED,
  FALLOC_FL_KEEP_SIZE,
  FALLOCATE_GROW,
  type Native,
  SYNC_FILE_RANGE_WRITE,
} from "../../native/native.ts";
import { loadNative } from "../../native/native.ts";

const EBADF = 9;
/** No process has a descriptor of this number: the hard limit is far below. */
const CLOSED_FD = 1 << 30;

function patternBytes(length: number, salt = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + salt) & 0xff);
}

/** A test of what only some builds have; a skipped one says what is missing. */
function testWith(has: boolean, lack: string): typeof test {
  return has ? test : (((title: string, body: () => void) => test.skip(`${title} (${lack})`, body)) as typeof test);
}

/** What every build promises about files. */
export function filesContract(native: Native): void {
  describe("files", () => {
    let directory = "";
    let names = 0;

    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), "millrace-native-"));
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    function withFile(bytes: Uint8Array, action: (fd: number, path: string) => void): void {
      const path = join(directory, `file-${names++}`);
      writeFileSync(path, bytes);
      const fd = openSync(path, "r+");
      try {
        action(fd, path);
      } finally {
        closeSync(fd);
      }
    }

    test("pread fills the middle of a buffer and is short only at the end", () => {
      const content = patternBytes(10_000);
      withFile(content, (fd) => {
        const target = new Uint8Array(6000).fill(0xee);
        expect(native.pread(fd, target, 100, 5000, 2500)).toBe(5000);
        expect(target.subarray(100, 5100)).toEqual(content.subarray(2500, 7500));
        expect(target[99]).toBe(0xee);
        expect(target[5100]).toBe(0xee);
        expect(native.pread(fd, target, 0, 6000, 9000)).toBe(1000);
        expect(native.pread(fd, target, 0, 6000, 10_000)).toBe(0);
        expect(native.pread(fd, target, 0, 6000, 5e12)).toBe(0);
      });
    });

    test("pread into a view of a larger buffer", () => {
      withFile(patternBytes(64), (fd) => {
        const whole = new Uint8Array(96);
        const view = whole.subarray(16, 80);
        expect(native.pread(fd, view, 8, 40, 3)).toBe(40);
        expect(whole.subarray(24, 64)).toEqual(patternBytes(64).subarray(3, 43));
        expect(whole.subarray(0, 24).every((byte) => byte === 0)).toBe(true);
      });
    });

    test("pwrite writes a part, beyond the end and beyond 4 GiB", () => {
      withFile(new Uint8Array(0), (fd, path) => {
        const source = patternBytes(300);
        expect(native.pwrite(fd, source, 50, 200, 1000)).toBe(200);
        expect(readFileSync(path).subarray(1000).equals(source.subarray(50, 250))).toBe(true);
        const far = 5 * 2 ** 30 + 123;
        expect(native.pwrite(fd, source, 0, 300, far)).toBe(300);
        expect(statSync(path).size).toBe(far + 300);
        const back = new Uint8Array(300);
        expect(native.pread(fd, back, 0, 300, far)).toBe(300);
        expect(back).toEqual(source);
      });
    });

    test.each([0, 1, 2, 5, 16, 17, 1024, 1025, 3000])("pwritev of %d pieces", (count) => {
      withFile(new Uint8Array(0), (fd, path) => {
        const pieces = Array.from({ length: count }, (_, i) => patternBytes((i * 13) % 90, i));
        const all = Buffer.concat(pieces);
        expect(native.pwritev(fd, pieces, 77)).toBe(all.length);
        if (all.length > 0) expect(readFileSync(path).subarray(77).equals(all)).toBe(true);
      });
    });

    test("pwritev of small views of one buffer, of Buffers, and of large arrays", () => {
      withFile(new Uint8Array(0), (fd, path) => {
        const pool = patternBytes(5000);
        const pieces = [
          pool.subarray(10, 20),
          Buffer.from("hello"),
          pool.subarray(4000, 5000),
          new Uint8Array(0),
          patternBytes(70_000, 5),
        ];
        const all = Buffer.concat(pieces);
        expect(native.pwritev(fd, pieces, 0)).toBe(all.length);
        expect(readFileSync(path).equals(all)).toBe(true);
      });
    });

    test("a short write is told as the count", () => {
      withFile(new Uint8Array(0), (_fd, path) => {
        const script = `
          import { openSync } from "node:fs";
          import { loadNative } from ${JSON.stringify(join(import.meta.dir, "../../native/native.ts"))};
          const native = loadNative(${JSON.stringify(native.build)});
          process.on("SIGXFSZ", () => {});
          const fd = openSync(${JSON.stringify(path)}, "r+");
          const piece = new Uint8Array(700);
          const first = native.pwritev(fd, [piece, piece, piece], 0);
          const second = native.pwrite(fd, piece, 0, 700, first);
          console.log(first + " " + second);`;
        // RLIMIT_FSIZE of one block of 1024 bytes stands for a full disk.
        const command = `ulimit -f 1; exec "$0" -e "$1"`;
        const run = Bun.spawnSync(["bash", "-c", command, process.execPath, script]);
        expect(run.stderr.toString()).toBe("");
        const EFBIG = 27;
        expect(run.stdout.toString().trim()).toBe(`1024 ${-EFBIG}`);
      });
    });

    test("a refused call answers -errno", () => {
      const bytes = new Uint8Array(8);
      expect(native.pread(CLOSED_FD, bytes, 0, 8, 0)).toBe(-EBADF);
      expect(native.pwrite(CLOSED_FD, bytes, 0, 8, 0)).toBe(-EBADF);
      expect(native.pwritev(CLOSED_FD, [bytes, bytes], 0)).toBe(-EBADF);
      expect(native.fdatasync(CLOSED_FD)).toBe(-EBADF);
      expect(native.fsync(CLOSED_FD)).toBe(-EBADF);
      expect(native.ftruncate(CLOSED_FD, 0)).toBe(-EBADF);
      expect(native.close(CLOSED_FD)).toBe(-EBADF);
      expect(errnoName(-EBADF)).toBe("EBADF");
    });

    test("misuse is asserted, not handed to the kernel", () => {
      withFile(patternBytes(64), (fd) => {
        const bytes = new Uint8Array(16);
        expect(() => native.pread(fd, bytes, 8, 9, 0)).toThrow("range beyond its bytes");
        expect(() => native.pwrite(fd, bytes, 17, 0, 0)).toThrow("range beyond its bytes");
        expect(() => native.crc32c(bytes, 0, 17)).toThrow();
        expect(() => native.crc32c(bytes, 9, 8)).toThrow();
        expect(() => native.mapFile(fd, 0)).toThrow("bad length of a map");
      });
    });

    test("syncs succeed on a file", () => {
      withFile(patternBytes(100), (fd) => {
        expect(native.fdatasync(fd)).toBe(0);
        expect(native.fsync(fd)).toBe(0);
        expect([0, -ENOSYS]).toContain(native.syncfs(fd));
        expect([0, -ENOSYS]).toContain(native.syncFileRange(fd, 0, 100, SYNC_FILE_RANGE_WRITE));
      });
    });

    test("ftruncate grows with zeros and cuts", () => {
      withFile(patternBytes(100), (fd, path) => {
        expect(native.ftruncate(fd, 5000)).toBe(0);
        expect(statSync(path).size).toBe(5000);
        expect(readFileSync(path)[4999]).toBe(0);
        expect(native.ftruncate(fd, 10)).toBe(0);
        expect(statSync(path).size).toBe(10);
      });
    });

    test("fallocate in mode 0 sets the size and never shrinks", () => {
      withFile(patternBytes(100), (fd, path) => {
        expect(native.fallocate(fd, FALLOCATE_GROW, 0, 1 << 20)).toBe(0);
        expect(statSync(path).size).toBe(1 << 20);
        expect(native.fallocate(fd, FALLOCATE_GROW, 0, 4096)).toBe(0);
        expect(statSync(path).size).toBe(1 << 20);
        expect(readFileSync(path).subarray(0, 100)).toEqual(Buffer.from(patternBytes(100)));
      });
    });

    testWith(native.capabilities.fallocate, "node:fs has no fallocate")("fallocate reserves blocks", () => {
      withFile(new Uint8Array(0), (fd, path) => {
        expect(native.fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 20)).toBe(0);
        expect(statSync(path).size).toBe(0);
        expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(1 << 20);
        expect(native.fallocate(fd, FALLOCATE_GROW, 0, 0)).toBe(-EINVAL);
      });
    });

    testWith(native.capabilities.cachestat, "no cachestat here")("cachestat counts resident pages", () => {
      withFile(patternBytes(16 * 4096), (fd) => {
        expect(native.cachestat(fd, 0, 16 * 4096)).toBe(16);
        expect(native.cachestat(fd, 4096, 4096)).toBe(1);
        expect(native.cachestat(fd, 4095, 2)).toBe(2);
        expect(native.cachestat(fd, 0, 0)).toBe(0);
      });
    });

    test("a written range is resident, or nobody can tell", () => {
      withFile(patternBytes(16 * 4096 + 5), (fd) => {
        const answer = native.isResident(fd, 0, 16 * 4096 + 5);
        expect(answer).toBe(native.capabilities.mmap ? true : undefined);
        expect(native.isResident(fd, 4000, 0)).toBe(true);
      });
    });

    testWith(native.capabilities.mmap, "no native code")("a dropped range is not resident until read", () => {
      const size = 1 << 20;
      withFile(patternBytes(size), (fd, path) => {
        if (!dropFromCache(native, fd)) return; // a memory file system keeps everything
        expect(native.isResident(fd, 0, size)).toBe(false);
        expect(native.isResident(fd, 300_000, 50)).toBe(false);
        expect(native.residentNowait(fd, 300_000, 50)).toBe(0);
        readFileSync(path);
        expect(native.isResident(fd, 0, size)).toBe(true);
        expect(native.residentNowait(fd, 0, size)).toBe(1);
      });
    });

    test("mapFile shows the file's bytes and views die with unmap", () => {
      const content = patternBytes(3 * 4096 + 100);
      withFile(content, (fd) => {
        const map = native.mapFile(fd, content.length);
        const view = map.bytes().subarray(4096, 4196);
        expect(map.length).toBe(content.length);
        expect(map.bytes().length).toBe(content.length);
        expect(map.bytes()).toBe(map.bytes());
        expect(Buffer.compare(map.bytes(), content)).toBe(0);
        expect(native.crc32c(map.bytes(), 0, content.length)).toBe(native.crc32c(content, 0, content.length));
        map.unmap();
        expect(map.isMapped).toBe(false);
        expect(() => map.bytes()).toThrow("used after unmap");
        expect(view.length).toBe(0);
        expect(view[0]).toBeUndefined();
        map.unmap();
      });
    });

    testWith(native.capabilities.mmap, "no native code")("the collector neither frees nor unmaps a map", () => {
      withFile(patternBytes(1 << 20), (fd, path) => {
        const real = readlinkSync(`/proc/self/fd/${fd}`);
        const mapsNow = () => readFileSync("/proc/self/maps", "utf8").split(real).length - 1;
        const map = native.mapFile(fd, 1 << 20);
        for (let i = 0; i < 50; i++) native.mapFile(fd, 4096).unmap();
        Bun.gc(true);
        Bun.gc(true);
        expect(mapsNow()).toBe(1);
        expect(map.bytes()[70_000]).toBe(patternBytes(70_001)[70_000]!);
        map.unmap();
        Bun.gc(true);
        expect(mapsNow()).toBe(0);
        truncateSync(path, 10); // harmless now
      });
    });

    test("mapFile of a descriptor that cannot be mapped throws", () => {
      const fd = openSync(directory, "r");
      expect(() => native.mapFile(fd, 4096)).toThrow(expect.objectContaining({ name: "NativeError" }));
      closeSync(fd);
    });

    testWith(native.capabilities.ofdLock, "node:fs has no locks")("an OFD lock excludes another opener, not itself", () => {
      withFile(new Uint8Array(0), (fd, path) => {
        const other = openSync(path, "r+");
        expect(native.lockFile(fd)).toBe(true);
        expect(native.lockFile(fd)).toBe(true);
        expect(native.lockFile(other)).toBe(false);
        native.unlockFile(fd);
        expect(native.lockFile(other)).toBe(true);
        expect(native.lockFile(fd)).toBe(false);
        closeSync(other); // closing gives the lock back
        expect(native.lockFile(fd)).toBe(true);
        native.unlockFile(fd);
        expect(() => native.lockFile(CLOSED_FD)).toThrow("EBADF");
      });
    });

    testWith(native.capabilities.sendfile, "no native code")("dup shares the file and is closed on its own", () => {
      withFile(patternBytes(100), (fd) => {
        const second = native.dup(fd);
        expect(second).toBeGreaterThan(2);
        expect(second).not.toBe(fd);
        expect(native.close(second)).toBe(0);
        expect(native.pread(second, new Uint8Array(1), 0, 1, 0)).toBe(-EBADF);
        expect(readSync(fd, new Uint8Array(10), 0, 10, 0)).toBe(10);
        expect(native.dup(CLOSED_FD)).toBe(-EBADF);
      });
    });

    testWith(native.capabilities.sendfile, "no native code")("fadvise is heard", () => {
      withFile(patternBytes(4096), (fd) => {
        expect(native.fadvise(fd, 0, 0, FADVISE_WILLNEED)).toBe(0);
        expect(native.fadvise(fd, 0, 0, 99)).toBe(-EINVAL);
      });
    });

    test("leaves no descriptor behind", () => {
      const count = () => readdirSync("/proc/self/fd").length;
      const before = count();
      withFile(patternBytes(4096), (fd) => {
        native.mapFile(fd, 4096).unmap();
        native.lockFile(fd);
      });
      loadNative(native.build);
      expect(count()).toBe(before);
    });
  });
}

/** True when the file's pages are gone from the page cache: dirty ones must be written back first. */
export function dropFromCache(native: Native, fd: number): boolean {
  native.fsync(fd);
  native.fadvise(fd, 0, 0, FADVISE_DONTNEED);
  return native.residentNowait(fd, 0, 1) === 0;
}
