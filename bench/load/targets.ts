/**
 * What can be measured: Millrace, the C and Bun floors, Apache Kafka. Each is a process of its own,
 * listening on a free port of 127.0.0.1, with a data directory that is removed when it stops.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { countBrokers } from "./admin.ts";
import { buildProgram, cacheDir, type Program } from "./native_build.ts";

const ROOT = join(import.meta.dir, "../..");
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

export interface Target {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** A broker needs topics; a floor takes any request. */
  readonly isBroker: boolean;
  /** Topic properties that this broker takes for the durability asked for. */
  readonly topicConfigs: Readonly<Record<string, string>>;
  readonly dir: string;
  readonly commandLine: string;
  stop(): Promise<void>;
}

export interface BrokerOptions {
  readonly flush: "os" | "commit";
  readonly dirRoot: string | null;
  /** Broker properties under Kafka's names. */
  readonly properties: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  /** Put before the entry point: `--preload FILE` and the like. */
  readonly bunArguments: readonly string[];
  /** An existing data directory, which is then left alone; otherwise a new one is made and removed. */
  readonly dir?: string;
}

const dirs = new Set<string>();
const children = new Set<Subprocess>();

/** A run that fails or is interrupted leaves neither processes nor data directories behind. */
function cleanUp(): void {
  for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
}

process.on("exit", cleanUp);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

export function newDir(root: string | null, name: string): string {
  const dir = mkdtempSync(join(root ?? tmpdir(), `millrace-bench-${name}-`));
  dirs.add(dir);
  return dir;
}

export function removeDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
  dirs.delete(dir);
}

/** $MILLRACE_ENTRY, or the sources. */
export function millraceEntry(): string {
  return process.env["MILLRACE_ENTRY"] ?? join(ROOT, "engine/cli/main.ts");
}

/** The bundle that a start through npm uses, made anew from the sources as they are. */
export function bundledEntry(): string {
  const folder = join(cacheDir(), "bundle", "current");
  rmSync(folder, { recursive: true, force: true });
  const bundle = join(folder, "main.js");
  const result = Bun.spawnSync([process.execPath, join(ROOT, "engine/cli/bundle.ts"), bundle], { cwd: ROOT });
  if (!result.success) throw new Error(`bundling: ${result.stderr.toString()}`);
  return bundle;
}

interface Started {
  readonly process: Subprocess;
  readonly port: number;
}

/** Starts a process and waits until its output matches `ready`; the first group is the port. */
async function startUntil(
  command: string[],
  ready: RegExp,
  environment: Readonly<Record<string, string>>,
): Promise<Started> {
  const child = Bun.spawn(command, {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...environment },
  });
  children.add(child);
  const seen = Promise.withResolvers<number>();
  let output = "";
  const follow = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      output = (output + decoder.decode(chunk, { stream: true })).slice(-16_384);
      const match = ready.exec(output);
      if (match !== null) seen.resolve(Number(match[1]));
    }
  };
  void follow(child.stdout);
  void follow(child.stderr);
  const fail = (why: string): void =>
    seen.reject(new Error(`${command.join(" ")}: ${why}\n${output}`));
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    fail("not ready in time");
  }, READY_TIMEOUT_MS);
  void child.exited.then((code) => fail(`ended with ${code}`));
  void seen.promise.catch(() => undefined);
  try {
    return { process: child, port: await seen.promise };
  } finally {
    clearTimeout(timer);
  }
}

async function stopProcess(child: Subprocess, dir: string | null): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await child.exited;
  clearTimeout(timer);
  children.delete(child);
  if (dir !== null) removeDir(dir);
}

function asTarget(
  started: Started,
  facts: Omit<Target, "pid" | "port" | "stop">,
  removesDir = true,
): Target {
  return {
    ...facts,
    pid: started.process.pid,
    port: started.port,
    stop: () => stopProcess(started.process, removesDir ? facts.dir : null),
  };
}

export async function startMillrace(options: BrokerOptions): Promise<Target> {
  const dir = options.dir ?? newDir(options.dirRoot, "data");
  const sets = Object.entries(options.properties).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const command = [
    process.execPath,
    ...options.bunArguments,
    millraceEntry(),
    "serve",
    ...["--port", "0", "--dir", dir, "--flush", options.flush],
    ...sets,
  ];
  const started = await startUntil(command, /127\.0\.0\.1:(\d+)/, options.environment);
  return asTarget(started, {
    name: "millrace",
    isBroker: true,
    topicConfigs: {},
    dir,
    commandLine: command.join(" "),
  }, options.dir === undefined);
}

export async function startFloor(
  program: Program,
  options: readonly string[],
  dirRoot: string | null,
): Promise<Target> {
  const dir = newDir(dirRoot, "floor");
  const command = [buildProgram(program), "--dir", dir, ...options];
  const started = await startUntil(command, /ready (\d+)/, {});
  const name = `floor ${[program, ...options.filter((word) => word === "pread")].join(" ")}`;
  return asTarget(started, {
    name,
    isBroker: false,
    topicConfigs: {},
    dir,
    commandLine: command.join(" "),
  });
}

export async function startBunFloor(topic: string, dirRoot: string | null): Promise<Target> {
  const dir = newDir(dirRoot, "floor");
  const command = [process.execPath, join(ROOT, "bench/floors/answer.ts"), "--topic", topic];
  const started = await startUntil(command, /ready (\d+)/, {});
  return asTarget(started, {
    name: "floor bun-answer",
    isBroker: false,
    topicConfigs: {},
    dir,
    commandLine: command.join(" "),
  });
}

// ---- Apache Kafka ----

const KAFKA_VERSION = "4.3.1";
const KAFKA_JAVA = ["-Xms1G", "-Xmx1G", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"];
const KAFKA_CLUSTER_ID = "bWlsbHJhY2UtYmVuY2gtMQ";

const KAFKA_POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>bench</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId>
      <version>${KAFKA_VERSION}</version></dependency>
  </dependencies>
</project>
`;

/** Folder with Kafka's jars: $KAFKA_LIB, or fetched once with Maven into the cache. */
function kafkaLibrary(): string {
  const given = process.env["KAFKA_LIB"];
  if (given !== undefined) return given;
  const dir = join(cacheDir(), `kafka-${KAFKA_VERSION}`);
  const library = join(dir, "lib");
  if (existsSync(join(library, `kafka_2.13-${KAFKA_VERSION}.jar`))) return library;
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "pom.xml"), KAFKA_POM);
  const command = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"];
  const result = Bun.spawnSync(command, { cwd: dir });
  if (!result.success) throw new Error(`fetching Kafka: ${result.stdout.toString()}`);
  return library;
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const port = listener.port;
  listener.stop(true);
  return port;
}

function kafkaProperties(dir: string, properties: Readonly<Record<string, string>>, ports: number[]): string {
  const all: Record<string, string> = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${ports[1]}`,
    "listeners": `PLAINTEXT://127.0.0.1:${ports[0]},CONTROLLER://127.0.0.1:${ports[1]}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${ports[0]}`,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": join(dir, "data"),
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    ...properties,
  };
  return Object.entries(all).map(([key, value]) => `${key}=${value}\n`).join("");
}

export async function startKafka(options: BrokerOptions): Promise<Target> {
  const dir = newDir(options.dirRoot, "kafka");
  const ports = [freePort(), freePort()];
  const file = join(dir, "server.properties");
  writeFileSync(file, kafkaProperties(dir, options.properties, ports));
  const jars = join(kafkaLibrary(), "*");
  const format = ["java", "-cp", jars, "kafka.tools.StorageTool", "format", "-t", KAFKA_CLUSTER_ID, "-c", file];
  const formatted = Bun.spawnSync(format);
  if (!formatted.success) throw new Error(`formatting Kafka: ${formatted.stdout.toString()}`);
  const command = ["java", ...KAFKA_JAVA, "-cp", jars, "kafka.Kafka", file];
  const child = Bun.spawn(command, { cwd: dir, stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  children.add(child);
  await waitForBroker(child, ports[0]!);
  return asTarget(
    { process: child, port: ports[0]! },
    {
      name: `kafka ${KAFKA_VERSION}`,
      isBroker: true,
      topicConfigs: options.flush === "commit" ? { "flush.messages": "1" } : {},
      dir,
      commandLine: command.join(" "),
    },
  );
}

/** Kafka says nothing that can be relied on, so ask it until it names its brokers. */
async function waitForBroker(child: Subprocess, port: number): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Kafka ended with ${child.exitCode}`);
    const brokers = await countBrokers(port).catch(() => 0);
    if (brokers > 0) return;
    if (performance.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error("Kafka was not ready in time");
    }
    await Bun.sleep(100);
  }
}
