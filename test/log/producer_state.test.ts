/** Idempotent producers and transactions: Kafka's rules, as a table of stories. */
import { describe, expect, test } from "bun:test";
import { decrementSequence, incrementSequence } from "../../engine/log/producer_entry.ts";
import { ProducerState } from "../../engine/log/producer_state.ts";
import type { ProducerBatch } from "../../engine/log/producer_state.ts";
import { ErrorCode } from "../../engine/model/error_code.ts";
import type { Offset, TimestampMs } from "../../engine/model/offsets.ts";
import { CONTROL_BIT, TRANSACTIONAL_BIT } from "../../engine/model/record_batch.ts";

const MAX = 2 ** 31 - 1;
const DAY = 86_400_000;
const at = (ms: number) => ms as TimestampMs;

interface Sent {
  readonly id?: number;
  readonly epoch?: number;
  readonly sequence: number;
  readonly count?: number;
  readonly transactional?: boolean;
}

function batchOf({ id = 1, epoch = 0, sequence, count = 1, transactional = false }: Sent): ProducerBatch {
  return {
    producerId: id,
    producerEpoch: epoch,
    baseSequence: sequence,
    lastOffsetDelta: count - 1,
    attributes: transactional ? TRANSACTIONAL_BIT : 0,
  };
}

/** A log's worth of producer state: checks as a client's append does, applies what passes. */
class Story {
  readonly state = new ProducerState(DAY);
  end = 0;

  send(sent: Sent, timestamp = 1000): unknown {
    const batch = batchOf(sent);
    const verdict = this.state.checkClient(batch);
    if (verdict?.kind === "duplicate") return [verdict.baseOffset, verdict.lastOffset];
    if (verdict?.kind === "refused") return verdict.errorCode;
    this.state.apply(batch, this.end as Offset, at(timestamp), null);
    this.end += batch.lastOffsetDelta + 1;
    return "appended";
  }

  mark(id: number, isAbort: boolean, options: { epoch?: number; coordinatorEpoch?: number } = {}): unknown {
    const marker = { isAbort, coordinatorEpoch: options.coordinatorEpoch ?? 0 };
    const batch = {
      ...batchOf({ id, epoch: options.epoch ?? 0, sequence: -1 }),
      attributes: TRANSACTIONAL_BIT | CONTROL_BIT,
    };
    const verdict = this.state.checkMarker(batch, marker);
    if (verdict !== null) return verdict.errorCode;
    return this.state.apply(batch, this.end++ as Offset, at(1000), marker);
  }
}

describe("sequences", () => {
  test("wrap from 2^31 - 1 to 0", () => {
    expect([incrementSequence(MAX, 1), incrementSequence(MAX - 1, 3)]).toEqual([0, 1]);
    expect([decrementSequence(0, 1), decrementSequence(1, 3)]).toEqual([MAX, MAX - 1]);
    for (const by of [0, 1, 5, MAX]) {
      expect(decrementSequence(incrementSequence(MAX - 2, by), by)).toBe(MAX - 2);
    }
  });

  test("an unknown producer may start anywhere, then goes on without a gap", () => {
    const story = new Story();
    expect(story.send({ sequence: 40, count: 3 })).toBe("appended");
    expect(story.send({ sequence: 44 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(story.send({ sequence: 42 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(story.send({ sequence: 43 })).toBe("appended");
  });

  test("go on over the wrap, in the middle of a batch too", () => {
    const story = new Story();
    expect(story.send({ sequence: MAX - 1, count: 4 })).toBe("appended");
    expect(story.send({ sequence: MAX - 1, count: 4 })).toEqual([0, 3]);
    expect(story.send({ sequence: 2, count: 1 })).toBe("appended");
    expect(story.send({ sequence: 2, count: 1 })).toEqual([4, 4]);
  });

  test("the last five batches are known again, exactly; the sixth is out of order", () => {
    const story = new Story();
    for (let index = 0; index < 6; index++) story.send({ sequence: index * 2, count: 2 });
    for (let index = 1; index < 6; index++) {
      expect(story.send({ sequence: index * 2, count: 2 })).toEqual([index * 2, index * 2 + 1]);
    }
    expect(story.send({ sequence: 0, count: 2 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(story.send({ sequence: 10, count: 1 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(story.send({ sequence: 11, count: 1 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  });

  test("a new epoch starts at 0 and fences the old one", () => {
    const story = new Story();
    story.send({ sequence: 0, count: 5 });
    expect(story.send({ epoch: 1, sequence: 5 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(story.send({ epoch: 1, sequence: 0 })).toBe("appended");
    expect(story.send({ epoch: 0, sequence: 5 })).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    // The old epoch's batches are no duplicates any more.
    expect(story.send({ epoch: 0, sequence: 0, count: 5 })).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  });

  test("a marker that raised the epoch leaves no sequence: the next write starts at 0", () => {
    const story = new Story();
    story.send({ sequence: 0, count: 2, transactional: true });
    story.mark(1, false, { epoch: 1 });
    expect(story.send({ epoch: 1, sequence: 2 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(story.send({ epoch: 1, sequence: 0 })).toBe("appended");
  });

  test("a marker of the same epoch leaves the sequence as it was", () => {
    const story = new Story();
    story.send({ sequence: 0, count: 2, transactional: true });
    story.mark(1, false);
    expect(story.send({ sequence: 2, transactional: true })).toBe("appended");
  });

  test("a batch without a producer concerns nobody", () => {
    const story = new Story();
    expect(story.send({ id: -1, epoch: -1, sequence: -1 })).toBe("appended");
    expect(story.state.size).toBe(0);
    expect(story.state.endOffset).toBe(1 as never);
  });
});

describe("transactions", () => {
  test("the first unstable offset is the first of the oldest open one, until readers see its end", () => {
    const story = new Story();
    const { state } = story;
    story.send({ id: 9, sequence: 0, count: 3 });
    story.send({ id: 1, sequence: 0, transactional: true });
    story.send({ id: 2, sequence: 0, transactional: true });
    expect(state.firstUnstableOffset).toBe(3 as never);
    story.mark(1, false);
    expect(state.firstUnstableOffset).toBe(3 as never); // the marker at 5 is not below the watermark
    state.onHighWatermark(5 as Offset);
    expect(state.firstUnstableOffset).toBe(3 as never);
    state.onHighWatermark(6 as Offset);
    expect(state.firstUnstableOffset).toBe(4 as never);
    story.mark(2, true);
    state.onHighWatermark(7 as Offset);
    expect(state.firstUnstableOffset).toBe(null);
  });

  test("an abort names the transaction and the last stable offset after it", () => {
    const story = new Story();
    story.send({ id: 1, sequence: 0, count: 2, transactional: true });
    story.send({ id: 2, sequence: 0, transactional: true });
    expect(story.mark(2, true)).toEqual({ producerId: 2, firstOffset: 2, lastOffset: 3, lastStableOffset: 0 });
    expect(story.mark(1, true)).toEqual({ producerId: 1, firstOffset: 0, lastOffset: 4, lastStableOffset: 5 });
    expect(story.mark(1, true)).toBe(null); // a transaction without data
    story.send({ id: 1, sequence: 2, transactional: true });
    expect(story.mark(1, false)).toBe(null); // a commit is in no index
  });

  test("a plain write inside an open transaction is refused", () => {
    const story = new Story();
    story.send({ sequence: 0, transactional: true });
    expect(story.send({ sequence: 1 })).toBe(ErrorCode.INVALID_TXN_STATE);
  });

  test("markers of old epochs and of replaced coordinators are refused", () => {
    const story = new Story();
    story.send({ epoch: 3, sequence: 0, transactional: true });
    expect(story.mark(1, true, { epoch: 2 })).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    story.mark(1, true, { epoch: 3, coordinatorEpoch: 7 });
    expect(story.mark(1, true, { epoch: 3, coordinatorEpoch: 6 }))
      .toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED);
  });
});

describe("life", () => {
  test("rollback comes back to the last settle: batches, windows, transactions, markers", () => {
    const story = new Story();
    const { state } = story;
    story.send({ id: 1, sequence: 0, transactional: true });
    story.send({ id: 2, sequence: 0 });
    state.settle();
    const before = { producers: state.activeProducers(), end: state.endOffset };
    for (let index = 1; index < 7; index++) story.send({ id: 2, sequence: index });
    story.send({ id: 3, sequence: 0, transactional: true });
    story.mark(1, true);
    state.rollback();
    story.end = 2;
    expect({ producers: state.activeProducers(), end: state.endOffset }).toEqual(before);
    expect(state.firstUnstableOffset).toBe(0 as never);
    expect(story.send({ id: 2, sequence: 0 })).toEqual([1, 1]);
    expect(story.send({ id: 2, sequence: 1 })).toBe("appended");
    expect(story.mark(1, true)).toMatchObject({ firstOffset: 0 });
  });

  test("idle producers expire after the limit, those with an open transaction do not", () => {
    const story = new Story();
    story.send({ id: 1, sequence: 0 }, 1000);
    story.send({ id: 2, sequence: 0, transactional: true }, 1000);
    story.send({ id: 3, sequence: 0 }, 2000);
    story.state.settle();
    expect(story.state.expire(at(1000 + DAY - 1))).toBe(0);
    expect(story.state.expire(at(1000 + DAY))).toBe(1);
    expect(story.state.activeProducers().map((each) => each.producerId)).toEqual([2, 3]);
    expect(story.send({ id: 1, sequence: 70 })).toBe("appended");
  });

  test("a snapshot keeps the last batch of each, and drops what has expired when loaded", () => {
    const story = new Story();
    for (let index = 0; index < 3; index++) story.send({ id: 1, sequence: index * 2, count: 2 }, 5000);
    story.send({ id: 2, sequence: 0, transactional: true }, 1000);
    story.send({ id: 3, sequence: 9 }, 1000);
    const loaded = new Story();
    loaded.state.load(story.state.snapshot(), story.end as Offset, at(1000 + DAY));
    loaded.end = story.end;
    expect(loaded.state.activeProducers().map((each) => each.producerId)).toEqual([1, 2]);
    expect(loaded.state.firstUnstableOffset).toBe(6 as never);
    expect(loaded.send({ id: 1, sequence: 4, count: 2 })).toEqual([4, 5]);
    expect(loaded.send({ id: 1, sequence: 2, count: 2 })).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(loaded.send({ id: 1, sequence: 6 })).toBe("appended");
  });
});
