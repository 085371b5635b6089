import { crc32c } from "../../native/crc32c.ts";
import type { Cluster, TopicPlace } from "../client/cluster.ts";
import { FetchLoop } from "../client/fetch_loop.ts";
import { EARLIEST, LATEST, listOffset } from "../client/offsets.ts";
import { NativeCodecs } from "../io/compression.ts";
import { UsageError } from "../model/errors.ts";
import type { Offset } from "../model/offsets.ts";
import type { Command, Flags, Terminal } from "./command.ts";
import { CONNECTION_FLAGS, existingTopic, withCluster } from "./connection_flags.ts";
import { RecordsOutput, jsonFormat, plainFormat } from "./records_output.ts";
import type { RecordFormat } from "./records_output.ts";

/** `millrace consume`: records to standard output, no group needed. */
export const consumeCommand: Command = {
  name: "consume",
  summary: "Print the records of a topic.",
  positionals: "",
  flags: {
    ...CONNECTION_FLAGS,
    topic: { kind: "text", short: "t", value: "NAME", help: "topic to read" },
    partition: { kind: "text", short: "p", value: "N", help: "one partition only (default: all)" },
    "from-beginning": { kind: "switch", help: "start at the oldest record (default: only new ones)" },
    offset: {
      kind: "text",
      short: "o",
      value: "WHERE",
      help: "start at an offset, at earliest or latest, N before the end (-N), or at a time (@MS)",
    },
    "max-messages": { kind: "text", short: "c", value: "N", help: "stop after N records" },
    "exit-at-end": { kind: "switch", short: "e", help: "stop at what was the end at the start" },
    "timeout-ms": { kind: "text", value: "MS", help: "stop when no record came for so long" },
    "print-key": { kind: "switch", help: "print key, separator, value" },
    "key-separator": {
      kind: "text",
      short: "K",
      value: "TEXT",
      help: "between key and value (default: tab); implies --print-key",
    },
    "isolation-level": {
      kind: "text",
      value: "LEVEL",
      help: "read_uncommitted (default), or read_committed: without what was aborted",
    },
    json: {
      kind: "switch",
      help: "an object a record: topic, partition, offset, timestamp, key, value, headers",
    },
  },
  notes: `
Values are written as they are, each followed by a newline; null is the word null. In JSON, bytes that
are no UTF-8 stand as {"base64": "..."}. Records of one partition keep their order.

Examples:
  millrace consume --topic events --from-beginning --exit-at-end
  millrace consume --topic events --offset 100 --max-messages 5 --json
  millrace consume --topic events --offset @1700000000000 --exit-at-end`,
  run: (flags, _positionals, terminal) =>
    withCluster(flags, (cluster) => consume(cluster, flags, terminal)),
};

async function consume(cluster: Cluster, flags: Flags, terminal: Terminal): Promise<number> {
  const committedOnly = isolation(flags);
  const idleMs = flags.number("timeout-ms", 1) ?? Number.POSITIVE_INFINITY;
  let left = flags.number("max-messages", 0) ?? Number.POSITIVE_INFINITY;
  const topic = await existingTopic(cluster, flags.required("topic", "name the topic to read"));
  const starts = new Map<number, Offset>();
  const ends = new Map<number, Offset>();
  for (const partition of wantedPartitions(topic, flags)) {
    const end = await listOffset(cluster, topic, partition, LATEST);
    starts.set(partition, await startOffset({ cluster, topic, partition, end }, flags));
    ends.set(partition, end);
  }
  if (left === 0) return 0;
  const loop = new FetchLoop(cluster, topic, starts, {
    codecs: new NativeCodecs(),
    crc32c,
    committedOnly,
    idleMs,
    ends: flags.switch("exit-at-end") ? ends : null,
  });
  const print = recordFormat(topic.name, flags);
  const output = new RecordsOutput(terminal);
  for await (const { partition, records } of loop.records()) {
    for (const record of records) {
      print(record, partition, output);
      left--;
      if (left === 0) break;
      if (output.isFull) await output.flush();
    }
    await output.flush();
    if (left === 0) break;
  }
  return 0;
}

function wantedPartitions(topic: TopicPlace, flags: Flags): number[] {
  const one = flags.number("partition", 0);
  if (one === undefined) return topic.leaders.map((_leader, index) => index);
  if (one >= topic.leaders.length) {
    throw new UsageError(`--partition ${one}: ${topic.name} has ${topic.leaders.length}, numbered from 0`);
  }
  return [one];
}

interface Place {
  readonly cluster: Cluster;
  readonly topic: TopicPlace;
  readonly partition: number;
  readonly end: Offset;
}

async function startOffset(place: Place, flags: Flags): Promise<Offset> {
  const { cluster, end, partition, topic } = place;
  const where = flags.text("offset") ?? (flags.switch("from-beginning") ? "earliest" : "latest");
  if (where === "latest") return end;
  const start = await listOffset(cluster, topic, partition, EARLIEST);
  if (where === "earliest") return start;
  const match = /^([-@]?)(\d+)$/.exec(where);
  const number = Number(match?.[2]);
  if (match === null || !Number.isSafeInteger(number)) {
    throw new UsageError(`--offset ${where}: give a number, -N, earliest, latest or @MS`);
  }
  if (match[1] === "-") return Math.max(start, end - number) as Offset;
  if (match[1] === "@") {
    const found = await listOffset(cluster, topic, partition, number);
    return found < 0 ? end : found;
  }
  if (topic.leaders.length > 1 && !flags.has("partition")) {
    throw new UsageError(`--offset ${where}: say of which --partition, ${topic.name} has several`);
  }
  if (number < start || number > end) {
    throw new UsageError(`--offset ${where}: ${topic.name} ${partition} holds ${start} to ${end}`);
  }
  return number as Offset;
}

function isolation(flags: Flags): boolean {
  const level = flags.text("isolation-level") ?? "read_uncommitted";
  if (level !== "read_uncommitted" && level !== "read_committed") {
    throw new UsageError(`--isolation-level ${level}: give read_uncommitted or read_committed`);
  }
  return level === "read_committed";
}

function recordFormat(topic: string, flags: Flags): RecordFormat {
  if (flags.switch("json")) return jsonFormat(topic);
  const separator = flags.text("key-separator");
  return plainFormat(separator ?? (flags.switch("print-key") ? "\t" : null));
}
