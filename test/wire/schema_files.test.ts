import { expect, test } from "bun:test";
import { APIS } from "../../engine/wire/apis.ts";
import { ALL_MESSAGES } from "./messages.ts";
import { differences, findSchemas, readSchemas } from "./schema_files.ts";

// Goal: the declarations are Kafka's messages: names, order, types, versions, nulls, tags, defaults.
// Skipped where Kafka's schema files are not at hand (set MILLRACE_KAFKA_SCHEMAS to their folder).
const folder = findSchemas();
const testWithSchemas = folder === null ? test.skip : test;
const schemas = folder === null ? new Map() : readSchemas(folder);

testWithSchemas("every declaration agrees with Kafka's schema", () => {
  const found: string[] = [];
  for (const message of ALL_MESSAGES) {
    const schema = schemas.get(message.name);
    if (schema === undefined) found.push(`${message.name} has no schema`);
    else found.push(...differences(message, schema));
  }
  expect(found).toEqual([]);
});

testWithSchemas("every schema of Kafka has a declaration", () => {
  const declared = new Set(ALL_MESSAGES.map((message) => message.name));
  expect([...schemas.keys()].filter((name) => !declared.has(name))).toEqual([]);
  expect(declared.size).toBe(ALL_MESSAGES.length);
});

test("the table of APIs is in order and tells what clients need to hear", () => {
  const keys = APIS.map((api) => api.key);
  expect(keys).toEqual([...keys].sort((first, second) => first - second));
  expect(keys.length).toBe(89);
  const advertised = new Map(APIS.map((api) => [api.name, api.advertisedVersions]));
  expect(advertised.get("Produce")).toEqual({ first: 0, last: 13 });
  expect(advertised.get("InitProducerId")).toEqual({ first: 0, last: 5 });
  expect(advertised.get("Fetch")).toEqual({ first: 4, last: 18 });
});
