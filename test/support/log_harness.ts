/**
 * A log on a simulated disk with a clock that moves when told to: what the tests of engine/log and
 * engine/partition stand on.
 */
import { afterEach, beforeEach, expect } from "bun:test";
import { loadNative } from "../../native/native.ts";
import { DescriptorPool } from "../../engine/io/disk_descriptors.ts";
import { NodeDisk } from "../../engine/io/disk_node.ts";
import { SimulatedDisk } from "../../engine/io/disk_simulated.ts";
import { NativeCodecs } from "../../engine/io/compression.ts";
import type { Disk } from "../../engine/io/disk.ts";
import type { Random } from "../../engine/io/random.ts";
import type { Appended, AppendResult, AppendSource } from "../../engine/log/append_result.ts";
import { checkDirectory } from "../../engine/log/check.ts";
import { Log } from "../../engine/log/log.ts";
import { createLogEnvironment } from "../../engine/log/log_environment.ts";
import type { LogEnvironment } from "../../engine/log/log_environment.ts";
import { isOutOfRange } from "../../engine/log/read_plan.ts";
import { Codec } from "../../engine/model/compression.ts";
import { LOG_CONFIG_DEFAULTS } from "../../engine/model/log_config.ts";
import type { LogConfig } from "../../engine/model/log_config.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../../engine/model/offsets.ts";
import * as batch from "../../engine/model/record_batch.ts";
import { encodeRecords, readRecords, sealBatch } from "../../engine/model/records.ts";
import type { RecordInput } from "../../engine/model/records.ts";
import type { Uuid } from "../../engine/base/uuid.ts";
import { ManualClock } from "./manual_clock.ts";

export const NOW = 1_700_000_000_000 as TimestampMs;
export const TOPIC_ID = "Xb8rnzIaWXG2u4SZHGPRDw" as Uuid;
export const DATA_DIR = "/data";
export const LOG_DIR = "/data/t-0";

export const noRandom: Random = { below: () => 0, uuid: () => TOPIC_ID };

export const native = loadNative();
export const codecs = new NativeCodecs();
export const crc32c = (bytes: Uint8Array, start: number, end: number) =>
  native.crc32c(bytes, start, end);

export function simulatedDisk(): SimulatedDisk {
  const disk = new SimulatedDisk({ native });
  disk.makeDirectory(DATA_DIR);
  disk.settle();
  return disk;
}

/** The files of this machine. */
export function nodeDisk(): NodeDisk {
  return new NodeDisk({ native, descriptors: new DescriptorPool(256), readOnly: false });
}

export interface Opening {
  readonly disk?: Disk;
  readonly clock?: ManualClock;
  readonly config?: Partial<LogConfig>;
  readonly cleanStop?: boolean;
  readonly recoveryPoint?: number;
  readonly logStartOffset?: number;
  readonly dir?: string;
  readonly environment?: LogEnvironment;
}

/** What is wrong with the log's files, in lines; warnings are what an unclean stop may leave. */
export function logProblems(disk: Disk): string[] {
  return checkDirectory(disk, DATA_DIR, { codecs })
    .filter((problem) => problem.severity === "error" && problem.path.startsWith(LOG_DIR))
    .map(({ path, position, message }) => `${path} ${position?.start ?? ""}: ${message}`);
}

const disksInUse = new Set<SimulatedDisk>();

/** For a test file whose logs must be whole after each test: the verifier looks at all of them. */
export function verifyAfterEach(): void {
  beforeEach(() => disksInUse.clear());
  afterEach(() => {
    const problems = [...disksInUse].filter((disk) => !disk.isCut).flatMap(logProblems);
    disksInUse.clear();
    expect(problems).toEqual([]);
  });
}

/** For a test that leaves on purpose what the verifier reports. */
export function doNotVerify(): void {
  disksInUse.clear();
}

export interface OpenedLog {
  readonly log: Log;
  readonly disk: SimulatedDisk;
  readonly clock: ManualClock;
  readonly environment: LogEnvironment;
}

export function openLog(opening: Opening = {}): OpenedLog {
  const disk = (opening.disk ?? simulatedDisk()) as SimulatedDisk;
  disksInUse.add(disk);
  const clock = opening.clock ?? new ManualClock(NOW);
  const environment = opening.environment ??
    createLogEnvironment({ disk, clock, random: noRandom, codecs });
  const log = Log.open({
    environment,
    dir: opening.dir ?? LOG_DIR,
    topic: "t",
    partition: 0,
    topicId: TOPIC_ID,
    config: { ...LOG_CONFIG_DEFAULTS, ...opening.config },
    cleanStop: opening.cleanStop ?? false,
    recoveryPoint: (opening.recoveryPoint ?? 0) as Offset,
    logStartOffset: (opening.logStartOffset ?? 0) as Offset,
  });
  return { log, disk, clock, environment };
}

export interface BatchOptions {
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly attributes?: number;
  readonly codec?: Codec;
  readonly nowMs?: number;
}

const utf8 = new TextEncoder();

/** Values are texts, or whole records. */
export function makeBatch(
  records: readonly (string | RecordInput)[],
  options: BatchOptions = {},
): Uint8Array {
  const inputs = records.map((record) =>
    typeof record === "string" ? { value: utf8.encode(record) } : record
  );
  const region = encodeRecords(inputs, (options.nowMs ?? NOW) as TimestampMs);
  const codec = options.codec ?? Codec.none;
  return sealBatch(region, {
    packed: codec === Codec.none ? region.bytes : codecs.compressNow(codec, region.bytes),
    attributes: (options.attributes ?? 0) | codec,
    producerId: options.producerId ?? -1,
    producerEpoch: options.producerEpoch ?? (options.producerId === undefined ? -1 : 0),
    baseSequence: options.baseSequence ?? (options.producerId === undefined ? -1 : 0),
  }, crc32c);
}

/** A batch of about `bytes` bytes in all, one record. */
export function batchOfSize(bytes: number, options: BatchOptions = {}): Uint8Array {
  return makeBatch([{ value: new Uint8Array(Math.max(0, bytes - 75)).fill(0x2e) }], options);
}

export function marker(
  producerId: number,
  producerEpoch: number,
  isAbort: boolean,
  coordinatorEpoch = 0,
): Uint8Array {
  const key = Uint8Array.of(0, 0, 0, isAbort ? 0 : 1);
  const value = Uint8Array.of(0, 0, 0, 0, 0, coordinatorEpoch);
  return makeBatch([{ key, value }], {
    producerId,
    producerEpoch,
    baseSequence: -1,
    attributes: batch.TRANSACTIONAL_BIT | batch.CONTROL_BIT,
  });
}

export function append(
  log: Log,
  bytes: Uint8Array,
  source: AppendSource = "client",
  epoch = 0,
): AppendResult {
  return log.appendAsLeader([bytes], epoch as LeaderEpoch, source);
}

/** The result of an append that must succeed. */
export function appended(
  log: Log,
  bytes: Uint8Array,
  source: AppendSource = "client",
  epoch = 0,
): Appended {
  const result = append(log, bytes, source, epoch);
  if (!result.ok) throw new Error(`append refused: ${result.errorCode} ${result.message}`);
  return result;
}

/** Whether a promise has settled, and how, once microtasks have run. */
export async function outcomeOf(promise: Promise<unknown>): Promise<"pending" | "done" | Error> {
  let outcome: "pending" | "done" | Error = "pending";
  promise.then(() => (outcome = "done"), (error) => (outcome = error as Error));
  await microtasks();
  return outcome;
}

export async function microtasks(): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve();
}

/** The stored bytes of [from, upTo). */
export function readBytes(log: Log, from: number, upTo: number, maxBytes = 1e9): Uint8Array {
  const plan = log.planRead(from as Offset, upTo as Offset, maxBytes, true);
  if (isOutOfRange(plan)) throw new Error(`${from} is out of range`);
  const bytes = new Uint8Array(plan.byteCount);
  let at = 0;
  for (const range of plan.ranges) {
    at += range.file.read(bytes, at, range.length, range.position);
  }
  if (at !== plan.byteCount) throw new Error("a plan is longer than its files");
  return bytes;
}

export interface StoredBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Uint8Array;
}

/** Every batch in the log that readers may see. */
export function readBatches(log: Log, upTo: number = log.stableOffset): StoredBatch[] {
  const bytes = readBytes(log, log.logStartOffset, upTo);
  const found: StoredBatch[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = batch.batchBytesOf(bytes, at);
    found.push({
      baseOffset: batch.baseOffsetOf(bytes, at),
      lastOffset: batch.lastOffsetOf(bytes, at),
      bytes: bytes.slice(at, at + size),
    });
    at += size;
  }
  return found;
}

/** The values of all records that readers may see, as texts. */
export function readValues(log: Log): string[] {
  const values: string[] = [];
  const decoder = new TextDecoder();
  for (const stored of readBatches(log)) {
    if ((batch.attributesOf(stored.bytes, 0) & batch.CONTROL_BIT) !== 0) continue;
    const codec = (batch.attributesOf(stored.bytes, 0) & batch.CODEC_MASK) as Codec;
    const packed = stored.bytes.subarray(batch.BATCH_HEADER_BYTES);
    const unpacked = codec === Codec.none ? packed : codecs.decompressNow(codec, packed, 1 << 28);
    for (const record of readRecords(stored.bytes, 0, unpacked)) {
      values.push(record.value === null ? "(null)" : decoder.decode(record.value));
    }
  }
  return values;
}
