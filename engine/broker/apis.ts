import type { ServedApi } from "./call.ts";
import { createAcls, deleteAcls, describeAcls } from "./handlers/acls.ts";
import { alterConfigs } from "./handlers/alter_configs.ts";
import { apiVersions } from "./handlers/api_versions.ts";
import { createPartitions } from "./handlers/create_partitions.ts";
import { createTopics } from "./handlers/create_topics.ts";
import { deleteRecords } from "./handlers/delete_records.ts";
import { deleteTopics } from "./handlers/delete_topics.ts";
import { describeCluster } from "./handlers/describe_cluster.ts";
import { describeConfigs } from "./handlers/describe_configs.ts";
import { describeLogDirs } from "./handlers/describe_log_dirs.ts";
import { describeProducers } from "./handlers/describe_producers.ts";
import { describeTopicPartitions } from "./handlers/describe_topic_partitions.ts";
import { fetch } from "./handlers/fetch.ts";
import { findCoordinator } from "./handlers/find_coordinator.ts";
import { incrementalAlterConfigs } from "./handlers/incremental_alter_configs.ts";
import { initProducerId } from "./handlers/init_producer_id.ts";
import { listOffsets } from "./handlers/list_offsets.ts";
import { metadata } from "./handlers/metadata.ts";
import { offsetForLeaderEpoch } from "./handlers/offset_for_leader_epoch.ts";
import { produce } from "./handlers/produce.ts";

/** Every API that this broker serves, and so advertises. */
export const SERVED_APIS: readonly ServedApi[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  findCoordinator,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeAcls,
  createAcls,
  deleteAcls,
  describeConfigs,
  alterConfigs,
  describeLogDirs,
  createPartitions,
  incrementalAlterConfigs,
  describeCluster,
  describeProducers,
  describeTopicPartitions,
];
