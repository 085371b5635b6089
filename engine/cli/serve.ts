import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Broker } from "../broker/broker.ts";
import { serveHealth } from "../broker/health.ts";
import { SystemClock } from "../io/clock.ts";
import type { Clock } from "../io/clock.ts";
import { NativeCodecs } from "../io/compression.ts";
import { LineLogger, parseLogLevel } from "../io/logger.ts";
import type { Logger } from "../io/logger.ts";
import { NetError, isAnyHost } from "../io/net.ts";
import { SystemNet } from "../io/net_system.ts";
import { SystemRandom } from "../io/random.ts";
import { parseBrokerConfig } from "../model/broker_config.ts";
import type { BrokerConfig } from "../model/broker_config.ts";
import type { MonotonicMs } from "../model/offsets.ts";
import { UsageError } from "../model/errors.ts";
import { formatHostAndPort } from "../model/listener.ts";
import { parseProperties } from "../model/properties.ts";
import { Store } from "../store/store.ts";
import type { Command, Flags, Terminal } from "./command.ts";

const DEFAULT_DIRECTORY = "./data";
const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 9092;

/** A stop that takes longer is cut short: supervisors kill after ten seconds. */
const STOP_MS_MAX = 9_000;

const EXIT_BY_SIGNAL: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/** `millrace serve`: a broker on one data directory. */
export const serveCommand: Command = {
  name: "serve",
  summary: "Serve a data directory to Kafka clients.",
  positionals: "",
  flags: {
    port: {
      kind: "text",
      value: "PORT",
      help: `port to listen on, 0 for any free one (default ${DEFAULT_PORT})`,
    },
    host: {
      kind: "text",
      value: "HOST",
      help: `address to listen on (default ${DEFAULT_HOST}: this machine alone)`,
    },
    dir: {
      kind: "text",
      value: "DIR",
      help: `data directory, made when absent (default ${DEFAULT_DIRECTORY})`,
    },
    flush: {
      kind: "text",
      value: "MODE",
      help: "commit: acknowledged is on the device (default); os: it is in the page cache",
    },
    config: { kind: "text", value: "FILE", help: "a server.properties, with Kafka's names" },
    set: {
      kind: "list",
      value: "KEY=VALUE",
      help: "one property; may be repeated, wins over --config",
    },
    "log-level": {
      kind: "text",
      value: "LEVEL",
      help: "debug, info, warn or error (default info)",
    },
    "json-log": { kind: "switch", help: "log lines as JSON" },
    "health-port": { kind: "text", value: "PORT", help: "serve GET /health on this port" },
  },
  notes: `
Stops cleanly on SIGTERM and SIGINT: what is in flight is answered, everything is synced. A second
signal exits at once.`,
  run: serve,
};

async function serve(flags: Flags, _positionals: readonly string[], terminal: Terminal): Promise<number> {
  const clock = new SystemClock();
  const logger = new LineLogger({
    clock,
    level: logLevel(flags),
    json: flags.switch("json-log"),
    write: (line) => terminal.error(line),
  });
  const config = readConfig(flags, logger);
  const dir = resolve(config.dataDirectory ?? DEFAULT_DIRECTORY);
  const signals = new Signals(clock);
  const random = new SystemRandom();
  const codecs = new NativeCodecs();
  const store = await Store.open({ dir, config, clock, random, codecs, logger });
  let broker: Broker | null = null;
  try {
    const net = new SystemNet(store.disk.native);
    broker = Broker.start(store, { net, clock, random, codecs, logger });
    startHealth(flags, net, broker);
  } catch (error) {
    await broker?.stop();
    await store.close();
    throw error;
  }
  terminal.out(readyLines(broker, config, dir));
  const signal = await signals.first;
  logger.info("stopping", { signal });
  const cancel = clock.after(STOP_MS_MAX, () => {
    logger.error("the stop takes too long: leaving without it");
    process.exit(1);
  });
  await broker.stop();
  await store.close();
  cancel();
  logger.info("stopped");
  return 0;
}

/**
 * One Ctrl-C may arrive twice: the terminal signals the whole process group, and npm passes on what it
 * got. What follows this closely is the same key.
 */
const SAME_SIGNAL_MS = 500;

/** The first signal is awaited, the second ends the process. */
class Signals {
  readonly first: Promise<string>;

  constructor(clock: Clock) {
    const { promise, resolve: hear } = Promise.withResolvers<string>();
    this.first = promise;
    let stoppingAt: MonotonicMs | null = null;
    for (const signal of Object.keys(EXIT_BY_SIGNAL)) {
      process.on(signal, () => {
        const now = clock.monotonicMs();
        if (stoppingAt === null) {
          stoppingAt = now;
          hear(signal);
        } else if (now - stoppingAt > SAME_SIGNAL_MS) process.exit(EXIT_BY_SIGNAL[signal]);
      });
    }
  }
}

function logLevel(flags: Flags) {
  const text = flags.text("log-level") ?? "info";
  const level = parseLogLevel(text);
  if (level === null) throw new UsageError(`--log-level ${text}: give debug, info, warn or error`);
  return level;
}

function readConfig(flags: Flags, logger: Logger): BrokerConfig {
  const overrides = flags.pairs("set");
  const dir = flags.text("dir");
  if (dir !== undefined) overrides.set("log.dirs", dir);
  const mode = flags.text("flush");
  if (mode !== undefined) overrides.set("flush.mode", mode);
  const port = flags.number("port");
  const host = flags.text("host");
  if (port !== undefined || host !== undefined) {
    const address = formatHostAndPort(host ?? DEFAULT_HOST, port ?? DEFAULT_PORT);
    overrides.set("listeners", `PLAINTEXT://${address}`);
  }
  const parsed = parseBrokerConfig(readProperties(flags), overrides);
  if (parsed.config === null) throw new UsageError(parsed.problems.join("; "));
  for (const name of parsed.unknown) logger.warn("unknown property", { name });
  for (const name of parsed.withoutEffect) logger.debug("property without effect here", { name });
  return parsed.config;
}

function readProperties(flags: Flags): Map<string, string> {
  const path = flags.text("config");
  if (path === undefined) return new Map();
  try {
    return parseProperties(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError(`--config ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function startHealth(flags: Flags, net: SystemNet, broker: Broker): void {
  const port = flags.number("health-port");
  if (port === undefined) return;
  const host = flags.text("host") ?? DEFAULT_HOST;
  try {
    serveHealth(net, host, port, () => broker.health());
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    throw new UsageError(`--health-port ${port}: ${error.message} (${error.code})`, { cause: error });
  }
}

/** What a newcomer needs: where it is, what survives, and a line to copy. */
function readyLines(broker: Broker, config: BrokerConfig, dir: string): string {
  const addresses = broker.addresses.map(({ host, port }) => formatHostAndPort(reachable(host), port));
  const mode = config.text("flush.mode");
  const promise = mode === "os"
    ? "acknowledged records survive a crash of the process; a power cut loses up to the last 30 s"
    : "acknowledged records survive a crash and a power cut";
  return `millrace ready on ${addresses.join(", ")}, data in ${dir}, flush.mode ${mode}: ${promise}\n` +
    `try:  echo hello | npx millrace produce --bootstrap-server ${addresses[0]} --topic first\n`;
}

function reachable(host: string): string {
  return isAnyHost(host) ? DEFAULT_HOST : host;
}
