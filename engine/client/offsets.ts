import type { Cluster, TopicPlace } from "./cluster.ts";
import { findErrorMessage } from "./error_message.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError } from "../model/errors.ts";
import type { Offset } from "../model/offsets.ts";
import { listOffsetsRequest, listOffsetsResponse } from "../wire/api/02_list_offsets.ts";

/** Kafka's words for "the end" and "the oldest record" in place of a timestamp. */
export const LATEST = -1;
export const EARLIEST = -2;

/** First offset at or after `timestamp` (ms), or one of the two words; -1 when no record is that new. */
export async function listOffset(
  cluster: Cluster,
  topic: TopicPlace,
  partition: number,
  timestamp: number,
): Promise<Offset> {
  const client = await cluster.broker(topic.leaders[partition] ?? -1);
  const answer = await client.call(
    { request: listOffsetsRequest, response: listOffsetsResponse },
    {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: topic.name, partitions: [{ partitionIndex: partition, timestamp }] }],
    },
  );
  const result = answer.topics[0]!.partitions[0]!;
  if (result.errorCode !== ErrorCode.NONE) {
    const code = result.errorCode as ErrorCode;
    throw new KafkaError(code, `${topic.name} ${partition}: ${findErrorMessage(code)}`);
  }
  return result.offset as Offset;
}
