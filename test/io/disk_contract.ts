/**
 * What every Disk does, whatever is below it. Each test gets a fresh disk with one empty directory.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Disk } from "../../engine/io/disk.ts";
import { DiskFault } from "../../engine/model/errors.ts";

export interface DiskUnderTest {
  readonly disk: Disk;
  readonly dir: string;
  /** A second disk on the same files that must change nothing; absent where there is no such thing. */
  readonly readOnly?: Disk;
  release(): void;
}

const text = (value: string) => new TextEncoder().encode(value);
const asText = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes));

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(DiskFault);
    return (error as DiskFault).systemCode;
  }
  return "no error";
}

export function diskContract(name: string, make: () => DiskUnderTest): void {
  describe(`disk contract: ${name}`, () => {
    let under: DiskUnderTest;
    let disk: Disk;
    let dir: string;
    beforeEach(() => {
      under = make();
      ({ disk, dir } = under);
    });
    afterEach(() => under.release());

    const at = (path: string) => `${dir}/${path}`;
    const contentOf = (path: string) => asText(disk.readAll(at(path)));
    function fileWith(path: string, content: string) {
      const file = disk.file(at(path));
      file.create();
      file.write([text(content)], 0);
      return file;
    }

    names(() => ({ disk, dir, at, fileWith, contentOf }));
    contents(() => ({ disk, dir, at, fileWith, contentOf }));
    handles(() => ({ disk, dir, at, fileWith, contentOf }));

    test("a read-only disk refuses every change and latches nothing", () => {
      if (under.readOnly === undefined) return;
      fileWith("a", "1234").close();
      const file = under.readOnly.file(at("a"));
      const target = new Uint8Array(4);
      expect(file.read(target, 0, 4, 0)).toBe(4);
      expect(codeOf(() => file.write([text("x")], 0))).toBe("EROFS");
      expect(codeOf(() => file.truncate(0))).toBe("EROFS");
      expect(codeOf(() => under.readOnly!.remove(at("a")))).toBe("EROFS");
      expect(codeOf(() => under.readOnly!.replaceFile(at("b"), text("x")))).toBe("EROFS");
      expect(codeOf(() => under.readOnly!.lock(at(".lock")))).toBe("EROFS");
      expect(under.readOnly.isWritable(dir)).toBe(false);
      expect(under.readOnly.fault).toBeNull();
      expect(disk.list(dir)).toEqual(["a"]);
      file.close();
    });
  });
}

interface Bench {
  readonly disk: Disk;
  readonly dir: string;
  at(path: string): string;
  fileWith(path: string, content: string): ReturnType<Disk["file"]>;
  contentOf(path: string): string | null;
}

function names(bench: () => Bench): void {
  test("lists names sorted, and says which are directories", () => {
    const { disk, dir, at, fileWith } = bench();
    expect(disk.list(dir)).toEqual([]);
    fileWith("b", "").close();
    disk.makeDirectory(at("c"));
    fileWith("a", "").close();
    expect(disk.list(dir)).toEqual(["a", "b", "c"]);
    expect(disk.listEntries(dir)).toEqual([
      { name: "a", isDirectory: false },
      { name: "b", isDirectory: false },
      { name: "c", isDirectory: true },
    ]);
    expect(disk.isDirectory(at("c"))).toBe(true);
    expect(disk.isDirectory(at("a"))).toBe(false);
    expect(disk.isDirectory(at("none"))).toBe(false);
    expect(disk.exists(at("a"))).toBe(true);
    expect(disk.exists(at("none"))).toBe(false);
    expect(codeOf(() => disk.list(at("none")))).toBe("ENOENT");
    expect(disk.isWritable(dir)).toBe(true);
    expect(disk.isWritable(at("none"))).toBe(false);
    expect(disk.realPath(at("./a"))).toBe(disk.realPath(at("a")));
  });

  test("makes a directory once, and not without its parent or over a file", () => {
    const { disk, at, fileWith } = bench();
    disk.makeDirectory(at("d"));
    disk.makeDirectory(at("d"));
    expect(codeOf(() => disk.makeDirectory(at("x/y")))).toBe("ENOENT");
    fileWith("f", "").close();
    expect(codeOf(() => disk.makeDirectory(at("f")))).toBe("EEXIST");
  });

  test("removes files and trees; nothing there is no error", async () => {
    const { disk, dir, at, fileWith } = bench();
    disk.makeDirectory(at("d"));
    fileWith("d/a", "x").close();
    fileWith("b", "x").close();
    expect(disk.remove(at("b"))).toBe(true);
    expect(disk.remove(at("b"))).toBe(false);
    disk.removeTree(at("d"));
    disk.removeTree(at("d"));
    disk.makeDirectory(at("e"));
    fileWith("e/a", "x").close();
    await disk.removeLater(at("e"));
    await disk.removeLater(at("e"));
    expect(disk.list(dir)).toEqual([]);
  });

  test("renames atomically over a file, and directories with what is in them", () => {
    const { disk, dir, at, fileWith, contentOf } = bench();
    fileWith("a", "new").close();
    fileWith("b", "old").close();
    disk.rename(at("a"), at("b"));
    expect(contentOf("b")).toBe("new");
    expect(contentOf("a")).toBeNull();
    disk.makeDirectory(at("d"));
    fileWith("d/x", "inside").close();
    disk.rename(at("d"), at("e"));
    expect(contentOf("e/x")).toBe("inside");
    expect(codeOf(() => disk.rename(at("none"), at("q")))).toBe("ENOENT");
    expect(disk.list(dir)).toEqual(["b", "e"]);
  });

  test("replaces files whole, now and later, and leaves no temporary file", async () => {
    const { disk, dir, at, contentOf } = bench();
    disk.replaceFile(at("f"), text("one"));
    expect(contentOf("f")).toBe("one");
    disk.replaceFile(at("f"), text("2"));
    expect(contentOf("f")).toBe("2");
    await disk.replaceFileLater(at("f"), text("three"));
    expect(contentOf("f")).toBe("three");
    disk.replaceFile(at("f"), new Uint8Array(0));
    expect(contentOf("f")).toBe("");
    expect(disk.list(dir)).toEqual(["f"]);
  });

  test("syncs directories, now and later", async () => {
    const { disk, dir, at } = bench();
    disk.syncDirectory(dir);
    await disk.syncDirectoryLater(dir);
    expect(codeOf(() => disk.syncDirectory(at("none")))).toBe("ENOENT");
    await expect(disk.syncDirectoryLater(at("none"))).rejects.toBeInstanceOf(DiskFault);
    expect(disk.fault).toBeNull();
  });

  test("tells and sets the time of a change, and free bytes", () => {
    const { disk, dir, at, fileWith } = bench();
    fileWith("f", "x").close();
    disk.setModifiedMs(at("f"), 1_700_000_000_000);
    expect(disk.modifiedMs(at("f"))).toBe(1_700_000_000_000);
    expect(codeOf(() => disk.modifiedMs(at("none")))).toBe("ENOENT");
    expect(disk.freeBytes(dir)).toBeGreaterThan(0);
    expect(disk.fileSize(at("f"))).toBe(1);
    expect(disk.fileSize(at("none"))).toBe(-1);
  });

  test("a lock is held once; a clean stop unlinks it", () => {
    const { disk, dir, at } = bench();
    const lock = disk.lock(at(".lock"));
    expect(lock).not.toBeNull();
    if (disk.native.capabilities.ofdLock) expect(disk.lock(at(".lock"))).toBeNull();
    lock!.release();
    lock!.release();
    expect(disk.list(dir)).toEqual([".lock"]);
    const again = disk.lock(at(".lock"));
    again!.unlinkAndRelease();
    expect(disk.list(dir)).toEqual([]);
  });
}

function contents(bench: () => Bench): void {
  test("creates a file once, unless told to keep it", () => {
    const { disk, at, fileWith, contentOf } = bench();
    fileWith("a", "1234").close();
    const file = disk.file(at("a"));
    expect(codeOf(() => file.create())).toBe("EEXIST");
    file.create("keep");
    file.create("keep");
    expect(contentOf("a")).toBe("1234");
    file.close();
    expect(disk.readAll(at("none"))).toBeNull();
    expect(codeOf(() => disk.file(at("none")).size())).toBe("ENOENT");
  });

  test("writes pieces in order at a position, over holes and over old bytes", () => {
    const { fileWith, contentOf } = bench();
    const file = fileWith("a", "0123456789");
    file.write([text("ab"), new Uint8Array(0), text("c")], 2);
    file.write([], 0);
    expect(contentOf("a")).toBe("01abc56789");
    file.write([text("end")], 12);
    expect(contentOf("a")).toBe("01abc56789\0\0end");
    const many = Array.from({ length: 40 }, (_, index) => text(String(index % 10)));
    file.write(many, 0);
    expect(contentOf("a")).toBe("0123456789012345678901234567890123456789");
    file.close();
  });

  test("reads into the middle of a target; short only at the end", () => {
    const { fileWith } = bench();
    const file = fileWith("a", "0123456789");
    const target = text("________");
    expect(file.read(target, 2, 3, 4)).toBe(3);
    expect(asText(target)).toBe("__456___");
    expect(file.read(target, 0, 8, 8)).toBe(2);
    expect(file.read(target, 0, 8, 10)).toBe(0);
    expect(file.read(target, 0, 8, 99)).toBe(0);
    file.close();
  });

  test("truncates both ways and allocates zeros", () => {
    const { fileWith, contentOf } = bench();
    const file = fileWith("a", "0123456789");
    file.truncate(4);
    file.truncate(6);
    expect(contentOf("a")).toBe("0123\0\0");
    file.allocate(2, 8);
    expect(file.size()).toBe(10);
    file.allocate(0, 3);
    expect(file.size()).toBe(10);
    expect(contentOf("a")).toBe("0123\0\0\0\0\0\0");
    file.close();
  });

  test("a long run of writes reads back whole, whatever is on its way to the device", () => {
    const { fileWith } = bench();
    const file = fileWith("a", "");
    const piece = new Uint8Array(3_000_001);
    for (let index = 0; index < 8; index++) file.write([piece.fill(index)], index * piece.length);
    const target = new Uint8Array(1);
    for (let index = 0; index < 8; index++) {
      expect(file.read(target, 0, 1, (index + 1) * piece.length - 1)).toBe(1);
      expect(target[0]).toBe(index);
    }
    file.syncNow();
    file.close();
  });

  test("syncs, now and off the loop, several at once", async () => {
    const { fileWith } = bench();
    const file = fileWith("a", "0123456789");
    file.syncNow();
    await Promise.all([file.sync(), file.sync(), file.sync()]);
    file.close();
  });

  test("warms what is cold", async () => {
    const { fileWith } = bench();
    const file = fileWith("a", "x".repeat(3_000_000));
    file.syncNow();
    file.dropCache(0, 3_000_000);
    await file.warm(0, 3_000_000);
    expect(file.isResident(0, 3_000_000)).toBe(true);
    await file.warm(2_999_990, 1_000); // beyond the end: stops there
    file.close();
  });

  test("maps what is there", () => {
    const { fileWith } = bench();
    const file = fileWith("a", "0123456789");
    const map = file.map(8);
    expect(asText(map.bytes().slice())).toBe("01234567");
    expect(map.length).toBe(8);
    expect(() => file.truncate(2)).toThrow("file changed under a map");
    expect(() => file.renameTo("elsewhere")).toThrow("file changed under a map");
    expect(() => file.remove()).toThrow("file changed under a map");
    map.unmap();
    map.unmap();
    file.truncate(2);
    file.close();
  });
}

function handles(bench: () => Bench): void {
  test("a handle follows its file through renames", () => {
    const { disk, at, fileWith, contentOf } = bench();
    disk.makeDirectory(at("d"));
    const file = fileWith("d/a", "1");
    file.renameTo(at("d/b"));
    expect(file.path).toBe(at("d/b"));
    file.write([text("2")], 1);
    disk.rename(at("d"), at("e"));
    file.moved(at("e/b"));
    disk.closeIdle();
    file.write([text("3")], 2);
    expect(contentOf("e/b")).toBe("123");
    file.close();
  });

  test("a borrowed file outlives its removal", () => {
    const { disk, dir, fileWith } = bench();
    const file = fileWith("a", "1234");
    expect(file.borrow()).toBeGreaterThanOrEqual(0);
    expect(file.borrow()).toBeGreaterThanOrEqual(0);
    file.remove();
    expect(disk.list(dir)).toEqual([]);
    const target = new Uint8Array(4);
    expect(file.read(target, 0, 4, 0)).toBe(4);
    file.giveBack();
    expect(file.read(target, 0, 4, 0)).toBe(4);
    file.giveBack();
    expect(() => file.read(target, 0, 4, 0)).toThrow("used after close");
  });

  test("a pending sync outlives close", async () => {
    const { fileWith } = bench();
    const file = fileWith("a", "1234");
    const synced = file.sync();
    file.close();
    await synced;
  });

  test("an EIO that somebody else met latches: changes fail with it, reads go on", async () => {
    const { disk, at, fileWith, contentOf } = bench();
    const file = fileWith("a", "1234");
    const seen: DiskFault[] = [];
    disk.onFault((fault) => seen.push(fault));
    disk.report(new DiskFault("sendfile", at("a"), "ENOSPC"));
    expect(disk.fault).toBeNull();
    const fault = new DiskFault("sendfile", at("a"), "EIO");
    disk.report(fault);
    disk.report(new DiskFault("sendfile", at("a"), "EIO"));
    expect(disk.fault).toBe(fault);
    disk.onFault((late) => seen.push(late));
    expect(seen).toEqual([fault, fault]);
    const attempts: (() => unknown)[] = [
      () => file.write([text("x")], 0),
      () => file.truncate(0),
      () => file.allocate(0, 10),
      () => file.syncNow(),
      () => file.renameTo(at("z")),
      () => file.remove(),
      () => disk.file(at("new")).create(),
      () => disk.makeDirectory(at("d")),
      () => disk.rename(at("a"), at("b")),
      () => disk.remove(at("a")),
      () => disk.removeTree(at("a")),
      () => disk.syncDirectory(at(".")),
      () => disk.replaceFile(at("a"), text("x")),
      () => disk.setModifiedMs(at("a"), 1),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(fault);
    for (const later of [
      () => file.sync(),
      () => disk.replaceFileLater(at("a"), text("x")),
      () => disk.syncDirectoryLater(at(".")),
      () => disk.removeLater(at("a")),
    ]) {
      expect(await later().then(() => null, (error: unknown) => error)).toBe(fault);
    }
    expect(contentOf("a")).toBe("1234");
    file.close();
  });
}
