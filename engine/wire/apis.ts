import { produceRequest, produceResponse } from "./api/00_produce.ts";
import { fetchRequest, fetchResponse } from "./api/01_fetch.ts";
import { listOffsetsRequest, listOffsetsResponse } from "./api/02_list_offsets.ts";
import { metadataRequest, metadataResponse } from "./api/03_metadata.ts";
import { offsetCommitRequest, offsetCommitResponse } from "./api/08_offset_commit.ts";
import { offsetFetchRequest, offsetFetchResponse } from "./api/09_offset_fetch.ts";
import { findCoordinatorRequest, findCoordinatorResponse } from "./api/10_find_coordinator.ts";
import { joinGroupRequest, joinGroupResponse } from "./api/11_join_group.ts";
import { heartbeatRequest, heartbeatResponse } from "./api/12_heartbeat.ts";
import { leaveGroupRequest, leaveGroupResponse } from "./api/13_leave_group.ts";
import { syncGroupRequest, syncGroupResponse } from "./api/14_sync_group.ts";
import { describeGroupsRequest, describeGroupsResponse } from "./api/15_describe_groups.ts";
import { listGroupsRequest, listGroupsResponse } from "./api/16_list_groups.ts";
import { saslHandshakeRequest, saslHandshakeResponse } from "./api/17_sasl_handshake.ts";
import { apiVersionsRequest, apiVersionsResponse } from "./api/18_api_versions.ts";
import { createTopicsRequest, createTopicsResponse } from "./api/19_create_topics.ts";
import { deleteTopicsRequest, deleteTopicsResponse } from "./api/20_delete_topics.ts";
import { deleteRecordsRequest, deleteRecordsResponse } from "./api/21_delete_records.ts";
import { initProducerIdRequest, initProducerIdResponse } from "./api/22_init_producer_id.ts";
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from "./api/23_offset_for_leader_epoch.ts";
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from "./api/24_add_partitions_to_txn.ts";
import { addOffsetsToTxnRequest, addOffsetsToTxnResponse } from "./api/25_add_offsets_to_txn.ts";
import { endTxnRequest, endTxnResponse } from "./api/26_end_txn.ts";
import { writeTxnMarkersRequest, writeTxnMarkersResponse } from "./api/27_write_txn_markers.ts";
import { txnOffsetCommitRequest, txnOffsetCommitResponse } from "./api/28_txn_offset_commit.ts";
import { describeAclsRequest, describeAclsResponse } from "./api/29_describe_acls.ts";
import { createAclsRequest, createAclsResponse } from "./api/30_create_acls.ts";
import { deleteAclsRequest, deleteAclsResponse } from "./api/31_delete_acls.ts";
import { describeConfigsRequest, describeConfigsResponse } from "./api/32_describe_configs.ts";
import { alterConfigsRequest, alterConfigsResponse } from "./api/33_alter_configs.ts";
import {
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from "./api/34_alter_replica_log_dirs.ts";
import { describeLogDirsRequest, describeLogDirsResponse } from "./api/35_describe_log_dirs.ts";
import { saslAuthenticateRequest, saslAuthenticateResponse } from "./api/36_sasl_authenticate.ts";
import { createPartitionsRequest, createPartitionsResponse } from "./api/37_create_partitions.ts";
import {
  createDelegationTokenRequest,
  createDelegationTokenResponse,
} from "./api/38_create_delegation_token.ts";
import {
  renewDelegationTokenRequest,
  renewDelegationTokenResponse,
} from "./api/39_renew_delegation_token.ts";
import {
  expireDelegationTokenRequest,
  expireDelegationTokenResponse,
} from "./api/40_expire_delegation_token.ts";
import {
  describeDelegationTokenRequest,
  describeDelegationTokenResponse,
} from "./api/41_describe_delegation_token.ts";
import { deleteGroupsRequest, deleteGroupsResponse } from "./api/42_delete_groups.ts";
import { electLeadersRequest, electLeadersResponse } from "./api/43_elect_leaders.ts";
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from "./api/44_incremental_alter_configs.ts";
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from "./api/45_alter_partition_reassignments.ts";
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from "./api/46_list_partition_reassignments.ts";
import { offsetDeleteRequest, offsetDeleteResponse } from "./api/47_offset_delete.ts";
import {
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from "./api/48_describe_client_quotas.ts";
import {
  alterClientQuotasRequest,
  alterClientQuotasResponse,
} from "./api/49_alter_client_quotas.ts";
import {
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
} from "./api/50_describe_user_scram_credentials.ts";
import {
  alterUserScramCredentialsRequest,
  alterUserScramCredentialsResponse,
} from "./api/51_alter_user_scram_credentials.ts";
import { voteRequest, voteResponse } from "./api/52_vote.ts";
import { beginQuorumEpochRequest, beginQuorumEpochResponse } from "./api/53_begin_quorum_epoch.ts";
import { endQuorumEpochRequest, endQuorumEpochResponse } from "./api/54_end_quorum_epoch.ts";
import { describeQuorumRequest, describeQuorumResponse } from "./api/55_describe_quorum.ts";
import { alterPartitionRequest, alterPartitionResponse } from "./api/56_alter_partition.ts";
import { updateFeaturesRequest, updateFeaturesResponse } from "./api/57_update_features.ts";
import { envelopeRequest, envelopeResponse } from "./api/58_envelope.ts";
import { fetchSnapshotRequest, fetchSnapshotResponse } from "./api/59_fetch_snapshot.ts";
import { describeClusterRequest, describeClusterResponse } from "./api/60_describe_cluster.ts";
import {
  describeProducersRequest,
  describeProducersResponse,
} from "./api/61_describe_producers.ts";
import {
  brokerRegistrationRequest,
  brokerRegistrationResponse,
} from "./api/62_broker_registration.ts";
import { brokerHeartbeatRequest, brokerHeartbeatResponse } from "./api/63_broker_heartbeat.ts";
import { unregisterBrokerRequest, unregisterBrokerResponse } from "./api/64_unregister_broker.ts";
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from "./api/65_describe_transactions.ts";
import { listTransactionsRequest, listTransactionsResponse } from "./api/66_list_transactions.ts";
import {
  allocateProducerIdsRequest,
  allocateProducerIdsResponse,
} from "./api/67_allocate_producer_ids.ts";
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from "./api/68_consumer_group_heartbeat.ts";
import {
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from "./api/69_consumer_group_describe.ts";
import {
  controllerRegistrationRequest,
  controllerRegistrationResponse,
} from "./api/70_controller_registration.ts";
import {
  getTelemetrySubscriptionsRequest,
  getTelemetrySubscriptionsResponse,
} from "./api/71_get_telemetry_subscriptions.ts";
import { pushTelemetryRequest, pushTelemetryResponse } from "./api/72_push_telemetry.ts";
import {
  assignReplicasToDirsRequest,
  assignReplicasToDirsResponse,
} from "./api/73_assign_replicas_to_dirs.ts";
import {
  listConfigResourcesRequest,
  listConfigResourcesResponse,
} from "./api/74_list_config_resources.ts";
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from "./api/75_describe_topic_partitions.ts";
import {
  shareGroupHeartbeatRequest,
  shareGroupHeartbeatResponse,
} from "./api/76_share_group_heartbeat.ts";
import {
  shareGroupDescribeRequest,
  shareGroupDescribeResponse,
} from "./api/77_share_group_describe.ts";
import { shareFetchRequest, shareFetchResponse } from "./api/78_share_fetch.ts";
import { shareAcknowledgeRequest, shareAcknowledgeResponse } from "./api/79_share_acknowledge.ts";
import { addRaftVoterRequest, addRaftVoterResponse } from "./api/80_add_raft_voter.ts";
import { removeRaftVoterRequest, removeRaftVoterResponse } from "./api/81_remove_raft_voter.ts";
import { updateRaftVoterRequest, updateRaftVoterResponse } from "./api/82_update_raft_voter.ts";
import {
  initializeShareGroupStateRequest,
  initializeShareGroupStateResponse,
} from "./api/83_initialize_share_group_state.ts";
import {
  readShareGroupStateRequest,
  readShareGroupStateResponse,
} from "./api/84_read_share_group_state.ts";
import {
  writeShareGroupStateRequest,
  writeShareGroupStateResponse,
} from "./api/85_write_share_group_state.ts";
import {
  deleteShareGroupStateRequest,
  deleteShareGroupStateResponse,
} from "./api/86_delete_share_group_state.ts";
import {
  readShareGroupStateSummaryRequest,
  readShareGroupStateSummaryResponse,
} from "./api/87_read_share_group_state_summary.ts";
import {
  streamsGroupHeartbeatRequest,
  streamsGroupHeartbeatResponse,
} from "./api/88_streams_group_heartbeat.ts";
import {
  streamsGroupDescribeRequest,
  streamsGroupDescribeResponse,
} from "./api/89_streams_group_describe.ts";
import {
  describeShareGroupOffsetsRequest,
  describeShareGroupOffsetsResponse,
} from "./api/90_describe_share_group_offsets.ts";
import {
  alterShareGroupOffsetsRequest,
  alterShareGroupOffsetsResponse,
} from "./api/91_alter_share_group_offsets.ts";
import {
  deleteShareGroupOffsetsRequest,
  deleteShareGroupOffsetsResponse,
} from "./api/92_delete_share_group_offsets.ts";
import type { Listener, Message } from "./schema.ts";
import type { VersionRange } from "./version_range.ts";
import { includesVersion } from "./version_range.ts";
import { assert } from "../base/assert.ts";

/** One API key: what is asked, what is answered, in which versions. */
export interface Api {
  readonly key: number;
  readonly name: string;
  readonly request: Message;
  readonly response: Message;
  /** What is decoded and answered. */
  readonly versions: VersionRange;
  /** What ApiVersions tells: differs for Produce, and where the newest version is unstable. */
  readonly advertisedVersions: VersionRange;
  readonly flexible: VersionRange;
  /** Where Kafka serves it. */
  readonly listeners: readonly Listener[];
}

const PRODUCE = 0;
const API_VERSIONS = 18;

/**
 * Produce is advertised from version 0, though only 3 and above are served: librdkafka before 2.15
 * switches compression off when the old versions are missing (KAFKA-18659).
 */
const PRODUCE_ADVERTISED_FIRST = 0;

/** Every API key of Kafka 4.3, in the order of the keys. 4 to 7 were removed in 4.0. */
export const APIS: readonly Api[] = [
  api("Produce", produceRequest, produceResponse),
  api("Fetch", fetchRequest, fetchResponse),
  api("ListOffsets", listOffsetsRequest, listOffsetsResponse),
  api("Metadata", metadataRequest, metadataResponse),
  api("OffsetCommit", offsetCommitRequest, offsetCommitResponse),
  api("OffsetFetch", offsetFetchRequest, offsetFetchResponse),
  api("FindCoordinator", findCoordinatorRequest, findCoordinatorResponse),
  api("JoinGroup", joinGroupRequest, joinGroupResponse),
  api("Heartbeat", heartbeatRequest, heartbeatResponse),
  api("LeaveGroup", leaveGroupRequest, leaveGroupResponse),
  api("SyncGroup", syncGroupRequest, syncGroupResponse),
  api("DescribeGroups", describeGroupsRequest, describeGroupsResponse),
  api("ListGroups", listGroupsRequest, listGroupsResponse),
  api("SaslHandshake", saslHandshakeRequest, saslHandshakeResponse),
  api("ApiVersions", apiVersionsRequest, apiVersionsResponse),
  api("CreateTopics", createTopicsRequest, createTopicsResponse),
  api("DeleteTopics", deleteTopicsRequest, deleteTopicsResponse),
  api("DeleteRecords", deleteRecordsRequest, deleteRecordsResponse),
  api("InitProducerId", initProducerIdRequest, initProducerIdResponse),
  api("OffsetForLeaderEpoch", offsetForLeaderEpochRequest, offsetForLeaderEpochResponse),
  api("AddPartitionsToTxn", addPartitionsToTxnRequest, addPartitionsToTxnResponse),
  api("AddOffsetsToTxn", addOffsetsToTxnRequest, addOffsetsToTxnResponse),
  api("EndTxn", endTxnRequest, endTxnResponse),
  api("WriteTxnMarkers", writeTxnMarkersRequest, writeTxnMarkersResponse),
  api("TxnOffsetCommit", txnOffsetCommitRequest, txnOffsetCommitResponse),
  api("DescribeAcls", describeAclsRequest, describeAclsResponse),
  api("CreateAcls", createAclsRequest, createAclsResponse),
  api("DeleteAcls", deleteAclsRequest, deleteAclsResponse),
  api("DescribeConfigs", describeConfigsRequest, describeConfigsResponse),
  api("AlterConfigs", alterConfigsRequest, alterConfigsResponse),
  api("AlterReplicaLogDirs", alterReplicaLogDirsRequest, alterReplicaLogDirsResponse),
  api("DescribeLogDirs", describeLogDirsRequest, describeLogDirsResponse),
  api("SaslAuthenticate", saslAuthenticateRequest, saslAuthenticateResponse),
  api("CreatePartitions", createPartitionsRequest, createPartitionsResponse),
  api("CreateDelegationToken", createDelegationTokenRequest, createDelegationTokenResponse),
  api("RenewDelegationToken", renewDelegationTokenRequest, renewDelegationTokenResponse),
  api("ExpireDelegationToken", expireDelegationTokenRequest, expireDelegationTokenResponse),
  api("DescribeDelegationToken", describeDelegationTokenRequest, describeDelegationTokenResponse),
  api("DeleteGroups", deleteGroupsRequest, deleteGroupsResponse),
  api("ElectLeaders", electLeadersRequest, electLeadersResponse),
  api("IncrementalAlterConfigs", incrementalAlterConfigsRequest, incrementalAlterConfigsResponse),
  api(
    "AlterPartitionReassignments",
    alterPartitionReassignmentsRequest,
    alterPartitionReassignmentsResponse,
  ),
  api(
    "ListPartitionReassignments",
    listPartitionReassignmentsRequest,
    listPartitionReassignmentsResponse,
  ),
  api("OffsetDelete", offsetDeleteRequest, offsetDeleteResponse),
  api("DescribeClientQuotas", describeClientQuotasRequest, describeClientQuotasResponse),
  api("AlterClientQuotas", alterClientQuotasRequest, alterClientQuotasResponse),
  api(
    "DescribeUserScramCredentials",
    describeUserScramCredentialsRequest,
    describeUserScramCredentialsResponse,
  ),
  api(
    "AlterUserScramCredentials",
    alterUserScramCredentialsRequest,
    alterUserScramCredentialsResponse,
  ),
  api("Vote", voteRequest, voteResponse),
  api("BeginQuorumEpoch", beginQuorumEpochRequest, beginQuorumEpochResponse),
  api("EndQuorumEpoch", endQuorumEpochRequest, endQuorumEpochResponse),
  api("DescribeQuorum", describeQuorumRequest, describeQuorumResponse),
  api("AlterPartition", alterPartitionRequest, alterPartitionResponse),
  api("UpdateFeatures", updateFeaturesRequest, updateFeaturesResponse),
  api("Envelope", envelopeRequest, envelopeResponse),
  api("FetchSnapshot", fetchSnapshotRequest, fetchSnapshotResponse),
  api("DescribeCluster", describeClusterRequest, describeClusterResponse),
  api("DescribeProducers", describeProducersRequest, describeProducersResponse),
  api("BrokerRegistration", brokerRegistrationRequest, brokerRegistrationResponse),
  api("BrokerHeartbeat", brokerHeartbeatRequest, brokerHeartbeatResponse),
  api("UnregisterBroker", unregisterBrokerRequest, unregisterBrokerResponse),
  api("DescribeTransactions", describeTransactionsRequest, describeTransactionsResponse),
  api("ListTransactions", listTransactionsRequest, listTransactionsResponse),
  api("AllocateProducerIds", allocateProducerIdsRequest, allocateProducerIdsResponse),
  api("ConsumerGroupHeartbeat", consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse),
  api("ConsumerGroupDescribe", consumerGroupDescribeRequest, consumerGroupDescribeResponse),
  api("ControllerRegistration", controllerRegistrationRequest, controllerRegistrationResponse),
  api(
    "GetTelemetrySubscriptions",
    getTelemetrySubscriptionsRequest,
    getTelemetrySubscriptionsResponse,
  ),
  api("PushTelemetry", pushTelemetryRequest, pushTelemetryResponse),
  api("AssignReplicasToDirs", assignReplicasToDirsRequest, assignReplicasToDirsResponse),
  api("ListConfigResources", listConfigResourcesRequest, listConfigResourcesResponse),
  api("DescribeTopicPartitions", describeTopicPartitionsRequest, describeTopicPartitionsResponse),
  api("ShareGroupHeartbeat", shareGroupHeartbeatRequest, shareGroupHeartbeatResponse),
  api("ShareGroupDescribe", shareGroupDescribeRequest, shareGroupDescribeResponse),
  api("ShareFetch", shareFetchRequest, shareFetchResponse),
  api("ShareAcknowledge", shareAcknowledgeRequest, shareAcknowledgeResponse),
  api("AddRaftVoter", addRaftVoterRequest, addRaftVoterResponse),
  api("RemoveRaftVoter", removeRaftVoterRequest, removeRaftVoterResponse),
  api("UpdateRaftVoter", updateRaftVoterRequest, updateRaftVoterResponse),
  api(
    "InitializeShareGroupState",
    initializeShareGroupStateRequest,
    initializeShareGroupStateResponse,
  ),
  api("ReadShareGroupState", readShareGroupStateRequest, readShareGroupStateResponse),
  api("WriteShareGroupState", writeShareGroupStateRequest, writeShareGroupStateResponse),
  api("DeleteShareGroupState", deleteShareGroupStateRequest, deleteShareGroupStateResponse),
  api(
    "ReadShareGroupStateSummary",
    readShareGroupStateSummaryRequest,
    readShareGroupStateSummaryResponse,
  ),
  api("StreamsGroupHeartbeat", streamsGroupHeartbeatRequest, streamsGroupHeartbeatResponse),
  api("StreamsGroupDescribe", streamsGroupDescribeRequest, streamsGroupDescribeResponse),
  api(
    "DescribeShareGroupOffsets",
    describeShareGroupOffsetsRequest,
    describeShareGroupOffsetsResponse,
  ),
  api("AlterShareGroupOffsets", alterShareGroupOffsetsRequest, alterShareGroupOffsetsResponse),
  api("DeleteShareGroupOffsets", deleteShareGroupOffsetsRequest, deleteShareGroupOffsetsResponse),
];

const byKey: (Api | undefined)[] = [];
for (const one of APIS) byKey[one.key] = one;

export function findApi(apiKey: number): Api | undefined {
  return byKey[apiKey];
}

export function isSupported(api: Api, version: number): boolean {
  return includesVersion(api.versions, version);
}

/**
 * The header of a request: version 2, with tagged fields, for flexible bodies, otherwise version 1.
 */
export function requestHeaderVersion(api: Api, version: number): number {
  return includesVersion(api.flexible, version) ? 2 : 1;
}

/**
 * The header of a response: version 1 for flexible bodies, otherwise version 0. ApiVersions stays
 * at 0: a client that asked in a version unknown here must still be able to read the answer
 * (KIP-511).
 */
export function responseHeaderVersion(api: Api, version: number): number {
  return api.key !== API_VERSIONS && includesVersion(api.flexible, version) ? 1 : 0;
}

function api(name: string, request: Message, response: Message): Api {
  const { apiKey: key, versions } = request;
  assert(key === response.apiKey, "request and response of two keys", key, response.apiKey);
  return {
    key,
    name,
    request,
    response,
    versions,
    advertisedVersions: advertised(request),
    flexible: request.flexible,
    listeners: request.listeners,
  };
}

function advertised(request: Message): VersionRange {
  const { first, last } = request.versions;
  if (request.apiKey === PRODUCE) return { first: PRODUCE_ADVERTISED_FIRST, last };
  return request.latestVersionUnstable ? { first, last: last - 1 } : request.versions;
}
