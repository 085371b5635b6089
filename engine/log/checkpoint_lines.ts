import { malformed, parsed } from "./parsed.ts";
import type { Malformed, Parsed } from "./parsed.ts";

/**
 * The frame of all of Kafka's checkpoint files, text of one line each:
 *
 *   0            version
 *   2            number of lines that follow
 *   topic 0 17
 *   topic 1 4
 *
 * An empty file holds no lines. Fields are parted by white space; written with one space.
 */
const VERSION = 0;

export interface CheckpointLine {
  readonly fields: readonly string[];
  /** Where the line stands in the file: [start, end) without its newline. */
  readonly start: number;
  readonly end: number;
}

const ascii = new TextDecoder("latin1");
const toBytes = new TextEncoder();

export function parseCheckpointLines(bytes: Uint8Array, fieldCount: number): Parsed<CheckpointLine[]> {
  const lines = splitLines(ascii.decode(bytes));
  const versionLine = lines[0];
  if (versionLine === undefined) return parsed([]);
  const version = integer(versionLine.fields[0]);
  if (versionLine.fields.length !== 1 || version === null) {
    return at(versionLine, "the first line is not a version");
  }
  if (version !== VERSION) return at(versionLine, `unknown version ${version}`);
  const countLine = lines[1];
  if (countLine === undefined) return malformed("the line count is missing", 0, bytes.length);
  const count = integer(countLine.fields[0]);
  if (countLine.fields.length !== 1 || count === null || count < 0) {
    return at(countLine, "the second line is not a count");
  }
  const rest = lines.slice(2);
  for (const line of rest) {
    if (line.fields.length !== fieldCount) return at(line, `a line needs ${fieldCount} fields`);
  }
  if (rest.length !== count) {
    return at(countLine, `${count} lines announced, ${rest.length} found`);
  }
  return parsed(rest);
}

export function formatCheckpointLines(lines: readonly string[]): Uint8Array {
  return toBytes.encode([String(VERSION), String(lines.length), ...lines, ""].join("\n"));
}

/** The safe integer that `text` spells, or null. */
export function integer(text: string | undefined): number | null {
  if (text === undefined || !/^-?\d+$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

export function at(line: CheckpointLine, reason: string): Malformed {
  return malformed(reason, line.start, line.end);
}

function splitLines(text: string): CheckpointLine[] {
  const lines: CheckpointLine[] = [];
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const fields = text.slice(start, end).trim().split(/\s+/);
    lines.push({ fields, start, end });
    start = end + 1;
  }
  return lines;
}
