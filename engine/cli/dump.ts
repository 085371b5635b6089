import { resolve } from "node:path";
import { NativeCodecs } from "../io/compression.ts";
import { systemDisk } from "../io/disk_system.ts";
import { dumpFile } from "../log/dump.ts";
import { decodeMetadataRecord } from "../metadata/records.ts";
import { UsageError } from "../model/errors.ts";
import type { Command, Flags, Terminal } from "./command.ts";

/** Lines handed to standard output at once: enough for a system call to be worth it. */
const LINES_AT_ONCE = 256;

/** `millrace dump`: one file of a data directory as text, as kafka-dump-log prints it. */
export const dumpCommand: Command = {
  name: "dump",
  summary: "Show a segment, an index or another file of a data directory.",
  positionals: "FILE...",
  flags: {
    files: { kind: "text", value: "FILE,FILE", help: "the files, as kafka-dump-log takes them" },
    "deep-iteration": { kind: "switch", help: "a line for each record, not only for each batch" },
    "print-data-log": { kind: "switch", help: "keys and values too (implies --deep-iteration)" },
    "cluster-metadata-decoder": {
      kind: "switch",
      help: "values as metadata records, in JSON (implies --deep-iteration)",
    },
  },
  notes: `
Files: .log, .index, .timeindex, .txnindex, .snapshot, .checkpoint, the *-offset-checkpoint files and
leader-epoch-checkpoint. Reads without a lock and changes nothing.

Examples:
  millrace dump --deep-iteration data/events-0/00000000000000000000.log
  millrace dump --cluster-metadata-decoder data/__cluster_metadata-0/00000000000000000000.log`,
  run: dump,
};

async function dump(flags: Flags, positionals: readonly string[], terminal: Terminal): Promise<number> {
  const named = flags.text("files")?.split(",").map((file) => file.trim()).filter((file) => file !== "");
  const files = [...(named ?? []), ...positionals];
  if (files.length === 0) throw new UsageError("dump: name a file, such as a .log");
  const disk = systemDisk({ readOnly: true });
  const options = {
    codecs: new NativeCodecs(),
    deepIteration: flags.switch("deep-iteration"),
    printData: flags.switch("print-data-log"),
    ...(flags.switch("cluster-metadata-decoder") ? { decodeValue: metadataText } : {}),
  };
  for (const file of files) {
    let lines: string[] = [];
    for (const line of dumpFile(disk, resolve(file), options)) {
      lines.push(line);
      if (lines.length < LINES_AT_ONCE) continue;
      await print(lines, terminal);
      lines = [];
    }
    await print(lines, terminal);
  }
  return 0;
}

async function print(lines: readonly string[], terminal: Terminal): Promise<void> {
  if (lines.length === 0) return;
  terminal.out(`${lines.join("\n")}\n`);
  await terminal.drained();
}

/** `{"type":"TOPIC_RECORD","version":0,"data":{...}}` */
function metadataText(value: Uint8Array): string {
  const { kind, value: data, version } = decodeMetadataRecord(value);
  const type = `${kind.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()}_RECORD`;
  return JSON.stringify({ type, version, data }, (_key, field: unknown) =>
    field instanceof Uint8Array ? field.toBase64() : field);
}
