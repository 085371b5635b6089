/** One data directory: who may open it, what is in it after each kind of stop, what goes on beside. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Uuid } from "../../../engine/base/uuid.ts";
import type { Disk } from "../../../engine/io/disk.ts";
import { DescriptorPool } from "../../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../../engine/io/disk_node.ts";
import type { SimulatedDisk } from "../../../engine/io/disk_simulated.ts";
import { checkDirectory } from "../../../engine/log/check.ts";
import { parseOffsetCheckpoint } from "../../../engine/log/checkpoint_file.ts";
import type { PartitionSource } from "../../../engine/log/directory_upkeep.ts";
import { DataDirectoryError } from "../../../engine/model/errors.ts";
import { LOG_CONFIG_DEFAULTS } from "../../../engine/model/log_config.ts";
import type { LogConfig } from "../../../engine/model/log_config.ts";
import type { Offset } from "../../../engine/model/offsets.ts";
import {
  DATA,
  META,
  RecordingLogger,
  formattedDisk,
  openDirectory,
  topicIdOf,
} from "../../support/directory_harness.ts";
import {
  append,
  appended,
  batchOfSize,
  codecs,
  makeBatch,
  microtasks,
  native,
  readValues,
} from "../../support/log_harness.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-directory-"));
afterAll(() => rmSync(root, { recursive: true }));

const text = (value: string) => new TextEncoder().encode(value);

function everything(disk: Disk, dir = DATA): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory } of disk.listEntries(dir)) {
    if (isDirectory) Object.assign(found, everything(disk, `${dir}/${name}`), { [`${dir}/${name}/`]: "" });
    else found[`${dir}/${name}`] = Buffer.from(disk.readAll(`${dir}/${name}`)!).toString("latin1");
  }
  return found;
}

function checkpoint(disk: Disk, name: string): Record<string, number> {
  const parsed = parseOffsetCheckpoint(disk.readAll(`${DATA}/${name}-offset-checkpoint`) ?? new Uint8Array(0));
  if (!parsed.ok) throw new Error(parsed.reason);
  return Object.fromEntries([...parsed.value].map((one) => [`${one.topic}-${one.partition}`, one.offset as number]));
}

const problems = (disk: Disk) =>
  checkDirectory(disk, DATA, { codecs }).map(({ path, message }) => `${path}: ${message}`);

const source = (config: Partial<LogConfig> = {}): PartitionSource => ({
  describe: (topic) => ({ topicId: topicIdOf(topic), config: { ...LOG_CONFIG_DEFAULTS, ...config } }),
  highWatermarkOf: (log) => log.stableOffset,
});

async function settledAppend(opened: ReturnType<typeof openDirectory>, topic: string, value: string): Promise<void> {
  const { settled } = appended(opened.log(topic), makeBatch([value]));
  opened.clock.endTick();
  await settled;
}

describe("a directory that cannot be used is refused in one line, and left as it was", () => {
  const expected = { clusterId: META.clusterId, nodeId: META.nodeId };

  function refusal(disk: SimulatedDisk): string {
    const before = everything(disk);
    const points = disk.points;
    let message = "opened";
    try {
      openDirectory({ disk, expected });
    } catch (error) {
      if (!(error instanceof DataDirectoryError)) throw error;
      message = `${error.code} ${error.message}`;
    }
    expect(disk.points).toBe(points);
    expect(everything(disk)).toEqual(before);
    expect(message).not.toContain("\n");
    return message;
  }

  function withMeta(lines: string): SimulatedDisk {
    const disk = formattedDisk();
    disk.install(`${DATA}/meta.properties`, text(lines));
    return disk;
  }

  test("locked", () => {
    const disk = formattedDisk();
    disk.lockElsewhere(`${DATA}/.lock`);
    expect(refusal(disk)).toBe(
      "LOCKED /data is in use by another process, which holds /data/.lock: stop it or name another directory",
    );
  });

  test.each([
    ["version=1\ncluster.id=other\nnode.id=1\n", "FOREIGN /data belongs to cluster other, not to test-cluster"],
    ["version=1\ncluster.id=test-cluster\nnode.id=2\n", "FOREIGN /data belongs to node 2, but node.id is 1"],
    ["version=0\nbroker.id=1\n", "FOREIGN /data was formatted for ZooKeeper (version 0 of meta.properties), not for KRaft"],
    ["version=2\ncluster.id=x\n", "NEWER_FORMAT /data was formatted by a later release (version 2, this one knows up to 1): use that release"],
    ["version=1\n", "DAMAGED /data/meta.properties: cluster.id is missing"],
    ["version=?\n", "DAMAGED /data/meta.properties: version is no number"],
  ])("%j", (lines, message) => {
    expect(refusal(withMeta(lines))).toBe(message);
  });

  test("with a directory in it that is no partition's", () => {
    const disk = formattedDisk();
    disk.install(`${DATA}/journal/x`, text(""));
    expect(refusal(disk)).toBe(
      "FOREIGN /data/journal is not of the form topic-partition: move it out of the data directory",
    );
  });

  test("which became unreadable once locked", () => {
    const disk = formattedDisk();
    let reads = 0;
    disk.planRead = (path) => (path.endsWith("meta.properties") && reads++ > 0 ? "EACCES" : null);
    expect(() => openDirectory({ disk })).toThrow("EACCES");
    expect(disk.list(DATA)).toEqual(["meta.properties"]);
  });

  test("with somebody's files in it, and not formatted", () => {
    const disk = formattedDisk();
    disk.remove(`${DATA}/meta.properties`);
    disk.install(`${DATA}/thesis.txt`, text("chapter one"));
    expect(refusal(disk)).toBe(
      'FOREIGN /data is no data directory and not empty (it holds "thesis.txt"): name another one',
    );
  });

  test("with records of an unformatted cluster in it", () => {
    const disk = formattedDisk();
    disk.remove(`${DATA}/meta.properties`);
    disk.install(`${DATA}/__cluster_metadata-0/${"0".repeat(20)}.log`, text("records"));
    expect(refusal(disk)).toStartWith("FOREIGN /data is no data directory and not empty");
  });

  test("that is not there, or is a file", () => {
    const disk = formattedDisk();
    disk.install("/file", text(""));
    expect(() => openDirectory({ disk, dir: "/none" })).toThrow("/none does not exist");
    expect(() => openDirectory({ disk, dir: "/file" })).toThrow("/file is not a directory");
  });

  test("read-only, on the files of this machine", () => {
    const dir = join(root, "read-only");
    const writable = new NodeDisk({ native, descriptors: new DescriptorPool(4), readOnly: false });
    writable.makeDirectory(dir);
    writeFileSync(join(dir, "meta.properties"), "version=1\ncluster.id=c\nnode.id=1\n");
    chmodSync(dir, 0o555);
    const disk = new NodeDisk({ native, descriptors: new DescriptorPool(4), readOnly: true });
    expect(() => openDirectory({ disk, dir })).toThrow(`${dir} cannot be written to: check its owner and mount`);
    expect(readdirSync(dir)).toEqual(["meta.properties"]);
    chmodSync(dir, 0o755);
  });
});

describe("life of a directory", () => {
  test("a clean stop leaves what Kafka would, and the next start needs no scan", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    expect(first.directory.wasCleanlyClosed).toBe(false);
    expect(first.directory.meta).toEqual({ version: 1, ...META });
    await settledAppend(first, "a", "one");
    await settledAppend(first, "a", "two");
    await settledAppend(first, "b", "three");
    expect(disk.exists(`${DATA}/.lock`)).toBe(true);
    expect(await first.directory.close(12)).toBe(true);
    expect(disk.list(DATA)).toEqual([
      ".kafka_cleanshutdown", "a-0", "b-0", "cleaner-offset-checkpoint", "log-start-offset-checkpoint",
      "meta.properties", "recovery-point-offset-checkpoint", "replication-offset-checkpoint",
    ]);
    expect(checkpoint(disk, "recovery-point")).toEqual({ "a-0": 2, "b-0": 1 });
    expect(checkpoint(disk, "replication")).toEqual({ "a-0": 2, "b-0": 1 });
    expect(checkpoint(disk, "log-start")).toEqual({});
    expect(problems(disk)).toEqual([]);

    const second = openDirectory({ disk });
    expect(second.directory.wasCleanlyClosed).toBe(true);
    expect(second.directory.previousBrokerEpoch).toBe(12);
    expect(disk.exists(`${DATA}/.kafka_cleanshutdown`)).toBe(false);
    expect(second.directory.checkpointedHighWatermark("a", 0)).toBe(2 as Offset);
    expect(second.directory.checkpointedHighWatermark("c", 0)).toBeNull();
    expect([...second.directory.partitions()].map((one) => one.topic)).toEqual(["a", "b"]);
    expect([...second.directory.logs()]).toEqual([]);
    const log = second.log("a");
    expect(log.recovery.scannedSegments).toBe(0);
    expect(readValues(log)).toEqual(["one", "two"]);
    expect(second.directory.findLog("a", 0)).toBe(log);
    expect(second.log("a")).toBe(log);
    expect(second.directory.topicIdOnDisk("b", 0)).toBe(topicIdOf("b"));
    // b was never opened: its entries stay
    expect(await second.directory.close()).toBe(true);
    expect(checkpoint(disk, "recovery-point")).toEqual({ "a-0": 2, "b-0": 1 });
    expect(problems(disk)).toEqual([]);
  });

  test("the marker is durably gone before anything else happens", async () => {
    const disk = formattedDisk();
    await openDirectory({ disk }).directory.close();
    disk.settle();
    const opened = openDirectory({ disk });
    expect(disk.crash({}).exists(`${DATA}/.kafka_cleanshutdown`)).toBe(false);
    expect(opened.directory.wasCleanlyClosed).toBe(true);
  });

  test("after an unclean stop no marker is written while a log waits for its recovery", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    await settledAppend(first, "a", "one");
    await settledAppend(first, "b", "two");
    const killed = disk.kill();
    const second = openDirectory({ disk: killed });
    expect(second.directory.wasCleanlyClosed).toBe(false);
    expect(readValues(second.log("a"))).toEqual(["one"]);
    expect(await second.directory.close()).toBe(false);
    expect(killed.exists(`${DATA}/.kafka_cleanshutdown`)).toBe(false);
    expect(killed.exists(`${DATA}/.lock`)).toBe(false);

    // the background work recovers what nobody asked for, and then the stop is clean
    const third = openDirectory({ disk: killed });
    third.directory.start(source());
    expect([...third.directory.logs()].map((log) => log.topic)).toEqual(["a", "b"]);
    expect(await third.directory.close()).toBe(true);
    expect(problems(killed)).toEqual([]);
  });

  test("a directory of another topic id is set aside, and the topic starts anew", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    await settledAppend(first, "a", "old");
    await first.directory.close();
    const second = openDirectory({ disk });
    const log = second.directory.openLog("a", 0, topicIdOf("another"), LOG_CONFIG_DEFAULTS);
    expect(log.logEndOffset).toBe(0 as Offset);
    const stray = disk.list(DATA).filter((name) => name.endsWith("-stray"));
    expect(stray).toHaveLength(1);
    expect(stray[0]).toMatch(/^a-0\.[0-9a-f]{32}-stray$/);
    expect(disk.crash({}).list(DATA)).toContain(stray[0]!); // durably
    expect(disk.list(`${DATA}/${stray[0]}`)).toContain("partition.metadata");
    await second.directory.close();
    expect(checkpoint(disk, "recovery-point")).toEqual({});
    // and the next start leaves it alone
    const logger = new RecordingLogger();
    const third = openDirectory({ disk, logger });
    expect([...third.directory.partitions()]).toEqual([]);
    expect(logger.lines).toEqual(["warn partition directory is not used"]);
  });

  test("partition.metadata that is damaged is told and written again", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    await settledAppend(first, "a", "one");
    await first.directory.close();
    disk.install(`${DATA}/a-0/partition.metadata`, text("version: 9"));
    const logger = new RecordingLogger();
    const second = openDirectory({ disk, logger });
    expect(readValues(second.log("a"))).toEqual(["one"]);
    expect(logger.lines).toEqual(["warn partition.metadata is missing or damaged, and written again"]);
    await second.directory.close();
    expect(problems(disk)).toEqual([]);
  });

  test("a deleted log is out of use at once and off the disk after the delay", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    await settledAppend(first, "a", "one");
    await settledAppend(first, "b", "two");
    first.directory.deleteLog("a", 0);
    expect(first.directory.findLog("a", 0)).toBeNull();
    expect(disk.crash({}).exists(`${DATA}/a-0`)).toBe(false); // durably
    const [doomed] = disk.list(DATA).filter((name) => name.endsWith("-delete"));
    expect(doomed).toMatch(/^a-0\.[0-9a-f]{32}-delete$/);
    // the same name can be used again meanwhile
    await settledAppend(first, "a", "again");
    first.clock.advance(59_999);
    await microtasks();
    expect(disk.exists(`${DATA}/${doomed}`)).toBe(true);
    first.clock.advance(1);
    await microtasks();
    expect(disk.exists(`${DATA}/${doomed}`)).toBe(false);
    expect(readValues(first.log("a"))).toEqual(["again"]);
    first.directory.deleteLog("b", 0);
    first.directory.deleteLog("never", 3);
    await first.directory.close();
    first.clock.advance(60_000); // a directory that was closed is another's
    await microtasks();
    // a clean stop waits for no delay
    expect(disk.list(DATA).filter((name) => name.startsWith("b-0."))).toEqual([]);
    expect(checkpoint(disk, "recovery-point")).toEqual({ "a-0": 1 });
    // what a crash left behind goes after the next start
    disk.makeDirectory(`${DATA}/${doomed}`);
    const second = openDirectory({ disk });
    second.clock.advance(60_000);
    await microtasks();
    expect(disk.list(DATA).filter((name) => name.endsWith("-delete"))).toEqual([]);
    await second.directory.close();
    expect(problems(disk)).toEqual([]);
  });

  test("a topic does not inherit the checkpoints of one that was deleted before a crash", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    for (const value of ["one", "two", "three"]) await settledAppend(first, "a", value);
    first.log("a").deleteRecordsBefore(2 as Offset);
    await first.directory.close();
    expect(checkpoint(disk, "log-start")).toEqual({ "a-0": 2 });
    const second = openDirectory({ disk });
    second.log("a");
    second.directory.deleteLog("a", 0);
    const third = openDirectory({ disk: disk.kill() }); // the checkpoint files still name it
    expect(third.log("a").logEndOffset).toBe(0 as Offset);
    expect(third.directory.checkpointedHighWatermark("a", 0)).toBeNull();
  });

  test("damaged checkpoints are told and count as nothing", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    await settledAppend(first, "a", "one");
    const killed = disk.kill();
    for (const name of ["recovery-point", "log-start", "replication"]) {
      killed.install(`${DATA}/${name}-offset-checkpoint`, text("0\n1\nbroken\n"));
    }
    const logger = new RecordingLogger();
    const second = openDirectory({ disk: killed, logger });
    expect(logger.lines).toEqual(Array(3).fill("warn checkpoint file is damaged and ignored"));
    expect(second.directory.checkpointedHighWatermark("a", 0)).toBeNull();
    expect(readValues(second.log("a"))).toEqual(["one"]);
    expect(await second.directory.close()).toBe(true);
    expect(problems(killed)).toEqual([]);
  });

  test("an unformatted directory opens, for whoever formats it", async () => {
    const disk = formattedDisk();
    disk.remove(`${DATA}/meta.properties`);
    const { directory } = openDirectory({ disk, expected: { clusterId: "any", nodeId: 9 } });
    expect(directory.meta).toBeNull();
    await directory.close();
  });
});

describe("beside the requests", () => {
  test("checkpoints are written when due, and only when they changed", async () => {
    const disk = formattedDisk();
    const opened = openDirectory({ disk });
    opened.directory.start(source());
    await settledAppend(opened, "a", "one");
    opened.clock.advance(4_999);
    await microtasks();
    expect(disk.exists(`${DATA}/replication-offset-checkpoint`)).toBe(false);
    opened.clock.advance(1);
    await microtasks();
    expect(checkpoint(disk, "replication")).toEqual({ "a-0": 1 });
    expect(disk.exists(`${DATA}/recovery-point-offset-checkpoint`)).toBe(false);
    opened.clock.advance(55_000);
    await microtasks();
    expect(checkpoint(disk, "recovery-point")).toEqual({ "a-0": 1 });
    const points = disk.points;
    opened.clock.advance(600_000);
    await microtasks();
    expect(disk.points).toBe(points);
    await opened.directory.close();
  });

  test("a log whose start was moved is in the log-start checkpoint, until its segment is gone", async () => {
    const disk = formattedDisk();
    const opened = openDirectory({ disk });
    opened.directory.start(source());
    for (const value of ["one", "two", "three"]) await settledAppend(opened, "a", value);
    opened.log("a").deleteRecordsBefore(2 as Offset);
    opened.clock.advance(60_000);
    await microtasks();
    expect(checkpoint(disk, "log-start")).toEqual({ "a-0": 2 });
    opened.log("a").roll();
    opened.log("a").deleteRecordsBefore(3 as Offset);
    opened.clock.advance(300_000);
    await microtasks();
    opened.clock.advance(60_000);
    await microtasks();
    expect(opened.log("a").segments).toHaveLength(1);
    expect(checkpoint(disk, "log-start")).toEqual({});
    await opened.directory.close();
    expect(problems(disk)).toEqual([]);
  });

  test("retention looks first after 30 seconds, then every five minutes, at unopened logs too", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    const config = { retentionBytes: 1, segmentBytes: 1 << 20 };
    const fill = async (opened: typeof first) => {
      for (let count = 0; count < 4; count++) {
        const { settled } = appended(opened.log("a", 0, config), batchOfSize(600_000));
        opened.clock.endTick();
        await settled;
      }
    };
    await fill(first);
    await first.directory.close();
    const second = openDirectory({ disk });
    second.directory.start(source(config));
    second.clock.advance(29_999);
    await microtasks();
    expect([...second.directory.logs()]).toEqual([]);
    second.clock.advance(1);
    await microtasks();
    const log = second.log("a");
    expect(log.segments).toHaveLength(1);
    await fill(second);
    expect(log.segments.length).toBeGreaterThan(3);
    second.clock.advance(299_999);
    await microtasks();
    expect(log.segments.length).toBeGreaterThan(3);
    second.clock.advance(1);
    await microtasks();
    expect(log.segments).toHaveLength(1);
    await second.directory.close();
    expect(problems(disk)).toEqual([]);
  });

  test("appends are refused below the floor of free bytes and taken again above it", async () => {
    const disk = formattedDisk();
    const logger = new RecordingLogger();
    const opened = openDirectory({ disk, logger, settings: { freeBytesFloor: 10_000 } });
    opened.directory.start(source());
    await settledAppend(opened, "a", "one");
    disk.capacityBytes = 1e9;
    const used = 1e9 - disk.freeBytes(DATA);
    disk.capacityBytes = used + 10_000;
    opened.clock.advance(250);
    expect(opened.directory.space.isLow).toBe(false);
    disk.capacityBytes = used + 9_999;
    opened.clock.advance(250);
    expect(opened.directory.space.isLow).toBe(true);
    const refused = append(opened.log("a"), makeBatch(["two"]));
    expect(refused.ok ? 0 : refused.errorCode).toBe(56);
    expect(refused.ok ? "" : refused.message).toStartWith("the disk is nearly full: ");
    expect(readValues(opened.log("a"))).toEqual(["one"]); // fetch goes on
    expect(append(opened.log("a"), makeBatch(["x"]), "coordinator").ok).toBe(true); // and the broker itself
    opened.clock.endTick();
    disk.capacityBytes = used + 12_400; // a little more than the floor is not enough
    opened.clock.advance(250);
    expect(opened.directory.space.isLow).toBe(true);
    disk.capacityBytes = used + 13_000;
    opened.clock.advance(250);
    await settledAppend(opened, "a", "three");
    expect(logger.lines).toEqual([
      "error disk is nearly full: records are refused until there is room",
      "info disk has room again: records are taken",
    ]);
    await opened.directory.close();
  });

  test("a failed disk is told once; the stop is not clean and lets the lock go", async () => {
    const disk = formattedDisk();
    const logger = new RecordingLogger();
    const opened = openDirectory({ disk, logger });
    opened.directory.start(source());
    await settledAppend(opened, "a", "one");
    disk.plan = ({ kind }) => (kind === "sync" ? "EIO" : "go");
    await expect(settledAppend(opened, "a", "two")).rejects.toThrow("EIO");
    disk.plan = null;
    opened.clock.advance(600_000);
    await microtasks();
    expect(await opened.directory.close()).toBe(false);
    expect(logger.lines.filter((line) => line.startsWith("error"))).toEqual([
      "error disk failed: nothing is written to this directory any more",
      "error not closed cleanly: the next start recovers",
    ]);
    expect(disk.exists(`${DATA}/.kafka_cleanshutdown`)).toBe(false);
    const after = openDirectory({ disk: disk.crash({}) });
    expect(readValues(after.log("a"))).toEqual(["one"]);
  });

  test("a log that cannot be opened does not stop the others", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    await settledAppend(first, "a", "one");
    await settledAppend(first, "b", "two");
    const killed = disk.kill();
    killed.planRead = (path) => (path.includes("/a-0/") ? "EACCES" : null);
    const logger = new RecordingLogger();
    const second = openDirectory({ disk: killed, logger });
    second.directory.start(source());
    expect([...second.directory.logs()].map((log) => log.topic)).toEqual(["b"]);
    expect(logger.lines).toEqual(["warn upkeep of a log failed"]);
    killed.planRead = null;
    expect(await second.directory.close()).toBe(false);
  });

  test("strangers to the metadata are left alone", async () => {
    const disk = formattedDisk();
    const first = openDirectory({ disk });
    await settledAppend(first, "a", "one");
    const killed = disk.kill();
    const second = openDirectory({ disk: killed });
    second.directory.start({ describe: () => null, highWatermarkOf: (log) => log.stableOffset });
    second.clock.advance(1_000_000);
    await microtasks();
    expect([...second.directory.logs()]).toEqual([]);
    second.directory.setAside("a", 0);
    expect(await second.directory.close()).toBe(true);
    expect(killed.list(DATA).some((name) => name.endsWith("-stray"))).toBe(true);
  });

  test("an id is asked of the directory, not of the caller", () => {
    const disk = formattedDisk();
    const { directory } = openDirectory({ disk });
    expect(directory.topicIdOnDisk("none", 0)).toBeNull();
    const id = topicIdOf("a");
    const log = directory.openLog("a", 0, id, LOG_CONFIG_DEFAULTS);
    expect(directory.openLog("a", 0, id, LOG_CONFIG_DEFAULTS)).toBe(log);
    expect(() => directory.openLog("a", 0, "other" as Uuid, LOG_CONFIG_DEFAULTS)).toThrow("another topic id");
  });
});
