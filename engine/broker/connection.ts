import { assert } from "../base/assert.ts";
import { readInt16 } from "../base/int64.ts";
import type { Socket, SocketHandler } from "../io/net.ts";
import type { MonotonicMs } from "../model/offsets.ts";
import type { Frame } from "../wire/frame_splitter.ts";
import { FrameSplitter } from "../wire/frame_splitter.ts";
import { WireError } from "../wire/wire_error.ts";
import { Writer } from "../wire/writer.ts";
import type { Call, Caller, Endpoint, Services } from "./call.ts";
import { FileHole, NO_ANSWER, describeError } from "./call.ts";
import {
  CONNECTION_ANSWER_BYTES_MAX,
  CONNECTION_REQUEST_BYTES_MAX,
  FLUSH_BYTES_MAX,
  LINGER_MS_MAX,
  REQUESTS_IN_FLIGHT_MAX,
  REQUESTS_PER_CLOCK_CHECK,
  STALL_MS_MAX,
  TURN_MS_MAX,
} from "./broker_limits.ts";
import { Sender } from "./sender.ts";

/** What the connections of a broker share. */
export interface ConnectionHost {
  readonly services: Services;
  /** Answers are encoded here and copied only when the socket does not take them. */
  readonly writer: Writer;
  readonly frameBytesMax: number;
  /** The time of the last sweep: coarse, for deadlines. */
  readonly sweptAt: MonotonicMs;
  /** Whether later requests may be taken up while one of this key is unanswered. */
  isPipelined(apiKey: number): boolean;
  /** Reads the header and runs the handler. Null: the call has no answer slot because it was refused. */
  dispatch(connection: Caller, frame: Frame): Call | null;
  /** Request bytes held, by all connections together: grows and shrinks by `delta`. */
  holdBytes(delta: number): void;
  /** Too many bytes are held: nobody reads on. `resume` is called when that is over. */
  readonly isOverBudget: boolean;
  waitForBudget(connection: Connection): void;
  closed(connection: Connection): void;
}

/**
 * Connection: one socket of one client.
 *
 *   bytes in -> splitter -> calls (in order of arrival) -> answers in the same order -> sender
 *
 *   calls   | answered | pending | answered | ...     only the answered ones at the front leave
 *           first
 *
 * Invariants:
 *  C1  answers leave in the order of the requests
 *  C2  produce and fetch are taken up while earlier requests are unanswered; any other request waits for
 *      all before it and holds up what follows, so at most one large answer exists per connection
 *  C3  while answers wait for a slow reader, no request is taken up: memory stays bounded
 *  C4  the bytes of a request count until it is answered, those of an unfinished frame until it is whole
 *
 * Owner: the Broker. Concurrency: handlers may answer at any time; what is answered within one turn
 * leaves in one write. Errors: bad bytes, deadlines and broken answers end the connection, nothing else.
 */
export class Connection implements SocketHandler, Caller {
  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  readonly #splitter: FrameSplitter;
  readonly #sender: Sender;
  readonly endpoint: Endpoint;

  #calls: Call[] = [];
  #first = 0;
  /** A frame that has to wait for its turn (C2), and chunks that came before reading stopped. */
  #held: Frame | null = null;
  #chunks: Uint8Array[] = [];
  #heldBytes = 0;
  /** The last call taken up is not a pipelined one (C2). */
  #isBarrier = false;
  #isPaused = false;
  /** The splitter may have whole frames left. */
  #hasFrames = false;
  #isRunning = false;
  #runPlanned = false;
  #turnPlanned = false;
  #peerEnded = false;
  #isEnding = false;
  #isClosed = false;

  #receivedAt: MonotonicMs;
  #activeAt: MonotonicMs;
  #endedAt: MonotonicMs | null = null;
  #sentBytesSeen = 0;
  #sentAt: MonotonicMs;

  constructor(host: ConnectionHost, socket: Socket, endpoint: Endpoint) {
    this.#host = host;
    this.#socket = socket;
    this.endpoint = endpoint;
    this.#splitter = new FrameSplitter(host.frameBytesMax);
    this.#sender = new Sender(socket, {
      onIdle: () => this.#run(),
      onBroken: (error) => this.#broken(error),
    });
    this.#receivedAt = host.sweptAt;
    this.#activeAt = host.sweptAt;
    this.#sentAt = host.sweptAt;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress;
  }

  /** Requests taken up and not yet answered. */
  get inFlight(): number {
    return this.#calls.length - this.#first;
  }

  /** Bytes of a frame that has not arrived whole. */
  get partialBytes(): number {
    return this.#splitter.heldBytes;
  }

  onData(bytes: Uint8Array): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#receivedAt = this.#host.sweptAt;
    this.#activeAt = this.#host.sweptAt;
    this.#heldBytes += bytes.length;
    this.#host.holdBytes(bytes.length);
    this.#chunks.push(bytes);
    this.#hasFrames = true;
    this.#run();
  }

  get missingBytes(): number {
    const takesMore = !this.#hasFrames && this.#held === null && !this.#isPaused;
    return takesMore && !this.#isClosed && !this.#isEnding ? this.#splitter.missingBytes : 0;
  }

  onWritable(): void {
    this.#sender.onWritable();
  }

  onEnd(): void {
    this.#peerEnded = true;
    this.#hurry();
    this.#run();
  }

  onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sender.drop();
    this.#host.holdBytes(-this.#heldBytes);
    this.#heldBytes = 0;
    const waiting = this.#calls.slice(this.#first);
    this.#calls = [];
    this.#first = 0;
    this.#dropRequests();
    for (const call of waiting) call.onAbandoned?.();
    this.#host.closed(this);
  }

  answered(call: Call): void {
    if (this.#isClosed) return;
    const { frameBytes, pieces } = call.header;
    this.#release(frameBytes);
    // Without an answer nobody waited for the log, which may still hold them.
    if (pieces.length > 0 && call.reply !== NO_ANSWER) {
      for (const piece of pieces) this.#socket.giveBack(piece);
    }
    if (this.#isRunning || this.#runPlanned || this.#calls[this.#first] !== call) return;
    this.#runPlanned = true;
    queueMicrotask(this.#runNow);
  }

  readonly #runNow = (): void => {
    this.#runPlanned = false;
    this.#run();
  };

  abort(reason: string): void {
    if (this.#isClosed) return;
    this.#host.services.logger.debug(`closing a connection: ${reason}`, { peer: this.remoteAddress });
    this.close();
  }

  /** Takes up no further request, answers what is in flight, then ends. */
  end(): void {
    if (this.#isEnding || this.#isClosed) return;
    this.#isEnding = true;
    this.#dropRequests();
    this.#hurry();
    this.#run();
  }

  close(): void {
    this.#socket.close();
    this.onClose();
  }

  /** The budget has room again. */
  resume(): void {
    this.#run();
  }

  /** Ends what missed a deadline. `idleMsMax` below 0: idle connections stay. */
  sweep(now: MonotonicMs, idleMsMax: number): void {
    if (this.#endedAt !== null) {
      if (now - this.#endedAt > LINGER_MS_MAX) this.close();
      return;
    }
    if (this.#sender.isBlocked) {
      if (this.#sender.sentBytes !== this.#sentBytesSeen) {
        this.#sentBytesSeen = this.#sender.sentBytes;
        this.#sentAt = now;
      } else if (now - this.#sentAt > STALL_MS_MAX) return this.abort("the peer does not read");
    } else this.#sentAt = now;
    if (this.inFlight > 0) {
      this.#activeAt = now;
      return;
    }
    if (this.partialBytes > 0 && now - this.#receivedAt > STALL_MS_MAX) {
      return this.abort("a request did not arrive whole");
    }
    if (idleMsMax >= 0 && now - this.#activeAt > idleMsMax) this.abort("idle");
  }

  /** Takes up requests and sends answers for as long as either makes progress. */
  #run(): void {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    try {
      const turnEndsAt = this.#host.services.clock.monotonicMs() + TURN_MS_MAX;
      do this.#flush();
      while (!this.#isClosed && this.#takeUp(turnEndsAt) > 0);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#refuse(error);
    } finally {
      this.#isRunning = false;
    }
    this.#endWhenDone();
    this.#pauseOrResume();
  }

  /** Hands requests to their handlers until there are none, or one must wait. Returns how many. */
  #takeUp(turnEndsAt: number): number {
    const { clock } = this.#host.services;
    let taken = 0;
    while (!this.#isClosed && !this.#isEnding && this.#mayTakeUp()) {
      this.#held ??= this.#nextFrame();
      const frame = this.#held;
      if (frame === null || !this.#isTurnOf(frame)) break;
      const asksClock = this.#isBarrier || taken % REQUESTS_PER_CLOCK_CHECK === 0;
      if (asksClock && clock.monotonicMs() > turnEndsAt) {
        this.#planTurn();
        break;
      }
      this.#held = null;
      this.#dispatch(frame);
      taken++;
    }
    return taken;
  }

  #mayTakeUp(): boolean {
    return this.inFlight < REQUESTS_IN_FLIGHT_MAX && !this.#sender.isBlocked &&
      this.#sender.queuedBytes < CONNECTION_ANSWER_BYTES_MAX;
  }

  /** C2. */
  #isTurnOf(frame: Frame): boolean {
    if (this.inFlight === 0) return true;
    if (this.#isBarrier || frame.end - frame.start < 2) return false;
    return this.#host.isPipelined(readInt16(frame.bytes, frame.start));
  }

  #nextFrame(): Frame | null {
    for (;;) {
      const frame = this.#splitter.next();
      if (frame !== null) return frame;
      const chunk = this.#chunks.shift();
      if (chunk === undefined) {
        this.#hasFrames = false;
        return null;
      }
      this.#splitter.push(chunk);
    }
  }

  #dispatch(frame: Frame): void {
    const call = this.#host.dispatch(this, frame);
    if (call === null || this.#isClosed) return;
    if (call.reply === NO_ANSWER) return;
    this.#isBarrier = !this.#host.isPipelined(call.api.key);
    this.#calls.push(call);
  }

  /** Bad bytes: what was asked before is still answered if it is ready, then the connection ends. */
  #refuse(error: WireError): void {
    this.#host.services.logger.warn(`closing a connection: ${error.message}`, {
      peer: this.remoteAddress,
      reason: error.code,
    });
    this.#flush();
    this.close();
  }

  /** Parked requests answer with what they have. */
  #hurry(): void {
    for (const call of this.#calls.slice(this.#first)) call.onHurry?.();
  }

  #dropRequests(): void {
    this.#held = null;
    this.#chunks = [];
    this.#hasFrames = false;
  }

  #planTurn(): void {
    if (this.#turnPlanned) return;
    this.#turnPlanned = true;
    this.#host.services.clock.atEndOfTick(() => {
      this.#turnPlanned = false;
      this.resume();
    });
  }

  /** Reading stops while requests wait or bytes are over a budget, and goes on when that is over. */
  #pauseOrResume(): void {
    if (this.#isClosed) return;
    const waits = this.#held !== null || this.#hasFrames;
    const isFull = this.#heldBytes > CONNECTION_REQUEST_BYTES_MAX && this.inFlight > 0;
    const isStarved = this.#host.isOverBudget;
    if (isStarved) this.#host.waitForBudget(this);
    const pause = waits || isFull || isStarved;
    if (pause === this.#isPaused) return;
    this.#isPaused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
  }

  #release(bytes: number): void {
    assert(bytes <= this.#heldBytes, "more bytes released than held", bytes, this.#heldBytes);
    this.#heldBytes -= bytes;
    this.#host.holdBytes(-bytes);
  }

  /** Sends the answers at the front, as far as the socket takes them (C1). */
  #flush(): void {
    if (this.#isClosed) return;
    const { writer } = this.#host;
    try {
      while (this.#sender.isIdle && this.#calls[this.#first]?.reply != null) {
        this.#encodeReady(writer);
        this.#handOver(writer);
        this.#sender.send();
        if (this.#isClosed) return;
      }
    } catch (error) {
      writer.rollBack(0, 0);
      return this.#broken(error);
    }
  }

  #encodeReady(writer: Writer): void {
    let call = this.#calls[this.#first];
    while (call !== undefined && call.reply !== null && writer.length < FLUSH_BYTES_MAX) {
      this.#first++;
      if (call.reply !== NO_ANSWER) call.writeAnswer(writer);
      call = this.#calls[this.#first];
    }
    if (this.#first === this.#calls.length) {
      this.#calls.length = 0;
      this.#first = 0;
      this.#isBarrier = false;
    } else if (this.#first >= REQUESTS_IN_FLIGHT_MAX) {
      this.#calls.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #handOver(writer: Writer): void {
    if (writer.holeCount === 0) {
      this.#sender.add(writer.take());
      return;
    }
    for (const segment of writer.takeSegments()) {
      if (segment instanceof Uint8Array) this.#sender.add(segment);
      else {
        assert(segment instanceof FileHole, "a hole that nothing fills");
        for (const range of segment.ranges) this.#sender.addFile(range);
      }
    }
  }

  #endWhenDone(): void {
    if (this.#endedAt !== null || this.#isClosed || !(this.#isEnding || this.#peerEnded)) return;
    if (this.inFlight > 0 || !this.#sender.isIdle) return;
    if (!this.#isEnding && (this.#held !== null || this.#hasFrames)) return;
    this.#endedAt = this.#host.services.clock.monotonicMs();
    if (this.#isPaused) this.#socket.resume();
    this.#isEnding = true;
    this.#socket.end();
  }

  #broken(error: unknown): void {
    if (this.#isClosed) return;
    this.#host.services.logger.error(`an answer could not be sent: ${describeError(error)}`, {
      peer: this.remoteAddress,
    });
    this.close();
  }
}
