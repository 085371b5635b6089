/**
 * The broker that a client suite runs against: Millrace, or Apache Kafka itself when
 * MILLRACE_TEST_BROKER=kafka, which shows whether the suite is right.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatKafka, Kafka } from "../foreign/kafka/kafka.ts";
import { Millrace, problemsIn } from "../foreign/support/millrace.ts";

export interface BrokerUnderTest {
  readonly kind: "millrace" | "kafka";
  readonly address: string;
  readonly dataDir: string;
  /** Stops cleanly, looks for damage, removes the directory. */
  finish(): Promise<void>;
}

export async function startBrokerUnderTest(): Promise<BrokerUnderTest> {
  const root = mkdtempSync(join(tmpdir(), "millrace-clients-"));
  const dataDir = join(root, "data");
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  if (process.env["MILLRACE_TEST_BROKER"] === "kafka") {
    await formatKafka({ dataDir });
    const kafka = await Kafka.start({ dataDir });
    const finish = async (): Promise<void> => {
      await kafka.stop();
      remove();
    };
    return { kind: "kafka", address: kafka.address, dataDir, finish };
  }
  const broker = await Millrace.start({ dataDir });
  const finish = async (): Promise<void> => {
    await broker.stop();
    const problems = await problemsIn(dataDir);
    if (problems !== "") throw new Error(`millrace check: ${problems}`);
    remove();
  };
  return { kind: "millrace", address: broker.address, dataDir, finish };
}

export const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type Codec = (typeof CODECS)[number];

/** One record as every client can say it. */
export interface PlainRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestamp: number;
}

/** An hour after this moment is still in the past, so that no broker finds it too far ahead. */
export const EPOCH_MS = Date.UTC(2024, 4, 1, 12);

const HEADERS: Readonly<Record<string, string>> = { "content-type": "text/plain", "naïve": "grüße", "empty": "" };

/** Records of growing times; a few without key or value, some with headers, text beyond ASCII. */
export function makeRecords(tag: string, count: number, valueBytes: number): PlainRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    key: index % 7 === 3 ? null : `${tag}-key-${index}`,
    value: index % 11 === 5 ? null : `${tag} grüße ${index} `.padEnd(valueBytes, `${index % 10}abcdef `),
    headers: index % 3 === 0 ? HEADERS : {},
    timestamp: EPOCH_MS + index * 10,
  }));
}

/** Sizes of one send: a single small record, some, and a batch near the default limit of 1 MiB. */
export const BATCHES = [
  { name: "tiny", count: 1, valueBytes: 20 },
  { name: "small", count: 25, valueBytes: 100 },
  { name: "large", count: 2_000, valueBytes: 400 },
] as const;

const EVENTUALLY_TIMEOUT_MS = 5_000;

/** Repeats a read until it gives what is expected: Kafka's brokers learn of changes a little later. */
export async function eventually<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + EVENTUALLY_TIMEOUT_MS;
  for (;;) {
    const value = await read();
    if (holds(value) || performance.now() > deadline) return value;
    await Bun.sleep(20);
  }
}
