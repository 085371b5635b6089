/*
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78). Three ways, the best one chosen at run time:
 *
 *   3 folding      256 bytes a step with 512-bit carry-less multiplication    (not TinyCC)
 *   2 instruction  three interleaved streams of the processor's CRC instruction
 *   1 table        eight bytes a step from tables
 *
 * (Folding with 128-bit multiplication was measured at half the speed of the instruction on Zen 4.)
 * A "state" is a CRC register without the inversion before and after. Constants are derived at start,
 * not copied: x_power(n) is x^n modulo the polynomial.
 */
#include "shim.h"

#define POLYNOMIAL 0x82f63b78u

enum { CRC_TABLE = 1, CRC_INSTRUCTION = 2, CRC_FOLD = 3 };

static i32 crc_kind; /* in use */
static i32 crc_best; /* of this processor and build; 0 before the first look */
static u32 crc_table[8][256];

/* a * b modulo the polynomial; bit 31 is the coefficient of x^0, as in the CRC register itself. */
static u32 multiply(u32 a, u32 b) {
  u32 product = 0;
  u32 bit;
  for (bit = 0x80000000u; bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = (b >> 1) ^ ((b & 1) ? POLYNOMIAL : 0);
  }
  return product;
}

static u32 x_power(u64 exponent) {
  u32 result = 0x80000000u; /* x^0 */
  u32 square = 0x40000000u; /* x^1 */
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

static u32 crc_by_table(u32 state, const u8 *bytes, i64 length) {
  const u8 *end = bytes + length;
  while (end - bytes >= 8) {
    u32 low = state ^ ((u32)bytes[0] | (u32)bytes[1] << 8 | (u32)bytes[2] << 16 | (u32)bytes[3] << 24);
    state = crc_table[7][low & 0xff] ^ crc_table[6][(low >> 8) & 0xff] ^
            crc_table[5][(low >> 16) & 0xff] ^ crc_table[4][low >> 24] ^ crc_table[3][bytes[4]] ^
            crc_table[2][bytes[5]] ^ crc_table[1][bytes[6]] ^ crc_table[0][bytes[7]];
    bytes += 8;
  }
  while (bytes < end) state = crc_table[0][(state ^ *bytes++) & 0xff] ^ (state >> 8);
  return state;
}

static void make_table(void) {
  i32 i, slice;
  for (i = 0; i < 256; i++) {
    u32 state = (u32)i;
    i32 bit;
    for (bit = 0; bit < 8; bit++) state = (state >> 1) ^ ((state & 1) ? POLYNOMIAL : 0);
    crc_table[0][i] = state;
  }
  for (slice = 1; slice < 8; slice++) {
    for (i = 0; i < 256; i++) {
      u32 state = crc_table[slice - 1][i];
      crc_table[slice][i] = crc_table[0][state & 0xff] ^ (state >> 8);
    }
  }
}

/*
 * What a processor's file provides: `crc_detect`, the best way it has; `crc_serial`, any length with the
 * CRC instruction; `crc_streams`, three adjacent streams of `stream` bytes (a multiple of 32) at once, the
 * first from states[0], the others from 0.
 */
#if defined(__x86_64__)
#include "crc32c_x86.h"
#elif defined(__aarch64__)
#include "crc32c_arm.h"
#endif

/*
 * A CRC instruction has a latency of about three cycles and a throughput of one: three streams keep it
 * busy. crc(ABC) = crc(A) x^(8|BC|) + crc(B) x^(8|C|) + crc(C); a multiplication by a fixed power is four
 * table look-ups.
 */
#define STREAM_LONG 4096
#define STREAM_SHORT 256

struct power_table {
  u32 of[4][256];
};
static struct power_table power_long, power_short;

static void make_power_table(struct power_table *table, u64 bytes) {
  u32 power = x_power(8 * bytes);
  i32 slice, i;
  for (slice = 0; slice < 4; slice++) {
    table->of[slice][0] = 0;
    for (i = 1; i < 256; i <<= 1) {
      u32 product = multiply((u32)i << (8 * slice), power);
      i32 j;
      for (j = 0; j < i; j++) table->of[slice][i + j] = table->of[slice][j] ^ product;
    }
  }
}

static u32 times_power(const struct power_table *table, u32 state) {
  return table->of[0][state & 0xff] ^ table->of[1][(state >> 8) & 0xff] ^
         table->of[2][(state >> 16) & 0xff] ^ table->of[3][state >> 24];
}

static u32 crc_block(u32 state, const u8 *bytes, i64 stream, const struct power_table *power) {
  u32 states[3];
  states[0] = state;
  crc_streams(states, bytes, stream);
  return times_power(power, times_power(power, states[0]) ^ states[1]) ^ states[2];
}

static u32 crc_by_instruction(u32 state, const u8 *bytes, i64 length) {
  for (; length >= 3 * STREAM_LONG; length -= 3 * STREAM_LONG, bytes += 3 * STREAM_LONG) {
    state = crc_block(state, bytes, STREAM_LONG, &power_long);
  }
  for (; length >= 3 * STREAM_SHORT; length -= 3 * STREAM_SHORT, bytes += 3 * STREAM_SHORT) {
    state = crc_block(state, bytes, STREAM_SHORT, &power_short);
  }
  return crc_serial(state, bytes, length);
}

/* Which way is taken from now on: the best one, or a humbler one (tests and benchmarks compare). */
EXPORT double mr_crc_kind(double at_most) {
  if (crc_best == 0) {
    i32 best = crc_detect();
    make_table();
    if (best >= CRC_INSTRUCTION) {
      make_power_table(&power_long, STREAM_LONG);
      make_power_table(&power_short, STREAM_SHORT);
    }
    crc_best = best;
  }
  crc_kind = at_most > 0 && at_most < crc_best ? (i32)at_most : crc_best;
  return crc_kind;
}

static u32 crc_update(u32 state, const u8 *bytes, i64 length) {
#if defined(CRC_CAN_FOLD)
  if (crc_kind == CRC_FOLD && length >= FOLD_BYTES_MIN) return crc_by_folding(state, bytes, length);
#endif
  if (crc_kind >= CRC_INSTRUCTION) return crc_by_instruction(state, bytes, length);
  return crc_by_table(state, bytes, length);
}

EXPORT double mr_crc32c(const u8 *bytes, double start, double end, double seed) {
  u32 state = ~(u32)(i64)seed;
  return (double)(i64)(u32)~crc_update(state, bytes + (i64)start, (i64)end - (i64)start);
}

EXPORT double mr_crc32c_pieces(union piece_slot *table, double count, double seed) {
  const struct piece *pieces = take_pieces(table, (i32)count);
  u32 state = ~(u32)(i64)seed;
  i32 i;
  for (i = 0; i < count; i++) state = crc_update(state, pieces[i].bytes, pieces[i].size);
  return (double)(i64)(u32)~state;
}
