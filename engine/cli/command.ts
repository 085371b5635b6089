import { UsageError } from "../model/errors.ts";

/**
 * One command of `millrace`. Its flags are data: the same table parses the arguments, refuses what
 * it does not know and prints `--help`.
 */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What stands after the flags, for example "DIR". Empty: nothing may. */
  readonly positionals: string;
  readonly flags: Record<string, Flag>;
  /** Lines below the flags: examples, what the output means. */
  readonly notes?: string;
  /** Returns the exit code. */
  run(flags: Flags, positionals: readonly string[], terminal: Terminal): Promise<number>;
}

export interface Flag {
  /** "switch" takes no value; "list" may be given several times. */
  readonly kind: "text" | "number" | "switch" | "list";
  readonly short?: string;
  /** How help names the value: "HOST:PORT". */
  readonly value?: string;
  readonly help: string;
}

/** The flags that were given, read by kind. A wrong value is a UsageError. */
export class Flags {
  readonly #values: Record<string, string | boolean | string[] | undefined>;

  constructor(values: Record<string, string | boolean | string[] | undefined>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  switch(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  required(name: string, why: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`--${name} is missing: ${why}`);
    return value;
  }

  list(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value : [];
  }

  /** A whole number of at least `min`. */
  number(name: string, min = 0): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < min) {
      throw new UsageError(`--${name} ${text}: give a whole number of at least ${min}`);
    }
    return value;
  }

  /** `key=value` pairs of a list flag. */
  pairs(name: string): Map<string, string> {
    const pairs = new Map<string, string>();
    for (const item of this.list(name)) {
      const at = item.indexOf("=");
      if (at <= 0) throw new UsageError(`--${name} ${item}: write it as key=value`);
      pairs.set(item.slice(0, at), item.slice(at + 1));
    }
    return pairs;
  }
}

/** Where a command writes. Tests pass their own. */
export interface Terminal {
  out(text: string | Uint8Array): void;
  error(text: string): void;
  /** Resolves when standard output has taken what was written so far, or enough of it to write on. */
  drained(): Promise<void>;
  /** Whether standard error is a screen: only then is progress drawn. */
  readonly interactive: boolean;
}

export interface ParsedCommand {
  readonly flags: Flags;
  readonly positionals: readonly string[];
  readonly help: boolean;
}

/**
 * Reads `--name value`, `--name=value`, `-n value`, `-nvalue` and switches, in any order with the
 * positionals; after `--` everything is positional. By hand, because the runtime's own parser takes 2 ms
 * to load. Throws UsageError in one line that says what to do.
 */
export function parseCommand(command: Command, args: readonly string[]): ParsedCommand {
  const values: Record<string, string | boolean | string[]> = {};
  const positionals: string[] = [];
  const refuse = (reason: string): never => {
    throw new UsageError(`${reason}: see \`millrace ${command.name} --help\``);
  };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") {
      positionals.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      positionals.push(arg);
      continue;
    }
    const { name, text } = splitFlag(command, arg);
    const kind = name === "help" ? "switch" : command.flags[name ?? ""]?.kind;
    if (name === null || kind === undefined) return refuse(`unknown flag ${arg.split("=")[0]}`);
    if (kind === "switch") {
      if (text !== null) refuse(`--${name} takes no value`);
      values[name] = true;
      continue;
    }
    const value = text ?? args[++at] ?? refuse(`--${name} needs a value`);
    values[name] = kind === "list" ? [...(values[name] as string[] | undefined ?? []), value] : value;
  }
  if (command.positionals === "" && positionals.length > 0) refuse(`unexpected "${positionals[0]}"`);
  return { flags: new Flags(values), positionals, help: values["help"] === true };
}

/** The flag that an argument names, null when there is none, and the value that it carries itself. */
function splitFlag(command: Command, arg: string): { name: string | null; text: string | null } {
  if (arg.startsWith("--")) {
    const end = arg.indexOf("=");
    if (end < 0) return { name: arg.slice(2), text: null };
    return { name: arg.slice(2, end), text: arg.slice(end + 1) };
  }
  const short = arg[1];
  const found = Object.entries(command.flags).find(([, flag]) => flag.short === short)?.[0];
  const name = found ?? (short === "h" ? "help" : null);
  return { name, text: arg.length > 2 ? arg.slice(2) : null };
}

const HELP_COLUMN = 34;

export function helpText(command: Command): string {
  const usage = `Usage: millrace ${command.name} [flags] ${command.positionals}`.trimEnd();
  const lines = Object.entries(command.flags).map(([name, flag]) => {
    const short = flag.short === undefined ? "    " : `-${flag.short}, `;
    const value = flag.kind === "switch" ? "" : ` ${flag.value ?? "VALUE"}`;
    const left = `  ${short}--${name}${value}`;
    return left.length < HELP_COLUMN
      ? left.padEnd(HELP_COLUMN) + flag.help
      : `${left}\n${" ".repeat(HELP_COLUMN)}${flag.help}`;
  });
  const notes = command.notes === undefined ? "" : `\n${command.notes.trim()}\n`;
  return `${command.summary}\n\n${usage}\n\n${lines.join("\n")}\n${notes}`;
}
