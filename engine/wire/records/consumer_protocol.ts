/**
 * What classic consumers put into the opaque bytes of JoinGroup and SyncGroup: an int16 version,
 * then these fields. Readers take a version above their own as their highest and ignore what
 * follows.
 */
import { array, int32, message, nullableBytes, nullableString, string } from "../schema.ts";

export const consumerProtocolSubscription = message({
  name: "ConsumerProtocolSubscription",
  type: "data",
  versions: "0-3",
  flexible: "none",
  fields: () => ({
    topics: array(string()),
    userData: nullableBytes({ default: null }),
    ownedPartitions: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      { versions: "1+", ignorable: true },
    ),
    generationId: int32({ versions: "2+", default: -1, ignorable: true }),
    rackId: nullableString({ versions: "3+", default: null, ignorable: true }),
  }),
});

export const consumerProtocolAssignment = message({
  name: "ConsumerProtocolAssignment",
  type: "data",
  versions: "0-3",
  flexible: "none",
  fields: () => ({
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: nullableBytes({ default: null }),
  }),
});
