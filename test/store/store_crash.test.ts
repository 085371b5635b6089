/**
 * Power cuts at every point of a store's life: topics created, written, altered, deleted and made again.
 * What was acknowledged is there, nothing of a deleted topic comes back, and the store goes on.
 */
import { expect, test } from "bun:test";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import type { Uuid } from "../../engine/base/uuid.ts";
import type { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { ownTopicConfigs } from "../../engine/metadata/topic_configs.ts";
import type { Store } from "../../engine/store/store.ts";
import { crashVariants, enumerateCrashes } from "../support/crash_states.ts";
import { simulatedDisk } from "../support/log_harness.ts";
import { append, createTopics, openStore, topic, valuesOf } from "../support/store_harness.ts";

interface Model {
  /** Acknowledged values by topic id and partition. */
  readonly values: Map<string, string[]>;
  /** By name: the id that was acknowledged last, or null once the deletion was. */
  readonly topics: Map<string, Uuid | null>;
  /** Ids whose deletion was begun: they may be gone already. */
  readonly doomed: Set<Uuid>;
  retention: string | null;
  producerIds: number;
}

const NOW = { validateOnly: false };

async function work(store: Store, model: Model): Promise<void> {
  const create = async (name: string, configs = {}) => {
    await createTopics(store, topic(name, 2, configs));
    model.topics.set(name, store.image.topic(name)!.id);
  };
  const write = async (name: string, index: number, value: string) => {
    const partition = store.partitions.find(name, index)!;
    await append(partition, value);
    const key = `${partition.topicId} ${index}`;
    model.values.set(key, [...(model.values.get(key) ?? []), value]);
  };
  const remove = async (name: string) => {
    model.doomed.add(store.image.topic(name)!.id);
    await store.deleteTopics([{ name, topicId: ZERO_UUID }]);
    model.topics.set(name, null);
  };
  await create("a");
  await write("a", 0, "a0-1");
  await write("a", 1, "a1-1");
  await create("b", { "flush.mode": "os" });
  const alter = { resourceType: 2, resourceName: "a", configs: [{ name: "retention.ms", configOperation: 0, value: "77" }] };
  await store.incrementalAlterConfigs([alter], NOW);
  model.retention = "77";
  model.producerIds = Math.max(model.producerIds, await store.allocateProducerId() + 1);
  await remove("a");
  model.retention = null;
  await create("a");
  await write("a", 0, "again-1");
  await write("a", 0, "again-2");
  await remove("b");
}

/** The store holds all that the model knows; what was being done may or may not have happened. */
function verify(store: Store, model: Model): void {
  for (const [name, id] of model.topics) {
    const found = store.image.topic(name);
    if (id !== null && !model.doomed.has(id)) expect(found?.id, name).toBe(id);
    if (id === null && found !== undefined) expect(model.doomed.has(found.id), name).toBe(false);
  }
  for (const [key, values] of model.values) {
    const [id, index] = key.split(" ") as [Uuid, string];
    const partition = store.partitions.findById(id, Number(index));
    if (partition === undefined) expect(model.doomed.has(id), key).toBe(true);
    else expect(valuesOf(partition).slice(0, values.length), key).toEqual(values);
  }
  for (const served of store.image.topics()) {
    for (const partition of store.partitions.ofTopic(served.name)) {
      const known = model.values.get(`${served.id} ${partition.index}`) ?? [];
      // At most the one append that nobody had acknowledged yet.
      expect(valuesOf(partition).length - known.length).toBeLessThanOrEqual(1);
    }
  }
  const a = store.image.topic("a");
  if (model.retention !== null && a !== undefined) {
    expect(ownTopicConfigs(store.image, a).get("retention.ms")).toBe(model.retention);
  }
}

test("at every point leave what was acknowledged, and no more than was begun", async () => {
  const report = await enumerateCrashes<Model, Store>({
    makeDisk: simulatedDisk,
    makeModel: () => ({ values: new Map(), topics: new Map(), doomed: new Set(), retention: null, producerIds: 0 }),
    copyModel: (model) => ({
      ...model,
      values: new Map(model.values),
      topics: new Map(model.topics),
      doomed: new Set(model.doomed),
    }),
    workload: async (disk, model) => {
      const store = await openStore({ disk });
      await work(store, model);
      await store.close();
    },
    recover: (disk) => openStore({ disk: disk as SimulatedDisk, firstId: 5000 }),
    verify: async (store, model) => {
      verify(store, model);
      expect(await store.allocateProducerId()).toBeGreaterThanOrEqual(model.producerIds);
      await createTopics(store, topic("afterwards"));
      await append(store.partitions.find("afterwards", 0)!, "x");
      await store.close();
    },
    // Lost whole, kept whole (kill), names without bytes, and a mixture; the log's own tests take them all.
    variants: crashVariants(11, 1).filter((_, index) => [0, 1, 2, 8].includes(index)),
    againEvery: 61,
  });
  expect(report.points).toBeGreaterThan(80);
  expect(report.crashesDuringRecovery).toBeGreaterThan(10);
}, 120_000);
