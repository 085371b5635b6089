import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConnectionLost } from "../client/connection_lost.ts";
import { DataDirectoryError, KafkaError, UsageError } from "../model/errors.ts";
import { helpText, parseCommand } from "./command.ts";
import type { Command } from "./command.ts";
import { OutputClosed, ProcessTerminal } from "./terminal.ts";

/** Each with what it needs, loaded when it is asked for: a broker starts without the other commands. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serveCommand,
  topics: async () => (await import("./topics.ts")).topicsCommand,
  produce: async () => (await import("./produce.ts")).produceCommand,
  consume: async () => (await import("./consume.ts")).consumeCommand,
  dump: async () => (await import("./dump.ts")).dumpCommand,
  check: async () => (await import("./check.ts")).checkCommand,
};

const terminal = new ProcessTerminal();

async function overview(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  return `Usage: millrace COMMAND [flags]\n\n${lines.join("\n")}\n\nmillrace COMMAND --help tells more.\n`;
}

async function run(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    terminal.out(await overview());
    return name === undefined ? 1 : 0;
  }
  if (name === "--version") {
    const manifest = readFileSync(join(import.meta.dir, "../../package.json"), "utf8");
    terminal.out(`millrace ${(JSON.parse(manifest) as { version: string }).version}\n`);
    return 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) throw new UsageError(`no command "${name}": see \`millrace --help\``);
  const command = await load();
  const { flags, positionals, help } = parseCommand(command, rest);
  if (help) {
    terminal.out(helpText(command));
    return 0;
  }
  return command.run(flags, positionals, terminal);
}

/** What the world did, or the user: a line is all that helps. Anything else is a mistake of ours. */
function isForPeople(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof DataDirectoryError ||
    error instanceof KafkaError || error instanceof ConnectionLost;
}

/** No await at the top: a bundle with bytecode, which starts faster, cannot have one. */
async function main(): Promise<void> {
  try {
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    if (error instanceof OutputClosed) {
      process.exitCode = 0;
    } else if (isForPeople(error)) {
      terminal.error(`millrace: ${error.message}\n`);
      process.exitCode = 1;
    } else {
      throw error;
    }
  }
}

void main();
