/** What only the simulated disk does: forget what was not synced, in every way that a device may. */
import { describe, expect, test } from "bun:test";
import { WriteFault } from "../../engine/io/disk.ts";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { PowerCut } from "../../engine/io/disk_simulated_point.ts";
import type { CrashChoice } from "../../engine/io/disk_simulated_tree.ts";
import { DiskFault } from "../../engine/model/errors.ts";
import { loadNative } from "../../native/native.ts";

const native = loadNative("off");
const NOTHING: CrashChoice = {};
const ALL: CrashChoice = { sector: () => true, size: () => true, name: () => true };

function freshDisk(): SimulatedDisk {
  const disk = new SimulatedDisk({ native });
  disk.makeDirectory("/d");
  disk.settle();
  return disk;
}

const sectors = (...letters: string[]) =>
  new TextEncoder().encode(letters.map((letter) => letter.repeat(512)).join(""));

/** One letter a sector: "a", "." for zeros, "?" for anything mixed or unknown. */
function letters(disk: SimulatedDisk, path: string): string | null {
  const bytes = disk.readAll(path);
  if (bytes === null) return null;
  let text = "";
  for (let at = 0; at < bytes.length; at += 512) {
    const sector = bytes.subarray(at, at + 512);
    const same = sector.every((byte) => byte === sector[0]);
    text += !same ? "?" : sector[0] === 0 ? "." : String.fromCharCode(sector[0]!);
  }
  return text;
}

async function thrownBy(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a power cut", () => {
  test("forgets bytes, sizes and names that were not synced, each for itself", () => {
    const disk = freshDisk();
    const file = disk.file("/d/f");
    file.create();
    file.write([sectors("a", "b", "c")], 0);
    expect(letters(disk.crash(NOTHING), "/d/f")).toBeNull();

    const named = freshDisk();
    named.file("/d/f").create();
    named.syncDirectory("/d");
    named.file("/d/f").write([sectors("a", "b", "c")], 0);
    expect(letters(named.crash(NOTHING), "/d/f")).toBe("");
    expect(letters(named.crash({ size: () => true }), "/d/f")).toBe("...");
    expect(letters(named.crash({ size: () => true, sector: (one) => one.sector === 1 }), "/d/f")).toBe(".b.");
    expect(letters(named.crash({ sector: () => true }), "/d/f")).toBe("");
    expect(letters(named.crash({ ...ALL, sector: (one) => (one.sector === 2 ? "garbage" : true) }), "/d/f"))
      .toBe("ab\u00db");
    expect(letters(named.kill(), "/d/f")).toBe("abc");
  });

  test("keeps what was synced, and nothing written after the sync began", async () => {
    const disk = freshDisk();
    const file = disk.file("/d/f");
    file.create();
    disk.syncDirectory("/d");
    file.write([sectors("a", "b")], 0);
    disk.holdSyncs = true;
    const synced = file.sync();
    file.write([sectors("X")], 0);
    file.write([sectors("c")], 1024);
    expect(disk.heldSyncs).toBe(1);
    disk.releaseSyncs();
    await synced;
    expect(letters(disk.crash(NOTHING), "/d/f")).toBe("ab");
    expect(letters(disk.kill(), "/d/f")).toBe("Xbc");
  });

  test("may leave any state between two syncs of an overwritten sector", () => {
    const disk = freshDisk();
    disk.install("/d/f", sectors("a"));
    const file = disk.file("/d/f");
    for (const letter of ["b", "c"]) file.write([sectors(letter)], 0);
    const states = [0, 1, 2].map((version) => {
      const after = disk.crash({
        sector: ({ versions }) => (expect(versions).toBe(3), version),
      });
      return letters(after, "/d/f");
    });
    expect(states).toEqual(["a", "b", "c"]);
  });

  test("may bring back what was truncated, and every size between", () => {
    const disk = freshDisk();
    disk.install("/d/f", sectors("a", "b", "c"));
    const file = disk.file("/d/f");
    file.truncate(512);
    file.write([sectors("x", "y")], 512);
    file.allocate(0, 2048);
    const sizes: number[][] = [];
    const crash = (size: number, sector: boolean) =>
      letters(
        disk.crash({ size: (one) => (sizes.push([...one.sizes]), size), sector: () => sector }),
        "/d/f",
      );
    expect(crash(0, false)).toBe("abc");
    expect(crash(0, true)).toBe("axy");
    expect(crash(1, true)).toBe("a");
    expect(crash(2, false)).toBe("abc"); // size of the new data, bytes of the old
    expect(crash(3, true)).toBe("axy.");
    expect(sizes[0]).toEqual([1536, 512, 1536, 2048]);
  });

  test("leaves zeros where a file was cut, though its sector was written", () => {
    const disk = freshDisk();
    disk.install("/d/f", sectors("a"));
    const file = disk.file("/d/f");
    file.write([sectors("b", "b")], 100);
    const after = disk.crash({ sector: () => true }); // the new bytes, with the old size
    expect(letters(after, "/d/f")).toBe("?");
    after.file("/d/f").allocate(0, 1536);
    expect(letters(after, "/d/f")).toBe("?..");
  });

  test("may bring back removed files, and lose renames", () => {
    const disk = freshDisk();
    disk.install("/d/a", sectors("a"));
    disk.install("/d/b", sectors("b"));
    disk.rename("/d/a", "/d/b");
    disk.remove("/d/b");
    const namesAfter = (name: (index: number) => boolean) => {
      const after = disk.crash({ name: (change) => name(change.index) });
      return after.list("/d").map((entry) => `${entry}=${letters(after, `/d/${entry}`)}`);
    };
    expect(namesAfter(() => false)).toEqual(["a=a", "b=b"]);
    expect(namesAfter((index) => index === 0)).toEqual(["b=a"]);
    expect(namesAfter((index) => index === 1)).toEqual(["a=a"]);
    expect(namesAfter(() => true)).toEqual([]);
  });

  test("a directory sync covers its own names only", () => {
    const disk = freshDisk();
    disk.makeDirectory("/d/e");
    disk.file("/d/e/f").create();
    disk.syncDirectory("/d/e");
    expect(disk.crash(NOTHING).list("/d")).toEqual([]);
    disk.syncDirectory("/d");
    expect(disk.crash(NOTHING).list("/d/e")).toEqual(["f"]);
  });

  test("replaceFile leaves the old bytes or the new ones at every point", async () => {
    for (const later of [false, true]) {
      const replace = (disk: SimulatedDisk) =>
        later ? disk.replaceFileLater("/d/f", sectors("n")) : disk.replaceFile("/d/f", sectors("n"));
      const count = await (async () => {
        const disk = freshDisk();
        disk.install("/d/f", sectors("o"));
        const before = disk.points;
        await replace(disk);
        expect(letters(disk.crash(NOTHING), "/d/f")).toBe("n");
        return disk.points - before;
      })();
      expect(count).toBeGreaterThanOrEqual(5);
      for (let point = 0; point < count; point++) {
        for (const choice of [NOTHING, ALL, { name: () => true }]) {
          const disk = freshDisk();
          disk.install("/d/f", sectors("o"));
          const from = disk.points;
          disk.plan = ({ index }) => (index === from + point ? "cut" : "go");
          expect(await thrownBy(() => replace(disk))).toBeInstanceOf(PowerCut);
          expect(letters(disk.crash(choice), "/d/f")).toMatch(/^[on]$/);
        }
      }
    }
  });

  test("ends every later call", async () => {
    const disk = freshDisk();
    const file = disk.file("/d/f");
    file.create();
    disk.plan = () => "cut";
    expect(await thrownBy(() => file.write([sectors("a")], 0))).toBeInstanceOf(PowerCut);
    expect(disk.isCut).toBe(true);
    for (const action of [() => file.size(), () => disk.list("/d"), () => file.sync(), () => disk.remove("/d/f")]) {
      expect(await thrownBy(action)).toBeInstanceOf(PowerCut);
    }
    expect(disk.fault).toBeNull();
    expect(letters(disk.kill(), "/d/f")).toBe("a"); // the write itself had happened
  });
});

describe("faults", () => {
  const failing = (outcome: "EIO" | "ENOSPC" | "short") => {
    const disk = freshDisk();
    const file = disk.file("/d/f");
    file.create();
    disk.plan = () => outcome;
    let fault: unknown;
    try {
      file.write([sectors("a", "b")], 0);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(WriteFault);
    return { disk, fault: fault as WriteFault };
  };

  test("a failed write has changed a part; only EIO latches", () => {
    for (const outcome of ["EIO", "ENOSPC", "short"] as const) {
      const { disk, fault } = failing(outcome);
      expect(fault.bytesWritten).toBe(512);
      expect(fault.systemCode).toBe(outcome === "short" ? "SHORT_WRITE" : outcome);
      expect(disk.fault).toBe(outcome === "EIO" ? fault : null);
      expect(letters(disk, "/d/f")).toBe("a");
    }
  });

  test("a failed sync latches whatever its reason, and nothing of it is on the device", async () => {
    for (const outcome of ["EIO", "ENOSPC"] as const) {
      const disk = freshDisk();
      disk.install("/d/f", sectors("a", "b"));
      const file = disk.file("/d/f");
      file.write([sectors("x")], 0);
      disk.plan = ({ kind }) => (kind === "sync" ? outcome : "go");
      const fault = await thrownBy(() => file.sync());
      expect(fault).toBeInstanceOf(DiskFault);
      expect(disk.fault).toBe(fault as DiskFault);
      expect(letters(disk, "/d/f")).toBe("xb"); // readers see it ...
      disk.plan = null;
      expect(letters(disk.crash(NOTHING), "/d/f")).toBe("ab"); // ... and the device never will
    }
  });

  test("a lost write claims success", () => {
    const disk = freshDisk();
    disk.install("/d/f", sectors("a"));
    disk.plan = () => "lost";
    disk.file("/d/f").write([sectors("x")], 0);
    expect(letters(disk, "/d/f")).toBe("a");
  });

  test("a read fault is planned apart, and EIO latches", async () => {
    const disk = freshDisk();
    disk.install("/d/f", sectors("a"));
    disk.planRead = (path) => (path === "/d/f" ? "EIO" : null);
    const fault = await thrownBy(() => disk.readAll("/d/f"));
    expect(disk.fault).toBe(fault as DiskFault);
  });

  test("a full file system takes what fits", () => {
    const disk = freshDisk();
    disk.capacityBytes = 1024;
    expect(disk.freeBytes("/d")).toBe(1024);
    const file = disk.file("/d/f");
    file.create();
    let fault: unknown;
    try {
      file.write([sectors("a", "b", "c")], 0);
    } catch (error) {
      fault = error;
    }
    expect((fault as WriteFault).systemCode).toBe("ENOSPC");
    expect((fault as WriteFault).bytesWritten).toBe(1024);
    expect(disk.freeBytes("/d")).toBe(0);
    file.truncate(512);
    file.write([sectors("z")], 512);
    expect(letters(disk, "/d/f")).toBe("az");
  });

  test("somebody else's lock, flipped bits, cold files", async () => {
    const disk = freshDisk();
    disk.lockElsewhere("/d/.lock");
    expect(disk.lock("/d/.lock")).toBeNull();
    disk.lockElsewhere("/d/.lock", false);
    expect(disk.lock("/d/.lock")).not.toBeNull();
    expect(disk.crash(ALL).lock("/d/.lock")).not.toBeNull(); // locks die with the machine
    const other = freshDisk();
    other.install("/d/f", sectors("a"));
    other.flip("/d/f", 100, 1);
    expect(letters(other, "/d/f")).toBe("?");
    const file = other.file("/d/f");
    other.chill("/d/f");
    expect(file.isResident(0, 512)).toBe(false);
    await file.warm(0, 512);
    expect(file.isResident(0, 512)).toBe(true);
  });
});

test("the same workload passes the same points", () => {
  const run = () => {
    const disk = freshDisk();
    const seen: string[] = [];
    disk.plan = (point) => (seen.push(`${point.index} ${point.kind} ${point.path}`), "go");
    disk.makeDirectory("/d/e");
    disk.replaceFile("/d/e/f", sectors("a"));
    disk.removeTree("/d/e");
    return seen;
  };
  expect(run()).toEqual(run());
  expect(run()).toMatchInlineSnapshot(`
    [
      "1 name /d/e",
      "2 name /d/e/f.tmp",
      "3 truncate /d/e/f.tmp",
      "4 write /d/e/f.tmp",
      "5 sync /d/e/f.tmp",
      "6 name /d/e/f",
      "7 sync directory /d/e",
      "8 name /d/e/f",
      "9 name /d/e",
    ]
  `);
});
