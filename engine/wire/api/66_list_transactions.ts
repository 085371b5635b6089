/**
 * ListTransactions (66): transactional ids that this broker coordinates (KIP-664).
 *
 * Versions 0-2, flexible always; filter by age from 1 (KIP-994), by pattern from 2 (KIP-1152).
 */
import { array, int16, int32, int64, message, nullableString, string } from "../schema.ts";

export const listTransactionsRequest = message({
  name: "ListTransactionsRequest",
  apiKey: 66,
  type: "request",
  versions: "0-2",
  flexible: "0+",
  listeners: ["broker"],
  fields: () => ({
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ versions: "1+", default: -1 }),
    transactionalIdPattern: nullableString({ versions: "2+", default: null }),
  }),
});

export const listTransactionsResponse = message({
  name: "ListTransactionsResponse",
  apiKey: 66,
  type: "response",
  versions: "0-2",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  }),
});
