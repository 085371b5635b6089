import { APIS } from "../../engine/wire/apis.ts";
import * as headers from "../../engine/wire/headers.ts";
import * as consumerProtocol from "../../engine/wire/records/consumer_protocol.ts";
import * as controlRecords from "../../engine/wire/records/control_records.ts";
import * as groupRecords from "../../engine/wire/records/group_records.ts";
import * as metadataRecords from "../../engine/wire/records/metadata_records.ts";
import * as principal from "../../engine/wire/records/principal.ts";
import * as quorumState from "../../engine/wire/records/quorum_state.ts";
import * as shareGroupRecords from "../../engine/wire/records/share_group_records.ts";
import * as streamsGroupRecords from "../../engine/wire/records/streams_group_records.ts";
import * as transactionRecords from "../../engine/wire/records/transaction_records.ts";
import type { Message } from "../../engine/wire/schema.ts";

/** Every declared message. */
export const ALL_MESSAGES: readonly Message[] = [
  ...APIS.flatMap((api) => [api.request, api.response]),
  ...[
    headers,
    consumerProtocol,
    controlRecords,
    groupRecords,
    metadataRecords,
    principal,
    quorumState,
    shareGroupRecords,
    streamsGroupRecords,
    transactionRecords,
  ].flatMap((module): Message[] => Object.values(module)),
];

/** Calls back for every message in every version. */
export function forEachVersion(visit: (message: Message, version: number) => void): void {
  for (const message of ALL_MESSAGES) {
    for (let version = message.versions.first; version <= message.versions.last; version++) {
      visit(message, version);
    }
  }
}
