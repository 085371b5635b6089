import { SystemClock } from "../io/clock.ts";
import type { Clock } from "../io/clock.ts";
import { NativeCodecs } from "../io/compression.ts";
import { SILENT_LOGGER } from "../io/logger.ts";
import type { Logger } from "../io/logger.ts";
import { SystemRandom } from "../io/random.ts";
import type { Random } from "../io/random.ts";
import { parseBrokerConfig } from "../model/broker_config.ts";
import type { BrokerConfig } from "../model/broker_config.ts";
import type { Codecs } from "../model/compression.ts";
import { UsageError } from "../model/errors.ts";
import type { FlushMode } from "../model/log_config.ts";
import { Store } from "../store/store.ts";

/** What `openLog` and `startBroker` have in common. */
export interface DirectoryOptions {
  /** The data directory, made and formatted when there is none. */
  readonly dir: string;
  /**
   * "commit" (default): acknowledged is on the device. "os": acknowledged is in the operating system's
   * hands, and lost when the machine dies, not when the process does.
   */
  readonly flush?: FlushMode;
  /** Configs of the data directory, by the names of Kafka's server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Gets the warnings: `console` will do (default: nobody). What fails is told to the caller in any case. */
  readonly logger?: Logger;
}

/** The parts of this machine that an engine in this process works with. */
export interface Machine {
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  readonly logger: Logger;
}

export function systemMachine(logger: Logger | undefined): Machine {
  return {
    clock: new SystemClock(),
    random: new SystemRandom(),
    codecs: new NativeCodecs(),
    logger: logger ?? SILENT_LOGGER,
  };
}

/** What only a broker heeds: two of one process may differ in it. */
const BROKER_OWN: ReadonlySet<string> = new Set([
  "listeners",
  "advertised.listeners",
  "listener.security.protocol.map",
  "controller.listener.names",
]);

/** @throws UsageError with every bad or unknown property in one line. */
export function configOf(options: DirectoryOptions, more: Readonly<Record<string, string>>): BrokerConfig {
  const texts = new Map(Object.entries({ ...options.properties, ...more }));
  if (options.flush !== undefined) texts.set("flush.mode", options.flush);
  const { config, problems, unknown } = parseBrokerConfig(texts);
  const wrong = [...problems, ...unknown.map((name) => `${name}: no such property`)];
  if (config === null || wrong.length > 0) throw new UsageError(wrong.join("; "));
  return config;
}

/**
 * The store of a data directory: the one that this process has open, if it does. That one keeps its
 * configs, so a property that asks for something else is refused. Throws DataDirectoryError, UsageError.
 */
export async function openStore(
  options: DirectoryOptions,
  config: BrokerConfig,
  machine: Machine,
): Promise<Store> {
  const store = await Store.open({ dir: options.dir, config, ...machine });
  for (const name of [...Object.keys(options.properties ?? {}), "flush.mode"]) {
    if (BROKER_OWN.has(name) || !config.isSet(name)) continue;
    const [wanted, inForce] = [config.effectiveText(name), store.config.effectiveText(name)];
    if (wanted === inForce) continue;
    await store.close();
    const where = `${options.dir} is open in this process with ${name}=${inForce}`;
    throw new UsageError(`${where}: close it first, or do not ask for ${wanted}`);
  }
  return store;
}
