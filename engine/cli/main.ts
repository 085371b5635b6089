import { DataDirectoryError, UsageError } from "../model/errors.ts";
import { helpText, parseCommand } from "./command.ts";
import type { Command, Terminal } from "./command.ts";
import { consumeCommand } from "./consume.ts";
import { produceCommand } from "./produce.ts";
import { serveCommand } from "./serve.ts";
import { topicsCommand } from "./topics.ts";

const COMMANDS: readonly Command[] = [serveCommand, topicsCommand, produceCommand, consumeCommand];

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  interactive: process.stderr.isTTY === true,
};

function overview(): string {
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  return `Usage: millrace COMMAND [flags]\n\n${lines.join("\n")}\n\nmillrace COMMAND --help tells more.\n`;
}

async function run(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    terminal.out(overview());
    return name === undefined ? 1 : 0;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) throw new UsageError(`no command "${name}": see \`millrace --help\``);
  const { flags, positionals, help } = parseCommand(command, rest);
  if (help) {
    terminal.out(helpText(command));
    return 0;
  }
  return command.run(flags, positionals, terminal);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const isForPeople = error instanceof UsageError || error instanceof DataDirectoryError;
  if (!isForPeople) throw error;
  terminal.error(`millrace: ${error.message}\n`);
  process.exitCode = 1;
}
