/** The package as a program imports it: by its name, with what it promises to export. */
import { expect, test } from "bun:test";

test("exports its API by name, and nothing else", async () => {
  const name = "millrace";
  const api = (await import(name)) as Record<string, unknown>;
  expect(Object.keys(api).sort()).toEqual([
    "AppendAborted",
    "DataDirectoryError",
    "DiskFault",
    "EmbeddedLog",
    "KafkaError",
    "UsageError",
    "openLog",
    "startBroker",
  ]);
});
