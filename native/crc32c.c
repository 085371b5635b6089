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

#if defined(__x86_64__)
#include "crc32c_x86.h"
#elif defined(__aarch64__)
#include "crc32c_arm.h"
#endif

/* Which way is taken from now on: the best one, or a humbler one (tests and benchmarks compare). */
EXPORT double mr_crc_kind(double at_most) {
  if (crc_best == 0) {
#if defined(__x86_64__) || defined(__aarch64__)
    i32 best = crc_detect();
#else
    i32 best = CRC_TABLE;
#endif
    make_table();
    crc_best = best;
  }
  crc_kind = at_most > 0 && at_most < crc_best ? (i32)at_most : crc_best;
  return crc_kind;
}

static u32 crc_update(u32 state, const u8 *bytes, i64 length) {
#if defined(__x86_64__)
#if !defined(__TINYC__)
  if (crc_kind == CRC_FOLD && length >= FOLD_BYTES_MIN) return crc_by_folding(state, bytes, length);
#endif
  if (crc_kind >= CRC_INSTRUCTION) return crc_by_instruction(state, bytes, length);
#elif defined(__aarch64__)
  if (crc_kind == CRC_INSTRUCTION) return crc_by_instruction(state, bytes, length);
#endif
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
