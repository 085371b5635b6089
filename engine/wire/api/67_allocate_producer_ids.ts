/**
 * AllocateProducerIds (67): the controller gives a broker a block of producer ids (KIP-730).
 *
 * Version 0, flexible. Controller listeners only.
 */
import { int16, int32, int64, message } from "../schema.ts";

export const allocateProducerIdsRequest = message({
  name: "AllocateProducerIdsRequest",
  apiKey: 67,
  type: "request",
  versions: "0",
  flexible: "0+",
  listeners: ["controller"],
  fields: () => ({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
  }),
});

export const allocateProducerIdsResponse = message({
  name: "AllocateProducerIdsResponse",
  apiKey: 67,
  type: "response",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerIdStart: int64(),
    producerIdLen: int32(),
  }),
});
