/*
 * Record batches (magic 2) validated in one pass: header, CRC-32C and the records of uncompressed
 * batches. The bytes come from outside: every read is bounded, whatever they say. The reason codes and
 * the layout of results belong to scan.ts, the order of checks is mirrored by batch_scan.ts, and a
 * property test holds the two together.
 */
#include "shim.h"

enum {
  SCAN_OK, SCAN_TOO_SHORT, SCAN_LENGTH_TOO_SMALL, SCAN_LENGTH_MISMATCH, SCAN_BAD_MAGIC, SCAN_BAD_CRC,
  SCAN_BAD_COUNT, SCAN_BAD_RECORD_LENGTH, SCAN_BAD_OFFSET_DELTA, SCAN_BAD_KEY, SCAN_BAD_VALUE,
  SCAN_BAD_HEADERS, SCAN_BAD_TIMESTAMP, SCAN_RECORD_LEFT_OVER, SCAN_BATCH_LEFT_OVER, SCAN_PARTIAL,
  SCAN_FULL
};

enum { FLAG_DENSE = 1, FLAG_RECORDS = 2 };

enum {
  BATCH_LENGTH_AT = 8, LEADER_EPOCH_AT = 12, MAGIC_AT = 16, CRC_AT = 17, ATTRIBUTES_AT = 21,
  LAST_OFFSET_DELTA_AT = 23, BASE_TIMESTAMP_AT = 27, MAX_TIMESTAMP_AT = 35, PRODUCER_ID_AT = 43,
  PRODUCER_EPOCH_AT = 51, BASE_SEQUENCE_AT = 53, RECORDS_COUNT_AT = 57, HEADER_BYTES = 61,
  OVERHEAD_BYTES = 12, BATCH_LENGTH_MIN = HEADER_BYTES - OVERHEAD_BYTES, CODEC_MASK = 7
};

static u32 read_u32(const u8 *at) {
  return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | (u32)at[3];
}
static i32 read_i32(const u8 *at) { return (i32)read_u32(at); }
static i32 read_i16(const u8 *at) { return (short)((u32)at[0] << 8 | (u32)at[1]); }
static i64 read_i64(const u8 *at) { return (i64)((u64)read_u32(at) << 32 | (u64)read_u32(at + 4)); }

/*
 * Reads forward through the pieces and never past a limit, which is the end of a record or of the
 * batch. [at, span_end) is what lies in the current piece before the limit, `beyond` counts the bytes
 * before the limit in later pieces: the one comparison per byte serves piece and limit alike.
 *
 * `spans` is a constant at every call: 0 promises that everything up to the limit lies in the current
 * piece. The functions are inlined then with nothing that takes the reader's address, and `at` stays in
 * a register: 10 ns a record instead of 19 (bench/micro/native.bench.ts, 10,000 records of 100 B).
 */
struct reader {
  const u8 *at, *span_end, *piece_end;
  i64 beyond;
  const struct piece *next; /* of the pieces after this one */
  i32 bad;
};

static i64 left(const struct reader *r) { return (r->span_end - r->at) + r->beyond; }

static void limit_to(struct reader *r, i64 bytes) {
  i64 in_piece = min_i64(bytes, r->piece_end - r->at);
  r->span_end = r->at + in_piece;
  r->beyond = bytes - in_piece;
}

/* `beyond` is above 0: there is a next piece, and pieces are never empty. */
static NEVER_INLINE void next_piece(struct reader *r) {
  r->at = r->next->bytes;
  r->piece_end = r->at + r->next->size;
  r->next++;
  limit_to(r, r->beyond);
}

static ALWAYS_INLINE u32 next_byte(struct reader *r, i32 spans) {
  if (r->at == r->span_end) {
    if (!spans || r->beyond == 0) {
      r->bad = 1;
      return 0;
    }
    next_piece(r);
  }
  return *r->at++;
}

/* `bytes` is at most what is left. */
static ALWAYS_INLINE void skip(struct reader *r, i32 spans, i64 bytes) {
  if (spans) {
    while (bytes > r->span_end - r->at) {
      bytes -= r->span_end - r->at;
      next_piece(r);
    }
  }
  r->at += bytes;
}

/* A varint takes at most this many bytes: with so many left in the span it lies within it. */
#define VARINT_BYTES_MAX 5

/* Zigzag, at most 5 bytes, at most 32 bits. */
static ALWAYS_INLINE i32 varint(struct reader *r, i32 spans) {
  u32 value = 0;
  u32 byte;
  i32 shift;
  if (r->span_end - r->at >= VARINT_BYTES_MAX) {
    const u8 *at = r->at;
    for (shift = 0; shift < 35; shift += 7) {
      byte = *at++;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    r->at = at;
    r->bad = shift > 28 || (shift == 28 && byte > 0x0f);
  } else {
    for (shift = 0; shift < 35; shift += 7) {
      byte = next_byte(r, spans);
      if (r->bad) return 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    r->bad = shift > 28 || (shift == 28 && byte > 0x0f);
  }
  return (i32)(value >> 1) ^ -(i32)(value & 1);
}

/*
 * Zigzag, at most 10 bytes, at most 64 bits; as a double by the same steps as in TypeScript, so that
 * both agree beyond the safe range too.
 */
static ALWAYS_INLINE double varlong(struct reader *r, i32 spans) {
  u64 value = 0;
  i32 shift;
  for (shift = 0; shift < 70; shift += 7) {
    u64 byte = next_byte(r, spans);
    if (r->bad) return 0;
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      double magnitude = (double)(i64)(value >> 1);
      return (value & 1) ? -magnitude - 1 : magnitude;
    }
  }
  r->bad = 1;
  return 0;
}

/* The CRC runs ahead of the walk in blocks, so that a record is read while its bytes are in the cache. */
#define CRC_BLOCK_BYTES 16384
#define CRC_AHEAD_BYTES 256

struct crc_walk {
  const struct piece *pieces;
  i32 piece;
  i64 at;   /* within the piece */
  i64 done; /* from the start of the batch */
  u32 state;
};

static void crc_advance(struct crc_walk *walk, i64 target) {
  while (walk->done < target) {
    const struct piece *piece = &walk->pieces[walk->piece];
    i64 part = min_i64(target - walk->done, piece->size - walk->at);
    walk->state = crc_update(walk->state, piece->bytes + walk->at, part);
    walk->at += part;
    walk->done += part;
    if (walk->at == piece->size) {
      walk->piece++;
      walk->at = 0;
    }
  }
}

/* Most numbers take one byte. Spelled out for TinyCC, which inlines nothing; gcc sees what it saw. */
#define READ_VARINT(target, r, spans)                    \
  if ((r)->at != (r)->span_end && *(r)->at < 0x80) {     \
    target = *(r)->at++;                                 \
    target = (target >> 1) ^ -(target & 1);              \
  } else {                                               \
    target = varint(r, spans);                           \
  }

/* Goes over a key or value of `size` bytes; `refusal` when it is below size_min or does not fit. */
#define SKIP_SIZED(r, spans, size, size_min, refusal)                                     \
  if ((r)->bad || (size) < (size_min)) return refusal;                                    \
  if ((size) > 0) {                                                                       \
    if ((size) <= (r)->span_end - (r)->at) (r)->at += (size);                             \
    else if (!(spans) || (size) > left(r)) return refusal;                                \
    else skip(r, spans, size);                                                            \
  }

struct walk_result {
  double max_timestamp, min_timestamp;
  i32 max_timestamp_delta, first_null_key, bad_record;
};

/* What the records of one batch are measured against. */
struct walk {
  double base_timestamp;
  i32 dense, last_delta, previous_delta, index;
};

/* One record after its length; the reader is limited to it. */
static ALWAYS_INLINE i32 walk_record(struct reader *r, i32 spans, struct walk *walk,
                                     struct walk_result *result) {
  double timestamp;
  i32 delta, size, headers;
  if (r->at != r->span_end) r->at++; /* attributes: unused, not judged */
  else next_byte(r, spans);
  if (r->bad) return SCAN_BAD_RECORD_LENGTH;
  if (r->at != r->span_end && *r->at < 0x80) {
    size = *r->at++;
    timestamp = walk->base_timestamp + (double)((size >> 1) ^ -(size & 1));
  } else {
    timestamp = walk->base_timestamp + varlong(r, spans);
  }
  if (r->bad) return SCAN_BAD_TIMESTAMP;
  READ_VARINT(delta, r, spans)
  if (r->bad || delta <= walk->previous_delta || delta > walk->last_delta) return SCAN_BAD_OFFSET_DELTA;
  if (walk->dense && delta != walk->index) return SCAN_BAD_OFFSET_DELTA;
  walk->previous_delta = delta;
  READ_VARINT(size, r, spans)
  SKIP_SIZED(r, spans, size, -1, SCAN_BAD_KEY)
  if (size < 0 && result->first_null_key < 0) result->first_null_key = walk->index;
  READ_VARINT(size, r, spans)
  SKIP_SIZED(r, spans, size, -1, SCAN_BAD_VALUE)
  READ_VARINT(headers, r, spans)
  if (r->bad || headers < 0 || headers > left(r)) return SCAN_BAD_HEADERS;
  for (; headers > 0; headers--) {
    READ_VARINT(size, r, spans)
    SKIP_SIZED(r, spans, size, 0, SCAN_BAD_HEADERS)
    READ_VARINT(size, r, spans)
    SKIP_SIZED(r, spans, size, -1, SCAN_BAD_HEADERS)
  }
  if (r->at != r->span_end || r->beyond != 0) return SCAN_RECORD_LEFT_OVER;
  if (walk->index == 0 || timestamp > result->max_timestamp) {
    result->max_timestamp = timestamp;
    result->max_timestamp_delta = delta;
  }
  if (walk->index == 0 || timestamp < result->min_timestamp) result->min_timestamp = timestamp;
  return SCAN_OK;
}

/* The records of an uncompressed batch of `total` bytes; the reader stands after the batch's header. */
static i32 walk_records(struct reader *r, const u8 *header, i64 total, i32 dense,
                        struct crc_walk *crc, struct walk_result *out) {
  i32 count = read_i32(header + RECORDS_COUNT_AT);
  i64 batch_left = total - HEADER_BYTES;
  i32 reason = SCAN_OK;
  struct walk_result result = *out;
  struct walk walk;
  walk.base_timestamp = (double)read_i64(header + BASE_TIMESTAMP_AT);
  walk.dense = dense;
  walk.last_delta = read_i32(header + LAST_OFFSET_DELTA_AT);
  walk.previous_delta = -1;
  for (walk.index = 0; walk.index < count; walk.index++) {
    i32 length;
    i64 position = total - batch_left;
    if (position + CRC_AHEAD_BYTES > crc->done) {
      crc_advance(crc, min_i64(total, position + CRC_BLOCK_BYTES));
    }
    limit_to(r, batch_left);
    READ_VARINT(length, r, 1)
    batch_left = (r->span_end - r->at) + r->beyond;
    if (r->bad || length < 0 || length > batch_left) {
      reason = SCAN_BAD_RECORD_LENGTH;
      break;
    }
    batch_left -= length;
    if (length <= r->span_end - r->at) {
      struct reader here;
      here.at = r->at;
      here.span_end = here.piece_end = r->at + length;
      here.beyond = here.bad = 0;
      here.next = 0;
      reason = walk_record(&here, 0, &walk, &result);
      r->at += length;
    } else {
      limit_to(r, length);
      reason = walk_record(r, 1, &walk, &result);
    }
    if (reason != SCAN_OK) break;
  }
  if (reason != SCAN_OK) result.bad_record = walk.index;
  *out = result;
  return reason == SCAN_OK && batch_left != 0 ? SCAN_BATCH_LEFT_OVER : reason;
}

static i32 count_reason(const u8 *header, i32 flags) {
  i32 count = read_i32(header + RECORDS_COUNT_AT);
  i32 last_delta = read_i32(header + LAST_OFFSET_DELTA_AT);
  if (count < 0 || last_delta < 0) return SCAN_BAD_COUNT;
  if ((i64)count > (i64)last_delta + 1) return SCAN_BAD_COUNT;
  if ((flags & FLAG_DENSE) && (i64)count != (i64)last_delta + 1) return SCAN_BAD_COUNT;
  return SCAN_OK;
}

/*
 * Everything after the length: `total` bytes are there, from the start of the pieces on. A wrong CRC
 * outranks whatever the walk found, since it explains it.
 */
static i32 check_batch(const struct piece *pieces, const u8 *header, i64 total, i32 flags,
                       struct walk_result *result) {
  struct crc_walk crc;
  i32 reason;
  i32 piece = 0;
  i64 at = ATTRIBUTES_AT;
  result->max_timestamp = result->min_timestamp = -1;
  result->max_timestamp_delta = result->first_null_key = result->bad_record = -1;
  if (header[MAGIC_AT] != 2) return SCAN_BAD_MAGIC;
  while (at >= pieces[piece].size) at -= pieces[piece++].size;
  crc.pieces = pieces;
  crc.piece = piece;
  crc.at = at;
  crc.done = ATTRIBUTES_AT;
  crc.state = 0xffffffffu;
  reason = count_reason(header, flags);
  if (reason == SCAN_OK && (flags & FLAG_RECORDS) && (header[ATTRIBUTES_AT + 1] & CODEC_MASK) == 0) {
    struct reader r;
    r.next = pieces + 1;
    r.bad = 0;
    r.at = pieces[0].bytes;
    r.piece_end = r.at + pieces[0].size;
    limit_to(&r, total);
    skip(&r, 1, HEADER_BYTES);
    reason = walk_records(&r, header, total, flags & FLAG_DENSE, &crc, result);
  }
  crc_advance(&crc, total);
  if (~crc.state != read_u32(header + CRC_AT)) {
    result->bad_record = -1;
    return SCAN_BAD_CRC;
  }
  return reason;
}

/* Where the header lies: in the first piece, or gathered into `copy`. There are HEADER_BYTES in all. */
static const u8 *header_of(const struct piece *pieces, u8 *copy) {
  i64 at = 0;
  i32 i;
  if (pieces[0].size >= HEADER_BYTES) return pieces[0].bytes;
  for (i = 0; i < HEADER_BYTES; i++) {
    if (at == pieces->size) {
      pieces++;
      at = 0;
    }
    copy[i] = pieces->bytes[at++];
  }
  return copy;
}

/* The result words of one batch, in the order that shim_native.ts reads them. */
enum {
  OUT_SIZE, OUT_LEADER_EPOCH, OUT_ATTRIBUTES, OUT_BASE_OFFSET, OUT_LAST_OFFSET_DELTA,
  OUT_BASE_TIMESTAMP, OUT_MAX_TIMESTAMP, OUT_PRODUCER_ID, OUT_PRODUCER_EPOCH, OUT_BASE_SEQUENCE,
  OUT_RECORDS_COUNT, OUT_WALKED_MAX, OUT_WALKED_MIN, OUT_MAX_DELTA, OUT_FIRST_NULL_KEY, OUT_BAD_RECORD
};

static double scan_batch(double *out, i32 flags, const struct piece *pieces, i32 count) {
  u8 copy[HEADER_BYTES];
  const u8 *header;
  struct walk_result result;
  i64 total = 0;
  i32 i, reason;
  for (i = 0; i < count; i++) total += pieces[i].size;
  out[OUT_SIZE] = (double)total;
  out[OUT_BAD_RECORD] = -1;
  if (total < HEADER_BYTES) return SCAN_TOO_SHORT;
  header = header_of(pieces, copy);
  if (read_i32(header + BATCH_LENGTH_AT) < BATCH_LENGTH_MIN) return SCAN_LENGTH_TOO_SMALL;
  if (read_i32(header + BATCH_LENGTH_AT) + (i64)OVERHEAD_BYTES != total) return SCAN_LENGTH_MISMATCH;
  reason = check_batch(pieces, header, total, flags, &result);
  out[OUT_LEADER_EPOCH] = read_i32(header + LEADER_EPOCH_AT);
  out[OUT_ATTRIBUTES] = read_i16(header + ATTRIBUTES_AT);
  out[OUT_BASE_OFFSET] = (double)read_i64(header);
  out[OUT_LAST_OFFSET_DELTA] = read_i32(header + LAST_OFFSET_DELTA_AT);
  out[OUT_BASE_TIMESTAMP] = (double)read_i64(header + BASE_TIMESTAMP_AT);
  out[OUT_MAX_TIMESTAMP] = (double)read_i64(header + MAX_TIMESTAMP_AT);
  out[OUT_PRODUCER_ID] = (double)read_i64(header + PRODUCER_ID_AT);
  out[OUT_PRODUCER_EPOCH] = read_i16(header + PRODUCER_EPOCH_AT);
  out[OUT_BASE_SEQUENCE] = read_i32(header + BASE_SEQUENCE_AT);
  out[OUT_RECORDS_COUNT] = read_i32(header + RECORDS_COUNT_AT);
  out[OUT_WALKED_MAX] = result.max_timestamp;
  out[OUT_WALKED_MIN] = result.min_timestamp;
  out[OUT_MAX_DELTA] = result.max_timestamp_delta;
  out[OUT_FIRST_NULL_KEY] = result.first_null_key;
  out[OUT_BAD_RECORD] = result.bad_record;
  return reason;
}

EXPORT double mr_scan_batch(double *out, double flags, const u8 *bytes, double size) {
  struct piece piece;
  piece.bytes = bytes;
  piece.size = (i64)size;
  return scan_batch(out, (i32)flags, &piece, 1);
}

EXPORT double mr_scan_batch_pieces(double *out, double flags, union piece_slot *table, double count) {
  return scan_batch(out, (i32)flags, take_pieces(table, (i32)count), (i32)count);
}

/* The columns of RunScan (scan.ts) within its one allocation. */
struct run_columns {
  double *head, *base_offset, *last_offset, *position, *base_timestamp, *max_timestamp, *producer_id;
  i32 *size, *leader_epoch, *attributes, *last_offset_delta, *producer_epoch, *base_sequence,
      *records_count;
};

enum { RUN_HEAD_WORDS = 4, RUN_DOUBLES = 6 };

static void run_columns_of(struct run_columns *run, void *memory, i64 capacity) {
  double *doubles = (double *)memory;
  i32 *ints = (i32 *)(doubles + RUN_HEAD_WORDS + RUN_DOUBLES * capacity);
  run->head = doubles;
  run->base_offset = doubles + RUN_HEAD_WORDS;
  run->last_offset = run->base_offset + capacity;
  run->position = run->last_offset + capacity;
  run->base_timestamp = run->position + capacity;
  run->max_timestamp = run->base_timestamp + capacity;
  run->producer_id = run->max_timestamp + capacity;
  run->size = ints;
  run->leader_epoch = run->size + capacity;
  run->attributes = run->leader_epoch + capacity;
  run->last_offset_delta = run->attributes + capacity;
  run->producer_epoch = run->last_offset_delta + capacity;
  run->base_sequence = run->producer_epoch + capacity;
  run->records_count = run->base_sequence + capacity;
}

static void run_row(const struct run_columns *run, i64 row, const u8 *header, i64 position) {
  i64 base_offset = read_i64(header);
  i32 delta = read_i32(header + LAST_OFFSET_DELTA_AT);
  run->base_offset[row] = (double)base_offset;
  run->last_offset[row] = (double)base_offset + (double)delta;
  run->position[row] = (double)position;
  run->base_timestamp[row] = (double)read_i64(header + BASE_TIMESTAMP_AT);
  run->max_timestamp[row] = (double)read_i64(header + MAX_TIMESTAMP_AT);
  run->producer_id[row] = (double)read_i64(header + PRODUCER_ID_AT);
  run->size[row] = read_i32(header + BATCH_LENGTH_AT) + OVERHEAD_BYTES;
  run->leader_epoch[row] = read_i32(header + LEADER_EPOCH_AT);
  run->attributes[row] = read_i16(header + ATTRIBUTES_AT);
  run->last_offset_delta[row] = delta;
  run->producer_epoch[row] = read_i16(header + PRODUCER_EPOCH_AT);
  run->base_sequence[row] = read_i32(header + BASE_SEQUENCE_AT);
  run->records_count[row] = read_i32(header + RECORDS_COUNT_AT);
}

/* The batch at `header` with `available` bytes to the end of the run; its size in *size when valid. */
static i32 run_batch(const u8 *header, i64 available, i32 flags, i64 *size, i64 *needed,
                     i32 *bad_record) {
  struct piece piece;
  struct walk_result result;
  i32 length, reason;
  *needed = 0;
  *bad_record = -1;
  if (available < OVERHEAD_BYTES) return SCAN_PARTIAL;
  length = read_i32(header + BATCH_LENGTH_AT);
  if (length < BATCH_LENGTH_MIN) return SCAN_LENGTH_TOO_SMALL;
  *size = (i64)length + OVERHEAD_BYTES;
  /* A wrong magic is told before a missing tail: the length of another format means nothing here. */
  if (available > MAGIC_AT && header[MAGIC_AT] != 2) return SCAN_BAD_MAGIC;
  if (*size > available) {
    *needed = *size;
    return SCAN_PARTIAL;
  }
  piece.bytes = header;
  piece.size = *size;
  reason = check_batch(&piece, header, *size, flags, &result);
  *bad_record = result.bad_record;
  return reason;
}

EXPORT double mr_scan_run(const u8 *bytes, double start, double end, void *memory, double capacity,
                          double flags) {
  struct run_columns run;
  i64 position = (i64)start;
  i64 stop = (i64)end;
  i64 row = 0;
  i64 needed = 0;
  i32 bad_record = -1;
  i32 reason = SCAN_OK;
  run_columns_of(&run, memory, (i64)capacity);
  while (position < stop) {
    i64 size = 0;
    if (row == capacity) {
      reason = SCAN_FULL;
      break;
    }
    reason = run_batch(bytes + position, stop - position, (i32)flags, &size, &needed, &bad_record);
    if (reason != SCAN_OK) break;
    run_row(&run, row, bytes + position, position);
    row++;
    position += size;
  }
  run.head[0] = (double)row;
  run.head[1] = (double)position;
  run.head[2] = (double)needed;
  run.head[3] = bad_record;
  return reason;
}
