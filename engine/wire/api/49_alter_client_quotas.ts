/**
 * AlterClientQuotas (49): sets and removes quotas of users, clients and addresses (KIP-546).
 *
 * Versions 0-1, flexible from 1.
 */
import { array, bool, float64, int16, int32, message, nullableString, string } from "../schema.ts";

export const alterClientQuotasRequest = message({
  name: "AlterClientQuotasRequest",
  apiKey: 49,
  type: "request",
  versions: "0-1",
  flexible: "1+",
  listeners: ["broker", "controller"],
  fields: () => ({
    entries: array({
      entity: array({ entityType: string(), entityName: nullableString() }),
      ops: array({ key: string(), value: float64(), remove: bool() }),
    }),
    validateOnly: bool(),
  }),
});

export const alterClientQuotasResponse = message({
  name: "AlterClientQuotasResponse",
  apiKey: 49,
  type: "response",
  versions: "0-1",
  flexible: "1+",
  fields: () => ({
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: nullableString(),
      entity: array({ entityType: string(), entityName: nullableString() }),
    }),
  }),
});
