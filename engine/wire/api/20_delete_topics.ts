/**
 * DeleteTopics (20): deletes topics, each on its own.
 *
 * Versions 1-6, flexible from 4; error messages and throttling from 5 (KIP-599); from 6 topics are
 * structs, by name or by id (KIP-516).
 */
import { array, int16, int32, message, nullableString, string, uuid } from "../schema.ts";

export const deleteTopicsRequest = message({
  name: "DeleteTopicsRequest",
  apiKey: 20,
  type: "request",
  versions: "1-6",
  flexible: "4+",
  listeners: ["broker", "controller"],
  fields: () => ({
    topics: array({ name: nullableString({ default: null }), topicId: uuid() }, { versions: "6+" }),
    topicNames: array(string(), { versions: "1-5", ignorable: true }),
    timeoutMs: int32(),
  }),
});

export const deleteTopicsResponse = message({
  name: "DeleteTopicsResponse",
  apiKey: 20,
  type: "response",
  versions: "1-6",
  flexible: "4+",
  fields: () => ({
    throttleTimeMs: int32(),
    responses: array({
      name: nullableString({ nullable: "6+" }),
      topicId: uuid({ versions: "6+", ignorable: true }),
      errorCode: int16(),
      errorMessage: nullableString({ versions: "5+", default: null, ignorable: true }),
    }),
  }),
});
