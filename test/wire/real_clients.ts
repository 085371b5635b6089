import { join } from "node:path";

/** The wire code inside two JavaScript clients, reached by file because neither exports it. */
const MODULES = join(import.meta.dir, "../../node_modules");

export interface KafkaJsExchange {
  readonly request: { readonly apiVersion: number; encode(): Promise<{ readonly buffer: Uint8Array }> };
  readonly response: {
    decode(body: Buffer): Promise<unknown>;
    parse(decoded: unknown): Promise<unknown>;
  };
}

/** KafkaJS's codec of one API, e.g. "listOffsets", for the arguments its own code would pass. */
export async function kafkaJs(api: string, version: number, options: object = {}): Promise<KafkaJsExchange> {
  const path = join(MODULES, "kafkajs/src/protocol/requests", api, "index.js");
  const loaded = (await import(path)) as {
    default: { protocol(which: { version: number }): (options: object) => KafkaJsExchange };
  };
  return loaded.default.protocol({ version })(options);
}

export interface PlatformaticApi {
  createRequest(...values: unknown[]): { readonly buffer: Uint8Array };
  parseResponse(correlationId: number, apiKey: number, apiVersion: number, reader: unknown): unknown;
}

/** @platformatic/kafka's codec, e.g. "consumer/fetch-v17". */
export async function platformatic(api: string): Promise<PlatformaticApi> {
  return (await import(join(MODULES, "@platformatic/kafka/dist/apis", `${api}.js`))) as PlatformaticApi;
}

/** Its reader over the body of a response. */
export async function platformaticReader(body: Uint8Array): Promise<unknown> {
  const loaded = (await import(join(MODULES, "@platformatic/kafka/dist/protocol/reader.js"))) as {
    Reader: { from(bytes: Buffer): unknown };
  };
  return loaded.Reader.from(Buffer.from(body));
}
