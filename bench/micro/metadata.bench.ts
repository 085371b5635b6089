/**
 * Metadata records: walking a declaration beside compiling it, and what an image costs. What counts at a
 * start is the very first use of each kind in a fresh process, printed before everything else: run it a
 * few times and take the smallest.
 */
import { bench, group, run, summary } from "mitata";
import type { Uuid } from "../../engine/base/uuid.ts";
import { EMPTY_IMAGE } from "../../engine/metadata/image.ts";
import { ImageDelta } from "../../engine/metadata/image_delta.ts";
import { interpretDecode, interpretEncode } from "../../engine/metadata/record_interpreter.ts";
import type { MetadataRecord } from "../../engine/metadata/records.ts";
import { configRecord } from "../../engine/metadata/topic_configs.ts";
import { decode, encode } from "../../engine/wire/codec.ts";
import { compileDecoder } from "../../engine/wire/compile_decoder.ts";
import { compileEncoder } from "../../engine/wire/compile_encoder.ts";
import { defaultStruct } from "../../engine/wire/layout.ts";
import * as declared from "../../engine/wire/records/metadata_records.ts";
import type { Message } from "../../engine/wire/schema.ts";

const { partitionRecord } = declared;

/** Kinds that this process has not met: half of them are compiled, half walked. */
const FIRST_TIMES: readonly [Message, number, object][] = [
  [declared.removeTopicRecord, 0, {}],
  [declared.topicRecord, 0, {}],
  [declared.unregisterBrokerRecord, 0, {}],
  [declared.fenceBrokerRecord, 0, {}],
  [declared.registerBrokerRecord, 4, {}],
  [declared.registerControllerRecord, 0, {}],
];
for (const [index, [message, version, value]] of FIRST_TIMES.entries()) {
  const isWalked = index % 2 === 1;
  const whole = { ...defaultStruct(message.fields), ...value };
  const from = performance.now();
  const encoded = isWalked ? interpretEncode(message, version, whole) : encode(message, version, whole as never);
  const between = performance.now();
  if (isWalked) interpretDecode(message, version, encoded, 0);
  else decode(message, version, encoded);
  const ms = [between - from, performance.now() - between].map((part) => part.toFixed(2)).join(" ms, decode ");
  console.log(`first ${isWalked ? "walked  " : "compiled"} ${message.name.padEnd(26)} encode ${ms} ms`);
}

const id = (number: number) => Buffer.from(`topic id ${String(number).padStart(7, "0")}`).toString("base64url") as Uuid;
const partition = (topic: number, index: number) => ({
  partitionId: index, topicId: id(topic), replicas: [1], isr: [1], removingReplicas: [], addingReplicas: [],
  leader: 1, leaderRecoveryState: 0, leaderEpoch: 0, partitionEpoch: 0, directories: [id(0)],
  eligibleLeaderReplicas: null, lastKnownElr: null,
});
const bytes = encode(partitionRecord, 2, partition(1, 0));

group("one PartitionRecord", () => {
  summary(() => {
    bench("decode, walking", () => interpretDecode(partitionRecord, 2, bytes, 0));
    bench("decode, compiled", () => decode(partitionRecord, 2, bytes));
    bench("compile its decoder", () => compileDecoder(partitionRecord, 2));
  });
  summary(() => {
    bench("encode, walking", () => interpretEncode(partitionRecord, 2, partition(1, 0)));
    bench("encode, compiled", () => encode(partitionRecord, 2, partition(1, 0)));
    bench("compile its encoder", () => compileEncoder(partitionRecord, 2));
  });
});

function* cluster(topics: number, partitions: number): Generator<MetadataRecord> {
  for (let topic = 0; topic < topics; topic++) {
    yield { kind: "topic", version: 0, value: { name: `topic-${topic}`, topicId: id(topic) } };
    for (let index = 0; index < partitions; index++) {
      yield { kind: "partition", version: 2, value: partition(topic, index) };
    }
  }
}

function imageOf(records: Iterable<MetadataRecord>, base = EMPTY_IMAGE) {
  const delta = new ImageDelta(base);
  for (const record of records) delta.replay(record);
  return delta.apply(base.position);
}

const large = imageOf(cluster(10_000, 1));
group("image", () => {
  bench("replay 10,000 topics of one partition", () => imageOf(cluster(10_000, 1)));
  bench("one topic more beside 10,000", () => imageOf([
    { kind: "topic", version: 0, value: { name: "one-more", topicId: id(77_777) } },
    { kind: "partition", version: 2, value: partition(77_777, 0) },
  ], large));
  bench("one config of one of 10,000 topics", () => imageOf([configRecord(2, "topic-5", "retention.ms", "1")], large));
  bench("lookup by name", () => large.topic("topic-4711"));
});

await run();
