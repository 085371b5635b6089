/**
 * ListOffsets (2), versions 1-11: the offset of a time, or of one of the marks that stand for one.
 *
 * - -1 latest is the high watermark, or the last stable offset for read_committed: never what is not
 *   yet visible. -2 earliest and -4 earliest-local are the log start offset; -3 the record with the
 *   largest timestamp; -5 and -6 belong to tiered storage and answer offset -1.
 * - A mark that is newer than the request's version, and any other negative time, is
 *   UNSUPPORTED_VERSION. A time later than every record answers offset -1 without an error.
 * - A partition named twice is INVALID_REQUEST both times.
 */
import { ErrorCode } from "../../model/error_code.ts";
import type { LeaderEpoch, TimestampMs } from "../../model/offsets.ts";
import type { Partition } from "../../partition/partition.ts";
import { listOffsetsRequest, listOffsetsResponse } from "../../wire/api/02_list_offsets.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { describeError, servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";
import { findLed } from "../cluster_view.ts";
import { mapInTurns } from "../turns.ts";

type Request = ValueOf<typeof listOffsetsRequest>;
type Response = AnswerOf<typeof listOffsetsResponse>;
type Asked = Request["topics"][number]["partitions"][number];
type Answer = Response["topics"][number]["partitions"][number];

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;

/** The first version in which each mark is legal. */
const MARK_SINCE: Readonly<Record<number, number>> = {
  [LATEST]: 1,
  [EARLIEST]: 1,
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
  [EARLIEST_PENDING_UPLOAD]: 11,
};

const READ_COMMITTED = 1;
const LEADER_EPOCH_SINCE = 4;

export const listOffsets = servedApi(
  findApi(listOffsetsRequest.apiKey),
  listOffsetsRequest,
  listOffsetsResponse,
  handle,
);

async function handle(request: Request, call: Call): Promise<Response> {
  const { clock } = call.services;
  const isCommitted = request.isolationLevel === READ_COMMITTED;
  const topics = await mapInTurns(clock, request.topics, async ({ name, partitions }) => {
    const repeated = repeatedIndexes(partitions);
    const answers = await mapInTurns(clock, partitions, (asked) =>
      repeated.has(asked.partitionIndex)
        ? failed(asked, ErrorCode.INVALID_REQUEST)
        : answerOne(name, asked, isCommitted, call));
    return { name, partitions: answers };
  });
  return { topics };
}

function repeatedIndexes(partitions: readonly Asked[]): Set<number> {
  const seen = new Set<number>();
  const repeated = new Set<number>();
  for (const { partitionIndex } of partitions) {
    if (seen.has(partitionIndex)) repeated.add(partitionIndex);
    seen.add(partitionIndex);
  }
  return repeated;
}

function answerOne(
  topic: string,
  asked: Asked,
  isCommitted: boolean,
  call: Call,
): Answer | Promise<Answer> {
  const { timestamp } = asked;
  if (timestamp < 0 && !(call.version >= (MARK_SINCE[timestamp] ?? Infinity))) {
    return failed(asked, ErrorCode.UNSUPPORTED_VERSION);
  }
  const epoch = asked.currentLeaderEpoch as LeaderEpoch;
  const partition = findLed(call.services, topic, asked.partitionIndex, epoch);
  if (typeof partition === "number") return failed(asked, partition);
  switch (timestamp) {
    case LATEST: {
      const end = isCommitted ? partition.lastStableOffset : partition.highWatermark;
      return found(asked, -1, end, partition.leaderEpoch, call);
    }
    case EARLIEST:
    case EARLIEST_LOCAL: {
      const start = partition.log.logStartOffset;
      return found(asked, -1, start, partition.log.epochs.epochAt(start), call);
    }
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return found(asked, -1, -1, -1, call);
    default:
      return searchByTime(asked, partition, isCommitted, call);
  }
}

async function searchByTime(
  asked: Asked,
  partition: Partition,
  isCommitted: boolean,
  call: Call,
): Promise<Answer> {
  const isolation = isCommitted ? "committed" : "uncommitted";
  try {
    const hit = await (asked.timestamp === MAX_TIMESTAMP
      ? partition.offsetOfMaxTimestamp(isolation)
      : partition.offsetForTimestamp(asked.timestamp as TimestampMs, isolation));
    if (hit === null) return found(asked, -1, -1, -1, call);
    return found(asked, hit.timestamp, hit.offset, hit.leaderEpoch, call);
  } catch (error) {
    call.services.logger.error(`a lookup by time failed: ${describeError(error)}`, {
      topic: partition.topic,
      partition: partition.index,
    });
    return failed(asked, ErrorCode.KAFKA_STORAGE_ERROR);
  }
}

function found(
  { partitionIndex }: Asked,
  timestamp: number,
  offset: number,
  epoch: number,
  call: Call,
): Answer {
  const leaderEpoch = call.version >= LEADER_EPOCH_SINCE ? epoch : -1;
  return { partitionIndex, errorCode: ErrorCode.NONE, timestamp, offset, leaderEpoch };
}

function failed(asked: Asked, errorCode: ErrorCode): Answer {
  return { partitionIndex: asked.partitionIndex, errorCode };
}
