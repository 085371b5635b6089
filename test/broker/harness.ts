/** A broker in this process, on a folder of its own, and what tests say to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker } from "../../engine/broker/broker.ts";
import { Client } from "../../engine/client/client.ts";
import type { Clock } from "../../engine/io/clock.ts";
import { SystemClock } from "../../engine/io/clock.ts";
import type { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { NativeCodecs } from "../../engine/io/compression.ts";
import { SILENT_LOGGER } from "../../engine/io/logger.ts";
import type { Logger } from "../../engine/io/logger.ts";
import { SystemNet } from "../../engine/io/net_system.ts";
import { SystemRandom } from "../../engine/io/random.ts";
import { parseBrokerConfig } from "../../engine/model/broker_config.ts";
import { Codec } from "../../engine/model/compression.ts";
import type { TimestampMs } from "../../engine/model/offsets.ts";
import { encodeRecords, sealBatch } from "../../engine/model/records.ts";
import type { BatchFields, RecordInput } from "../../engine/model/records.ts";
import { Store } from "../../engine/store/store.ts";
import { loadNative } from "../../native/native.ts";

export const native = loadNative();
const portable = loadNative("off");
export const codecs = new NativeCodecs();

export interface TestBroker {
  readonly store: Store;
  readonly broker: Broker;
  readonly port: number;
  readonly dir: string;
  connect(): Promise<Client>;
  /** Stops broker and store; `keep` leaves the folder for another start. */
  stop(keep?: boolean): Promise<void>;
}

export interface TestBrokerOptions {
  readonly properties?: Readonly<Record<string, string>>;
  readonly dir?: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly requestBytesMax?: number;
  /** A simulated one: then nothing of it is sent by sendfile. */
  readonly disk?: SimulatedDisk;
}

export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "millrace-broker-"));
  const { config, problems } = parseBrokerConfig(new Map(Object.entries({
    listeners: "PLAINTEXT://127.0.0.1:0",
    "flush.mode": "os",
    ...options.properties,
  })));
  if (config === null) throw new Error(problems.join("; "));
  const shared = {
    clock: options.clock ?? new SystemClock(),
    random: new SystemRandom(),
    codecs,
    logger: options.logger ?? SILENT_LOGGER,
  };
  const { disk } = options;
  const store = await Store.open({ dir, config, ...(disk === undefined ? {} : { disk }), ...shared });
  const net = new SystemNet(disk === undefined ? native : portable);
  let broker: Broker;
  try {
    const { requestBytesMax } = options;
    broker = Broker.start(store, { net, ...shared, ...(requestBytesMax === undefined ? {} : { requestBytesMax }) });
  } catch (error) {
    await store.close();
    throw error;
  }
  const { port } = broker.addresses[0]!;
  return {
    store,
    broker,
    port,
    dir,
    connect: () => Client.connect({ host: "127.0.0.1", port, clientId: "test" }),
    async stop(keep = false) {
      await broker.stop();
      await store.close();
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
}

const PLAIN: Omit<BatchFields, "packed" | "attributes"> = {
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
};

export interface BatchOptions extends Partial<BatchFields> {
  readonly codec?: Codec;
  readonly timestamp?: number;
}

/** One batch as a producer sends it. */
export function batchOf(values: readonly (string | RecordInput)[], options: BatchOptions = {}): Uint8Array {
  const utf8 = new TextEncoder();
  const records = values.map((value) => typeof value === "string" ? { value: utf8.encode(value) } : value);
  const now = (options.timestamp ?? Date.now()) as TimestampMs;
  const region = encodeRecords(records, now);
  const codec = options.codec ?? Codec.none;
  const packed = options.packed ?? codecs.compressNow(codec, region.bytes);
  const fields = { ...PLAIN, attributes: codec, ...options, packed };
  return sealBatch(region, fields, (bytes, start, end) => native.crc32c(bytes, start, end));
}

/** Asks until `check` holds: for what happens soon, but not at once. */
export async function until(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`still not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
