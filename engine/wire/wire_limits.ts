import { assert } from "../base/assert.ts";

/**
 * Heap that decoding one request may take, whatever its bytes claim: some 200,000 fetched
 * partitions.
 */
export const REQUEST_HEAP_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Tagged fields in one struct. Kafka's own messages have at most six; the rest would be skipped
 * anyway.
 */
export const TAGGED_FIELDS_MAX = 64;

/** A frame on a connection that has not authenticated: only the small handshake messages fit. */
export const UNAUTHENTICATED_FRAME_BYTES_MAX = 64 * 1024;

/** Kafka's socket.request.max.bytes. */
export const FRAME_BYTES_MAX = 100 * 1024 * 1024;

/** The length that precedes every frame: int32, not counting itself. */
export const FRAME_PREFIX_BYTES = 4;

/**
 * Pieces of an unfinished frame below this size are gathered by copying, so that a peer which sends
 * byte by byte costs bytes, not objects, and a small tail does not pin a whole network chunk.
 */
export const FRAME_PIECE_BYTES_MIN = 16 * 1024;

/** A gathered piece grows up to this size: what one read from a socket brings at most. */
export const FRAME_PIECE_BYTES_MAX = 512 * 1024;

/**
 * The first piece of a frame holds at least this much of it, so that a request header is read from
 * one array: its client id may take 32767 bytes, the rest is a few.
 */
export const FRAME_HEAD_BYTES = 40 * 1024;

/** Longest string in the old encoding: an int16 length. */
export const STRING_BYTES_MAX = 0x7fff;

assert(FRAME_HEAD_BYTES > STRING_BYTES_MAX, "a client id fits the head");
assert(FRAME_PIECE_BYTES_MIN <= FRAME_HEAD_BYTES, "a head is worth keeping as a piece");
assert(FRAME_HEAD_BYTES < FRAME_PIECE_BYTES_MAX, "a head fits a gathered piece");
assert(UNAUTHENTICATED_FRAME_BYTES_MAX < FRAME_BYTES_MAX, "authentication widens the limit");
