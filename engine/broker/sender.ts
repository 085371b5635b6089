import { assert } from "../base/assert.ts";
import { FILE_TOO_SHORT, SOCKET_CLOSED } from "../io/net.ts";
import type { Socket } from "../io/net.ts";
import type { FileRange } from "../log/read_plan.ts";

/**
 * One step of a file range: so much is asked for in the page cache, and warmed off the loop when it is
 * not there. A cold reader then holds no more than this much of the cache, and never the loop.
 */
const STEP_BYTES = 1024 * 1024;

/** Sent parts are forgotten together, once there are so many. */
const SENT_PARTS_MAX = 64;

/** Waiting bytes may keep a buffer alive that is this many times their size. */
const PINNED_RATIO_MAX = 2;

/** What may stand between two answers: bytes, or a part of a file. */
export type Part = Uint8Array | FileRange;

export interface SenderEvents {
  /** Everything handed over has left, after a time in which it had not. */
  onIdle(): void;
  /** The answer cannot be completed: a file too short, a disk that fails. */
  onBroken(error: unknown): void;
}

/**
 * Sender: what leaves one connection, in order.
 *
 *   parts   | bytes | file range | bytes | bytes | file range ...
 *           first ^-- sent so far: `done`
 *
 * Invariants:
 *  T1  parts leave in order, each whole; after the first failure nothing leaves any more
 *  T2  while blocked or warming nothing is offered to the socket
 *  T3  file bytes are not in memory while they wait, so that a slow reader costs no more than its heads
 *
 * Owner: one connection. Concurrency: one warming read at a time. Errors: onBroken, once.
 */
export class Sender {
  readonly #socket: Socket;
  readonly #events: SenderEvents;
  readonly #parts: Part[] = [];
  #first = 0;
  #done = 0;
  /** The socket took less than offered: nothing before `onWritable`. */
  #blocked = false;
  #warming = false;
  #broken = false;
  /** Position up to which the range at hand was found in the page cache, or was read into it. */
  #residentTo = 0;
  #queuedBytes = 0;
  /** Bytes that ever left: how the connection tells a slow reader from a stuck one. */
  sentBytes = 0;

  constructor(socket: Socket, events: SenderEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  get isIdle(): boolean {
    return this.#first === this.#parts.length;
  }

  /** Waiting for the peer to read, not for the disk. */
  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** Bytes held in memory: file ranges do not count. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** `bytes` is kept until it is sent; what has to wait is copied when it pins a much larger buffer. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#parts.push(this.#blocked || this.#warming ? detached(bytes) : bytes);
    this.#queuedBytes += bytes.length;
  }

  addFile(range: FileRange): void {
    assert(range.length > 0, "an empty file range", range.length);
    this.#parts.push(range);
  }

  /** Sends what the socket takes. */
  send(): void {
    if (this.#blocked || this.#warming || this.#broken) return;
    try {
      while (this.#first < this.#parts.length && this.#step());
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.isIdle) this.#reset();
  }

  /** The socket has room again. */
  onWritable(): void {
    this.#blocked = false;
    if (this.isIdle) return;
    this.send();
    if (this.isIdle) this.#events.onIdle();
  }

  /** Forgets what waits: the connection is gone. */
  drop(): void {
    this.#broken = true;
    this.#reset();
  }

  /** Offers the next part, or a head with the file range behind it. False: stop for now. */
  #step(): boolean {
    const part = this.#parts[this.#first]!;
    if (!(part instanceof Uint8Array)) return this.#sendFile(EMPTY, part, this.#done);
    const next = this.#parts[this.#first + 1];
    if (next !== undefined && !(next instanceof Uint8Array)) {
      const head = this.#done === 0 ? part : part.subarray(this.#done);
      return this.#sendFile(head, next, 0);
    }
    const taken = this.#socket.write(part, this.#done, part.length);
    return this.#advance(taken, part.length - this.#done);
  }

  #sendFile(head: Uint8Array, range: FileRange, from: number): boolean {
    const position = range.position + from;
    const length = Math.min(range.length - from, STEP_BYTES);
    if (!this.#isResident(range, position, length)) return false;
    const taken = this.#socket.sendFile(head, head.length, range.file, position, length);
    return this.#advance(taken, head.length + length);
  }

  #isResident(range: FileRange, position: number, length: number): boolean {
    const end = position + length;
    if (this.#residentTo >= end) return true;
    if (range.file.isResident(position, length)) {
      this.#residentTo = end;
      return true;
    }
    this.#warm(range, position, length);
    return false;
  }

  #warm(range: FileRange, position: number, length: number): void {
    this.#warming = true;
    range.file.warm(position, length).then(
      () => this.#warmed(position + length),
      (error: unknown) => this.#fail(error),
    );
  }

  #warmed(end: number): void {
    this.#warming = false;
    if (this.#broken) return;
    // Sent even if it was pushed out again meanwhile: asking once more could go on for ever.
    this.#residentTo = end;
    this.send();
    if (this.isIdle && !this.#broken) this.#events.onIdle();
  }

  /** Moves past what was taken of `offered`, which may cover a head and part of the range behind it. */
  #advance(taken: number, offered: number): boolean {
    if (taken === SOCKET_CLOSED) {
      this.drop();
      return false;
    }
    if (taken === FILE_TOO_SHORT) throw new Error("a file ended before the range to be sent");
    assert(taken >= 0 && taken <= offered, "more taken than offered", taken, offered);
    this.sentBytes += taken;
    let rest = taken;
    while (rest > 0) {
      const part = this.#parts[this.#first]!;
      const left = part.length - this.#done;
      const isFile = !(part instanceof Uint8Array);
      if (rest < left) {
        this.#done += rest;
        if (!isFile) this.#queuedBytes -= rest;
        break;
      }
      rest -= left;
      this.#done = 0;
      this.#first++;
      if (isFile) this.#residentTo = 0;
      else this.#queuedBytes -= left;
    }
    if (this.#first >= SENT_PARTS_MAX) {
      this.#parts.splice(0, this.#first);
      this.#first = 0;
    }
    if (taken === offered) return true;
    this.#blocked = true;
    for (let index = this.#first; index < this.#parts.length; index++) {
      const part = this.#parts[index]!;
      if (!(part instanceof Uint8Array)) continue;
      if (index === this.#first) {
        this.#parts[index] = detached(part.subarray(this.#done));
        this.#done = 0;
      } else this.#parts[index] = detached(part);
    }
    return false;
  }

  #reset(): void {
    this.#parts.length = 0;
    this.#first = 0;
    this.#done = 0;
    this.#queuedBytes = 0;
    this.#residentTo = 0;
  }

  #fail(error: unknown): void {
    if (this.#broken) return;
    this.#warming = false;
    this.drop();
    this.#events.onBroken(error);
  }
}

const EMPTY = new Uint8Array(0);

function detached(bytes: Uint8Array): Uint8Array {
  return bytes.length * PINNED_RATIO_MAX < bytes.buffer.byteLength ? bytes.slice() : bytes;
}
