/** Temporary data directories, and small things that tests of the embedded API say often. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddedLog, StoredRecord } from "../../engine/embed/index.ts";
import { NativeCodecs } from "../../engine/io/compression.ts";
import type { TimestampMs } from "../../engine/model/offsets.ts";
import { plainBatch } from "../../engine/model/records.ts";
import type { RecordInput } from "../../engine/model/records.ts";
import { loadNative } from "../../native/native.ts";

export const native = loadNative();
export const codecs = new NativeCodecs();

const roots: string[] = [];

export function newFolder(): string {
  const root = mkdtempSync(join(tmpdir(), "millrace-embed-"));
  roots.push(root);
  return join(root, "data");
}

export function removeFolders(): void {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
}

export function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

export function batchOf(records: readonly RecordInput[]): Uint8Array {
  const crc32c = (bytes: Uint8Array, start: number, end: number) => native.crc32c(bytes, start, end);
  return plainBatch(records, Date.now() as TimestampMs, crc32c);
}

/** Values, as text, of what an iteration yields; stops after `count` of them. */
export async function values(
  records: AsyncIterable<StoredRecord>,
  count = Number.POSITIVE_INFINITY,
): Promise<(string | null)[]> {
  const found: (string | null)[] = [];
  if (count === 0) return found;
  for await (const record of records) {
    found.push(text(record.value));
    if (found.length === count) break;
  }
  return found;
}

/** The code of what a promise rejects with; "nothing" when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "nothing";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

export async function append(log: EmbeddedLog, ...texts: readonly string[]): Promise<void> {
  for (const value of texts) await log.append({ value });
}
