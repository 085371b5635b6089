/** NodeDisk over both kinds of native build and SimulatedDisk under one contract; then what only NodeDisk does. */
import { afterAll, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WriteFault } from "../../engine/io/disk.ts";
import {
  DescriptorPool,
  descriptorBudget,
  processDescriptorLimit,
} from "../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../engine/io/disk_node.ts";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { DiskFault } from "../../engine/model/errors.ts";
import { ENOSYS } from "../../native/errno.ts";
import { SYNC_FILE_RANGE_WRITE, loadNative } from "../../native/native.ts";
import type { Native, NativeBuild } from "../../native/native.ts";
import { diskContract } from "./disk_contract.ts";
import type { DiskUnderTest } from "./disk_contract.ts";

// A machine that is busy with other tests takes its time.
setDefaultTimeout(60_000);

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

describe("NodeDisk", () => {
  interface Calls {
    readonly call: string;
    readonly result: number;
  }

  /** The native shim, except that the next calls of some kinds answer something else. */
  function failing(overrides: Partial<Record<keyof Native, (...args: never[]) => unknown>>): Native {
    const real = loadNative();
    return new Proxy(real, {
      get(target, key) {
        const override = overrides[key as keyof Native];
        if (override !== undefined) return override;
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  function diskWith(native: Native, limit = 8): { disk: NodeDisk; dir: string; descriptors: DescriptorPool } {
    const descriptors = new DescriptorPool(limit);
    const disk = new NodeDisk({ native, descriptors, readOnly: false });
    const dir = join(root, String(count++));
    disk.makeDirectory(dir);
    return { disk, dir, descriptors };
  }

  function faultOf(action: () => unknown): DiskFault {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(DiskFault);
      return error as DiskFault;
    }
    throw new Error("nothing was thrown");
  }

  const bytes = (text: string) => new TextEncoder().encode(text);

  test("the rest of a short write is tried once", () => {
    const real = loadNative();
    const calls: Calls[] = [];
    const results = [-1000, 3]; // the first call writes three bytes, the next goes through
    const native = failing({
      pwritev: (fd: number, pieces: Uint8Array[], position: number) => {
        const isShort = results.pop() === 3;
        const result = isShort
          ? real.pwrite(fd, pieces[0]!, 0, 3, position)
          : real.pwritev(fd, pieces, position);
        calls.push({ call: "pwritev", result });
        return result;
      },
    });
    const { disk, dir } = diskWith(native);
    const file = disk.file(join(dir, "f"));
    file.create();
    file.write([bytes("01234"), bytes("56789")], 0);
    expect(Buffer.from(disk.readAll(file.path)!).toString()).toBe("0123456789");
    expect(calls).toEqual([{ call: "pwritev", result: 3 }, { call: "pwritev", result: 7 }]);
    file.close();
  });

  test.each([
    [[4, -28], "ENOSPC", 4, false],
    [[4, -122], "EDQUOT", 4, false],
    [[-28], "ENOSPC", 0, false],
    [[4, 2], "SHORT_WRITE", 6, false],
    [[0, 0], "SHORT_WRITE", 0, false],
    [[-5], "EIO", 0, true],
    [[4, -5], "EIO", 4, true],
  ])("a write that answers %j fails as %s after %d bytes", (answers, code, written, latches) => {
    const left = [...answers];
    const { disk, dir } = diskWith(failing({ pwrite: () => left.shift()! }));
    const file = disk.file(join(dir, "f"));
    file.create();
    const fault = faultOf(() => file.write([bytes("0123456789")], 0));
    expect(fault).toBeInstanceOf(WriteFault);
    expect([fault.stage, fault.systemCode, (fault as WriteFault).bytesWritten]).toEqual(["write", code, written]);
    expect(disk.fault).toBe(latches ? fault : null);
    file.close();
  });

  test("whatever fails a sync latches, files and directories alike", async () => {
    const { disk, dir } = diskWith(failing({ fdatasync: () => -28 }));
    const file = disk.file(join(dir, "f"));
    file.create();
    expect(faultOf(() => file.syncNow()).systemCode).toBe("ENOSPC");
    expect(disk.fault?.stage).toBe("sync");
    file.close();
    const other = diskWith(failing({ fsync: () => -22 }));
    expect(faultOf(() => other.disk.syncDirectory(other.dir)).systemCode).toBe("EINVAL");
    expect(other.disk.fault?.path).toBe(other.dir);
  });

  test("a sync off the loop that fails latches; those beside it fail, too", async () => {
    const { disk, dir } = diskWith(loadNative());
    // A FIFO opens and cannot be synced: EINVAL, from the real system call.
    const fifo = join(dir, "fifo");
    expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
    const good = disk.file(join(dir, "good"));
    good.create();
    const pipe = disk.file(fifo);
    const outcomes = await Promise.allSettled([pipe.sync(), pipe.sync(), good.sync()]);
    const faults = outcomes.map((one) => (one.status === "rejected" ? (one.reason as DiskFault) : null));
    expect(faults[0]?.systemCode).toBe("EINVAL");
    expect(disk.fault).toBe(faults.find((fault) => fault !== null) ?? null);
    const late = await good.sync().then(() => null, (error: unknown) => error);
    expect(late).toBe(disk.fault);
    expect(faultOf(() => good.write([bytes("x")], 0))).toBe(disk.fault!);
    pipe.close();
    good.close();
  });

  test("a sync in flight when another fault latches proves nothing", async () => {
    const { disk, dir } = diskWith(loadNative());
    const file = disk.file(join(dir, "f"));
    file.create();
    file.write([bytes("x")], 0);
    const pending = file.sync();
    const fault = new DiskFault("sync", join(dir, "other"), "EIO");
    disk.report(fault);
    expect(await pending.then(() => null, (error: unknown) => error)).toBe(fault);
    file.close();
  });

  describe("a small sync is on its way before its thread wakes up", () => {
    /** A file, what write-back was started for, and the time that a sync seems to take. */
    function startsOf(answer: number) {
      const starts: { position: number; length: number; flags: number }[] = [];
      const { disk, dir } = diskWith(failing({
        syncFileRange: (_fd: number, position: number, length: number, flags: number) => {
          starts.push({ position, length, flags });
          return answer;
        },
      }));
      const clock = spyOn(performance, "now").mockImplementation(() => nowMs);
      let nowMs = 0;
      const file = disk.file(join(dir, "f"));
      file.create();
      return {
        disk,
        file,
        starts,
        async sync(tookMs: number) {
          const done = file.sync();
          nowMs += tookMs;
          await done;
        },
        end() {
          clock.mockRestore();
          file.close();
        },
      };
    }

    test("once the device has shown that it is quick: just what was written since the last sync", async () => {
      const { end, file, starts, sync } = startsOf(0);
      file.write([bytes("0123456789")], 0);
      await sync(0.1);
      expect(starts).toEqual([]); // nothing was known of the device
      file.write([bytes("abc")], 10);
      file.write([bytes("d"), bytes("ef")], 13);
      await sync(0.1);
      expect(starts).toEqual([{ position: 10, length: 6, flags: SYNC_FILE_RANGE_WRITE }]);
      await sync(0.1);
      expect(starts.length).toBe(1); // nothing new to send
      end();
    });

    test("not on a device that takes its time, until it is quick again", async () => {
      const { end, file, starts, sync } = startsOf(0);
      const counts: number[] = [];
      for (const [index, tookMs] of [0.1, 5, 0.1, 0.1].entries()) {
        file.write([bytes("x")], index);
        await sync(tookMs);
        counts.push(starts.length);
      }
      expect(counts).toEqual([0, 1, 1, 2]);
      end();
    });

    test("not of much at once: that would hold up the caller", async () => {
      const { end, file, starts, sync } = startsOf(0);
      await sync(0.1);
      file.write([new Uint8Array(1 << 20)], 0);
      await sync(0.1);
      expect(starts).toEqual([]);
      end();
    });

    test("its failure is nobody's: the sync tells", async () => {
      for (const answer of [-ENOSYS, -5]) {
        const { disk, end, file, starts, sync } = startsOf(answer);
        await sync(0.1);
        file.write([bytes("x")], 0);
        await sync(0.1);
        expect(starts.length).toBe(1);
        expect(disk.fault).toBe(null);
        end();
      }
    });
  });

  test("replaceFile that cannot write leaves the old file and no temporary one", async () => {
    for (const later of [false, true]) {
      let answer = 0;
      const real = loadNative();
      const native = failing({
        pwrite: (fd: number, source: Uint8Array, at: number, length: number, position: number) =>
          answer < 0 ? answer : real.pwrite(fd, source, at, length, position),
      });
      const { disk, dir } = diskWith(native);
      const path = join(dir, "f");
      disk.replaceFile(path, bytes("old"));
      answer = -28;
      if (later) await expect(disk.replaceFileLater(path, bytes("new"))).rejects.toThrow("ENOSPC");
      else expect(faultOf(() => disk.replaceFile(path, bytes("new"))).systemCode).toBe("ENOSPC");
      expect(disk.list(dir)).toEqual(["f"]);
      expect(disk.fault).toBeNull();
      answer = 0;
      disk.replaceFile(path, bytes("new"));
      expect(Buffer.from(disk.readAll(path)!).toString()).toBe("new");
    }
  });

  test("evicts the longest unused, spares what is pinned, prefers what is synced", () => {
    const { disk, dir, descriptors } = diskWith(loadNative(), 3);
    const open = (name: string) => {
      const file = disk.file(join(dir, name));
      file.create("keep");
      return file;
    };
    const files = ["a", "b", "c"].map(open);
    expect(descriptors.count).toBe(3);
    files[0]!.write([bytes("x")], 0); // unsynced: spared, though a is the oldest now
    files[1]!.size();
    files[2]!.borrow();
    const later = open("d");
    expect(descriptors.count).toBe(3);
    expect(descriptors.pinned).toBe(1);
    const opened = new Set(readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return []; // the descriptor of this very listing
      }
    }));
    const names = ["a", "b", "c", "d"].filter((name) => opened.has(join(dir, name)));
    expect(names).toEqual(["a", "c", "d"]);
    files[2]!.giveBack();
    for (const file of [...files, later]) file.close();
    expect(descriptors.count).toBe(0);
  });

  test("more pinned than the limit is possible, and shrinks again", () => {
    const { disk, dir, descriptors } = diskWith(loadNative(), 2);
    const files = ["a", "b", "c", "d"].map((name) => {
      const file = disk.file(join(dir, name));
      file.create();
      file.borrow();
      return file;
    });
    expect(descriptors.count).toBe(4);
    for (const file of files) file.giveBack();
    expect(descriptors.count).toBe(2);
    for (const file of files) file.close();
  });

  test("a lock file that was unlinked on the way is not held", () => {
    let unlinks = 1;
    const real = loadNative();
    const { disk, dir } = diskWith(failing({
      lockFile: (fd: number) => {
        // A clean stop of the owner before, between our open and our lock.
        if (unlinks-- > 0) unlinkSync(join(dir, ".lock"));
        return real.lockFile(fd);
      },
    }));
    const lock = disk.lock(join(dir, ".lock"));
    expect(lock).not.toBeNull();
    expect(disk.list(dir)).toEqual([".lock"]);
    expect(disk.lock(join(dir, ".lock"))).toBeNull(); // it is the named file that is locked
    lock!.unlinkAndRelease();
  });

  test("a link to a directory is one", () => {
    const { disk, dir } = diskWith(loadNative());
    disk.makeDirectory(join(dir, "real"));
    symlinkSync(join(dir, "real"), join(dir, "link"));
    expect(disk.listEntries(dir)).toEqual([
      { name: "link", isDirectory: true },
      { name: "real", isDirectory: true },
    ]);
    expect(disk.realPath(join(dir, "link"))).toBe(join(dir, "real"));
  });

  test("half of the descriptors are for files", () => {
    expect(processDescriptorLimit()).toBeGreaterThan(100);
    expect(descriptorBudget(20_000)).toBe(9_968);
    expect(descriptorBudget(64)).toBe(8);
  });

  test("a process without descriptors goes on with fewer", () => {
    const script = join(import.meta.dir, "out_of_descriptors.ts");
    const dir = join(root, String(count++));
    const run = Bun.spawnSync(["sh", "-c", 'ulimit -n 48 && exec "$0" "$1" "$2"', process.execPath, script, dir]);
    expect(run.stderr.toString()).toBe("");
    expect(JSON.parse(run.stdout.toString())).toEqual({
      files: 200, intact: true, lowered: true, fault: null, allPinned: "EMFILE",
    });
  });
});

/** With a Java at hand, its locks and ours must exclude each other: Kafka's is `FileChannel.tryLock`. */
describe.skipIf(Bun.which("javac") === null)("the lock and Java's", () => {
  const probe = join(import.meta.dir, "LockProbe.java");

  async function javaLocks(path: string): Promise<{ says: string; end(): Promise<void> }> {
    const child = Bun.spawn(["java", probe, path], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    const reader = child.stdout.getReader();
    let says = "";
    while (!says.endsWith("\n")) {
      const { value, done } = await reader.read();
      if (done) break;
      says += new TextDecoder().decode(value);
    }
    return {
      says: says.trim(),
      async end() {
        child.stdin.end();
        await child.exited;
      },
    };
  }

  test("exclude each other, both ways", async () => {
    const { disk, dir } = nodeDisk(undefined);
    const path = join(dir, ".lock");
    const lock = disk.lock(path);
    const refused = await javaLocks(path);
    expect(refused.says).toBe("refused");
    await refused.end();
    lock!.release();
    const held = await javaLocks(path);
    expect(held.says).toBe("held");
    expect(disk.lock(path)).toBeNull();
    await held.end();
    const again = disk.lock(path);
    expect(again).not.toBeNull();
    again!.unlinkAndRelease();
  }, 30_000);
});
