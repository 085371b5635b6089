import type { Clock } from "./clock.ts";

/** How loud a line is; a logger drops what is below its own level. */
export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * What happened, for people: one line each. Fields carry the figures, so that the message stays the
 * same text and can be searched for. Never called per request.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export function parseLogLevel(text: string): LogLevel | null {
  return LEVELS.includes(text as LogLevel) ? (text as LogLevel) : null;
}

export interface LineLoggerOptions {
  readonly clock: Clock;
  readonly level: LogLevel;
  readonly json: boolean;
  /** Gets whole lines, line feed included. */
  readonly write: (line: string) => void;
}

/**
 * Writes `2026-01-02T03:04:05.678Z warn  message key=value` lines, or one JSON object a line with
 * `time`, `level`, `message` and the fields.
 */
export class LineLogger implements Logger {
  readonly #options: LineLoggerOptions;
  readonly #lowest: number;

  constructor(options: LineLoggerOptions) {
    this.#options = options;
    this.#lowest = LEVELS.indexOf(options.level);
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#line("debug", message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#line("info", message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#line("warn", message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#line("error", message, fields);
  }

  #line(level: LogLevel, message: string, fields: LogFields): void {
    if (LEVELS.indexOf(level) < this.#lowest) return;
    const time = new Date(this.#options.clock.wallMs()).toISOString();
    if (this.#options.json) {
      this.#options.write(`${JSON.stringify({ time, level, message, ...fields })}\n`);
      return;
    }
    let line = `${time} ${level.padEnd(5)} ${oneLine(message)}`;
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) line += ` ${key}=${shown(value)}`;
    }
    this.#options.write(`${line}\n`);
  }
}

export const SILENT_LOGGER: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Text from outside must not be able to forge a line. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, (char) => JSON.stringify(char).slice(1, -1));
}

function shown(value: string | number | boolean | null): string {
  const text = String(value);
  return /^[^\s"=\u0000-\u001f\u007f]+$/.test(text) ? text : JSON.stringify(text);
}
