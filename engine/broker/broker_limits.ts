import { assert } from "../base/assert.ts";

/** Bounds of the broker, each with its reason; relations between them are asserted below. */

/**
 * Requests of one connection that are taken up and not yet answered. Clients send five to a few
 * hundred; a bound is needed because each holds some hundred bytes until its answer has left.
 */
export const REQUESTS_IN_FLIGHT_MAX = 1024;

/**
 * Bytes that one connection may have sent and not had answered before it is paused. A single larger
 * request is let through: memory then grows with the bytes that arrive.
 */
export const CONNECTION_REQUEST_BYTES_MAX = 16 * 1024 * 1024;

/** The same over all connections: beyond it nobody is read from until some are answered. */
export const TOTAL_REQUEST_BYTES_MAX = 512 * 1024 * 1024;

/** Encoded answers that wait for a slow reader; beyond it no further request is taken up. */
export const CONNECTION_ANSWER_BYTES_MAX = 1024 * 1024;

/** Answers encoded into one buffer before it is handed to the socket. */
export const FLUSH_BYTES_MAX = 256 * 1024;

/** How long requests of one connection may keep the loop before others get their turn. */
export const TURN_MS_MAX = 8;

/** The clock is asked once in so many requests. */
export const REQUESTS_PER_CLOCK_CHECK = 16;

/** A connection ends when for so long no byte of a begun request arrived, or none of an answer left. */
export const STALL_MS_MAX = 30_000;

/** After the last answer to a peer that must go, how long it may take to close its side. */
export const LINGER_MS_MAX = 2_000;

/** Deadlines are looked at this often: they are coarse. */
export const SWEEP_MS = 500;

/** A fetch session idle for so long may be given up for another, as in Kafka. */
export const FETCH_SESSION_IDLE_MS = 120_000;

/** Partitions over all sessions: some 200 bytes each. */
export const FETCH_SESSION_PARTITIONS_MAX = 500_000;

/**
 * Up to here the records of a partition are read and sent with the answer's head in one write; above, the
 * extra calls of sendfile cost less than the copy (bench/micro/broker_send.bench.ts).
 */
export const SMALL_FETCH_BYTES_MAX = 16 * 1024;

/** Records that one answer reads into memory in all; the rest stays in its files. */
export const FETCH_GATHER_BYTES_MAX = 256 * 1024;

/** How long a stop waits for what is in flight; the whole stop takes less than ten seconds. */
export const STOP_ANSWERS_MS_MAX = 5_000;

assert(CONNECTION_REQUEST_BYTES_MAX < TOTAL_REQUEST_BYTES_MAX, "one connection cannot take all");
assert(SMALL_FETCH_BYTES_MAX < FLUSH_BYTES_MAX, "a small answer fits one flush");
