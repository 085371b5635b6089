import { expect, test } from "bun:test";
import { LineSplitter } from "../../engine/cli/lines.ts";

const INPUT = "one\r\n\ntwo\nthree";

test("lines come out the same wherever the chunks end", () => {
  const bytes = new TextEncoder().encode(INPUT);
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const splitter = new LineSplitter();
      const lines: string[] = [];
      const text = (line: Uint8Array): string => Buffer.from(line).toString();
      for (const [from, to] of [[0, first], [first, second], [second, bytes.length]] as const) {
        lines.push(...splitter.push(bytes.slice(from, to)).map(text));
      }
      const last = splitter.end();
      if (last !== null) lines.push(text(last));
      expect(lines).toEqual(["one\r", "", "two", "three"]);
    }
  }
});

test("input that ends with a newline has no line after it", () => {
  const splitter = new LineSplitter();
  expect(splitter.push(new TextEncoder().encode("x\n")).length).toBe(1);
  expect(splitter.end()).toBeNull();
});
