import { describe, expect, test } from "bun:test";
import { helpText, parseCommand } from "../../engine/cli/command.ts";
import type { Command } from "../../engine/cli/command.ts";
import { UsageError } from "../../engine/model/errors.ts";

const command: Command = {
  name: "try",
  summary: "Try things.",
  positionals: "[FILE]",
  flags: {
    topic: { kind: "text", short: "t", value: "NAME", help: "the topic" },
    count: { kind: "text", value: "N", help: "how many" },
    set: { kind: "list", value: "KEY=VALUE", help: "a config" },
    fast: { kind: "switch", help: "hurry" },
  },
  run: async () => 0,
};

const parse = (...args: string[]) => parseCommand(command, args);

describe("a command line", () => {
  test("is read by kind", () => {
    const { flags, positionals, help } = parse("-t", "x", "--set", "a=1", "--set", "b=2=3", "--fast", "f");
    expect([flags.text("topic"), flags.switch("fast"), flags.number("count")]).toEqual(["x", true, undefined]);
    expect([...flags.pairs("set")]).toEqual([["a", "1"], ["b", "2=3"]]);
    expect([positionals as string[], help]).toEqual([["f"], false]);
  });

  test.each([
    ["an unknown flag", ["--nope"]],
    ["a flag without its value", ["--topic"]],
  ])("%s is refused in one line that names --help", (_name, args) => {
    let message = "";
    try {
      parse(...args);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      message = (error as Error).message;
    }
    expect(message).toContain("millrace try --help");
    expect(message).not.toContain("\n");
  });

  test.each(["x", "", "1.5", "-1", "1e99"])("%p is no number", (text) => {
    expect(() => parse(`--count=${text}`).flags.number("count")).toThrow(UsageError);
  });

  test("a pair needs a key", () => {
    expect(() => parse("--set", "=1").flags.pairs("set")).toThrow(UsageError);
  });

  test("help names every flag", () => {
    const help = helpText(command);
    for (const name of Object.keys(command.flags)) expect(help).toContain(`--${name}`);
    expect(help).toContain("Usage: millrace try [flags] [FILE]");
  });
});
