import type { MetadataRecord, RecordOf } from "./records.ts";
import { encodeMetadataRecord } from "./records.ts";

/** Records that this broker keeps for Kafka, and those that take them back. */
type PreservedRecord = RecordOf<
  | "delegationToken"
  | "removeDelegationToken"
  | "userScramCredential"
  | "removeUserScramCredential"
  | "clientQuota"
  | "accessControlEntry"
  | "removeAccessControlEntry"
  | "zkMigrationState"
>;

interface PreservedChange {
  /** What the record is about; a later record with the same key replaces it. */
  readonly key: string;
  /** Null: it is gone. */
  readonly frame: Uint8Array | null;
}

/**
 * Nothing here acts on ACLs, SCRAM credentials, quotas and delegation tokens, but a Kafka that opens
 * the directory later must find them all: they go into every snapshot as they came.
 *
 * Keys begin with a digit that gives Kafka's order within a snapshot.
 */
export function preservedChange(record: PreservedRecord): PreservedChange {
  const frame = () => encodeMetadataRecord(record as MetadataRecord);
  switch (record.kind) {
    case "clientQuota": {
      const entity = record.value.entity.map((part) => [part.entityType, part.entityName]);
      const key = `1 quota ${JSON.stringify([entity.sort(), record.value.key])}`;
      return { key, frame: record.value.remove ? null : frame() };
    }
    case "zkMigrationState":
      return { key: "2 migration", frame: frame() };
    case "accessControlEntry":
      return { key: `3 acl ${record.value.id}`, frame: frame() };
    case "removeAccessControlEntry":
      return { key: `3 acl ${record.value.id}`, frame: null };
    case "userScramCredential":
      return { key: scramKey(record.value), frame: frame() };
    case "removeUserScramCredential":
      return { key: scramKey(record.value), frame: null };
    case "delegationToken":
      return { key: `5 token ${record.value.tokenId}`, frame: frame() };
    case "removeDelegationToken":
      return { key: `5 token ${record.value.tokenId}`, frame: null };
  }
}

function scramKey({ name, mechanism }: { name: string; mechanism: number }): string {
  return `4 scram ${mechanism} ${name}`;
}
