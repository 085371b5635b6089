import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { crc32c } from "../../native/crc32c.ts";
import { BatchSender } from "../client/batch_sender.ts";
import type { Cluster, TopicPlace } from "../client/cluster.ts";
import { ConnectionLost } from "../client/connection_lost.ts";
import { partitionOfKey } from "../client/partitioner.ts";
import { topicToWrite } from "../client/topic_wait.ts";
import { SystemClock } from "../io/clock.ts";
import type { Clock } from "../io/clock.ts";
import { NativeCodecs } from "../io/compression.ts";
import { Codec, parseCodec } from "../model/compression.ts";
import { KafkaError, UsageError } from "../model/errors.ts";
import type { RecordHeader, RecordInput } from "../model/records.ts";
import type { Command, Flags, Terminal } from "./command.ts";
import { CONNECTION_FLAGS, missingTopic, withCluster } from "./connection_flags.ts";
import { LineSplitter } from "./lines.ts";
import { Progress } from "./progress.ts";

/** Kafka's default max.message.bytes leaves room for one batch of this and its header. */
const BATCH_BYTES_DEFAULT = 512 * 1024;
const READ_BYTES = 1024 * 1024;
/** Records without a key change partition after so many, so that batches stay large. */
const STICKY_RECORDS = 1_000;

/** `millrace produce`: one record a line, from a file or standard input. */
export const produceCommand: Command = {
  name: "produce",
  summary: "Write lines to a topic, one record a line.",
  positionals: "[FILE]",
  flags: {
    ...CONNECTION_FLAGS,
    topic: {
      kind: "text",
      short: "t",
      value: "NAME",
      help: "topic to write to, created if the broker does that",
    },
    partition: {
      kind: "text",
      short: "p",
      value: "N",
      help: "one partition (default: by key, else in turn)",
    },
    "key-separator": {
      kind: "text",
      short: "K",
      value: "TEXT",
      help: "what stands before it is the key; lines without it have none",
    },
    compression: {
      kind: "text",
      short: "z",
      value: "CODEC",
      help: "none (default), gzip, snappy, lz4 or zstd",
    },
    header: {
      kind: "list",
      short: "H",
      value: "KEY=VALUE",
      help: "header of every record; may be repeated",
    },
    acks: { kind: "text", value: "ACKS", help: "all (default), 1, or 0: do not wait for an answer" },
    "batch-size": {
      kind: "text",
      value: "BYTES",
      help: `bytes of a batch before compression (default ${BATCH_BYTES_DEFAULT})`,
    },
    json: { kind: "switch", help: "print what was written as JSON" },
  },
  notes: `
A line ends at a newline, which is not part of it; nothing else is changed. Without FILE, or with -,
lines come from standard input. What was acknowledged before an error stays.

Examples:
  echo hello | millrace produce --topic events
  millrace produce --topic events --compression zstd --key-separator : lines.txt`,
  run: (flags, positionals, terminal) =>
    withCluster(flags, (cluster) => produce(cluster, flags, positionals, terminal)),
};

async function produce(
  cluster: Cluster,
  flags: Flags,
  positionals: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const name = flags.required("topic", "name the topic to write to");
  if (positionals.length > 1) throw new UsageError("give one FILE, or none to read standard input");
  const clock = new SystemClock();
  const options = {
    codecs: new NativeCodecs(),
    codec: codecOf(flags),
    crc32c,
    acks: acksOf(flags),
    batchBytes: flags.number("batch-size", 1) ?? BATCH_BYTES_DEFAULT,
    now: () => clock.wallMs(),
  };
  const toRecord = recordMaker(flags);
  const input = await openInput(positionals[0]);
  const topic = await createdTopic(cluster, name, clock);
  const sender = new BatchSender(cluster, topic, options);
  const choose = partitionChooser(topic, flags);
  const progress = new Progress(`producing to ${name}`, terminal, clock);
  const count = await send({ input, sender, progress, toRecord, choose });
  if (flags.switch("json")) terminal.out(`${JSON.stringify({ topic: name, records: count })}\n`);
  else if (terminal.interactive) terminal.error(`${count} records written to ${name}\n`);
  return 0;
}

interface Sending {
  readonly input: Input;
  readonly sender: BatchSender;
  readonly progress: Progress;
  readonly toRecord: (line: Uint8Array) => RecordInput;
  readonly choose: (record: RecordInput) => number;
}

/** Sends every line; returns how many. An error says how many were acknowledged before it. */
async function send({ input, sender, progress, toRecord, choose }: Sending): Promise<number> {
  const lines = new LineSplitter();
  let [count, bytes] = [0, 0];
  const add = (line: Uint8Array): Promise<void> | null => {
    const record = toRecord(line);
    count++;
    return sender.add(choose(record), record);
  };
  try {
    for await (const chunk of input.chunks) {
      bytes += chunk.length;
      for (const line of lines.push(chunk)) {
        const room = add(line);
        if (room !== null) await room;
      }
      progress.update(bytes, input.bytes, "bytes");
    }
    const last = lines.end();
    if (last !== null) await add(last);
    await sender.flush();
    return count;
  } catch (error) {
    if (!isForPeople(error)) throw error;
    const acknowledged = `${sender.acknowledged} records were acknowledged before`;
    throw new UsageError(`${error.message} (${acknowledged})`, { cause: error });
  } finally {
    progress.end();
  }
}

/** Of the broker, the connection, the lines or the file they come from. */
function isForPeople(error: unknown): error is Error {
  return error instanceof KafkaError || error instanceof ConnectionLost || error instanceof UsageError ||
    (error instanceof Error && typeof (error as { syscall?: unknown }).syscall === "string");
}

async function createdTopic(cluster: Cluster, name: string, clock: Clock): Promise<TopicPlace> {
  try {
    return await topicToWrite(cluster, name, clock);
  } catch (error) {
    const advice = `the broker creates none by itself, \`millrace topics --create --topic ${name}\` does`;
    throw missingTopic(error, name, advice);
  }
}

interface Input {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** 0: nobody knows. */
  readonly bytes: number;
}

async function openInput(file: string | undefined): Promise<Input> {
  if (file === undefined || file === "-") return { chunks: process.stdin, bytes: 0 };
  const found = await stat(file).catch(() => null);
  if (found === null || found.isDirectory()) {
    throw new UsageError(`${file}: ${found === null ? "no such file" : "a directory, give a file"}`);
  }
  return { chunks: createReadStream(file, { highWaterMark: READ_BYTES }), bytes: found.size };
}

function codecOf(flags: Flags): Codec {
  const name = flags.text("compression") ?? "none";
  const codec = parseCodec(name);
  if (codec === null) throw new UsageError(`--compression ${name}: give none, gzip, snappy, lz4 or zstd`);
  return codec;
}

function acksOf(flags: Flags): 0 | 1 | -1 {
  const text = flags.text("acks") ?? "all";
  if (text === "all" || text === "-1") return -1;
  if (text === "0") return 0;
  if (text === "1") return 1;
  throw new UsageError(`--acks ${text}: give all, 1 or 0`);
}

function recordMaker(flags: Flags): (line: Uint8Array) => RecordInput {
  const utf8 = new TextEncoder();
  const headers: RecordHeader[] = [...flags.pairs("header")]
    .map(([key, value]) => ({ key, value: utf8.encode(value) }));
  const separator = flags.text("key-separator");
  if (separator === "") throw new UsageError("--key-separator is empty: give at least one character");
  const mark = separator === undefined ? null : Buffer.from(separator);
  return (line) => {
    const at = mark === null ? -1 : Buffer.from(line.buffer, line.byteOffset, line.length).indexOf(mark);
    if (mark === null || at < 0) return { value: line, headers };
    return { key: line.subarray(0, at), value: line.subarray(at + mark.length), headers };
  };
}

function partitionChooser(topic: TopicPlace, flags: Flags): (record: RecordInput) => number {
  const count = topic.leaders.length;
  const fixed = flags.number("partition", 0);
  if (fixed !== undefined) {
    if (fixed >= count) throw new UsageError(`--partition ${fixed}: ${topic.name} has ${count}, from 0`);
    return () => fixed;
  }
  let without = 0;
  return (record) => record.key == null
    ? Math.floor(without++ / STICKY_RECORDS) % count
    : partitionOfKey(record.key, count);
}
