/**
 * The records of the cluster metadata log (`__cluster_metadata`), by record type (`apiKey`). Their
 * frame - frame version, type, version, then the fields below - is metadata/'s business.
 */
import {
  array,
  bool,
  bytes,
  float64,
  int16,
  int32,
  int64,
  int8,
  message,
  nullableArray,
  nullableString,
  string,
  uint16,
  uuid,
} from "../schema.ts";

export const registerBrokerRecord = message({
  name: "RegisterBrokerRecord",
  apiKey: 0,
  type: "data",
  versions: "0-4",
  flexible: "0+",
  fields: () => ({
    brokerId: int32(),
    isMigratingZkBroker: bool({ versions: "2+", default: false }),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    rack: nullableString(),
    fenced: bool({ default: true }),
    inControlledShutdown: bool({ versions: "1+", default: false }),
    logDirs: array(uuid(), { versions: "3+", tag: 0 }),
    cordonedLogDirs: nullableArray(uuid(), { versions: "4+", default: null, tag: 1 }),
  }),
});

export const unregisterBrokerRecord = message({
  name: "UnregisterBrokerRecord",
  apiKey: 1,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    brokerId: int32(),
    brokerEpoch: int64(),
  }),
});

export const topicRecord = message({
  name: "TopicRecord",
  apiKey: 2,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    name: string(),
    topicId: uuid(),
  }),
});

export const partitionRecord = message({
  name: "PartitionRecord",
  apiKey: 3,
  type: "data",
  versions: "0-2",
  flexible: "0+",
  fields: () => ({
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32({ default: -1 }),
    leaderRecoveryState: int8({ default: 0, tag: 0 }),
    leaderEpoch: int32({ default: -1 }),
    partitionEpoch: int32({ default: -1 }),
    directories: array(uuid(), { versions: "1+" }),
    eligibleLeaderReplicas: nullableArray(int32(), { versions: "2+", default: null, tag: 1 }),
    lastKnownElr: nullableArray(int32(), { versions: "2+", default: null, tag: 2 }),
  }),
});

export const configRecord = message({
  name: "ConfigRecord",
  apiKey: 4,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: nullableString(),
  }),
});

export const partitionChangeRecord = message({
  name: "PartitionChangeRecord",
  apiKey: 5,
  type: "data",
  versions: "0-2",
  flexible: "0+",
  fields: () => ({
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    isr: nullableArray(int32(), { default: null, tag: 0 }),
    leader: int32({ default: -2, tag: 1 }),
    replicas: nullableArray(int32(), { default: null, tag: 2 }),
    removingReplicas: nullableArray(int32(), { default: null, tag: 3 }),
    addingReplicas: nullableArray(int32(), { default: null, tag: 4 }),
    leaderRecoveryState: int8({ default: -1, tag: 5 }),
    directories: nullableArray(uuid(), { versions: "1+", default: null, tag: 8 }),
    eligibleLeaderReplicas: nullableArray(int32(), { versions: "2+", default: null, tag: 6 }),
    lastKnownElr: nullableArray(int32(), { versions: "2+", default: null, tag: 7 }),
  }),
});

export const fenceBrokerRecord = message({
  name: "FenceBrokerRecord",
  apiKey: 7,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    id: int32(),
    epoch: int64(),
  }),
});

export const unfenceBrokerRecord = message({
  name: "UnfenceBrokerRecord",
  apiKey: 8,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    id: int32(),
    epoch: int64(),
  }),
});

export const removeTopicRecord = message({
  name: "RemoveTopicRecord",
  apiKey: 9,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    topicId: uuid(),
  }),
});

export const delegationTokenRecord = message({
  name: "DelegationTokenRecord",
  apiKey: 10,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string(),
  }),
});

export const userScramCredentialRecord = message({
  name: "UserScramCredentialRecord",
  apiKey: 11,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32(),
  }),
});

export const featureLevelRecord = message({
  name: "FeatureLevelRecord",
  apiKey: 12,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    name: string(),
    featureLevel: int16(),
  }),
});

export const clientQuotaRecord = message({
  name: "ClientQuotaRecord",
  apiKey: 14,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    entity: array({ entityType: string(), entityName: nullableString() }),
    key: string(),
    value: float64(),
    remove: bool(),
  }),
});

export const producerIdsRecord = message({
  name: "ProducerIdsRecord",
  apiKey: 15,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    nextProducerId: int64(),
  }),
});

export const brokerRegistrationChangeRecord = message({
  name: "BrokerRegistrationChangeRecord",
  apiKey: 17,
  type: "data",
  versions: "0-3",
  flexible: "0+",
  fields: () => ({
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8({ tag: 0 }),
    inControlledShutdown: int8({ versions: "1+", tag: 1 }),
    logDirs: array(uuid(), { versions: "2+", tag: 2 }),
    cordonedLogDirs: nullableArray(uuid(), { versions: "3+", default: null, tag: 3 }),
  }),
});

export const accessControlEntryRecord = message({
  name: "AccessControlEntryRecord",
  apiKey: 18,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  }),
});

export const removeAccessControlEntryRecord = message({
  name: "RemoveAccessControlEntryRecord",
  apiKey: 19,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    id: uuid(),
  }),
});

export const noOpRecord = message({
  name: "NoOpRecord",
  apiKey: 20,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({}),
});

export const zkMigrationStateRecord = message({
  name: "ZkMigrationStateRecord",
  apiKey: 21,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    zkMigrationState: int8(),
  }),
});

export const removeUserScramCredentialRecord = message({
  name: "RemoveUserScramCredentialRecord",
  apiKey: 22,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    name: string(),
    mechanism: int8(),
  }),
});

export const beginTransactionRecord = message({
  name: "BeginTransactionRecord",
  apiKey: 23,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    name: nullableString({ default: null, tag: 0 }),
  }),
});

export const endTransactionRecord = message({
  name: "EndTransactionRecord",
  apiKey: 24,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({}),
});

export const abortTransactionRecord = message({
  name: "AbortTransactionRecord",
  apiKey: 25,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    reason: nullableString({ default: null, tag: 0 }),
  }),
});

export const removeDelegationTokenRecord = message({
  name: "RemoveDelegationTokenRecord",
  apiKey: 26,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    tokenId: string(),
  }),
});

export const registerControllerRecord = message({
  name: "RegisterControllerRecord",
  apiKey: 27,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  }),
});

export const clearElrRecord = message({
  name: "ClearElrRecord",
  apiKey: 28,
  type: "data",
  versions: "0",
  flexible: "0+",
  fields: () => ({
    topicName: string(),
  }),
});
