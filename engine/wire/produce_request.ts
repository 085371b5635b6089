import type { Uuid } from "../base/uuid.ts";
import { ZERO_UUID } from "../base/uuid.ts";
import { BATCH_HEADER_BYTES } from "../model/record_batch.ts";
import { produceRequest } from "./api/00_produce.ts";
import type { Frame } from "./frame_splitter.ts";
import { PieceReader } from "./piece_reader.ts";
import { includesVersion } from "./version_range.ts";
import { REQUEST_HEAP_BYTES_MAX } from "./wire_limits.ts";
import { WireError } from "./wire_error.ts";

/**
 * Produce requests, decoded by hand because their frames are the ones worth not joining: the values
 * of the declaration in api/00_produce.ts, but `records` stay in the pieces in which they arrived.
 *
 *   v3-8    transactionalId? acks timeoutMs [ name [ index records? ] ]
 *   v9-12   the same, compact, with tagged fields behind each struct
 *   v13     the same with topicId in place of name
 *
 * A test proves it equal to the declared decoder for random requests cut at random places.
 */
export interface PiecedProduceRequest {
  readonly transactionalId: string | null;
  readonly acks: number;
  readonly timeoutMs: number;
  readonly topicData: readonly PiecedTopic[];
}

export interface PiecedTopic {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitionData: readonly PiecedPartition[];
}

export interface PiecedPartition {
  readonly index: number;
  /** Views of the frame. The first holds at least a whole batch header, or all there is. */
  readonly records: readonly Uint8Array[] | null;
}

const TOPIC_IDS_FIRST = 13;
const FLEXIBLE_FIRST = produceRequest.flexible.first;

// Sizes on the wire and on the heap of one element, as in layout.ts.
const TOPIC_BYTES_MIN = 3;
const PARTITION_BYTES_MIN = 5;
const TOPIC_HEAP_BYTES = 192;
const PARTITION_HEAP_BYTES = 320;

/** Decodes the body that starts at `bodyAt` of the frame's first piece. Throws WireError. */
export function decodeProduce(
  version: number,
  frame: Frame,
  bodyAt: number,
  heapBytesMax = REQUEST_HEAP_BYTES_MAX,
): PiecedProduceRequest {
  if (!includesVersion(produceRequest.versions, version)) {
    throw new WireError("UNSUPPORTED_VERSION", `ProduceRequest has no version ${version}`);
  }
  const reader = new PieceReader(frame, bodyAt, heapBytesMax);
  const isFlexible = version >= FLEXIBLE_FIRST;
  const transactionalId = readString(reader, isFlexible, "ProduceRequest.transactionalId");
  const acks = reader.int16("ProduceRequest.acks");
  const timeoutMs = reader.int32("ProduceRequest.timeoutMs");
  const field = "ProduceRequest.topicData";
  const count = readLength(reader, isFlexible, field);
  if (count < 0) reader.unexpectedNull(field);
  reader.admitArray(count, TOPIC_BYTES_MIN, TOPIC_HEAP_BYTES, field);
  const topicData: PiecedTopic[] = [];
  for (let index = 0; index < count; index++) {
    topicData.push(readTopic(reader, version, isFlexible));
  }
  if (isFlexible) reader.skipTags("ProduceRequest tags");
  return { transactionalId, acks, timeoutMs, topicData };
}

function readTopic(reader: PieceReader, version: number, isFlexible: boolean): PiecedTopic {
  let name: string | null = "";
  let topicId = ZERO_UUID;
  if (version >= TOPIC_IDS_FIRST) topicId = reader.uuid("ProduceRequest.topicData.topicId");
  else name = readString(reader, isFlexible, "ProduceRequest.topicData.name");
  if (name === null) reader.unexpectedNull("ProduceRequest.topicData.name");
  const field = "ProduceRequest.topicData.partitionData";
  const count = readLength(reader, isFlexible, field);
  if (count < 0) reader.unexpectedNull(field);
  reader.admitArray(count, PARTITION_BYTES_MIN, PARTITION_HEAP_BYTES, field);
  const partitionData: PiecedPartition[] = [];
  for (let index = 0; index < count; index++) partitionData.push(readPartition(reader, isFlexible));
  if (isFlexible) reader.skipTags("ProduceRequest.topicData tags");
  return { name, topicId, partitionData };
}

function readPartition(reader: PieceReader, isFlexible: boolean): PiecedPartition {
  const index = reader.int32("ProduceRequest.topicData.partitionData.index");
  const field = "ProduceRequest.topicData.partitionData.records";
  const length = readLength(reader, isFlexible, field);
  const records = length < 0 ? null : reader.take(length, BATCH_HEADER_BYTES, field);
  if (isFlexible) reader.skipTags("ProduceRequest.topicData.partitionData tags");
  return { index, records };
}

/** A length or count; negative for null. */
function readLength(reader: PieceReader, isFlexible: boolean, field: string): number {
  return isFlexible ? reader.uvarint(field) - 1 : reader.int32(field);
}

function readString(reader: PieceReader, isFlexible: boolean, field: string): string | null {
  const length = isFlexible ? reader.uvarint(field) - 1 : reader.int16(field);
  return reader.string(length, field);
}
