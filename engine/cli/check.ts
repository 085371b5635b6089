import { resolve } from "node:path";
import { SystemClock } from "../io/clock.ts";
import { NativeCodecs } from "../io/compression.ts";
import type { Disk } from "../io/disk.ts";
import { systemDisk } from "../io/disk_system.ts";
import { checkDirectory } from "../log/check.ts";
import type { Problem } from "../log/check_report.ts";
import { METADATA_LOG_DIRECTORY } from "../log/directory_names.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { loadMetadata } from "../metadata/metadata_reader.ts";
import { DataDirectoryError, UsageError } from "../model/errors.ts";
import type { Command, Flags, Terminal } from "./command.ts";
import { Progress } from "./progress.ts";

/** `millrace check`: everything in a data directory read and verified. */
export const checkCommand: Command = {
  name: "check",
  summary: "Verify everything in a data directory: batches, indexes, checkpoints.",
  positionals: "DIR",
  flags: {
    json: { kind: "switch", help: "one JSON object a problem: severity, path, position, message" },
    strict: { kind: "switch", help: "a warning counts as a problem, too" },
  },
  notes: `
Changes nothing and takes no lock: a directory in use is read up to the last whole batch.
Exit code 1 when there are problems. Warnings are oddities that cost nothing: what the next start
removes or writes anew.`,
  run: check,
};

async function check(flags: Flags, positionals: readonly string[], terminal: Terminal): Promise<number> {
  const [given] = positionals;
  if (given === undefined || positionals.length > 1) throw new UsageError("check: name one data directory");
  const dir = resolve(given);
  const disk = systemDisk({ readOnly: true });
  if (!disk.isDirectory(dir)) throw new UsageError(`${given}: there is no such directory`);
  const progress = new Progress(`checking ${given}`, terminal, new SystemClock());
  const topics = new TopicIds(disk, dir);
  const problems = checkDirectory(disk, dir, {
    codecs: new NativeCodecs(),
    onProgress: ({ bytesDone, bytesTotal }) => progress.update(bytesDone, bytesTotal, "bytes"),
    ...(topics.areKnown ? { topicIdOf: (topic: string) => topics.of(topic) } : {}),
  });
  progress.end();
  for (const problem of problems) {
    terminal.out(`${flags.switch("json") ? JSON.stringify(problem) : lineOf(problem)}\n`);
    await terminal.drained();
  }
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  if (!flags.switch("json")) terminal.out(summary(given, errors, warnings));
  return errors > 0 || (flags.switch("strict") && warnings > 0) ? 1 : 0;
}

function lineOf({ severity, path, position, message }: Problem): string {
  const where = position === undefined ? "" : ` at byte ${position.start}`;
  return `${severity}: ${path}${where}: ${message}`;
}

function summary(dir: string, errors: number, warnings: number): string {
  const found = [
    errors === 0 ? "no problems" : errors === 1 ? "1 problem" : `${errors} problems`,
    ...(warnings === 0 ? [] : [warnings === 1 ? "1 warning" : `${warnings} warnings`]),
  ];
  return `${dir}: ${found.join(", ")}\n`;
}

/** The ids of topics as the metadata has them. */
class TopicIds {
  readonly #disk: Disk;
  readonly #metadataDir: string;
  #image: MetadataImage | null;

  constructor(disk: Disk, dir: string) {
    this.#disk = disk;
    this.#metadataDir = `${dir}/${METADATA_LOG_DIRECTORY}`;
    this.#image = this.#load();
  }

  /** False where the metadata cannot be read: the check of its log says why. */
  get areKnown(): boolean {
    return this.#image !== null && this.#image.topicCount > 0;
  }

  /** Looks again for one that is not there: a broker may have created it since. */
  of(topic: string) {
    const known = this.#image?.topic(topic);
    if (known !== undefined) return known.id;
    this.#image = this.#load();
    return this.#image?.topic(topic)?.id;
  }

  #load(): MetadataImage | null {
    try {
      return loadMetadata(this.#disk, this.#metadataDir, null).image;
    } catch (error) {
      if (error instanceof DataDirectoryError) return null;
      throw error;
    }
  }
}
