/** Replay: every kind of record does to the image what it does in Kafka, and shares what it leaves. */
import { describe, expect, test } from "bun:test";
import type { Uuid } from "../../engine/base/uuid.ts";
import { ConfigResourceType, EMPTY_IMAGE } from "../../engine/metadata/image.ts";
import { ImageDelta } from "../../engine/metadata/image_delta.ts";
import type { MetadataRecord } from "../../engine/metadata/records.ts";
import { SharedMap } from "../../engine/metadata/shared_map.ts";
import { configRecord } from "../../engine/metadata/topic_configs.ts";
import { NODE_ID, bootstrapped, contentOf, numberedId, planContext, replayed } from "../support/images.ts";
import { planCreateTopics } from "../../engine/metadata/plan_topics.ts";

const topicRequest = (name: string, numPartitions = 1) =>
  ({ name, numPartitions, replicationFactor: -1, assignments: [], configs: [] });

function withTopics(...names: string[]) {
  const { image } = bootstrapped();
  const plan = planCreateTopics(planContext(image), names.map((name) => topicRequest(name, 2)));
  return replayed(image, plan.records);
}

const change = (topicId: Uuid, fields: object): MetadataRecord => ({
  kind: "partitionChange",
  version: 2,
  value: {
    partitionId: 0, topicId, isr: null, leader: -2, replicas: null, removingReplicas: null,
    addingReplicas: null, leaderRecoveryState: -1, directories: null, eligibleLeaderReplicas: null,
    lastKnownElr: null, ...fields,
  },
});

describe("replay", () => {
  test("finds topics by name and by id, and counts partitions", () => {
    const image = withTopics("a", "b.c");
    const topic = image.topic("a")!;
    expect(image.topicById(topic.id)).toBe(topic);
    expect(image.partitionCount).toBe(4);
    expect(topic.partitions[1]).toMatchObject({ replicas: [NODE_ID], isr: [NODE_ID], leader: NODE_ID, leaderEpoch: 0 });
    expect(image.collidingTopic("b_c")).toBe("b.c");
    expect(image.collidingTopic("b.c")).toBeNull();
  });

  test("raises the leader epoch when a change names a leader, the same one too", () => {
    const image = withTopics("a");
    const { id } = image.topic("a")!;
    const after = replayed(image, [change(id, { leader: NODE_ID }), change(id, { isr: [] })]);
    expect(after.topic("a")!.partitions[0]).toMatchObject({ leaderEpoch: 1, partitionEpoch: 2, isr: [], leader: 1 });
    expect(after.topic("a")!.partitions[1]).toBe(image.topic("a")!.partitions[1]!);
  });

  test("shares topics that a delta leaves alone", () => {
    const image = withTopics("a", "b");
    const after = replayed(image, [change(image.topic("a")!.id, { leader: -1 })]);
    expect(after.topic("b")).toBe(image.topic("b")!);
    expect(image.topic("a")!.partitions[0]!.leader).toBe(NODE_ID);
  });

  test("lets a topic's configs go with it, and takes a new topic of the same name", () => {
    let image = withTopics("a.b");
    const { id } = image.topic("a.b")!;
    image = replayed(image, [configRecord(ConfigResourceType.TOPIC, "a.b", "retention.ms", "1")]);
    const created = numberedId(77);
    const delta = new ImageDelta(image);
    delta.replay({ kind: "removeTopic", version: 0, value: { topicId: id } });
    delta.replay({ kind: "topic", version: 0, value: { name: "a.b", topicId: created } });
    const after = delta.apply(image.position);
    expect([...delta.deletedTopics.keys()]).toEqual([id]);
    expect([...delta.changedTopics]).toEqual([created]);
    expect(after.topicById(id)).toBeUndefined();
    expect(after.topic("a.b")!.id).toBe(created);
    expect(after.configs(ConfigResourceType.TOPIC, "a.b").size).toBe(0);
    expect(after.collidingTopic("a_b")).toBe("a.b");
    expect(after.partitionCount).toBe(0);
  });

  test("forgets a feature at level 0, but never metadata.version", () => {
    const { image } = bootstrapped({ "metadata.version": 30, "transaction.version": 2 });
    const level = (name: string): MetadataRecord =>
      ({ kind: "featureLevel", version: 0, value: { name, featureLevel: 0 } });
    expect([...replayed(image, [level("transaction.version")]).features.keys()]).toEqual(["metadata.version"]);
  });

  test("clears eligible leaders of one topic or of all", () => {
    const before = withTopics("a", "b");
    const eligible = { eligibleLeaderReplicas: [1], lastKnownElr: [1] };
    const image = replayed(before, ["a", "b"].map((name) => change(before.topic(name)!.id, eligible)));
    const clear = (topicName: string): MetadataRecord => ({ kind: "clearElr", version: 0, value: { topicName } });
    const eligibleOf = (name: string, of: typeof image) => of.topic(name)!.partitions[0]!.eligibleLeaderReplicas;
    const one = replayed(image, [clear("a")]);
    expect([eligibleOf("a", one), eligibleOf("b", one)]).toEqual([[], [1]]);
    const all = replayed(image, [clear("")]);
    expect([eligibleOf("a", all), eligibleOf("b", all)]).toEqual([[], []]);
  });

  test("fences and unfences brokers by either kind of record", () => {
    const { image } = bootstrapped();
    const { epoch } = image.brokers.get(NODE_ID)!;
    const fencedBy = (records: MetadataRecord[]) => replayed(image, records).brokers.get(NODE_ID)!.fenced;
    expect(fencedBy([])).toBe(false);
    expect(fencedBy([{ kind: "fenceBroker", version: 0, value: { id: NODE_ID, epoch } }])).toBe(true);
    const changed = (fenced: number): MetadataRecord => ({
      kind: "brokerRegistrationChange",
      version: 1,
      value: { brokerId: NODE_ID, brokerEpoch: epoch, fenced, inControlledShutdown: 0, logDirs: [], cordonedLogDirs: null },
    });
    expect(fencedBy([changed(1)])).toBe(true);
    expect(fencedBy([changed(1), changed(-1)])).toBe(false);
    expect(fencedBy([changed(1), changed(0)])).toBe(true);
  });

  test("keeps what it does not serve, and drops what is taken back", () => {
    const acl = (id: Uuid): MetadataRecord => ({
      kind: "accessControlEntry",
      version: 0,
      value: {
        id, resourceType: 2, resourceName: "a", patternType: 3, principal: "User:x", host: "*", operation: 3,
        permissionType: 3,
      },
    });
    const quota = (remove: boolean): MetadataRecord => ({
      kind: "clientQuota",
      version: 0,
      value: { entity: [{ entityType: "user", entityName: null }], key: "request_percentage", value: 1.5, remove },
    });
    const image = replayed(EMPTY_IMAGE, [acl(numberedId(1)), acl(numberedId(2)), quota(false)]);
    expect(image.parts.preserved.size).toBe(3);
    const after = replayed(image, [
      quota(true),
      { kind: "removeAccessControlEntry", version: 0, value: { id: numberedId(1) } },
    ]);
    expect([...after.parts.preserved.entries()].map(([key]) => key)).toEqual([`3 acl ${numberedId(2)}`]);
  });

  const contradictions: readonly [string, (image: ReturnType<typeof withTopics>) => MetadataRecord][] = [
    ["a change of a partition that is not there", (image) => change(image.topic("a")!.id, { partitionId: 9 })],
    ["a change of a topic that is not there", () => change(numberedId(5), {})],
    ["a topic that is there already", () => ({ kind: "topic", version: 0, value: { name: "a", topicId: numberedId(6) } })],
    ["the removal of a topic that is not there", () => ({ kind: "removeTopic", version: 0, value: { topicId: numberedId(5) } })],
    ["a broker that is not registered", () => ({ kind: "fenceBroker", version: 0, value: { id: 9, epoch: 1 } })],
    ["producer ids that go back", () => ({ kind: "producerIds", version: 0, value: { brokerId: 1, brokerEpoch: 1, nextProducerId: -1 } })],
  ];
  test.each(contradictions)("refuses %s", (_what, record) => {
    const image = withTopics("a");
    const before = contentOf(image);
    expect(() => replayed(image, [record(image)])).toThrow("contradicts itself");
    expect(contentOf(image)).toEqual(before);
  });

  test("refuses a topic with a hole among its partitions", () => {
    const image = withTopics("a");
    const { id, partitions } = image.topic("a")!;
    const value = {
      ...partitions[0]!, partitionId: 5, topicId: id, replicas: [1], isr: [1], removingReplicas: [], addingReplicas: [],
      directories: [numberedId(1)], eligibleLeaderReplicas: null, lastKnownElr: null,
    };
    expect(() => replayed(image, [{ kind: "partition", version: 2, value }])).toThrow("a has no partition 2");
  });
});

describe("SharedMap", () => {
  test("leaves every older version as it was", () => {
    let map = SharedMap.empty<number>();
    const versions: [SharedMap<number>, Map<string, number>][] = [];
    const model = new Map<string, number>();
    for (let step = 0; step < 400; step++) {
      const edit = map.edit();
      const key = `topic-${(step * 7919) % 150}`;
      if (step % 3 === 2) {
        edit.delete(key);
        model.delete(key);
      } else {
        edit.set(key, step);
        model.set(key, step);
      }
      map = edit.finish();
      versions.push([map, new Map(model)]);
    }
    for (const [version, expected] of versions) {
      expect(version.size).toBe(expected.size);
      expect(new Map(version.entries())).toEqual(expected);
    }
  });

  test("is the same map when an edit changes nothing", () => {
    const map = SharedMap.empty<number>();
    const edit = map.edit();
    edit.delete("nothing");
    expect(edit.finish()).toBe(map);
  });
});
