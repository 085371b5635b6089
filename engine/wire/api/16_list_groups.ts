/**
 * ListGroups (16): the groups that this broker coordinates.
 *
 * Versions 0-5, flexible from 3; filter by state from 4 (KIP-518), by type from 5 (KIP-848).
 */
import { array, int16, int32, message, string } from "../schema.ts";

export const listGroupsRequest = message({
  name: "ListGroupsRequest",
  apiKey: 16,
  type: "request",
  versions: "0-5",
  flexible: "3+",
  listeners: ["broker"],
  fields: () => ({
    statesFilter: array(string(), { versions: "4+" }),
    typesFilter: array(string(), { versions: "5+" }),
  }),
});

export const listGroupsResponse = message({
  name: "ListGroupsResponse",
  apiKey: 16,
  type: "response",
  versions: "0-5",
  flexible: "3+",
  fields: () => ({
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ versions: "4+", ignorable: true }),
      groupType: string({ versions: "5+", ignorable: true }),
    }),
  }),
});
