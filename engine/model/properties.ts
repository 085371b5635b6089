/**
 * Text files in the format of Java's Properties, as Kafka's `server.properties` and `meta.properties`
 * are: `key=value`, `key: value` or `key value`; `#` and `!` open a comment line; an odd number of
 * backslashes at a line's end continues it; `\t \n \r \f \uXXXX` and `\` before anything else escape.
 *
 * A key that occurs twice keeps its last value. Throws SyntaxError for a broken `\u` escape.
 */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const keyEnd = endOfKey(line);
    let valueStart = skipBlanks(line, keyEnd);
    if (line[valueStart] === "=" || line[valueStart] === ":") {
      valueStart = skipBlanks(line, valueStart + 1);
    }
    properties.set(unescape(line.slice(0, keyEnd)), unescape(line.slice(valueStart)));
  }
  return properties;
}

/** One `key=value` line per entry, escaped so that `parseProperties` and Java read it back. */
export function formatProperties(entries: Iterable<readonly [string, string]>): string {
  let text = "";
  for (const [key, value] of entries) text += `${escape(key, true)}=${escape(value, false)}\n`;
  return text;
}

const BLANKS = " \t\f";

/** Lines without comments and leading blanks, continuations joined. Escapes are left alone. */
function* logicalLines(text: string): Generator<string> {
  let pending: string | null = null;
  for (const natural of text.split(/\r\n|\n|\r/)) {
    const line = natural.slice(skipBlanks(natural, 0));
    // A comment sign inside a continuation is an ordinary character.
    if (pending === null && (line === "" || line[0] === "#" || line[0] === "!")) continue;
    const joined: string = (pending ?? "") + line;
    if (continues(line)) {
      pending = joined.slice(0, -1);
      continue;
    }
    pending = null;
    if (joined !== "") yield joined;
  }
  if (pending !== null && pending !== "") yield pending;
}

function continues(line: string): boolean {
  let backslashes = 0;
  while (line[line.length - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

function skipBlanks(line: string, from: number): number {
  let at = from;
  while (at < line.length && BLANKS.includes(line[at]!)) at++;
  return at;
}

function endOfKey(line: string): number {
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    if (char === "\\") at++;
    else if (char === "=" || char === ":" || BLANKS.includes(char)) return at;
  }
  return line.length;
}

const ESCAPED: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  let result = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char !== "\\") {
      result += char;
      continue;
    }
    const next = text[++at];
    if (next === undefined) break;
    if (next === "u") {
      const hex = text.slice(at + 1, at + 5);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw new SyntaxError(`malformed \\u escape in "${text}"`);
      result += String.fromCharCode(Number.parseInt(hex, 16));
      at += 4;
    } else {
      result += ESCAPED[next] ?? next;
    }
  }
  return result;
}

function escape(text: string, isKey: boolean): string {
  let result = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\t") result += "\\t";
    else if (char === "\n") result += "\\n";
    else if (char === "\r") result += "\\r";
    else if (char === "\f") result += "\\f";
    else if ("\\=:#!".includes(char) || (char === " " && (isKey || at === 0))) result += `\\${char}`;
    else if (char < " " || char > "~") {
      result += `\\u${char.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}`;
    } else result += char;
  }
  return result;
}
