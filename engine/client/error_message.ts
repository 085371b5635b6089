import { ErrorCode, errorName } from "../model/error_code.ts";

/** Sentences for the codes that a person at a command line is likely to meet. */
const SENTENCES: ReadonlyMap<number, string> = new Map([
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "there is no such topic or partition"],
  [ErrorCode.UNKNOWN_TOPIC_ID, "there is no topic with this id"],
  [ErrorCode.TOPIC_ALREADY_EXISTS, "the topic exists already"],
  [ErrorCode.INVALID_TOPIC_EXCEPTION, "not a legal topic name: use letters, digits, '.', '_' and '-'"],
  [ErrorCode.OFFSET_OUT_OF_RANGE, "the offset is not in the log"],
  [ErrorCode.MESSAGE_TOO_LARGE, "a batch is larger than max.message.bytes allows"],
  [ErrorCode.LEADER_NOT_AVAILABLE, "no broker leads the partition now: try again"],
  [ErrorCode.KAFKA_STORAGE_ERROR, "the broker's disk failed or is full: see the broker's log"],
  [ErrorCode.CORRUPT_MESSAGE, "a batch arrived damaged"],
  [ErrorCode.INVALID_TIMESTAMP, "a timestamp lies outside what the topic allows"],
  [ErrorCode.INVALID_RECORD, "the broker refused a record"],
]);

/** What a code means, for people. */
export function findErrorMessage(code: number): string {
  return SENTENCES.get(code) ?? errorName(code);
}
