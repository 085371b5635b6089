import { Broker } from "../broker/broker.ts";
import type { BrokerAddress } from "../broker/broker.ts";
import { SystemNet } from "../io/net_system.ts";
import { formatHostAndPort } from "../model/listener.ts";
import { configOf, openStore, systemMachine } from "./machine.ts";
import type { DirectoryOptions } from "./machine.ts";

export interface StartBrokerOptions extends DirectoryOptions {
  /** Address to listen on (default 127.0.0.1: this machine only). */
  readonly host?: string;
  /** Port to listen on (default 9092); 0 takes any that is free. */
  readonly port?: number;
}

/** A broker in this process. Close it, and await that. */
export interface EmbeddedBroker extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** All of them, where `properties.listeners` names several. */
  readonly addresses: readonly BrokerAddress[];
  readonly clusterId: string;
  /** Answers what is parked or in flight, closes the connections, lets the data directory go. */
  close(): Promise<void>;
}

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 9092;

/**
 * Serves a data directory to Kafka clients from this process, sharing it with what `openLog` has open: a
 * record appended there is fetched here, and the other way round.
 *
 * Rejects with DataDirectoryError, as `openLog`, and UsageError for an address that cannot be had.
 */
export async function startBroker(options: StartBrokerOptions): Promise<EmbeddedBroker> {
  const machine = systemMachine(options.logger);
  const config = configOf(options, listenerOf(options));
  const store = await openStore(options, config, machine);
  try {
    const net = new SystemNet(store.disk.native);
    const broker = Broker.start(store, { net, ...machine, listeners: config.listeners });
    const { host, port } = broker.addresses[0]!;
    let closing: Promise<void> | null = null;
    const close = (): Promise<void> => (closing ??= broker.stop().then(() => store.close()));
    return {
      host,
      port,
      addresses: broker.addresses,
      clusterId: store.clusterId,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** `listeners` among the properties, unless host or port say otherwise. */
function listenerOf({ host, port, properties }: StartBrokerOptions): Record<string, string> {
  const isElsewhere = host === undefined && port === undefined && properties?.["listeners"] !== undefined;
  if (isElsewhere) return {};
  const address = formatHostAndPort(host ?? DEFAULT_HOST, port ?? DEFAULT_PORT);
  return { listeners: `PLAINTEXT://${address}` };
}
