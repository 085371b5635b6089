/**
 * Java's properties text, as java.util.Properties loads and stores it: `key=value` lines, comments
 * from `#` or `!`, lines continued by a trailing backslash, keys ended by `=`, `:` or white space.
 */
const SPACE = " \t\f";

/** The last of several equal keys wins. Never fails: whatever text there is has some reading. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    let end = 0;
    while (end < line.length && !"=:".includes(line[end]!) && !SPACE.includes(line[end]!)) {
      end += line[end] === "\\" ? 2 : 1;
    }
    let value = end;
    while (value < line.length && SPACE.includes(line[value]!)) value++;
    if (value < line.length && "=:".includes(line[value]!)) {
      value++;
      while (value < line.length && SPACE.includes(line[value]!)) value++;
    }
    properties.set(unescape(line.slice(0, end)), unescape(line.slice(value)));
  }
  return properties;
}

/** `#` and the comment, `#` and the time, then the properties in the order given. */
export function formatProperties(
  properties: Iterable<readonly [key: string, value: string]>,
  comment: string,
  nowMs: number,
): string {
  let text = `#${comment}\n#${javaDate(nowMs)}\n`;
  for (const [key, value] of properties) text += `${escape(key, true)}=${escape(value, false)}\n`;
  return text;
}

/** Lines without comments and blanks, continuations joined, leading white space gone. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open: string | null = null;
  for (const natural of text.split(/\r\n|\r|\n/)) {
    const line = natural.replace(/^[ \t\f]+/, "");
    if (open === null && (line === "" || line[0] === "#" || line[0] === "!")) continue;
    const backslashes: number = /\\*$/.exec(line)![0].length;
    const continues = backslashes % 2 === 1;
    const joined: string = (open ?? "") + (continues ? line.slice(0, -1) : line);
    if (continues) open = joined;
    else {
      lines.push(joined);
      open = null;
    }
  }
  if (open !== null) lines.push(open);
  return lines;
}

const ESCAPED: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function unescape(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[\s\S]?)/g, (_whole, sequence: string) => {
    if (sequence.length === 5) return String.fromCharCode(parseInt(sequence.slice(1), 16));
    return ESCAPED[sequence] ?? sequence;
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f",
  "\\": "\\\\", "=": "\\=", ":": "\\:", "#": "\\#", "!": "\\!",
};

function escape(text: string, isKey: boolean): string {
  const escaped = text.replace(/[\t\n\r\f\\=:#!]/g, (character) => ESCAPES[character]!);
  return isKey ? escaped.replace(/ /g, "\\ ") : escaped.replace(/^ /, "\\ ");
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = [
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/** As java.util.Date prints itself: "Sat Nov 21 06:38:08 UTC 2026". */
function javaDate(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${two(date.getUTCDate())} ` +
    `${time} UTC ${date.getUTCFullYear()}`;
}
