import { assert } from "../base/assert.ts";
import type { Clock } from "../io/clock.ts";
import type { Logger } from "../io/logger.ts";
import type { Random } from "../io/random.ts";
import type { FileRange } from "../log/read_plan.ts";
import type { Codecs } from "../model/compression.ts";
import type { MonotonicMs } from "../model/offsets.ts";
import type { Store } from "../store/store.ts";
import type { Api } from "../wire/apis.ts";
import { responseHeaderVersion } from "../wire/apis.ts";
import { decode, encodeInto } from "../wire/codec.ts";
import type { Frame } from "../wire/frame_splitter.ts";
import { joinFrame } from "../wire/frame_splitter.ts";
import type { Fields, InputOf, InputOfFields, Message, ValueOfFields } from "../wire/schema.ts";
import { RecordsHole } from "../wire/writer.ts";
import type { Writer } from "../wire/writer.ts";
import type { FetchSessionCache } from "./fetch_session.ts";
import type { Settlements } from "./settlements.ts";

/** What handlers work with, the same for all connections of a broker. */
export interface Services {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Codecs;
  readonly logger: Logger;
  readonly sessions: FetchSessionCache;
  readonly settlements: Settlements;
  /** For records on their way from the page cache into an answer; used within one call. */
  readonly scratch: Uint8Array;
  /** Coarse monotonic time: that of the last sweep over deadlines. */
  readonly sweptAt: MonotonicMs;
  /** What ApiVersions tells. */
  readonly apis: readonly ServedApi[];
}

/** An address that clients are told. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The connection as a handler sees it. */
export interface Caller {
  /** This node's address for clients that came the same way. */
  readonly endpoint: Endpoint;
  readonly remoteAddress: string;
  /** The call has its reply. */
  answered(call: Call): void;
  /** Ends the connection without an answer. */
  abort(reason: string): void;
}

/** Writes the body of an answer, when its turn to leave has come. */
export interface Reply {
  writeBody(writer: Writer, call: Call): void;
}

/** Where the bytes of file ranges belong in an answer. */
export class FileHole extends RecordsHole {
  readonly ranges: readonly FileRange[];

  constructor(ranges: readonly FileRange[], length: number) {
    super(length);
    this.ranges = ranges;
  }
}

/** What the client gets when a request has no answer at all (acks=0). */
export const NO_ANSWER: Reply = {
  writeBody() {
    assert(false, "a reply that is never written");
  },
};

/** What a request says of itself, and what it takes. */
export interface CallHeader {
  readonly api: Api;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** What the request counts for in its connection's budget. */
  readonly frameBytes: number;
  /** The arrays of its frame after the first: for the socket to use again, once it is answered. */
  readonly pieces: readonly Uint8Array[];
}

/** One request of one connection, from its header to its reply. */
export class Call {
  readonly services: Services;
  readonly caller: Caller;
  readonly header: CallHeader;
  /** Set by a handler that waits: answer now with what there is; and: the client is gone, let go. */
  onHurry: (() => void) | null = null;
  onAbandoned: (() => void) | null = null;
  #reply: Reply | null = null;

  constructor(services: Services, caller: Caller, header: CallHeader) {
    this.services = services;
    this.caller = caller;
    this.header = header;
  }

  get api(): Api {
    return this.header.api;
  }

  get version(): number {
    return this.header.version;
  }

  get correlationId(): number {
    return this.header.correlationId;
  }

  get clientId(): string | null {
    return this.header.clientId;
  }

  get reply(): Reply | null {
    return this.#reply;
  }

  /** Exactly once, now or later. */
  answer(reply: Reply): void {
    assert(this.#reply === null, "a call answered twice", this.api.name);
    this.#reply = reply;
    this.onHurry = null;
    this.onAbandoned = null;
    this.caller.answered(this);
  }

  /** The answer, framed. */
  writeAnswer(writer: Writer): void {
    assert(this.#reply !== null, "a call without a reply", this.api.name);
    writer.beginFrame();
    writer.int32(this.correlationId);
    if (responseHeaderVersion(this.api, this.version) > 0) writer.uvarint(0);
    this.#reply.writeBody(writer, this);
    writer.endFrame();
  }
}

/** One API key as this broker serves it. */
export interface ServedApi {
  readonly api: Api;
  /**
   * Later requests of the connection may be taken up before the answer is there. Anything else waits
   * until all before it are answered, and holds up what comes after it.
   */
  readonly isPipelined: boolean;
  /** The body starts at `bodyAt` of the frame's first array. Throws WireError for bad bytes. */
  serve(call: Call, frame: Frame, bodyAt: number): void;
}

/** A message as the answer to a call. */
export class MessageReply<F extends Fields> implements Reply {
  readonly #message: Message<F>;
  readonly #value: InputOfFields<F>;

  constructor(message: Message<F>, value: InputOfFields<F>) {
    this.#message = message;
    this.#value = value;
  }

  writeBody(writer: Writer, call: Call): void {
    encodeInto(writer, this.#message, call.version, this.#value);
  }
}

/** What a handler answers: the response without the throttle time, which is the broker's to say. */
export type AnswerOf<M> = Omit<InputOf<M>, "throttleTimeMs">;

/** The declared kind of handler: a request in, a response out, now or later. */
export function servedApi<Q extends Fields, R extends Fields>(
  api: Api | undefined,
  request: Message<Q>,
  response: Message<R>,
  handle: (
    request: ValueOfFields<Q>,
    call: Call,
  ) => AnswerOf<Message<R>> | Promise<AnswerOf<Message<R>>>,
): ServedApi {
  assert(api !== undefined && api.key === request.apiKey, "an API that is not declared", request.name);
  // Nothing is throttled yet.
  const reply = (answer: AnswerOf<Message<R>>) =>
    new MessageReply(response, { ...answer, throttleTimeMs: 0 } as unknown as InputOfFields<R>);
  return {
    api,
    isPipelined: false,
    serve(call, frame, bodyAt) {
      const whole = joinFrame(frame);
      const at = whole === frame ? bodyAt : bodyAt - frame.start;
      const answer = handle(decode(request, call.version, whole.bytes, at, whole.end), call);
      if (!(answer instanceof Promise)) {
        call.answer(reply(answer));
        return;
      }
      answer.then(
        (value) => call.answer(reply(value)),
        (error: unknown) => failCall(call, error),
      );
    },
  };
}

/** For what no handler foresaw: the client learns nothing but the end of its connection. */
export function failCall(call: Call, error: unknown): void {
  const { logger } = call.services;
  logger.error(`${call.api.name} request failed: ${describeError(error)}`, {
    version: call.version,
    client: call.clientId,
    peer: call.caller.remoteAddress,
  });
  call.caller.abort("a request failed");
}

/** The error and its causes in one line, then the stack of the first. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : ` (caused by ${String(error.cause)})`;
  return `${error.stack ?? error.message}${cause}`;
}
