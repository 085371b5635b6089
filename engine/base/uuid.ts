import type { Brand } from "./brand.ts";
import { assert } from "./assert.ts";

/**
 * A 128-bit id in Kafka's text form: 22 characters of URL-safe base64 without padding. Topic ids,
 * directory ids and cluster ids all look like this. Text, so that it serves as a map key.
 */
export type Uuid = Brand<string, "Uuid">;

export const UUID_BYTES = 16;
const UUID_TEXT_LENGTH = 22;

/** All zero bytes: "no id" on the wire. */
export const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA" as Uuid;

/** The topic id of `__cluster_metadata` (Kafka: Uuid.METADATA_TOPIC_ID). */
export const METADATA_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAQ" as Uuid;

export function uuidFromBytes(bytes: Uint8Array, at = 0): Uuid {
  assert(at + UUID_BYTES <= bytes.length, "uuid beyond the end of its bytes", at, bytes.length);
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, UUID_BYTES).toString("base64url") as Uuid;
}

/** Writes 16 bytes at `at`. */
export function uuidToBytes(uuid: Uuid, bytes: Uint8Array, at = 0): void {
  const decoded = Buffer.from(uuid, "base64url");
  assert(decoded.length === UUID_BYTES, "not a uuid", uuid);
  bytes.set(decoded, at);
}

/** The uuid that `text` spells, or null when it spells none. */
export function parseUuid(text: string): Uuid | null {
  if (text.length !== UUID_TEXT_LENGTH || !/^[A-Za-z0-9_-]+$/.test(text)) return null;
  const canonical = Buffer.from(text, "base64url").toString("base64url");
  return canonical === text ? (text as Uuid) : null;
}
