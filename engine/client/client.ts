import { assert } from "../base/assert.ts";
import type { Clock } from "../io/clock.ts";
import type { TcpStream } from "../io/tcp.ts";
import { connectTcp } from "../io/tcp.ts";
import { findApi, requestHeaderVersion, responseHeaderVersion } from "../wire/apis.ts";
import { apiVersionsRequest, apiVersionsResponse } from "../wire/api/18_api_versions.ts";
import { decodeFrom, encodeInto } from "../wire/codec.ts";
import { FrameSplitter, joinFrame } from "../wire/frame_splitter.ts";
import type { Frame } from "../wire/frame_splitter.ts";
import { requestHeader, responseHeader } from "../wire/headers.ts";
import { Reader } from "../wire/reader.ts";
import type { Fields, InputOfFields, Message, ValueOfFields } from "../wire/schema.ts";
import type { VersionRange } from "../wire/version_range.ts";
import { ConnectionLost } from "./connection_lost.ts";
import { RESPONSE_HEAP_BYTES_MAX } from "./client_limits.ts";
import { Writer } from "../wire/writer.ts";

/** A request and the response that belongs to it, as declared in wire/api. */
export interface Call<Q extends Fields, S extends Fields> {
  readonly request: Message<Q>;
  readonly response: Message<S>;
}

export interface ClientOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  /** With it, a peer that does not answer at all is given up after ten seconds. */
  readonly clock?: Clock;
}

/** A broker that is busy recovering answers within this. */
const CONNECT_MS_MAX = 10_000;

interface Waiting {
  readonly answered: (reader: Reader) => void;
  readonly failed: (error: Error) => void;
  readonly headerVersion: number;
}

export { ConnectionLost };

/**
 * One connection to one broker: requests go out at once, pipelined, and answers are matched by
 * correlation id. What the command line, the benchmarks and the tests speak with; not a consumer or
 * producer library: no retries, no routing between brokers.
 *
 * Owner: whoever connected it; `close` it. Errors: ConnectionLost for everything unanswered at the
 * end; WireError for an answer that cannot be read.
 */
export class Client {
  readonly host: string;
  readonly port: number;
  readonly #clientId: string;
  readonly #splitter = new FrameSplitter();
  readonly #waiting = new Map<number, Waiting>();
  readonly #serverVersions = new Map<number, VersionRange>();
  #stream: TcpStream | null = null;
  #nextCorrelationId = 1;
  #lost: Error | null = null;

  private constructor(options: ClientOptions) {
    this.host = options.host;
    this.port = options.port;
    this.#clientId = options.clientId;
  }

  /** Connects and asks for the versions that the broker serves. Rejects with ConnectionLost. */
  static async connect(options: ClientOptions): Promise<Client> {
    const client = new Client(options);
    const late = Promise.withResolvers<never>();
    late.promise.catch(() => {});
    const cancel = options.clock?.after(CONNECT_MS_MAX, () => {
      const what = `${options.host}:${options.port} does not answer as a Kafka broker would`;
      client.#ended(null);
      client.#stream?.close();
      late.reject(new ConnectionLost(what));
    });
    try {
      await Promise.race([client.#greet(), late.promise]);
      return client;
    } finally {
      cancel?.();
    }
  }

  async #greet(): Promise<void> {
    const address = `${this.host}:${this.port}`;
    try {
      this.#stream = await connectTcp(this.host, this.port, {
        onData: (bytes) => this.#received(bytes),
        onEnd: (error) => this.#ended(error),
      });
    } catch (error) {
      throw new ConnectionLost(`no broker answers at ${address}`, { cause: error });
    }
    if (this.#lost !== null) this.#stream.close(); // given up meanwhile
    const versions = await this.call(
      { request: apiVersionsRequest, response: apiVersionsResponse },
      { clientSoftwareName: "millrace", clientSoftwareVersion: "0" },
      3,
    );
    for (const key of versions.apiKeys) {
      this.#serverVersions.set(key.apiKey, { first: key.minVersion, last: key.maxVersion });
    }
  }

  /** The highest version that both sides know; -1 when there is none. */
  versionOf(request: Message): number {
    const server = this.#serverVersions.get(request.apiKey);
    if (server === undefined) return -1;
    const version = Math.min(server.last, request.versions.last);
    return version >= Math.max(server.first, request.versions.first) ? version : -1;
  }

  async call<Q extends Fields, S extends Fields>(
    call: Call<Q, S>,
    value: InputOfFields<Q>,
    version = this.versionOf(call.request),
  ): Promise<ValueOfFields<S>> {
    assert(call.request.apiKey === call.response.apiKey, "a response to another request");
    const api = findApi(call.request.apiKey);
    assert(api !== undefined, "no such api", call.request.apiKey);
    if (version < 0) throw new ConnectionLost(`the broker does not serve ${api.name}`);
    if (this.#lost !== null) throw this.#lost;
    const correlationId = this.#nextCorrelationId++;
    this.#send(call.request, version, value, correlationId);
    return new Promise((resolve, reject) => {
      this.#waiting.set(correlationId, {
        answered: (reader) => resolve(decodeFrom(call.response, version, reader)),
        failed: reject,
        headerVersion: responseHeaderVersion(api, version),
      });
    });
  }

  /** For requests that have no answer (produce with acks=0). */
  tell<Q extends Fields>(
    request: Message<Q>,
    value: InputOfFields<Q>,
    version = this.versionOf(request),
  ): void {
    if (this.#lost !== null) throw this.#lost;
    this.#send(request, version, value, this.#nextCorrelationId++);
  }

  /** Resolves when everything sent has left this process; rejects when the connection is gone. */
  async drained(): Promise<void> {
    while (this.#lost === null && this.#stream!.pendingBytes > 0) await this.#stream!.drained();
    if (this.#lost !== null) throw this.#lost;
  }

  close(): void {
    this.#stream?.close();
  }

  #send<Q extends Fields>(
    request: Message<Q>,
    version: number,
    value: InputOfFields<Q>,
    correlationId: number,
  ): void {
    const api = findApi(request.apiKey)!;
    const writer = new Writer();
    writer.beginFrame();
    encodeInto(writer, requestHeader, requestHeaderVersion(api, version), {
      requestApiKey: request.apiKey,
      requestApiVersion: version,
      correlationId,
      clientId: this.#clientId,
    });
    encodeInto(writer, request, version, value);
    writer.endFrame();
    this.#stream!.write(writer.take());
  }

  #received(bytes: Uint8Array): void {
    try {
      this.#splitter.push(bytes);
      for (;;) {
        const frame = this.#splitter.next();
        if (frame === null) return;
        this.#answer(joinFrame(frame));
      }
    } catch (error) {
      this.#stream?.close();
      this.#ended(error as Error);
    }
  }

  #answer(frame: Frame): void {
    const reader = new Reader(frame.bytes, frame.start, frame.end, RESPONSE_HEAP_BYTES_MAX);
    const { correlationId } = decodeFrom(responseHeader, 0, reader);
    const waiting = this.#waiting.get(correlationId);
    if (waiting === undefined) throw new Error(`an answer to no request: ${correlationId}`);
    this.#waiting.delete(correlationId);
    try {
      const body = new Reader(frame.bytes, frame.start, frame.end, RESPONSE_HEAP_BYTES_MAX);
      decodeFrom(responseHeader, waiting.headerVersion, body);
      waiting.answered(body);
    } catch (error) {
      waiting.failed(error as Error);
    }
  }

  #ended(error: Error | null): void {
    if (this.#lost !== null) return;
    const address = `${this.host}:${this.port}`;
    this.#lost = new ConnectionLost(`the connection to ${address} is closed`, { cause: error });
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) one.failed(this.#lost);
  }
}
