import { assert } from "../base/assert.ts";
import type { Uuid } from "../base/uuid.ts";
import type { Clock } from "../io/clock.ts";
import type { Random } from "../io/random.ts";
import { ErrorCode } from "../model/error_code.ts";
import type { MonotonicMs } from "../model/offsets.ts";
import { FETCH_SESSION_IDLE_MS, FETCH_SESSION_PARTITIONS_MAX } from "./broker_limits.ts";

/** Session id and epochs of a request (KIP-227). */
export const NO_SESSION = 0;
const FINAL_EPOCH = -1;
const INITIAL_EPOCH = 0;
const EPOCH_MAX = 2 ** 31 - 1;

/** What a client asks of one partition, in the terms of the declared message. */
export interface AskedPartition {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly partitionMaxBytes: number;
}

/** A topic by name, or by id from version 13 on. */
interface TopicKey {
  readonly topic: string;
  readonly topicId: Uuid;
}

export interface AskedTopic extends TopicKey {
  readonly partitions: readonly AskedPartition[];
}

export interface ForgottenTopic extends TopicKey {
  readonly partitions: readonly number[];
}

/** The part of a request that sessions are about. */
export interface FetchSessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: readonly AskedTopic[];
  readonly forgottenTopicsData: readonly ForgottenTopic[];
}

/** One partition of a fetch, with what the client was told last. */
export class FetchPartition {
  readonly topic: string;
  readonly topicId: Uuid;
  asked: AskedPartition;
  /** -1: nothing was told yet. */
  toldHighWatermark = -1;
  toldLogStartOffset = -1;

  constructor(topic: string, topicId: Uuid, asked: AskedPartition) {
    this.topic = topic;
    this.topicId = topicId;
    this.asked = asked;
  }

  get index(): number {
    return this.asked.partition;
  }
}

/** What one request is to fetch, and what may be left out of its answer. */
export interface FetchContext {
  readonly errorCode: ErrorCode;
  /** For the answer; 0: no session. */
  readonly sessionId: number;
  /** Partitions without news are left out. */
  readonly isIncremental: boolean;
  readonly partitions: Iterable<FetchPartition>;
  /** Null: nothing is remembered. */
  readonly session: FetchSession | null;
}

/**
 * FetchSession: the partitions that one consumer fetches, remembered so that it names only changes.
 *
 * Invariants:
 *  F1  `order` holds exactly the partitions in `byTopic`; those that were answered last stand last
 *  F2  the next request carries `epoch`; after 2^31 - 1 comes 1
 *
 * Owner: the cache. Concurrency: a second request while one is parked carries a wrong epoch or comes
 * after it on the same connection.
 */
export class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly createdAt: MonotonicMs;
  usedAt: MonotonicMs;
  epoch = 1;
  readonly #byTopic = new Map<string, Map<number, FetchPartition>>();
  readonly #order = new Set<FetchPartition>();

  constructor(id: number, usesTopicIds: boolean, now: MonotonicMs) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.createdAt = now;
    this.usedAt = now;
  }

  get size(): number {
    return this.#order.size;
  }

  get partitions(): Iterable<FetchPartition> {
    return this.#order;
  }

  put({ topic, topicId, partitions }: AskedTopic): void {
    const key = this.#keyOf(topic, topicId);
    let ofTopic = this.#byTopic.get(key);
    if (ofTopic === undefined) this.#byTopic.set(key, (ofTopic = new Map()));
    for (const asked of partitions) {
      const known = ofTopic.get(asked.partition);
      if (known !== undefined) {
        known.asked = asked;
        continue;
      }
      const partition = new FetchPartition(topic, topicId, asked);
      ofTopic.set(asked.partition, partition);
      this.#order.add(partition);
    }
  }

  forget({ topic, topicId, partitions }: ForgottenTopic): void {
    const key = this.#keyOf(topic, topicId);
    const ofTopic = this.#byTopic.get(key);
    if (ofTopic === undefined) return;
    for (const index of partitions) {
      const partition = ofTopic.get(index);
      if (partition === undefined) continue;
      ofTopic.delete(index);
      this.#order.delete(partition);
    }
    if (ofTopic.size === 0) this.#byTopic.delete(key);
  }

  /** Partitions that were answered go to the end, so that the others come first next time (F1). */
  rotate(partition: FetchPartition): void {
    // A request that came in between may have forgotten it.
    if (this.#order.delete(partition)) this.#order.add(partition);
  }

  nextEpoch(): void {
    this.epoch = this.epoch >= EPOCH_MAX ? 1 : this.epoch + 1;
  }

  #keyOf(topic: string, topicId: Uuid): string {
    return this.usesTopicIds ? topicId : topic;
  }
}

/**
 * All fetch sessions of a broker, the least recently used first. A full cache gives up a session that
 * was idle for two minutes, or an old one with fewer partitions than the new one; else the client gets
 * no session, which is always legal: it names everything each time.
 */
export class FetchSessionCache {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sessions = new Map<number, FetchSession>();
  #slots: number;
  #partitionCount = 0;

  constructor(slots: number, clock: Clock, random: Random) {
    this.#slots = slots;
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get partitionCount(): number {
    return this.#partitionCount;
  }

  /**
   * Updates or makes the session that the request speaks of, and says what to fetch. From version 13 on
   * topics are named by id.
   */
  open(request: FetchSessionRequest, usesTopicIds: boolean): FetchContext {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      if (sessionId !== NO_SESSION) this.#remove(sessionId);
      const session = sessionEpoch === INITIAL_EPOCH ? this.#create(request, usesTopicIds) : null;
      if (session === null) return contextOf(NO_SESSION, false, partitionsOf(request), null);
      return contextOf(session.id, false, session.partitions, session);
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return failed(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.usesTopicIds !== usesTopicIds) {
      return failed(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    }
    if (session.epoch !== sessionEpoch) return failed(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    this.#update(session, request);
    if (session.size === 0) {
      this.#remove(session.id);
      return contextOf(NO_SESSION, false, [], null);
    }
    return contextOf(session.id, true, session.partitions, session);
  }

  #update(session: FetchSession, request: FetchSessionRequest): void {
    const sizeBefore = session.size;
    for (const topic of request.forgottenTopicsData) session.forget(topic);
    for (const topic of request.topics) session.put(topic);
    session.nextEpoch();
    session.usedAt = this.#clock.monotonicMs();
    this.#partitionCount += session.size - sizeBefore;
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  #create(request: FetchSessionRequest, usesTopicIds: boolean): FetchSession | null {
    const wanted = request.topics.reduce((sum, topic) => sum + topic.partitions.length, 0);
    if (wanted === 0 || this.#slots === 0) return null;
    if (this.#partitionCount + wanted > FETCH_SESSION_PARTITIONS_MAX) return null;
    const now = this.#clock.monotonicMs();
    if (this.#sessions.size >= this.#slots && !this.#makeRoom(wanted, now)) return null;
    let id: number;
    do id = 1 + this.#random.below(EPOCH_MAX - 1);
    while (this.#sessions.has(id));
    const session = new FetchSession(id, usesTopicIds, now);
    for (const topic of request.topics) session.put(topic);
    this.#sessions.set(id, session);
    this.#partitionCount += session.size;
    return session;
  }

  #makeRoom(wanted: number, now: MonotonicMs): boolean {
    const oldest = this.#sessions.values().next().value;
    assert(oldest !== undefined, "a full cache without sessions");
    if (now - oldest.usedAt > FETCH_SESSION_IDLE_MS) {
      this.#remove(oldest.id);
      return true;
    }
    let smallest: FetchSession | null = null;
    for (const session of this.#sessions.values()) {
      if (now - session.createdAt <= FETCH_SESSION_IDLE_MS || session.size >= wanted) continue;
      if (smallest === null || session.size < smallest.size) smallest = session;
    }
    if (smallest === null) return false;
    this.#remove(smallest.id);
    return true;
  }

  #remove(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#partitionCount -= session.size;
  }
}

function partitionsOf(request: FetchSessionRequest): FetchPartition[] {
  const partitions: FetchPartition[] = [];
  for (const { topic, topicId, partitions: asked } of request.topics) {
    for (const one of asked) partitions.push(new FetchPartition(topic, topicId, one));
  }
  return partitions;
}

function contextOf(
  sessionId: number,
  isIncremental: boolean,
  partitions: Iterable<FetchPartition>,
  session: FetchSession | null,
): FetchContext {
  return { errorCode: ErrorCode.NONE, sessionId, isIncremental, partitions, session };
}

function failed(errorCode: ErrorCode): FetchContext {
  return { errorCode, sessionId: NO_SESSION, isIncremental: false, partitions: [], session: null };
}
