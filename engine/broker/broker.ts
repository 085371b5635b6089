import type { Cancel, Clock } from "../io/clock.ts";
import type { Logger } from "../io/logger.ts";
import { NetError } from "../io/net.ts";
import type { Listener, Net, Socket } from "../io/net.ts";
import type { Random } from "../io/random.ts";
import type { Codecs } from "../model/compression.ts";
import { UsageError } from "../model/errors.ts";
import { formatHostAndPort, isLoopback } from "../model/listener.ts";
import type { Listener as ListenerConfig, ListenerSettings } from "../model/listener.ts";
import type { MonotonicMs } from "../model/offsets.ts";
import type { Store } from "../store/store.ts";
import type { Frame } from "../wire/frame_splitter.ts";
import { Writer } from "../wire/writer.ts";
import { SERVED_APIS } from "./apis.ts";
import {
  FETCH_GATHER_BYTES_MAX,
  STOP_ANSWERS_MS_MAX,
  SWEEP_MS,
  TOTAL_REQUEST_BYTES_MAX,
} from "./broker_limits.ts";
import type { Call, Caller, Endpoint, ServedApi, Services } from "./call.ts";
import { Connection } from "./connection.ts";
import type { ConnectionHost } from "./connection.ts";
import type { Health } from "./health.ts";
import { FetchSessionCache } from "./fetch_session.ts";
import { Router } from "./router.ts";
import { Settlements } from "./settlements.ts";

export interface BrokerOptions {
  readonly net: Net;
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  readonly logger: Logger;
  /** Absent: those of the store's config, which another broker of this process may have taken. */
  readonly listeners?: ListenerSettings;
  /** Bytes of requests held over all connections; absent: TOTAL_REQUEST_BYTES_MAX. */
  readonly requestBytesMax?: number;
}

/** One address that the broker serves. */
export interface BrokerAddress {
  readonly listener: string;
  readonly host: string;
  /** The port taken, where port 0 was asked for. */
  readonly port: number;
}

/**
 * Broker: a Store, served to Kafka clients.
 *
 *   listener -> connection -> router -> handler -> store, partitions
 *
 * Invariants:
 *  B1  the broker never closes the store: whoever opened it does, after `stop`
 *  B2  `heldBytes` is the sum over its connections; above the budget nobody is read from
 *
 * Owner: the command line, or the embedding program. Errors: `start` throws UsageError for an address
 * that cannot be had; afterwards what goes wrong ends a connection, never the broker.
 */
export class Broker implements ConnectionHost, Services {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  readonly logger: Logger;
  readonly sessions: FetchSessionCache;
  readonly settlements = new Settlements();
  readonly apis: readonly ServedApi[] = SERVED_APIS;
  readonly scratch = new Uint8Array(FETCH_GATHER_BYTES_MAX);
  readonly writer = new Writer();
  readonly frameBytesMax: number;
  sweptAt: MonotonicMs;

  readonly #net: Net;
  readonly #requestBytesMax: number;
  readonly #configured: ListenerSettings;
  readonly #router: Router;
  readonly #listeners: Listener[] = [];
  readonly #addresses: BrokerAddress[] = [];
  readonly #connections = new Set<Connection>();
  readonly #starved = new Set<Connection>();
  /** Connections by the address they come from. */
  readonly #peers = new Map<string, number>();
  /** Since the last sweep, by reason: a flood is told in one line. */
  readonly #turnedAway = new Map<string, number>();
  readonly #cancelSweep: Cancel;
  #heldBytes = 0;
  #stopped: Promise<void> | null = null;
  #allClosed: (() => void) | null = null;

  private constructor(store: Store, options: BrokerOptions) {
    this.store = store;
    this.clock = options.clock;
    this.random = options.random;
    this.codecs = options.codecs;
    this.logger = options.logger;
    this.#net = options.net;
    this.#requestBytesMax = options.requestBytesMax ?? TOTAL_REQUEST_BYTES_MAX;
    const { config } = store;
    this.#configured = options.listeners ?? config.listeners;
    const slots = config.number("max.incremental.fetch.session.cache.slots");
    this.sessions = new FetchSessionCache(slots, this.clock, this.random);
    this.frameBytesMax = config.number("socket.request.max.bytes");
    this.sweptAt = this.clock.monotonicMs();
    this.#router = new Router(this);
    this.#cancelSweep = this.clock.every(SWEEP_MS, () => this.#sweep());
  }

  /** Listens on every configured address before it returns. Throws UsageError. */
  static start(store: Store, options: BrokerOptions): Broker {
    const broker = new Broker(store, options);
    try {
      for (const listener of broker.#configured.listeners) broker.#listen(listener);
    } catch (error) {
      broker.#cancelSweep();
      for (const listener of broker.#listeners) listener.stop();
      throw error;
    }
    return broker;
  }

  get addresses(): readonly BrokerAddress[] {
    return this.#addresses;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Request bytes in memory (B2). */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** For a health check: failing once the disk has failed, or the broker stops. */
  health(): Health {
    const { fault } = this.store.disk;
    return {
      ok: fault === null && this.#stopped === null,
      details: {
        clusterId: this.store.clusterId,
        nodeId: this.store.nodeId,
        topics: this.store.image.topicCount,
        connections: this.#connections.size,
        diskFault: fault === null ? null : fault.message,
        stopping: this.#stopped !== null,
      },
    };
  }

  /** Takes no more, answers what is parked or in flight, then closes every connection. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const listener of this.#listeners) listener.stop();
    const allClosed = new Promise<void>((resolve) => {
      this.#allClosed = resolve;
    });
    for (const connection of [...this.#connections]) connection.end();
    if (this.#connections.size > 0) {
      const cancel = this.clock.after(STOP_ANSWERS_MS_MAX, () => {
        for (const connection of [...this.#connections]) connection.close();
      });
      await allClosed;
      cancel();
    }
    this.#cancelSweep();
  }

  #listen(wanted: ListenerConfig): void {
    const { config } = this.store;
    let listener: Listener;
    try {
      listener = this.#net.listen({
        host: wanted.host,
        port: wanted.port,
        buffers: {
          sendBytes: config.number("socket.send.buffer.bytes"),
          receiveBytes: config.number("socket.receive.buffer.bytes"),
        },
        accept: (socket) => this.#accept(socket, wanted.name),
      });
    } catch (error) {
      if (error instanceof NetError) throw new UsageError(explain(error, wanted), { cause: error });
      throw error;
    }
    this.#listeners.push(listener);
    this.#addresses.push({ listener: wanted.name, host: wanted.host, port: listener.port });
    if (isLoopback(wanted.host)) return;
    this.logger.warn(
      "listening beyond this machine without authentication: anybody who reaches the port can do anything",
      { address: formatHostAndPort(wanted.host, listener.port) },
    );
  }

  #accept(socket: Socket, listenerName: string): Connection | null {
    const reason = this.#refusal(socket.remoteAddress);
    if (reason !== null) {
      this.#turnedAway.set(reason, (this.#turnedAway.get(reason) ?? 0) + 1);
      return null;
    }
    const connection = new Connection(this, socket, this.#endpoint(socket, listenerName));
    this.#connections.add(connection);
    this.#countPeer(socket.remoteAddress, 1);
    return connection;
  }

  /** Why one more connection from this address is too many, or null. */
  #refusal(address: string): string | null {
    const { config } = this.store;
    const count = this.#connections.size;
    if (count >= config.number("max.connections")) return "max.connections is reached";
    if (count >= this.#net.connectionsMax) return "the process may not open more files";
    const ofPeer = this.#peers.get(address) ?? 0;
    return ofPeer < config.number("max.connections.per.ip") ? null : "max.connections.per.ip is reached";
  }

  #countPeer(address: string, delta: number): void {
    const count = (this.#peers.get(address) ?? 0) + delta;
    if (count === 0) this.#peers.delete(address);
    else this.#peers.set(address, count);
  }

  /** Where clients are told to find this node: as configured, else where this one found it. */
  #endpoint(socket: Socket, listenerName: string): Endpoint {
    const advertised = this.#configured.advertised.get(listenerName);
    if (advertised === undefined) return { host: socket.localAddress, port: socket.localPort };
    return { host: advertised.host, port: advertised.port === 0 ? socket.localPort : advertised.port };
  }

  // --- ConnectionHost ------------------------------------------------------------------------------

  get services(): Services {
    return this;
  }

  isPipelined(apiKey: number): boolean {
    return this.#router.isPipelined(apiKey);
  }

  dispatch(caller: Caller, frame: Frame): Call | null {
    return this.#router.dispatch(caller, frame);
  }

  get isOverBudget(): boolean {
    return this.#heldBytes > this.#requestBytesMax;
  }

  holdBytes(delta: number): void {
    this.#heldBytes += delta;
    if (delta < 0 && this.#starved.size > 0 && !this.isOverBudget) this.#feed();
  }

  waitForBudget(connection: Connection): void {
    this.#starved.add(connection);
  }

  closed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#starved.delete(connection);
    this.#countPeer(connection.remoteAddress, -1);
    if (this.#connections.size === 0) this.#allClosed?.();
  }

  #feed(): void {
    const starved = [...this.#starved];
    this.#starved.clear();
    this.clock.atEndOfTick(() => {
      for (const connection of starved) connection.resume();
    });
  }

  #sweep(): void {
    this.sweptAt = this.clock.monotonicMs();
    const idleMsMax = this.store.config.number("connections.max.idle.ms");
    for (const connection of [...this.#connections]) connection.sweep(this.sweptAt, idleMsMax);
    this.settlements.sweep(this.sweptAt);
    if (this.isOverBudget) this.#relieve();
    for (const [reason, count] of this.#turnedAway) {
      this.logger.warn(`connections were turned away: ${reason}`, { count });
    }
    this.#turnedAway.clear();
  }

  /** Where unfinished requests fill most of the budget, none may ever finish: the largest has to go. */
  #relieve(): void {
    let largest: Connection | null = null;
    let partialBytes = 0;
    for (const connection of this.#connections) {
      partialBytes += connection.partialBytes;
      if (largest === null || connection.partialBytes > largest.partialBytes) largest = connection;
    }
    if (partialBytes < this.#requestBytesMax / 2) return;
    this.logger.warn("unfinished requests fill the memory for requests: the largest is dropped", {
      peer: largest!.remoteAddress,
      bytes: largest!.partialBytes,
    });
    largest!.close();
  }
}

function explain(error: NetError, wanted: ListenerConfig): string {
  const address = formatHostAndPort(wanted.host, wanted.port);
  switch (error.code) {
    case "EADDRINUSE":
      return `${address} is in use: stop what listens there, or choose another port with --port`;
    case "EADDRNOTAVAIL":
      return `${wanted.host} is no address of this machine: see listeners`;
    case "EACCES":
      return `not allowed to listen on ${address}: ports below 1024 need privileges`;
    default:
      return `cannot listen on ${address} (${error.code})`;
  }
}
