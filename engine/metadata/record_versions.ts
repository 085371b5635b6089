/**
 * metadata.version levels that matter here, and what each allows to be written: a record in a later
 * version than the finalized level would stop an older Kafka of the cluster (KIP-584).
 */

/** 4.3-IV0: the level that a new directory is formatted with, and the highest that is understood. */
export const METADATA_VERSION_LATEST = 30;
/** 3.3-IV3: what Kafka 4 needs at least. */
export const METADATA_VERSION_MIN = 7;

/**
 * The features that clients are told of, with the levels that are served. A directory of Kafka's may
 * have others finalized - transaction.version, group.version - which a client that sees them would use.
 */
export const SERVED_FEATURES: ReadonlyMap<string, { readonly min: number; readonly max: number }> =
  new Map([["metadata.version", { min: METADATA_VERSION_MIN, max: METADATA_VERSION_LATEST }]]);

const VERSION_3_4_IV0 = 8;
const VERSION_3_6_IV1 = 13;
const VERSION_3_7_IV0 = 15;
const VERSION_3_7_IV2 = 17;
const VERSION_4_0_IV1 = 23;
const VERSION_4_3_IV0 = METADATA_VERSION_LATEST;

export function registerBrokerVersion(metadataVersion: number): number {
  if (metadataVersion >= VERSION_4_3_IV0) return 4;
  if (metadataVersion >= VERSION_3_7_IV2) return 3;
  return metadataVersion >= VERSION_3_4_IV0 ? 2 : 1;
}

export function brokerRegistrationChangeVersion(metadataVersion: number): number {
  if (metadataVersion >= VERSION_4_3_IV0) return 3;
  return metadataVersion >= VERSION_3_7_IV2 ? 2 : 1;
}

/** Of PartitionRecord and PartitionChangeRecord. */
export function partitionVersion(metadataVersion: number): number {
  if (metadataVersion >= VERSION_4_0_IV1) return 2;
  return metadataVersion >= VERSION_3_7_IV2 ? 1 : 0;
}

/** KIP-868: BeginTransaction, EndTransaction, AbortTransaction. */
export function allowsTransactions(metadataVersion: number): boolean {
  return metadataVersion >= VERSION_3_6_IV1;
}

/** KIP-919: RegisterControllerRecord. */
export function allowsControllerRegistration(metadataVersion: number): boolean {
  return metadataVersion >= VERSION_3_7_IV0;
}
