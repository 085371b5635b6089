import { Client } from "./client.ts";
import type { Call } from "./client.ts";
import { ConnectionLost } from "./connection_lost.ts";
import { findErrorMessage } from "./error_message.ts";
import type { Clock } from "../io/clock.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError, UsageError } from "../model/errors.ts";
import type { Uuid } from "../base/uuid.ts";
import { metadataRequest, metadataResponse } from "../wire/api/03_metadata.ts";
import type { Fields, InputOfFields, ValueOfFields } from "../wire/schema.ts";

export interface TopicPlace {
  readonly name: string;
  readonly id: Uuid;
  /** By partition index: the node that leads it, -1 while none does. */
  readonly leaders: readonly number[];
}

/** A broker's address from `HOST:PORT[,HOST:PORT ...]`; an IPv6 host stands in brackets. */
export function parseServers(text: string): { host: string; port: number }[] {
  return text.split(",").map((item) => {
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(item.trim());
    const port = Number(match?.[3] ?? 0);
    if (match === null || port < 1 || port > 65_535) {
      throw new UsageError(`--bootstrap-server ${item}: write it as HOST:PORT`);
    }
    return { host: match[1] ?? match[2]!, port };
  });
}

/** Connections to the brokers of one cluster, made as they are needed. */
export class Cluster {
  readonly #clientId: string;
  readonly #first: Client;
  readonly #addresses = new Map<number, { host: string; port: number }>();
  readonly #clients = new Map<number, Client>();

  private constructor(clientId: string, first: Client) {
    this.#clientId = clientId;
    this.#first = first;
  }

  /** Uses the first of `servers` that answers. */
  static async connect(servers: string, clientId: string, clock?: Clock): Promise<Cluster> {
    let last: unknown = null;
    for (const { host, port } of parseServers(servers)) {
      try {
        const options = { host, port, clientId, ...(clock === undefined ? {} : { clock }) };
        return new Cluster(clientId, await Client.connect(options));
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        last = error;
      }
    }
    throw new UsageError(`${(last as Error).message}: start one with \`millrace serve\`, ` +
      "or name another with --bootstrap-server");
  }

  /** Asks whichever broker answered first. */
  any<Q extends Fields, S extends Fields>(
    call: Call<Q, S>,
    value: InputOfFields<Q>,
    version?: number,
  ): Promise<ValueOfFields<S>> {
    return this.#first.call(call, value, version);
  }

  versionOf(request: Parameters<Client["versionOf"]>[0]): number {
    return this.#first.versionOf(request);
  }

  /** The connection to one broker, by the id that metadata gave it. */
  async broker(nodeId: number): Promise<Client> {
    const known = this.#clients.get(nodeId);
    if (known !== undefined) return known;
    const address = this.#addresses.get(nodeId);
    if (address === undefined) {
      throw new KafkaError(ErrorCode.LEADER_NOT_AVAILABLE, `no broker has the id ${nodeId}`);
    }
    const client = await Client.connect({ ...address, clientId: this.#clientId });
    this.#clients.set(nodeId, client);
    return client;
  }

  /** Where the partitions of a topic live. Throws KafkaError when there is no such topic. */
  async topic(name: string, create: boolean): Promise<TopicPlace> {
    const answer = await this.any(
      { request: metadataRequest, response: metadataResponse },
      { topics: [{ name }], allowAutoTopicCreation: create },
    );
    for (const broker of answer.brokers) {
      this.#addresses.set(broker.nodeId, { host: broker.host, port: broker.port });
    }
    const topic = answer.topics[0];
    if (topic === undefined || topic.errorCode !== ErrorCode.NONE) {
      const code = (topic?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) as ErrorCode;
      throw new KafkaError(code, `topic ${name}: ${findErrorMessage(code)}`);
    }
    const leaders: number[] = [];
    for (const partition of topic.partitions) leaders[partition.partitionIndex] = partition.leaderId;
    return { name, id: topic.topicId, leaders };
  }

  close(): void {
    this.#first.close();
    for (const client of this.#clients.values()) client.close();
  }
}
