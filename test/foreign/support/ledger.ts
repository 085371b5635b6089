/**
 * What a set of producers sent, what was acknowledged and what was read: the history against which a
 * log is held after a crash.
 *
 * A lane is one producer on one partition; its records are numbered 0, 1, 2 ... and carry the lane and
 * the number. Anomalies, by the names of Jepsen's Kafka checker:
 *   lost write        an acknowledged number that is not in the log
 *   duplicate         a number twice
 *   reordered         a number after a larger one of its lane
 *   gap               a number missing before a later one, on an idempotent lane
 *   wrong offset      acknowledged at one offset, stored at another
 *   unread            a consumer saw a record that is no longer there, or another in its place
 *   from nowhere      a record that nobody sent
 */

export interface LedgerBatch {
  readonly first: number;
  readonly count: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

interface Acknowledged {
  readonly first: number;
  readonly count: number;
  /** -1: the broker only said that it has the batch. */
  readonly baseOffset: number;
}

export class Lane {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly isIdempotent: boolean;
  nextNumber = 0;
  nextSequence = 0;
  /** Sent and not answered, oldest first; an idempotent producer sends them again after a crash. */
  pending: LedgerBatch[] = [];
  acknowledgedCount = 0;
  /** Acknowledged since the last verification, by first number. */
  readonly unverified = new Map<number, Acknowledged>();
  /** The largest number that verification has reached. */
  lastSeen = -1;
  /** What a verification from the start must reach again. */
  mustReach = -1;
  /** Numbers that a producer gave up: never acknowledged, but perhaps stored. Not idempotent lanes. */
  readonly abandoned = new Set<number>();

  constructor(id: number, topic: string, partition: number, isIdempotent: boolean) {
    this.id = id;
    this.topic = topic;
    this.partition = partition;
    this.isIdempotent = isIdempotent;
  }

  acknowledge(batch: LedgerBatch, baseOffset: number): void {
    this.pending = this.pending.filter((each) => each !== batch);
    this.unverified.set(batch.first, { first: batch.first, count: batch.count, baseOffset });
    this.acknowledgedCount += batch.count;
  }

  /** What a producer without ids does after an error: it does not know, and does not send again. */
  abandonPending(): void {
    for (const batch of [...this.pending]) this.abandon(batch);
  }

  abandon(batch: LedgerBatch): void {
    for (let index = 0; index < batch.count; index++) this.abandoned.add(batch.first + index);
    this.pending = this.pending.filter((each) => each !== batch);
  }
}

export interface LogRecord {
  readonly offset: number;
  readonly value: string;
}

export function recordValue(lane: number, number: number, bytes: number): string {
  return `${lane} ${number} `.padEnd(bytes, "0123456789 abcdefghij ");
}

/** The records of one partition as they must be, with what consumers saw of them. */
export class PartitionLedger {
  readonly topic: string;
  readonly partition: number;
  readonly lanes = new Map<number, Lane>();
  /** What consumers saw, from `verifiedOffset` on: offset -> lane and number. */
  readonly seen = new Map<number, string>();
  verifiedOffset = 0;
  consumedOffset = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Forgets what was verified, so that the next verification reads the log from its first record. */
  startOver(): void {
    this.verifiedOffset = 0;
    for (const lane of this.lanes.values()) {
      lane.mustReach = Math.max(lane.mustReach, lane.lastSeen);
      lane.lastSeen = -1;
    }
  }

  /**
   * Takes the log from `verifiedOffset` to its end. Returns the anomalies; nothing may be under way.
   * `mayLoseTail`: a loss of the last records is none, a hole still is.
   */
  verify(records: readonly LogRecord[], mayLoseTail = false): string[] {
    const problems: string[] = [];
    const say = (what: string): void => {
      problems.push(`${this.topic}-${this.partition}: ${what}`);
    };
    const offsetOf = new Map<string, number>();
    const lastBefore = new Map([...this.lanes].map(([id, lane]) => [id, lane.lastSeen]));
    let expectedOffset = this.verifiedOffset;
    for (const record of records) {
      if (record.offset !== expectedOffset) say(`offset ${record.offset}, expected ${expectedOffset}`);
      expectedOffset = record.offset + 1;
      this.#verifyRecord(record, offsetOf, say);
    }
    for (const [offset, name] of mayLoseTail ? [] : this.seen) {
      const stored = offsetOf.get(name);
      if (stored !== offset) say(`unread: a consumer saw ${name} at ${offset}, it is at ${stored ?? "no offset"}`);
    }
    for (const lane of this.lanes.values()) {
      if (!mayLoseTail) verifyAcknowledged(lane, offsetOf, lastBefore.get(lane.id)!, say);
      lane.unverified.clear();
      if (lane.lastSeen < lane.mustReach) say(`lost: ${lane.id} ${lane.mustReach} was there, now ${lane.lastSeen}`);
    }
    this.seen.clear();
    this.verifiedOffset = expectedOffset;
    return problems;
  }

  #verifyRecord(record: LogRecord, offsetOf: Map<string, number>, say: (what: string) => void): void {
    const [laneText, numberText] = record.value.split(" ", 2);
    const lane = this.lanes.get(Number(laneText));
    const number = Number(numberText);
    const name = `${laneText} ${numberText}`;
    if (lane === undefined || !(number < lane.nextNumber)) {
      say(`from nowhere: ${name} at ${record.offset}`);
      return;
    }
    if (offsetOf.has(name)) {
      say(`duplicate: ${name} at ${offsetOf.get(name)} and ${record.offset}`);
    } else if (number <= lane.lastSeen) {
      say(`reordered or duplicate: ${name} at ${record.offset} after ${lane.lastSeen}`);
    } else {
      for (let missing = lane.lastSeen + 1; missing < number; missing++) {
        if (!lane.abandoned.has(missing)) say(`gap: ${laneText} ${missing} is not before ${number}`);
      }
      lane.lastSeen = number;
    }
    offsetOf.set(name, record.offset);
  }
}

function verifyAcknowledged(
  lane: Lane,
  offsetOf: ReadonlyMap<string, number>,
  lastBefore: number,
  say: (what: string) => void,
): void {
  for (const { first, count, baseOffset } of lane.unverified.values()) {
    for (let index = 0; index < count; index++) {
      const number = first + index;
      const offset = offsetOf.get(`${lane.id} ${number}`);
      if (offset === undefined) {
        // An answer may come for what an earlier verification has already seen.
        if (number > lastBefore) say(`lost write: ${lane.id} ${number}, acknowledged at ${baseOffset}`);
      } else if (baseOffset >= 0 && offset !== baseOffset + index) {
        say(`wrong offset: ${lane.id} ${number} acknowledged at ${baseOffset + index}, stored at ${offset}`);
      }
    }
  }
}
