/**
 * DeleteRecords (21), versions 0-2: moves the log start offset forward.
 *
 * - Offset -1 means the high watermark; beyond it, or any other negative one, is OFFSET_OUT_OF_RANGE.
 * - A topic whose cleanup policy does not delete is POLICY_VIOLATION, an internal topic
 *   INVALID_TOPIC_EXCEPTION.
 * - Of a partition named twice the last offset counts, as in Kafka.
 */
import { ErrorCode } from "../../model/error_code.ts";
import { KafkaError } from "../../model/errors.ts";
import { NO_EPOCH } from "../../model/offsets.ts";
import type { Offset } from "../../model/offsets.ts";
import { isInternalTopic } from "../../model/topic_name.ts";
import { deleteRecordsRequest, deleteRecordsResponse } from "../../wire/api/21_delete_records.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";
import { findLed } from "../cluster_view.ts";
import { mapInTurns } from "../turns.ts";

type Request = ValueOf<typeof deleteRecordsRequest>;
type Response = AnswerOf<typeof deleteRecordsResponse>;
type Answer = Response["topics"][number]["partitions"][number];

export const deleteRecords = servedApi(
  findApi(deleteRecordsRequest.apiKey),
  deleteRecordsRequest,
  deleteRecordsResponse,
  handle,
);

async function handle(request: Request, call: Call): Promise<Response> {
  const { clock } = call.services;
  const topics = await mapInTurns(clock, request.topics, async ({ name, partitions }) => {
    const last = new Map(partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
    const answers = await mapInTurns(clock, last, ([partitionIndex, offset]) =>
      deleteUpTo(name, partitionIndex, offset as Offset, call));
    return { name, partitions: answers };
  });
  // An answer is a promise: without this a crash within the minute would bring the records back.
  const failure = await persistenceFailure(call);
  if (failure === null) return { topics };
  const refused = (answer: Answer): Answer =>
    answer.errorCode === ErrorCode.NONE ? { ...answer, lowWatermark: -1, errorCode: failure } : answer;
  return { topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(refused) })) };
}

async function persistenceFailure(call: Call): Promise<ErrorCode | null> {
  try {
    await call.services.store.persistLogStarts();
    return null;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return error.errorCode;
  }
}

function deleteUpTo(topic: string, partitionIndex: number, offset: Offset, call: Call): Answer {
  const failed = (errorCode: ErrorCode) => ({ partitionIndex, lowWatermark: -1, errorCode });
  if (isInternalTopic(topic)) return failed(ErrorCode.INVALID_TOPIC_EXCEPTION);
  const partition = findLed(call.services, topic, partitionIndex, NO_EPOCH);
  if (typeof partition === "number") return failed(partition);
  const { cleanupPolicy } = partition.log.config;
  if (!cleanupPolicy.includes("delete")) return failed(ErrorCode.POLICY_VIOLATION);
  try {
    const lowWatermark = partition.deleteRecordsBefore(offset);
    if (lowWatermark === null) return failed(ErrorCode.OFFSET_OUT_OF_RANGE);
    return { partitionIndex, lowWatermark, errorCode: ErrorCode.NONE };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return failed(error.errorCode);
  }
}
