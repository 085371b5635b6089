/** Millrace or Kafka behind one face, for harnesses that must be seen to pass and to fail on both. */
import { Kafka, formatKafka } from "../kafka/kafka.ts";
import { Millrace } from "./millrace.ts";

export interface Serving {
  readonly port: number;
  readonly pid: number;
  readonly log: string;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export type ServingKind = "millrace" | "kafka";

export function servingKind(): ServingKind {
  return process.env["MILLRACE_TEST_BROKER"] === "kafka" ? "kafka" : "millrace";
}

/** Millrace formats what it finds empty, Kafka does not. */
export async function prepareDirectory(kind: ServingKind, dataDir: string): Promise<void> {
  if (kind === "kafka") await formatKafka({ dataDir });
}

export function serveDirectory(
  kind: ServingKind,
  dataDir: string,
  args: readonly string[] = [],
): Promise<Serving> {
  return kind === "kafka" ? Kafka.start({ dataDir }) : Millrace.start({ dataDir, args });
}
