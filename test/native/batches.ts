import { writeInt16, writeInt32, writeInt64 } from "../../engine/base/int64.ts";
import { writeVarint, writeVarlong } from "../../engine/base/varint.ts";
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LOG_OVERHEAD_BYTES,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORDS_COUNT_AT,
} from "../../engine/model/record_batch.ts";
import { crc32c } from "../../native/crc32c.ts";

/** Two records: k1 -> v1, and null -> v2 with header h=x, 5 ms later. From Kafka's format notes. */
export const TWO_RECORDS = fromHex(
  "00000000000000000000004900000000026a8990a30000000000010000018bcfe568000000018bcfe56805" +
    "ffffffffffffffffffffffffffff0000000214000000046b310476310018000a02010476320202680278",
);
/** A COMMIT marker at offset 10, leader epoch 3, producer 4242 epoch 1. */
export const COMMIT_MARKER = fromHex(
  "000000000000000a000000420000000302fa28619e0030000000000000018bcfe568000000018bcfe568" +
    "0000000000000010920001ffffffff000000012000000008000000010c00000000000700",
);

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** One PRNG stream from a seed (mulberry32): a failing round names its seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export interface TestRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestampDelta: number;
  readonly offsetDelta: number;
  readonly headers: readonly (readonly [Uint8Array, Uint8Array | null])[];
}

export interface TestBatch {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordsCount: number;
  readonly records: readonly TestRecord[];
}

/** The bytes of a batch as declared, right or wrong; only length and CRC are made to fit. */
export function encodeBatch(batch: TestBatch): Uint8Array {
  const records = batch.records.map(encodeRecord);
  const body = Buffer.concat(records);
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + body.length);
  writeInt64(bytes, 0, batch.baseOffset);
  writeInt32(bytes, BATCH_LENGTH_AT, bytes.length - LOG_OVERHEAD_BYTES);
  writeInt32(bytes, LEADER_EPOCH_AT, batch.leaderEpoch);
  bytes[MAGIC_AT] = 2;
  writeInt16(bytes, ATTRIBUTES_AT, batch.attributes);
  writeInt32(bytes, LAST_OFFSET_DELTA_AT, batch.lastOffsetDelta);
  writeInt64(bytes, BASE_TIMESTAMP_AT, batch.baseTimestamp);
  writeInt64(bytes, MAX_TIMESTAMP_AT, batch.maxTimestamp);
  writeInt64(bytes, PRODUCER_ID_AT, batch.producerId);
  writeInt16(bytes, PRODUCER_EPOCH_AT, batch.producerEpoch);
  writeInt32(bytes, BASE_SEQUENCE_AT, batch.baseSequence);
  writeInt32(bytes, RECORDS_COUNT_AT, batch.recordsCount);
  bytes.set(body, BATCH_HEADER_BYTES);
  return sealBatch(bytes);
}

/** Writes the CRC that fits the bytes. */
export function sealBatch(bytes: Uint8Array): Uint8Array {
  writeInt32(bytes, CRC_AT, crc32c(bytes, ATTRIBUTES_AT, bytes.length));
  return bytes;
}

function encodeRecord(record: TestRecord): Uint8Array {
  const headerBytes = record.headers.reduce((sum, [k, v]) => sum + k.length + (v?.length ?? 0) + 10, 0);
  const body = new Uint8Array(40 + (record.key?.length ?? 0) + (record.value?.length ?? 0) + headerBytes);
  let at = 1;
  at = writeVarlong(body, at, record.timestampDelta);
  at = writeVarint(body, at, record.offsetDelta);
  const put = (bytes: Uint8Array | null) => {
    at = writeVarint(body, at, bytes === null ? -1 : bytes.length);
    if (bytes === null) return;
    body.set(bytes, at);
    at += bytes.length;
  };
  put(record.key);
  put(record.value);
  at = writeVarint(body, at, record.headers.length);
  for (const [key, value] of record.headers) {
    put(key);
    put(value);
  }
  const whole = new Uint8Array(5 + at);
  const start = writeVarint(whole, 0, at);
  whole.set(body.subarray(0, at), start);
  return whole.subarray(0, start + at);
}

/** A random batch that producers may send. */
export function randomBatch(random: (below: number) => number, valueBytesMax = 60): Uint8Array {
  const count = 1 + random(12);
  const baseTimestamp = 1_700_000_000_000 + random(1_000_000);
  const records = Array.from({ length: count }, (_, offsetDelta): TestRecord => ({
    key: random(4) === 0 ? null : randomBytes(random, random(20)),
    value: random(8) === 0 ? null : randomBytes(random, random(valueBytesMax)),
    timestampDelta: random(5) === 0 ? random(1_000_000) - 500_000 : offsetDelta,
    offsetDelta,
    headers: Array.from({ length: random(3) === 0 ? random(4) : 0 }, () => [
      randomBytes(random, random(9)),
      random(4) === 0 ? null : randomBytes(random, random(9)),
    ]),
  }));
  return encodeBatch({
    baseOffset: random(1_000_000) * 4096,
    leaderEpoch: random(9) - 1,
    attributes: random(20) === 0 ? random(0x10000) & ~7 : 0,
    lastOffsetDelta: count - 1,
    baseTimestamp,
    maxTimestamp: baseTimestamp + count,
    producerId: random(3) === 0 ? random(5000) : -1,
    producerEpoch: random(10) - 1,
    baseSequence: random(100) - 1,
    recordsCount: count,
    records,
  });
}

export function randomBytes(random: (below: number) => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random(256));
}

/** Cuts bytes into pieces at random places; some pieces are empty, some a few bytes. */
export function cutAtRandom(random: (below: number) => number, bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const size = Math.min(bytes.length - at, random(3) === 0 ? random(4) : random(120));
    // Half of them copies of their own, half views of the whole.
    pieces.push(random(2) === 0 ? bytes.slice(at, at + size) : bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

/** Changes a few bytes; usually repairs the CRC, so that what follows it is reached. */
export function mutate(random: (below: number) => number, batch: Uint8Array): Uint8Array {
  let bytes = batch.slice();
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(3) === 0 ? random(bytes.length) : BATCH_HEADER_BYTES + random(bytes.length - 60);
    if (at >= bytes.length) continue;
    const edge = [0, 1, 0x7f, 0x80, 0xff, 0xfe][random(6)]!;
    bytes[at] = random(2) === 0 ? edge : random(256);
  }
  if (random(8) === 0) {
    const at = BATCH_HEADER_BYTES + random(20); // numbers without an end
    bytes.fill(0x80 | random(128), at, at + random(14));
  }
  if (random(6) === 0) bytes = bytes.slice(0, random(bytes.length + 1));
  if (random(6) === 0) bytes = new Uint8Array(Buffer.concat([bytes, randomBytes(random, random(12))]));
  if (random(4) !== 0 && bytes.length > BATCH_LENGTH_AT + 4) {
    const lie = random(20) === 0 ? random(120) - 60 : bytes.length - LOG_OVERHEAD_BYTES;
    writeInt32(bytes, BATCH_LENGTH_AT, lie);
  }
  if (random(8) !== 0 && bytes.length >= BATCH_HEADER_BYTES) sealBatch(bytes);
  return bytes;
}
