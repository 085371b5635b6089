/**
 * Apache Kafka 4.3.1 as a peer: fetched from Maven Central into a cache, formatted, started on a
 * data directory (its own or one of ours), stopped or killed, and asked through its own tools.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { freePort, hasProgram, mustRun, Program, type RunResult, run } from "../support/process.ts";

export const KAFKA_VERSION = "4.3.1";
/** Any cluster id will do for a directory of its own; one that Millrace wrote brings its own. */
export const KAFKA_CLUSTER_ID = "bWlsbHJhY2UtZ29sZGVuLQ";
const READY_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 60_000;

/** Short-lived tools: a small heap and no second compiler, which halves their start. */
const TOOL_JAVA = ["-Xmx512M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dmillrace.level=warn"];
const BROKER_JAVA = ["-Xms512M", "-Xmx1G", "-XX:+UseSerialGC", "-Dmillrace.level=info"];

export function cacheDir(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "millrace-foreign");
}

/** Why Kafka cannot be had on this machine, or null. */
export function whyNoKafka(): string | null {
  if (!hasProgram("java")) return "no java on this machine";
  if (existsSync(classesDir()) || hasProgram("mvn")) return null;
  return "no mvn on this machine and no jars in the cache";
}

function classesDir(): string {
  return join(cacheDir(), `kafka-${KAFKA_VERSION}`, "lib");
}

/** Jars of Kafka and its tools, fetched once. Interrupted fetches leave no half-filled folder. */
export async function kafkaClassPath(): Promise<string> {
  const lib = classesDir();
  if (!existsSync(lib)) {
    const work = join(cacheDir(), `fetch-${process.pid}`);
    mkdirSync(work, { recursive: true });
    copyFileSync(join(import.meta.dir, "pom.xml"), join(work, "pom.xml"));
    await mustRun(
      ["mvn", "-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${join(work, "lib")}`],
      { cwd: work, timeoutMs: 600_000 },
    );
    mkdirSync(join(lib, ".."), { recursive: true });
    await mustRun(["mv", "-T", join(work, "lib"), lib]);
    rmSync(work, { recursive: true, force: true });
  }
  return `${import.meta.dir}:${lib}/*`;
}

/** The settings with which one Kafka node opens a directory: a static voter and no replicas. */
export function serverProperties(
  dataDir: string,
  ports: { readonly client: number; readonly controller: number },
  overrides: Readonly<Record<string, string>> = {},
): string {
  const all: Record<string, string> = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${ports.controller}`,
    "listeners": `PLAINTEXT://127.0.0.1:${ports.client},CONTROLLER://127.0.0.1:${ports.controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${ports.client}`,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": dataDir,
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    ...overrides,
  };
  return Object.entries(all).map(([key, value]) => `${key}=${value}\n`).join("");
}

export interface KafkaOptions {
  readonly dataDir: string;
  readonly properties?: Readonly<Record<string, string>>;
  /** The whole of server.properties, instead of ours, for the ports given. */
  readonly propertiesText?: (ports: { readonly client: number; readonly controller: number }) => string;
}

/** Formats an empty directory: kraft.version 0 with a static voter. */
export async function formatKafka(options: KafkaOptions & { readonly clusterId?: string }): Promise<void> {
  const file = `${options.dataDir}.format.properties`;
  mkdirSync(options.dataDir, { recursive: true });
  writeFileSync(file, serverProperties(options.dataDir, { client: 1, controller: 2 }, options.properties));
  const clusterId = options.clusterId ?? KAFKA_CLUSTER_ID;
  await kafkaTool("kafka.tools.StorageTool", ["format", "-t", clusterId, "-c", file]);
  rmSync(file);
}

/** A Kafka broker that runs. */
export class Kafka {
  readonly dataDir: string;
  readonly port: number;
  readonly #program: Program;
  readonly #propertiesFile: string;

  /** Starts on `dataDir` as it is and waits until clients are served. */
  static async start(options: KafkaOptions): Promise<Kafka> {
    const ports = { client: freePort(), controller: freePort() };
    const file = `${options.dataDir}.server-${ports.client}.properties`;
    const text = options.propertiesText?.(ports) ?? serverProperties(options.dataDir, ports, options.properties);
    writeFileSync(file, text);
    const command = ["java", ...BROKER_JAVA, "-cp", await kafkaClassPath(), "kafka.Kafka", file];
    const program = Program.start(command);
    try {
      await program.waitFor(/Kafka Server started/, READY_TIMEOUT_MS);
    } catch (error) {
      await program.kill();
      throw error;
    }
    return new Kafka(options.dataDir, ports.client, program, file);
  }

  private constructor(dataDir: string, port: number, program: Program, propertiesFile: string) {
    this.dataDir = dataDir;
    this.port = port;
    this.#program = program;
    this.#propertiesFile = propertiesFile;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** What it logged: the place to look for WARN and ERROR about a directory it did not write. */
  get log(): string {
    return this.#program.output;
  }

  async stop(): Promise<void> {
    await this.#program.stop(STOP_TIMEOUT_MS);
    rmSync(this.#propertiesFile, { force: true });
  }

  async kill(): Promise<void> {
    await this.#program.kill();
    rmSync(this.#propertiesFile, { force: true });
  }
}

/** Runs one of Kafka's tools, by class; a non-zero exit is an error. */
export async function kafkaTool(
  className: string,
  args: readonly string[],
  options: { readonly input?: string; readonly mayFail?: boolean; readonly timeoutMs?: number } = {},
): Promise<RunResult> {
  const command = ["java", ...TOOL_JAVA, "-cp", await kafkaClassPath(), className, ...args];
  const runner = options.mayFail === true ? run : mustRun;
  return runner(command, {
    timeoutMs: options.timeoutMs ?? 180_000,
    ...(options.input === undefined ? {} : { input: options.input }),
  });
}

export const TOOLS = {
  topics: "org.apache.kafka.tools.TopicCommand",
  configs: "kafka.admin.ConfigCommand",
  dumpLog: "org.apache.kafka.tools.DumpLogSegments",
  getOffsets: "org.apache.kafka.tools.GetOffsetShell",
  consoleProducer: "org.apache.kafka.tools.ConsoleProducer",
  consoleConsumer: "org.apache.kafka.tools.consumer.ConsoleConsumer",
  producerPerf: "org.apache.kafka.tools.ProducerPerformance",
  deleteRecords: "org.apache.kafka.tools.DeleteRecordsCommand",
} as const;
