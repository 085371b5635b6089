/**
 * DeleteGroups (42): deletes groups without members, with their offsets (KIP-229).
 *
 * Versions 0-2, flexible from 2.
 */
import { array, int16, int32, message, string } from "../schema.ts";

export const deleteGroupsRequest = message({
  name: "DeleteGroupsRequest",
  apiKey: 42,
  type: "request",
  versions: "0-2",
  flexible: "2+",
  listeners: ["broker"],
  fields: () => ({
    groupsNames: array(string()),
  }),
});

export const deleteGroupsResponse = message({
  name: "DeleteGroupsResponse",
  apiKey: 42,
  type: "response",
  versions: "0-2",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    results: array({ groupId: string(), errorCode: int16() }),
  }),
});
