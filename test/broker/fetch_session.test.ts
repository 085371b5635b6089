/** Fetch sessions as KIP-227 tells them, case by case, and the bounds of their cache. */
import { describe, expect, test } from "bun:test";
import { ZERO_UUID } from "../../engine/base/uuid.ts";
import { FETCH_SESSION_IDLE_MS } from "../../engine/broker/broker_limits.ts";
import { FetchSessionCache } from "../../engine/broker/fetch_session.ts";
import type { FetchContext, FetchSessionRequest } from "../../engine/broker/fetch_session.ts";
import { SystemRandom } from "../../engine/io/random.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import { ManualClock } from "../support/manual_clock.ts";

interface Named {
  readonly topic: string;
  readonly index: number;
  readonly fetchOffset: number;
}

const partition = (topic: string, index: number, fetchOffset = 0): Named => ({ topic, index, fetchOffset });

function ask(
  sessionId: number,
  sessionEpoch: number,
  partitions: readonly Named[] = [],
  forgotten: readonly Named[] = [],
): FetchSessionRequest {
  return {
    sessionId,
    sessionEpoch,
    topics: partitions.map(({ topic, index, fetchOffset }) => ({
      topic,
      topicId: ZERO_UUID,
      partitions: [{
        partition: index,
        fetchOffset,
        partitionMaxBytes: 1000,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
      }],
    })),
    forgottenTopicsData: forgotten.map(({ topic, index }) => ({
      topic,
      topicId: ZERO_UUID,
      partitions: [index],
    })),
  };
}

function open(slots = 10) {
  const clock = new ManualClock();
  const sessions = new FetchSessionCache(slots, clock, new SystemRandom());
  const cache = {
    open: (request: FetchSessionRequest, usesTopicIds = false) => sessions.open(request, usesTopicIds),
    get size() {
      return sessions.size;
    },
    get partitionCount() {
      return sessions.partitionCount;
    },
  };
  return { clock, cache };
}

/** What a context fetches, as text. */
const names = (context: FetchContext) =>
  [...context.partitions].map(({ topic, index, asked }) => `${topic}-${index}@${asked.fetchOffset}`);

describe("a session", () => {
  test("is not made for a client that wants none", () => {
    const { cache } = open();
    const context = cache.open(ask(0, -1, [partition("a", 0)]));
    expect([context.sessionId, context.isIncremental, cache.size]).toEqual([0, false, 0]);
    expect(names(context)).toEqual(["a-0@0"]);
  });

  test("remembers, adds, changes and forgets partitions", () => {
    const { cache } = open();
    const first = cache.open(ask(0, 0, [partition("a", 0), partition("a", 1), partition("b", 0)]));
    expect(first.sessionId).toBeGreaterThan(0);
    expect([first.isIncremental, cache.partitionCount]).toEqual([false, 3]);
    const changes = [partition("a", 1, 7), partition("c", 0)];
    const second = cache.open(ask(first.sessionId, 1, changes, [partition("b", 0)]));
    expect(second.isIncremental).toBe(true);
    expect(names(second)).toEqual(["a-0@0", "a-1@7", "c-0@0"]);
    expect(names(cache.open(ask(first.sessionId, 2)))).toEqual(["a-0@0", "a-1@7", "c-0@0"]);
    expect(cache.partitionCount).toBe(3);
  });

  test("moves what was answered to the end", () => {
    const { cache } = open();
    const { session, sessionId } = cache.open(ask(0, 0, [partition("a", 0), partition("a", 1)]));
    session!.rotate([...session!.partitions][0]!);
    expect(names(cache.open(ask(sessionId, 1)))).toEqual(["a-1@0", "a-0@0"]);
  });

  test("refuses an unknown id, a wrong epoch and another way of naming topics", () => {
    const { cache } = open();
    const { sessionId } = cache.open(ask(0, 0, [partition("a", 0)]));
    const unknown = sessionId === 5 ? 6 : 5;
    expect(cache.open(ask(unknown, 1)).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    expect(cache.open(ask(sessionId, 2)).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    expect(cache.open(ask(sessionId, 1), true).errorCode)
      .toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    expect(cache.open(ask(sessionId, 1)).errorCode).toBe(ErrorCode.NONE);
  });

  test("ends by epoch -1, by a full request in its name, and when nothing is left in it", () => {
    const { cache } = open();
    const first = cache.open(ask(0, 0, [partition("a", 0)]));
    expect(cache.open(ask(first.sessionId, -1, [partition("b", 0)])).sessionId).toBe(0);
    expect(cache.size).toBe(0);
    const second = cache.open(ask(0, 0, [partition("a", 0)]));
    const third = cache.open(ask(second.sessionId, 0, [partition("a", 0)]));
    expect([cache.size, third.sessionId === second.sessionId]).toEqual([1, false]);
    expect(cache.open(ask(third.sessionId, 1, [], [partition("a", 0)])).sessionId).toBe(0);
    expect([cache.size, cache.partitionCount]).toEqual([0, 0]);
  });

  test("counts its epochs past the largest to 1", () => {
    const { cache } = open();
    const { session, sessionId } = cache.open(ask(0, 0, [partition("a", 0)]));
    session!.epoch = 2 ** 31 - 1;
    expect(cache.open(ask(sessionId, 2 ** 31 - 1)).errorCode).toBe(ErrorCode.NONE);
    expect(cache.open(ask(sessionId, 1)).errorCode).toBe(ErrorCode.NONE);
  });
});

describe("a full cache", () => {
  test("gives no session while all are in use, and gives up an idle one for a new one", () => {
    const { cache, clock } = open(2);
    const old = cache.open(ask(0, 0, [partition("a", 0)]));
    cache.open(ask(0, 0, [partition("b", 0)]));
    expect(cache.open(ask(0, 0, [partition("c", 0)])).sessionId).toBe(0);
    clock.now += FETCH_SESSION_IDLE_MS;
    expect(cache.open(ask(0, 0, [partition("c", 0)])).sessionId).toBe(0);
    clock.now += 1;
    expect(cache.open(ask(0, 0, [partition("c", 0)])).sessionId).toBeGreaterThan(0);
    expect(cache.open(ask(old.sessionId, 1)).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  });

  test("gives up an old smaller session that is in use for a larger one", () => {
    const { cache, clock } = open(1);
    const { sessionId } = cache.open(ask(0, 0, [partition("a", 0)]));
    clock.now += FETCH_SESSION_IDLE_MS;
    cache.open(ask(sessionId, 1));
    clock.now += 1;
    expect(cache.open(ask(0, 0, [partition("b", 0)])).sessionId).toBe(0);
    const larger = cache.open(ask(0, 0, [partition("b", 0), partition("b", 1)]));
    expect([larger.sessionId > 0, cache.size, cache.partitionCount]).toEqual([true, 1, 2]);
  });

  test("with no slots gives no session at all", () => {
    expect(open(0).cache.open(ask(0, 0, [partition("a", 0)])).sessionId).toBe(0);
  });
});
