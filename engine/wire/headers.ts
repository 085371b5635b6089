/**
 * The headers in front of every request and response. Which version applies follows from the
 * body's: see apis.ts.
 */
import { int16, int32, message, nullableString } from "./schema.ts";

export const requestHeader = message({
  name: "RequestHeader",
  type: "header",
  versions: "1-2",
  flexible: "2+",
  fields: () => ({
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: nullableString({ flexible: "none" }),
  }),
});

export const responseHeader = message({
  name: "ResponseHeader",
  type: "header",
  versions: "0-1",
  flexible: "1+",
  fields: () => ({
    correlationId: int32(),
  }),
});
