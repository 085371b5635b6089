/** A data directory in use: topics come and go, partitions and configs follow, stops and crashes lose nothing. */
import { describe, expect, test } from "bun:test";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import { DataDirectoryError } from "../../engine/model/errors.ts";
import { featureLevelRecord } from "../../engine/metadata/image_records.ts";
import { MetadataLog } from "../../engine/metadata/metadata_log.ts";
import type { Store } from "../../engine/store/store.ts";
import { DATA_DIR, microtasks, native, simulatedDisk } from "../support/log_harness.ts";
import {
  RecordingLogger,
  TickingClock,
  afterKill,
  afterPowerCut,
  append,
  createTopics,
  openMetadataLog,
  openStore,
  topic,
  valuesOf,
} from "../support/store_harness.ts";

const NOW_IN_FORCE = { validateOnly: false };

async function withStore(use: (store: Store, disk: SimulatedDisk) => Promise<void>, properties = {}) {
  const disk = simulatedDisk();
  const store = await openStore({ disk, properties });
  await use(store, disk);
  await store.close();
}

const setTopic = (store: Store, name: string, key: string, value: string) =>
  store.incrementalAlterConfigs([{
    resourceType: 2, resourceName: name, configs: [{ name: key, configOperation: 0, value }],
  }], NOW_IN_FORCE);
const setBrokers = (store: Store, key: string, value: string) =>
  store.incrementalAlterConfigs([{
    resourceType: 4, resourceName: "", configs: [{ name: key, configOperation: 0, value }],
  }], NOW_IN_FORCE);
const remove = (store: Store, name: string) => store.deleteTopics([{ name, topicId: ZERO_UUID }]);

describe("formatting", () => {
  test("makes a directory of Kafka's out of nothing", async () => {
    const disk = new SimulatedDisk({ native });
    const store = await openStore({ disk, dir: "/var/lib/millrace" });
    expect(store.nodeId).toBe(1);
    expect([...store.image.features]).toEqual([["metadata.version", 30]]);
    expect(disk.list("/var/lib/millrace")).toEqual([
      ".lock", "__cluster_metadata-0", "bootstrap.checkpoint", "cleaner-offset-checkpoint", "meta.properties",
    ]);
    await store.close();
    expect(disk.list("/var/lib/millrace")).toContain(".kafka_cleanshutdown");
    expect(disk.exists("/var/lib/millrace/.lock")).toBe(false);
    const meta = new TextDecoder().decode(disk.readAll("/var/lib/millrace/meta.properties")!);
    expect(meta).toContain(`cluster.id=${store.clusterId}`);
    expect(meta).toContain("node.id=1");
    const again = await openStore({ disk, dir: "/var/lib/millrace", firstId: 500 });
    expect([again.clusterId, again.directoryId]).toEqual([store.clusterId, store.directoryId]);
    await again.close();
  });

  test("takes the node id from the directory where none is configured, and refuses another", async () => {
    const disk = simulatedDisk();
    await (await openStore({ disk, properties: { "node.id": "7" } })).close();
    const store = await openStore({ disk });
    expect([store.nodeId, store.config.nodeId]).toEqual([7, 7]);
    await store.close();
    await expect(openStore({ disk, properties: { "node.id": "8" } })).rejects.toThrow("belongs to node 7");
  });

  test("is done again where a crash interrupted it", async () => {
    const disk = simulatedDisk();
    const states: SimulatedDisk[] = [];
    disk.plan = () => {
      states.push(afterPowerCut(disk), afterKill(disk));
      return "go";
    };
    const store = await openStore({ disk });
    disk.plan = null;
    await store.close();
    expect(states.length).toBeGreaterThan(20);
    for (const state of states) {
      const recovered = await openStore({ disk: state });
      await createTopics(recovered, topic("t"));
      await recovered.close();
    }
  }, 30_000);
});

describe("topics", () => {
  test("outlive a clean stop, with what was written to them", async () => {
    const disk = simulatedDisk();
    const store = await openStore({ disk });
    await createTopics(store, topic("orders", 3, { "retention.ms": "5000" }));
    await append(store.partitions.find("orders", 1)!, "a", "b");
    const { id } = store.image.topic("orders")!;
    await store.close();
    const again = await openStore({ disk, firstId: 500 });
    expect(again.image.topic("orders")!.id).toBe(id);
    const partition = again.partitions.findById(id, 1)!;
    expect(valuesOf(partition)).toEqual(["a", "b"]);
    expect(partition.log.config.retentionMs).toBe(5000);
    expect(partition.leaderEpoch).toBe(0 as never);
    await again.close();
  });

  test("have directories from their first batch on", async () => {
    await withStore(async (store, disk) => {
      await createTopics(store, topic("t", 2));
      expect(store.partitions.find("t", 1)).toBeDefined();
      expect(store.partitions.find("t", 2)).toBeUndefined();
      expect(store.partitions.find("nope", 0)).toBeUndefined();
      expect(disk.exists(`${DATA_DIR}/t-0`)).toBe(false);
      await append(store.partitions.find("t", 0)!, "x");
      expect(disk.list(DATA_DIR).filter((name) => name.startsWith("t-"))).toEqual(["t-0"]);
      expect([...store.partitions].map((partition) => partition.index).sort()).toEqual([0, 1]);
    });
  });

  test("wake their readers when they are deleted, and come again empty under a new id", async () => {
    await withStore(async (store, disk) => {
      await createTopics(store, topic("t"));
      const old = store.partitions.find("t", 0)!;
      await append(old, "x", "y");
      let wakes = 0;
      old.wait({ onProgress: () => wakes++ });
      const [result] = await remove(store, "t");
      expect(result).toMatchObject({ errorCode: 0, name: "t", topicId: old.topicId });
      expect(wakes).toBeGreaterThan(0);
      expect(old.isGone).toBe(true);
      expect(store.partitions.find("t", 0)).toBeUndefined();
      expect(store.partitions.findById(old.topicId, 0)).toBeUndefined();
      expect(disk.list(DATA_DIR).some((name) => /^t-0\.[0-9a-f]{32}-delete$/.test(name))).toBe(true);
      await createTopics(store, topic("t"));
      const fresh = store.partitions.find("t", 0)!;
      expect(fresh.topicId).not.toBe(old.topicId);
      expect(fresh.highWatermark).toBe(0 as never);
      expect(await append(fresh, "new")).toBe(0);
      expect(valuesOf(fresh)).toEqual(["new"]);
    });
  });

  test("deleted before they were ever opened leave nothing either", async () => {
    const disk = simulatedDisk();
    const store = await openStore({ disk });
    await createTopics(store, topic("t", 2));
    await append(store.partitions.find("t", 1)!, "x");
    await store.close();
    const clock = new TickingClock();
    const again = await openStore({ disk, firstId: 500, clock });
    await remove(again, "t");
    expect(disk.list(DATA_DIR).filter((name) => name.startsWith("t-"))).toEqual([expect.stringContaining("-delete")]);
    clock.advance(61_000);
    await microtasks();
    expect(disk.list(DATA_DIR).filter((name) => name.startsWith("t-"))).toEqual([]);
    await again.close();
  });

  test("grow", async () => {
    await withStore(async (store) => {
      await createTopics(store, topic("t"));
      const first = store.partitions.find("t", 0)!;
      await store.createPartitions([{ name: "t", count: 3, assignments: null }], NOW_IN_FORCE);
      expect(store.partitions.find("t", 0)).toBe(first);
      expect(store.partitions.find("t", 2)).toBeDefined();
    });
  });

  test("are not made by a request that only asks for validation", async () => {
    await withStore(async (store) => {
      const [result] = await store.createTopics([topic("t")], { validateOnly: true });
      expect(result).toMatchObject({ errorCode: 0, numPartitions: 1 });
      expect(store.image.topicCount).toBe(0);
    });
  });

  test("wanted twice at once are made once", async () => {
    await withStore(async (store) => {
      const both = await Promise.all([store.createTopics([topic("t")], NOW_IN_FORCE), store.createTopics([topic("t")], NOW_IN_FORCE)]);
      expect(both.map(([result]) => result!.errorCode)).toEqual([0, ErrorCode.TOPIC_ALREADY_EXISTS]);
    });
  });

  test("stay when deletion is disabled", async () => {
    await withStore(async (store) => {
      await createTopics(store, topic("t"));
      expect(await remove(store, "t")).toMatchObject([{ errorCode: ErrorCode.TOPIC_DELETION_DISABLED, name: "t" }]);
      expect(store.image.topicCount).toBe(1);
    }, { "delete.topic.enable": "false" });
  });

  test("are refused while the disk is full, and made again afterwards", async () => {
    await withStore(async (store, disk) => {
      disk.plan = (point) => (point.kind === "write" ? "ENOSPC" : "go");
      const [result] = await store.createTopics([topic("t")], NOW_IN_FORCE);
      expect(result!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
      expect(store.image.topicCount).toBe(0);
      disk.plan = null;
      await createTopics(store, topic("t"));
    });
  });

  test("that nobody created come by being asked for, once, with the broker's defaults", async () => {
    await withStore(async (store) => {
      const outcomes = await Promise.all([store.ensureTopic("t"), store.ensureTopic("t"), store.ensureTopic("t")]);
      expect(outcomes.map((outcome) => outcome.errorCode)).toEqual([0, 0, 0]);
      expect(store.image.topic("t")!.partitions).toHaveLength(4);
      expect(store.image.topicCount).toBe(1);
      expect((await store.ensureTopic("t")).errorCode).toBe(0);
      expect((await store.ensureTopic("a b")).errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
      expect((await store.ensureTopic("__consumer_offsets")).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      expect(store.image.topicCount).toBe(1);
    }, { "num.partitions": "4" });
  });
});

describe("configs", () => {
  test("are in force in open logs when the answer comes, and in others when they are opened", async () => {
    await withStore(async (store) => {
      await createTopics(store, topic("t", 2));
      const open = store.partitions.find("t", 0)!;
      await setTopic(store, "t", "retention.ms", "7");
      expect(open.log.config.retentionMs).toBe(7);
      expect(store.partitions.find("t", 1)!.log.config.retentionMs).toBe(7);
      await setTopic(store, "t", "flush.mode", "os");
      expect(open.log.config).toMatchObject({ flushMode: "os", retentionMs: 7 });
    });
  });

  test("of all brokers are every topic's defaults at once", async () => {
    await withStore(async (store) => {
      await createTopics(store, topic("a"), topic("b", 1, { "max.message.bytes": "5000" }));
      const [a, b] = [store.partitions.find("a", 0)!, store.partitions.find("b", 0)!];
      await setBrokers(store, "message.max.bytes", "7000");
      expect([a.log.config.maxMessageBytes, b.log.config.maxMessageBytes]).toEqual([7000, 5000]);
      expect(store.config.number("message.max.bytes")).toBe(7000);
      const [described] = store.describeConfigs([{ resourceType: 2, resourceName: "a", configurationKeys: ["max.message.bytes"] }]);
      expect(described!.configs[0]).toMatchObject({ value: "7000", configSource: 3 });
    });
  });

  test("outlive a restart", async () => {
    const disk = simulatedDisk();
    const store = await openStore({ disk });
    await createTopics(store, topic("t"));
    await setTopic(store, "t", "flush.mode", "os");
    await setBrokers(store, "log.retention.ms", "9");
    await store.close();
    const again = await openStore({ disk, firstId: 500 });
    expect(again.partitions.find("t", 0)!.log.config).toMatchObject({ flushMode: "os", retentionMs: 9 });
    await again.close();
  });

  test("that ask for compaction are told about", async () => {
    const disk = simulatedDisk();
    const logger = new RecordingLogger();
    const store = await openStore({ disk, logger });
    await createTopics(store, topic("t"));
    await setTopic(store, "t", "cleanup.policy", "compact");
    expect(logger.lines.filter((line) => line.includes("compaction"))).toHaveLength(1);
    await store.close();
  });
});

test("answers wait for the device", async () => {
  await withStore(async (store, disk) => {
    disk.holdSyncs = true;
    const creating = store.createTopics([topic("t")], NOW_IN_FORCE);
    const allocating = store.allocateProducerId();
    const answered: string[] = [];
    creating.then(() => answered.push("topic"), () => {});
    allocating.then(() => answered.push("id"), () => {});
    await microtasks();
    expect(answered).toEqual([]);
    expect(store.image.topic("t")).toBeUndefined();
    expect(store.partitions.find("t", 0)).toBeUndefined();
    disk.holdSyncs = false;
    while (disk.heldSyncs > 0) disk.releaseSyncs();
    expect((await creating)[0]!.errorCode).toBe(0);
    expect(store.partitions.find("t", 0)).toBeDefined();
    expect(await allocating).toBe(0);
  });
});

test("listeners hear of changes when everything has followed", async () => {
  await withStore(async (store) => {
    const heard: unknown[] = [];
    const stop = store.onImage((image, delta) => {
      heard.push([image === store.image, delta.changedTopics.size, delta.deletedTopics.size, store.partitions.find("t", 0) !== undefined]);
    });
    await createTopics(store, topic("t"));
    await remove(store, "t");
    stop();
    await createTopics(store, topic("u"));
    expect(heard).toEqual([[true, 1, 0, true], [true, 0, 1, false]]);
  });
});

describe("producer ids", () => {
  test("never come twice, whatever stop lies between", async () => {
    const disk = simulatedDisk();
    const seen = new Set<number>();
    let state = disk;
    for (const next of [afterPowerCut, afterKill, null, afterPowerCut]) {
      const store = await openStore({ disk: state });
      const ids = await Promise.all(Array.from({ length: 5 }, () => store.allocateProducerId()));
      for (const id of ids) {
        expect(seen.has(id)).toBe(false);
        seen.add(id);
      }
      if (next === null) await store.close();
      else state = next(state);
    }
    expect(seen.size).toBe(20);
  });

  test("go on into the next block", async () => {
    await withStore(async (store) => {
      const ids: number[] = [];
      for (let count = 0; count < 1002; count++) ids.push(await store.allocateProducerId());
      expect(new Set(ids).size).toBe(1002);
      expect(store.image.nextProducerId).toBe(2000);
    });
  });
});

describe("after an unclean stop", () => {
  test("only partitions that trust the page cache get a new leader epoch", async () => {
    const disk = simulatedDisk();
    const store = await openStore({ disk });
    await createTopics(store, topic("commit"), topic("os", 2, { "flush.mode": "os" }));
    await append(store.partitions.find("commit", 0)!, "x");
    await append(store.partitions.find("os", 0)!, "x");
    const killed = afterKill(disk);
    const again = await openStore({ disk: killed, firstId: 500 });
    const epochs = (of: Store) => [["commit", 0], ["os", 0], ["os", 1]].map(([name, index]) =>
      of.partitions.find(name as string, index as number)!.leaderEpoch);
    // A partition without directory has shown nothing that could be lost.
    expect(epochs(again)).toEqual([0, 1, 0] as never);
    expect(valuesOf(again.partitions.find("commit", 0)!)).toEqual(["x"]);
    await again.close();
    const third = await openStore({ disk: killed, firstId: 900 });
    expect(epochs(third)).toEqual([0, 1, 0] as never);
    await third.close();
  });

  test("what was acknowledged is there after a power cut", async () => {
    const disk = simulatedDisk();
    const store = await openStore({ disk });
    await createTopics(store, topic("t"));
    await append(store.partitions.find("t", 0)!, "a");
    await append(store.partitions.find("t", 0)!, "b");
    const again = await openStore({ disk: afterPowerCut(disk), firstId: 500 });
    expect(valuesOf(again.partitions.find("t", 0)!)).toEqual(["a", "b"]);
    await again.close();
  });

  test("directories that no topic claims are set aside", async () => {
    const disk = simulatedDisk();
    const store = await openStore({ disk });
    await createTopics(store, topic("t"));
    await append(store.partitions.find("t", 0)!, "x");
    await store.close();
    disk.makeDirectory(`${DATA_DIR}/ghost-3`);
    const again = await openStore({ disk, firstId: 500 });
    const names = disk.list(DATA_DIR);
    expect(names).toContain("t-0");
    expect(names.some((name) => /^ghost-3\..*-stray$/.test(name))).toBe(true);
    await again.close();
  });
});

describe("refused directories are left as they were", () => {
  const contentsOf = (disk: SimulatedDisk, dir = DATA_DIR): Record<string, string> => {
    const found: Record<string, string> = {};
    for (const { name, isDirectory } of disk.listEntries(dir)) {
      const path = `${dir}/${name}`;
      if (isDirectory) Object.assign(found, contentsOf(disk, path));
      else found[path] = Buffer.from(disk.readAll(path)!).toString("base64");
    }
    return found;
  };

  async function refused(code: string, text: string, spoil: (disk: SimulatedDisk) => Promise<void>) {
    const disk = simulatedDisk();
    const store = await openStore({ disk });
    await createTopics(store, topic("t"));
    await append(store.partitions.find("t", 0)!, "x");
    await store.close();
    await spoil(disk);
    const before = contentsOf(disk);
    const error = await openStore({ disk, firstId: 500 }).then(() => null, (thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataDirectoryError);
    expect((error as DataDirectoryError).code).toBe(code as never);
    expect((error as Error).message).toContain(text);
    expect((error as Error).message).not.toContain("\n");
    expect(contentsOf(disk)).toEqual(before);
  }

  async function record(disk: SimulatedDisk, ...records: Parameters<MetadataLog["append"]>[0]) {
    const { log } = openMetadataLog(disk, {}, true);
    log.lead();
    await log.append(records);
    await log.close();
  }

  test("a later metadata.version", () => refused("NEWER_FORMAT", "metadata.version 31", (disk) =>
    record(disk, featureLevelRecord("metadata.version", 31))));

  test("a cluster of several brokers", () => refused("FOREIGN", "several brokers (1, 2)", (disk) => record(disk, {
    kind: "registerBroker",
    version: 4,
    value: {
      brokerId: 2, isMigratingZkBroker: false, incarnationId: "AAAAAAAAAAAAAAAAAAAB9A" as never, brokerEpoch: 9, endPoints: [],
      features: [], rack: null, fenced: true, inControlledShutdown: false, logDirs: [], cordonedLogDirs: null,
    },
  })));

  test("one that is in use", async () => {
    const disk = simulatedDisk();
    const store = await openStore({ disk });
    const error = await openStore({ disk }).then(() => null, (thrown: unknown) => thrown);
    expect((error as DataDirectoryError).code).toBe("LOCKED");
    await store.close();
  });

  test("somebody's files", async () => {
    const disk = simulatedDisk();
    disk.replaceFile(`${DATA_DIR}/thesis.txt`, new Uint8Array(3));
    const before = contentsOf(disk);
    await expect(openStore({ disk })).rejects.toThrow("thesis.txt");
    expect(contentsOf(disk)).toEqual(before);
  });
});
