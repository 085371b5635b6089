/**
 * DescribeClientQuotas (48): quotas of users, clients and addresses that match a filter (KIP-546).
 *
 * Versions 0-1, flexible from 1.
 */
import {
  array,
  bool,
  float64,
  int16,
  int32,
  int8,
  message,
  nullableArray,
  nullableString,
  string,
} from "../schema.ts";

export const describeClientQuotasRequest = message({
  name: "DescribeClientQuotasRequest",
  apiKey: 48,
  type: "request",
  versions: "0-1",
  flexible: "1+",
  listeners: ["broker"],
  fields: () => ({
    components: array({ entityType: string(), matchType: int8(), match: nullableString() }),
    strict: bool(),
  }),
});

export const describeClientQuotasResponse = message({
  name: "DescribeClientQuotasResponse",
  apiKey: 48,
  type: "response",
  versions: "0-1",
  flexible: "1+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    entries: nullableArray({
      entity: array({ entityType: string(), entityName: nullableString() }),
      values: array({ key: string(), value: float64() }),
    }),
  }),
});
