/**
 * The metadata log: operations are atomic, ordered and durable before anybody sees them; snapshots
 * shorten the replay and lose nothing; power cuts at any point leave a state that was acknowledged.
 */
import { describe, expect, test } from "bun:test";
import type { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { DataDirectoryError } from "../../engine/model/errors.ts";
import { loadMetadata } from "../../engine/metadata/metadata_reader.ts";
import type { MetadataLog } from "../../engine/metadata/metadata_log.ts";
import { featureLevelRecord } from "../../engine/metadata/image_records.ts";
import { configRecord } from "../../engine/metadata/topic_configs.ts";
import type { MetadataRecord } from "../../engine/metadata/records.ts";
import { crashVariants, enumerateCrashes, enumerateFaults } from "../support/crash_states.ts";
import { contentOf, numberedId } from "../support/images.ts";
import { DATA_DIR, microtasks, simulatedDisk } from "../support/log_harness.ts";
import { afterKill, afterPowerCut, openMetadataLog } from "../support/store_harness.ts";

const LOG_DIR = `${DATA_DIR}/__cluster_metadata-0`;
const snapshotNames = (disk: SimulatedDisk) => disk.list(LOG_DIR).filter((name) => name.endsWith(".checkpoint"));
const bootstrap = [featureLevelRecord("metadata.version", 30)];
const set = (name: string, value: string | null): MetadataRecord => configRecord(4, "", name, value);
const valueOf = (log: MetadataLog, name: string) => log.image.configs(4, "").get(name);

async function started(disk: SimulatedDisk, settings = {}) {
  const opened = openMetadataLog(disk, settings);
  opened.log.lead();
  await opened.log.append(opened.log.image.metadataVersion === 0 ? bootstrap : [set("started", "again")]);
  return opened;
}

describe("operations", () => {
  test("are seen once they are on the device, and there after a power cut", async () => {
    const disk = simulatedDisk();
    const { log } = await started(disk);
    disk.holdSyncs = true;
    const appending = log.append([set("a", "1"), set("b", "2")]);
    await Promise.resolve();
    expect(valueOf(log, "a")).toBeUndefined();
    expect(log.latest.configs(4, "").get("a")).toBe("1");
    disk.holdSyncs = false;
    while (disk.heldSyncs > 0) disk.releaseSyncs();
    await appending;
    expect(valueOf(log, "a")).toBe("1");
    const again = openMetadataLog(afterPowerCut(disk)).log;
    expect(contentOf(again.image)).toEqual(contentOf(log.image));
    expect(again.image.position).toEqual(log.image.position);
  });

  test("are told in their order, each with what it changed", async () => {
    const { log } = await started(simulatedDisk());
    const told: (string | undefined)[] = [];
    log.onCommit((image, delta) => told.push(`${image.configs(4, "").get("a")} ${[...delta.changedConfigs]}`));
    await Promise.all(["1", "2", "3"].map((value) => log.append([set("a", value)])));
    expect(told).toEqual(["1 4:", "2 4:", "3 4:"]);
  });

  test("raise the epoch at each start, also when quorum-state was lost", async () => {
    const disk = simulatedDisk();
    const first = await started(disk);
    expect(first.log.epoch).toBe(1 as never);
    await first.log.close();
    const second = await started(disk);
    expect(second.log.epoch).toBe(2 as never);
    await second.log.close();
    disk.remove(`${LOG_DIR}/quorum-state`);
    const third = await started(disk);
    expect(third.log.epoch).toBe(3 as never);
    await third.log.close();
    expect(JSON.parse(new TextDecoder().decode(disk.readAll(`${LOG_DIR}/quorum-state`)!)))
      .toEqual({
        clusterId: "", leaderId: 1, leaderEpoch: 3, votedId: -1, appliedOffset: 0, currentVoters: [{ voterId: 1 }], data_version: 0,
      });
  });

  test("that the disk refuses leave nothing behind, and take later ones with them", async () => {
    const disk = simulatedDisk();
    const { log } = await started(disk);
    await log.append([set("a", "1")]);
    const before = log.image;
    disk.plan = (point) => (point.kind === "write" ? "ENOSPC" : "go");
    const results = await Promise.allSettled([log.append([set("b", "1")]), log.append([set("c", "1")])]);
    expect(results.map((result) => result.status)).toEqual(["rejected", "rejected"]);
    disk.plan = null;
    expect(log.image).toBe(before);
    expect(log.latest).toBe(before);
    await log.append([set("d", "1")]);
    expect([...log.image.configs(4, "").keys()]).toEqual(["a", "d"]);
    expect(contentOf(openMetadataLog(afterPowerCut(disk)).log.image)).toEqual(contentOf(log.image));
  });

  test("beyond 8 MiB are refused", async () => {
    const { log } = await started(simulatedDisk());
    const records = Array.from({ length: 300 }, (_, index) => set(`k${index}`, "x".repeat(32_000)));
    await expect(log.append(records)).rejects.toMatchObject({ code: "POLICY_VIOLATION" });
    await log.append([set("a", "1")]);
    expect(log.image.configs(4, "").size).toBe(1);
  });

  test("that another controller left unfinished are aborted at the next start", async () => {
    const disk = simulatedDisk();
    const { log } = await started(disk);
    await log.append([{ kind: "beginTransaction", version: 0, value: { name: "half" } }, set("a", "1")]);
    await log.close();
    const again = openMetadataLog(disk).log;
    expect(valueOf(again, "a")).toBeUndefined();
    expect(again.leftovers().map((record) => record.kind)).toEqual(["abortTransaction"]);
    again.lead();
    await again.append([...again.leftovers(), set("b", "1")]);
    await again.close();
    const third = openMetadataLog(disk).log;
    expect([...third.image.configs(4, "").keys()]).toEqual(["b"]);
    expect(third.leftovers()).toEqual([]);
  });

  test("of a finished transaction count all together", async () => {
    const disk = simulatedDisk();
    const { log } = await started(disk);
    await log.append([{ kind: "beginTransaction", version: 0, value: { name: null } }, set("a", "1")]);
    await log.append([set("b", "1"), { kind: "endTransaction", version: 0, value: {} }, set("c", "1")]);
    await log.close();
    expect([...openMetadataLog(disk).log.image.configs(4, "").keys()]).toEqual(["a", "b", "c"]);
  });
});

describe("snapshots", () => {
  const SMALL = { snapshotBytes: 1000 };

  test("are written as the log grows, and the replay starts from the newest", async () => {
    const disk = simulatedDisk();
    const { log } = await started(disk, SMALL);
    for (let round = 0; round < 60; round++) await log.append([set(`k${round % 7}`, String(round))]);
    await log.close();
    expect(snapshotNames(disk).length).toBeGreaterThan(3);
    const loaded = loadMetadata(disk, LOG_DIR, null);
    expect(loaded.bytesSinceSnapshot).toBeLessThan(2000);
    expect(contentOf(loaded.image)).toEqual(contentOf(log.image));
    expect(contentOf(openMetadataLog(disk).log.image)).toEqual(contentOf(log.image));
  });

  test("are written when changes have waited for an hour", async () => {
    const disk = simulatedDisk();
    const { log, clock } = await started(disk);
    clock.advance(3_500_000);
    expect(snapshotNames(disk)).toEqual([]);
    clock.advance(200_000);
    await microtasks();
    expect(snapshotNames(disk)).toHaveLength(1);
    clock.advance(3_600_000 * 5);
    await microtasks();
    expect(snapshotNames(disk)).toHaveLength(1);
    await log.append([set("a", "1")]);
    clock.advance(3_700_000);
    await log.close();
    expect(snapshotNames(disk)).toHaveLength(2);
  });

  test("let the log go below them when there is too much, and one is always kept", async () => {
    const disk = simulatedDisk();
    const settings = { snapshotBytes: 1000, segmentBytes: 1500, retentionBytes: 4000 };
    const { log, clock } = await started(disk, settings);
    for (let round = 0; round < 200; round++) await log.append([set(`k${round % 7}`, String(round))]);
    clock.advance(600_000);
    await log.close();
    const logs = disk.list(LOG_DIR).filter((name) => name.endsWith(".log"));
    expect(Number(logs[0]!.slice(0, 20))).toBeGreaterThan(0);
    expect(snapshotNames(disk).length).toBeGreaterThan(0);
    const again = openMetadataLog(disk, settings);
    expect(contentOf(again.log.image)).toEqual(contentOf(log.image));
  });

  test("that are damaged are passed over while the log still goes back far enough", async () => {
    const disk = simulatedDisk();
    const { log } = await started(disk, SMALL);
    for (let round = 0; round < 60; round++) await log.append([set(`k${round % 7}`, String(round))]);
    await log.close();
    for (const name of snapshotNames(disk).slice(-2)) {
      const bytes = disk.readAll(`${LOG_DIR}/${name}`)!;
      bytes[bytes.length >> 1]! ^= 1;
      disk.replaceFile(`${LOG_DIR}/${name}`, bytes);
    }
    const again = openMetadataLog(disk, SMALL);
    expect(contentOf(again.log.image)).toEqual(contentOf(log.image));
    expect(again.logger.lines.filter((line) => line.includes("snapshot skipped"))).toHaveLength(2);
  });

  test("are refused as the only state of a log that starts above 0", async () => {
    const disk = simulatedDisk();
    const settings = { snapshotBytes: 1000, segmentBytes: 1500, retentionBytes: 3000 };
    const { log } = await started(disk, settings);
    for (let round = 0; round < 200; round++) await log.append([set(`k${round % 7}`, String(round))]);
    await log.close();
    for (const name of snapshotNames(disk)) disk.remove(`${LOG_DIR}/${name}`);
    expect(() => openMetadataLog(disk, settings)).toThrow("no snapshot says what was before");
  });

  test("that reach beyond a lost log stand for it", async () => {
    const disk = simulatedDisk();
    const { log } = await started(disk, SMALL);
    for (let round = 0; round < 60; round++) await log.append([set(`k${round % 7}`, String(round))]);
    await log.close();
    for (const name of disk.list(LOG_DIR)) {
      if (/\.(log|index|timeindex|snapshot)$/.test(name)) disk.remove(`${LOG_DIR}/${name}`);
    }
    const newest = snapshotNames(disk).at(-1)!;
    const again = openMetadataLog(disk, SMALL);
    expect(again.log.nextOffset).toBe(Number(newest.slice(0, 20)) as never);
    again.log.lead();
    await again.log.append([set("more", "1")]);
    await again.log.close();
    expect(valueOf(openMetadataLog(disk, SMALL).log, "more")).toBe("1");
  });

  test("that a crash left half written are cleared away", async () => {
    const disk = simulatedDisk();
    await (await started(disk)).log.close();
    const rests = ["00000000000000000009-0000000001.checkpoint.tmp", "00000000000000000009-0000000001-77.checkpoint.part"];
    for (const name of rests) disk.replaceFile(`${LOG_DIR}/${name}`, new Uint8Array(5));
    await (await started(disk)).log.close();
    expect(disk.list(LOG_DIR).filter((name) => name.includes("checkpoint.") || name.includes("-77"))).toEqual([]);
  });
});

describe("what is not ours", () => {
  const refuse = async (file: string, bytes: Uint8Array, code: string) => {
    const disk = simulatedDisk();
    await (await started(disk)).log.close();
    disk.replaceFile(`${LOG_DIR}/${file}`, bytes);
    let error: unknown = null;
    try {
      openMetadataLog(disk);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(DataDirectoryError);
    expect((error as DataDirectoryError).code).toBe(code as never);
  };
  const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));

  test("a quorum of several controllers", () =>
    refuse("quorum-state", json({ leaderId: 1, leaderEpoch: 1, currentVoters: [{ voterId: 1 }, { voterId: 2 }], data_version: 0 }), "FOREIGN"));
  test("a later quorum-state", () => refuse("quorum-state", json({ data_version: 9 }), "NEWER_FORMAT"));

  test("a batch that rotted is told, not cut off, after a clean stop", async () => {
    const disk = simulatedDisk();
    const { log } = await started(disk);
    for (let round = 0; round < 5; round++) await log.append([set("a", String(round))]);
    await log.close();
    const path = `${LOG_DIR}/00000000000000000000.log`;
    const bytes = disk.readAll(path)!;
    bytes[bytes.length - 20]! ^= 1;
    disk.replaceFile(path, bytes);
    expect(() => openMetadataLog(disk, {}, true)).toThrow("checksum is wrong");
  });
});

describe("crashes", () => {
  interface Model { acknowledged: number; issued: number }
  const SETTINGS = { snapshotBytes: 600, segmentBytes: 900, retentionBytes: 2500 };

  async function work(disk: SimulatedDisk, model: Model): Promise<void> {
    const { log } = openMetadataLog(disk, SETTINGS);
    log.lead();
    if (log.image.metadataVersion === 0) await log.append(bootstrap);
    for (let round = 0; round < 9; round++) {
      const number = ++model.issued;
      const id = numberedId(number);
      const records: MetadataRecord[] = [
        { kind: "topic", version: 0, value: { name: `t${number}`, topicId: id } },
        set("last", String(number)),
        set(`only${number}`, "1"),
      ];
      const appending = log.append(records).then(() => {
        model.acknowledged = number;
      });
      if (round % 3 !== 0) await appending.catch(() => {});
      else appending.catch(() => {});
    }
    await log.close().catch(() => {});
  }

  /** The image is that of the first `last` operations, all of each. */
  function verify(log: MetadataLog, model: Model, issued = model.issued): void {
    const last = Number(valueOf(log, "last") ?? 0);
    expect(last).toBeGreaterThanOrEqual(model.acknowledged);
    expect(last).toBeLessThanOrEqual(issued);
    expect(log.image.topicCount).toBe(last);
    for (let number = 1; number <= last; number++) {
      expect(log.image.topic(`t${number}`)?.id).toBe(numberedId(number));
      expect(valueOf(log, `only${number}`)).toBe("1");
    }
  }

  test("at every point leave whole operations, all acknowledged ones among them", async () => {
    const report = await enumerateCrashes<Model, MetadataLog>({
      makeDisk: simulatedDisk,
      makeModel: () => ({ acknowledged: 0, issued: 0 }),
      copyModel: (model) => ({ ...model }),
      workload: (disk, model) => work(disk as SimulatedDisk, model),
      recover: (disk) => openMetadataLog(disk, SETTINGS).log,
      // What was issued later is not in the image of the disk, so the model's own count bounds it.
      verify: (log, model) => verify(log, model),
      variants: crashVariants(7, 1),
      againEvery: 23,
    });
    expect(report.points).toBeGreaterThan(40);
    expect(report.crashesDuringRecovery).toBeGreaterThan(10);
  }, 60_000);

  test("any single failing write or sync loses nothing that was acknowledged", async () => {
    const runs = await enumerateFaults<Model>({
      makeDisk: simulatedDisk,
      makeModel: () => ({ acknowledged: 0, issued: 0 }),
      workload: (disk, model) => work(disk as SimulatedDisk, model).catch(() => {}),
      verify: (disk, model) => {
        for (const left of [afterPowerCut(disk), afterKill(disk)]) verifyAfterFault(left, model);
      },
      outcomes: ["ENOSPC", "EIO", "short"],
    });
    expect(runs).toBeGreaterThan(50);
  }, 60_000);

  /** Refused operations leave gaps in the numbers, but never a half of one. */
  function verifyAfterFault(disk: SimulatedDisk, model: Model): void {
    const { log } = openMetadataLog(disk, SETTINGS);
    const last = Number(valueOf(log, "last") ?? 0);
    expect(last).toBeGreaterThanOrEqual(model.acknowledged);
    for (let number = 1; number <= model.issued; number++) {
      expect(valueOf(log, `only${number}`) === "1").toBe(log.image.topic(`t${number}`) !== undefined);
    }
  }
});
