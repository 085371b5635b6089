/**
 * CreateTopics (19): creates topics, each on its own.
 *
 * Versions 2-7, flexible from 5.
 *    4  -1 partitions or replicas mean the broker's defaults (KIP-464)
 *    5  the answer tells counts and configs (KIP-525);  6: may be throttled (KIP-599)
 *    7  the answer tells the topic id (KIP-516)
 */
import {
  array,
  bool,
  int16,
  int32,
  int8,
  message,
  nullableArray,
  nullableString,
  string,
  uuid,
} from "../schema.ts";

export const createTopicsRequest = message({
  name: "CreateTopicsRequest",
  apiKey: 19,
  type: "request",
  versions: "2-7",
  flexible: "5+",
  listeners: ["broker", "controller"],
  fields: () => ({
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: array(int32()) }),
      configs: array({ name: string(), value: nullableString() }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ default: false }),
  }),
});

export const createTopicsResponse = message({
  name: "CreateTopicsResponse",
  apiKey: 19,
  type: "response",
  versions: "2-7",
  flexible: "5+",
  fields: () => ({
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      topicId: uuid({ versions: "7+", ignorable: true }),
      errorCode: int16(),
      errorMessage: nullableString(),
      topicConfigErrorCode: int16({ versions: "5+", tag: 0, ignorable: true }),
      numPartitions: int32({ versions: "5+", default: -1, ignorable: true }),
      replicationFactor: int16({ versions: "5+", default: -1, ignorable: true }),
      configs: nullableArray(
        {
          name: string(),
          value: nullableString(),
          readOnly: bool(),
          configSource: int8({ default: -1 }),
          isSensitive: bool(),
        },
        { versions: "5+", ignorable: true },
      ),
    }),
  }),
});
