import { VarintCursor, sizeOfUvarint, writeUvarint } from "../base/varint.ts";
import { DataDirectoryError } from "../model/errors.ts";
import { decodeExactly, encode } from "../wire/codec.ts";
import * as declared from "../wire/records/metadata_records.ts";
import { interpretDecode, interpretEncode } from "./record_interpreter.ts";
import type { Fields, InputOf, Message, ValueOf } from "../wire/schema.ts";
import { includesVersion } from "../wire/version_range.ts";

/**
 * The records of `__cluster_metadata`: what they are, and their frame.
 *
 *   frame version uvarint (1) | record type uvarint | version uvarint | body
 *
 * Every record of Kafka 4.3 is known. One that is not, or one in a later version, comes from a newer
 * Kafka: the directory is refused rather than half understood.
 */
const RECORD_MESSAGES = {
  registerBroker: declared.registerBrokerRecord,
  unregisterBroker: declared.unregisterBrokerRecord,
  topic: declared.topicRecord,
  partition: declared.partitionRecord,
  config: declared.configRecord,
  partitionChange: declared.partitionChangeRecord,
  fenceBroker: declared.fenceBrokerRecord,
  unfenceBroker: declared.unfenceBrokerRecord,
  removeTopic: declared.removeTopicRecord,
  delegationToken: declared.delegationTokenRecord,
  userScramCredential: declared.userScramCredentialRecord,
  featureLevel: declared.featureLevelRecord,
  clientQuota: declared.clientQuotaRecord,
  producerIds: declared.producerIdsRecord,
  brokerRegistrationChange: declared.brokerRegistrationChangeRecord,
  accessControlEntry: declared.accessControlEntryRecord,
  removeAccessControlEntry: declared.removeAccessControlEntryRecord,
  noOp: declared.noOpRecord,
  zkMigrationState: declared.zkMigrationStateRecord,
  removeUserScramCredential: declared.removeUserScramCredentialRecord,
  beginTransaction: declared.beginTransactionRecord,
  endTransaction: declared.endTransactionRecord,
  abortTransaction: declared.abortTransactionRecord,
  removeDelegationToken: declared.removeDelegationTokenRecord,
  registerController: declared.registerControllerRecord,
  clearElr: declared.clearElrRecord,
} as const;

export type RecordKind = keyof typeof RECORD_MESSAGES;

/** A record as it was read: every field is there. */
export type RecordOf<Kind extends RecordKind> = {
  readonly [K in Kind]: {
    readonly kind: K;
    readonly version: number;
    readonly value: ValueOf<(typeof RECORD_MESSAGES)[K]>;
  };
}[Kind];

export type MetadataRecord = RecordOf<RecordKind>;
export type ValueOfRecord<Kind extends RecordKind> = ValueOf<(typeof RECORD_MESSAGES)[Kind]>;
export type InputOfRecord<Kind extends RecordKind> = InputOf<(typeof RECORD_MESSAGES)[Kind]>;

const FRAME_VERSION = 1;

const KINDS_BY_TYPE = new Map<number, RecordKind>(
  (Object.keys(RECORD_MESSAGES) as RecordKind[]).map((kind) => [RECORD_MESSAGES[kind].apiKey, kind]),
);

/** The bytes of a record's value in the log. */
export function encodeMetadataRecord(record: MetadataRecord): Uint8Array {
  const message = RECORD_MESSAGES[record.kind] as Message<Fields>;
  const body = isRare(message)
    ? interpretEncode(message, record.version, record.value)
    : encode(message, record.version, record.value);
  const { apiKey } = message;
  const head = sizeOfUvarint(FRAME_VERSION) + sizeOfUvarint(apiKey) + sizeOfUvarint(record.version);
  const bytes = new Uint8Array(head + body.length);
  let at = writeUvarint(bytes, 0, FRAME_VERSION);
  at = writeUvarint(bytes, at, apiKey);
  at = writeUvarint(bytes, at, record.version);
  bytes.set(body, at);
  return bytes;
}

/**
 * Reads a record's value. Throws DataDirectoryError: NEWER_FORMAT for a frame, type or version that is
 * not known, DAMAGED for bytes that do not follow their declaration.
 */
export function decodeMetadataRecord(bytes: Uint8Array): MetadataRecord {
  const cursor = new VarintCursor(bytes, 0, bytes.length);
  const frame = cursor.readUvarint();
  const type = cursor.readUvarint();
  const version = cursor.readUvarint();
  if (cursor.bad) throw damaged("its frame is cut short");
  if (frame !== FRAME_VERSION) throw newer(`frame version ${frame}`);
  const kind = KINDS_BY_TYPE.get(type);
  if (kind === undefined) throw newer(`record type ${type}`);
  const message = RECORD_MESSAGES[kind] as Message<Fields>;
  if (!includesVersion(message.versions, version)) throw newer(`${message.name} version ${version}`);
  try {
    const value = isRare(message)
      ? interpretDecode(message, version, bytes, cursor.at)
      : decodeExactly(message, version, bytes, cursor.at, bytes.length);
    return { kind, version, value } as MetadataRecord;
  } catch (error) {
    throw damaged(message.name, error);
  }
}

/** A kind of record met so rarely that a compiled codec would cost more than it saves. */
function isRare(message: Message<Fields>): boolean {
  const uses = (USES.get(message) ?? 0) + 1;
  if (uses <= INTERPRETED_USES) USES.set(message, uses);
  return uses <= INTERPRETED_USES;
}

const USES = new Map<Message<Fields>, number>();

/** About where interpreting has cost what compiling does (bench/micro/metadata.bench.ts). */
const INTERPRETED_USES = 100;

function newer(what: string): DataDirectoryError {
  return new DataDirectoryError(
    "NEWER_FORMAT",
    `the metadata log holds ${what}, which this version does not know: a newer Kafka wrote it`,
  );
}

function damaged(what: string, cause?: unknown): DataDirectoryError {
  return new DataDirectoryError("DAMAGED", `a record of the metadata log is damaged: ${what}`, cause);
}
