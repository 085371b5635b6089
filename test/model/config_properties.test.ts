/** Java's Properties format, by the cases of its own description, and back. */
import { describe, expect, test } from "bun:test";
import { formatProperties, parseProperties } from "../../engine/model/properties.ts";

describe("parseProperties", () => {
  const cases: readonly [string, Record<string, string>][] = [
    ["a=1\nb:2\nc 3\n", { a: "1", b: "2", c: "3" }],
    ["  a  =  1  \n", { a: "1  " }],
    ["# no\n ! no\n\na=1", { a: "1" }],
    ["a=1,\\\n   2,\\\r\n   3", { a: "1,2,3" }],
    ["a=1\\\\\nb=2", { a: "1\\", b: "2" }],
    ["a=x\\\n#y", { a: "x#y" }],
    ["a\\=b\\:c\\ d=1", { "a=b:c d": "1" }],
    ["a=\\t\\n\\u0041\\q", { a: "\t\nAq" }],
    ["a", { a: "" }],
    ["a==b", { a: "=b" }],
    ["a=1\ra=2", { a: "2" }],
    ["a=1\\", { a: "1" }],
    ["=v", { "": "v" }],
    ["listeners=PLAINTEXT://:9092", { listeners: "PLAINTEXT://:9092" }],
  ];
  test.each(cases)("%j", (text, expected) => {
    expect(Object.fromEntries(parseProperties(text))).toEqual(expected);
  });

  test("refuses a broken escape", () => {
    expect(() => parseProperties("a=\\u00g1")).toThrow(SyntaxError);
  });

  test("reads back what formatProperties wrote", () => {
    const entries: [string, string][] = [["a b=:#", " x y"], ["k", "é\t\\=#!"], ["", ""], ["n", "a\nb"]];
    expect([...parseProperties(formatProperties(entries))]).toEqual(entries);
  });
});
