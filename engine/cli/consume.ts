import type { Cluster, TopicPlace } from "../client/cluster.ts";
import { FetchLoop } from "../client/fetch_loop.ts";
import type { FetchedRecord } from "../client/fetch_loop.ts";
import { EARLIEST, LATEST, listOffset } from "../client/offsets.ts";
import { NativeCodecs } from "../io/compression.ts";
import { UsageError } from "../model/errors.ts";
import type { Offset } from "../model/offsets.ts";
import type { Command, Flags, Terminal } from "./command.ts";
import { CONNECTION_FLAGS, withCluster } from "./connection_flags.ts";

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
      help: "start at an offset, at `earliest`, at `latest`, N records before the end (-N), or at @MS since 1970",
    },
    "max-messages": { kind: "text", short: "c", value: "N", help: "stop after N records" },
    "exit-at-end": { kind: "switch", short: "e", help: "stop at what was the end at the start" },
    "timeout-ms": { kind: "text", value: "MS", help: "stop when no record came for so long" },
    "print-key": { kind: "switch", help: "print key, separator, value" },
    "key-separator": { kind: "text", value: "TEXT", help: "between key and value (default: tab); implies --print-key" },
    "isolation-level": { kind: "text", value: "LEVEL", help: "read_uncommitted (default) or read_committed" },
    json: { kind: "switch", help: "one JSON object a record: topic, partition, offset, timestamp, key, value, headers" },
  },
  notes: `
Examples:
  millrace consume --topic events --from-beginning --exit-at-end
  millrace consume --topic events --offset 100 --max-messages 5 --json`,
  run: (flags, _positionals, terminal) =>
    withCluster(flags, (cluster) => consume(cluster, flags, terminal)),
};

async function consume(cluster: Cluster, flags: Flags, terminal: Terminal): Promise<number> {
  const topic = await cluster.topic(flags.required("topic", "name the topic to read"), false);
  const maxMessages = flags.number("max-messages", 0) ?? Number.POSITIVE_INFINITY;
  if (maxMessages === 0) return 0;
  const partitions = wantedPartitions(topic, flags);
  const starts = new Map<number, Offset>();
  const ends = new Map<number, Offset>();
  for (const partition of partitions) {
    starts.set(partition, await startOffset(cluster, topic, partition, flags));
    ends.set(partition, await listOffset(cluster, topic, partition, LATEST));
  }
  const print = printer(topic.name, flags);
  const loop = new FetchLoop(cluster, topic, starts, {
    codecs: new NativeCodecs(),
    committedOnly: isolation(flags),
    idleMs: flags.number("timeout-ms", 1) ?? Number.POSITIVE_INFINITY,
    ends: flags.switch("exit-at-end") ? ends : null,
  });
  let left = maxMessages;
  for await (const records of loop.batches()) {
    const taken = records.length > left ? records.slice(0, left) : records;
    terminal.out(taken.map(print).join(""));
    left -= taken.length;
    if (left === 0) break;
  }
  return 0;
}

function wantedPartitions(topic: TopicPlace, flags: Flags): number[] {
  const one = flags.number("partition", 0);
  if (one === undefined) return topic.leaders.map((_leader, index) => index);
  if (one >= topic.leaders.length) {
    throw new UsageError(`--partition ${one}: ${topic.name} has ${topic.leaders.length} partitions, from 0`);
  }
  return [one];
}

async function startOffset(
  cluster: Cluster,
  topic: TopicPlace,
  partition: number,
  flags: Flags,
): Promise<Offset> {
  const where = flags.text("offset") ?? (flags.switch("from-beginning") ? "earliest" : "latest");
  if (where === "earliest") return listOffset(cluster, topic, partition, EARLIEST);
  const end = await listOffset(cluster, topic, partition, LATEST);
  if (where === "latest") return end;
  const match = /^([-@]?)(\d+)$/.exec(where);
  if (match === null) {
    throw new UsageError(`--offset ${where}: give a number, -N, earliest, latest or @MS`);
  }
  const number = Number(match[2]);
  if (match[1] === "@") {
    const found = await listOffset(cluster, topic, partition, number);
    return found < 0 ? end : found;
  }
  if (match[1] === "") return number as Offset;
  const start = await listOffset(cluster, topic, partition, EARLIEST);
  return Math.max(start, end - number) as Offset;
}

function isolation(flags: Flags): boolean {
  const level = flags.text("isolation-level") ?? "read_uncommitted";
  if (level !== "read_uncommitted" && level !== "read_committed") {
    throw new UsageError(`--isolation-level ${level}: give read_uncommitted or read_committed`);
  }
  return level === "read_committed";
}

function printer(topic: string, flags: Flags): (record: FetchedRecord) => string {
  if (flags.switch("json")) return (record) => jsonLine(topic, record);
  const separator = flags.text("key-separator") ?? "\t";
  if (!flags.switch("print-key") && !flags.has("key-separator")) {
    return ({ value }) => `${text(value)}\n`;
  }
  return ({ key, value }) => `${text(key)}${separator}${text(value)}\n`;
}

const utf8 = new TextDecoder();

function text(field: Uint8Array | null): string {
  return field === null ? "null" : utf8.decode(field);
}

function jsonLine(topic: string, record: FetchedRecord): string {
  const nullable = (field: Uint8Array | null): string | null => (field === null ? null : utf8.decode(field));
  const { partition, offset, timestamp } = record;
  return `${JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    key: nullable(record.key),
    value: nullable(record.value),
    headers: record.headers.map((header) => [header.key, nullable(header.value)]),
  })}\n`;
}
