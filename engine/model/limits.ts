import { assert } from "../base/assert.ts";

/**
 * Bounds of the engine, each with its reason; relations between them are asserted below. The unit
 * comes last in a name.
 */

/** Kafka's own bound: with a partition number and a deletion suffix the directory name stays under 255. */
export const TOPIC_NAME_LENGTH_MAX = 249;

/** A file name's bound on every file system that matters. */
export const FILE_NAME_BYTES_MAX = 255;

/** Partitions that one CreateTopics or CreatePartitions request may add; Kafka's bound. */
export const PARTITIONS_PER_REQUEST_MAX = 10_000;

/** Metadata records of one operation. They form one atomic batch, and Kafka accepts no more in one. */
export const METADATA_RECORDS_PER_OPERATION_MAX = 10_000;

/** Bytes of one metadata batch: Kafka's readers allocate no more for one. */
export const METADATA_BATCH_BYTES_MAX = 8 * 1024 * 1024;

/** UTF-16 units of one config value, as Kafka's controller limits them. */
export const CONFIG_VALUE_LENGTH_MAX = 32_767;

/** Producer ids per block: each block is recorded in the metadata log before its first id is used. */
export const PRODUCER_ID_BLOCK_SIZE = 1000;

/** A file deletion suffix is `-0.` + 32 hex digits + `-delete`, at least. */
const DELETED_SUFFIX_LENGTH_MIN = 42;

assert(
  FILE_NAME_BYTES_MAX - DELETED_SUFFIX_LENGTH_MIN < TOPIC_NAME_LENGTH_MAX,
  "deleted directories of long topic names must be truncated",
);
assert(
  PARTITIONS_PER_REQUEST_MAX <= METADATA_RECORDS_PER_OPERATION_MAX,
  "one request must fit one operation",
);
