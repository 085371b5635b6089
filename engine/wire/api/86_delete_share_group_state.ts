/**
 * Request and response of this API key, in every version that Kafka 4.3 serves.
 */
import { array, int16, int32, message, nullableString, string, uuid } from "../schema.ts";

export const deleteShareGroupStateRequest = message({
  name: "DeleteShareGroupStateRequest",
  apiKey: 86,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["broker"],
  fields: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({ partition: int32() }),
    }),
  },
});

export const deleteShareGroupStateResponse = message({
  name: "DeleteShareGroupStateResponse",
  apiKey: 86,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
      }),
    }),
  },
});
