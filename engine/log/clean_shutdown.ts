import { malformed, parsed } from "./parsed.ts";
import type { Parsed } from "./parsed.ts";

/**
 * Present only while the directory is cleanly stopped: written last, removed at the next start before
 * anything is loaded. One line of JSON, the broker epoch of the run that ended.
 */
export const CLEAN_SHUTDOWN_FILE = ".kafka_cleanshutdown";

const VERSION = 0;

/** "No broker epoch is known": what an old, empty marker means, and a node that never registered. */
export const NO_BROKER_EPOCH = -1;

export interface CleanShutdown {
  readonly brokerEpoch: number;
}

/** The file's presence is what counts: whoever meets a malformed one takes the epoch for unknown. */
export function parseCleanShutdown(bytes: Uint8Array): Parsed<CleanShutdown> {
  if (bytes.length === 0) return parsed({ brokerEpoch: NO_BROKER_EPOCH });
  const wrong = (reason: string) => malformed(reason, 0, bytes.length);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return wrong("not JSON");
  }
  if (typeof value !== "object" || value === null) return wrong("not a JSON object");
  const { version, brokerEpoch } = value as { version?: unknown; brokerEpoch?: unknown };
  if (version !== VERSION) return wrong(`unknown version ${String(version)}`);
  if (!Number.isInteger(brokerEpoch)) return wrong("brokerEpoch is missing or no integer");
  return parsed({ brokerEpoch: brokerEpoch as number });
}

export function formatCleanShutdown(marker: CleanShutdown): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({ version: VERSION, brokerEpoch: marker.brokerEpoch }),
  );
}
