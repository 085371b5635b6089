/*
 * CRC-32C for the floors and the generator: the hardware instruction in three interleaved streams
 * (one stream is bound by the instruction's latency of three cycles, three fill it). The streams are
 * joined by "advance over LANE zero bytes", a linear map held in four 256-entry tables.
 */
#ifndef BENCH_CRC32C_H
#define BENCH_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__x86_64__)
#error "the floors use the x86-64 crc32 instruction; add your processor's here"
#endif

enum { CRC_LANE_LONG = 4096, CRC_LANE_SHORT = 256 };

static uint32_t crc_advance_long[4][256];
static uint32_t crc_advance_short[4][256];

__attribute__((target("sse4.2"))) static inline uint64_t crc_step8(uint64_t crc, const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return __builtin_ia32_crc32di(crc, word);
}

__attribute__((target("sse4.2"))) static uint32_t crc_over_zeros(uint32_t crc, size_t length) {
  uint64_t wide = crc;
  for (size_t i = 0; i < length; i += 8) wide = __builtin_ia32_crc32di(wide, 0);
  return (uint32_t)wide;
}

static void crc32c_init(void) {
  for (int byte = 0; byte < 4; byte++) {
    for (uint32_t value = 0; value < 256; value++) {
      crc_advance_long[byte][value] = crc_over_zeros(value << (8 * byte), CRC_LANE_LONG);
      crc_advance_short[byte][value] = crc_over_zeros(value << (8 * byte), CRC_LANE_SHORT);
    }
  }
}

static inline uint32_t crc_advance(uint32_t table[4][256], uint32_t crc) {
  return table[0][crc & 255] ^ table[1][(crc >> 8) & 255] ^ table[2][(crc >> 16) & 255] ^
         table[3][crc >> 24];
}

__attribute__((target("sse4.2"))) static inline const uint8_t *crc_three_lanes(
    uint32_t *crc, const uint8_t *at, size_t *left, size_t lane, uint32_t table[4][256]) {
  while (*left >= 3 * lane) {
    uint64_t first = *crc, second = 0, third = 0;
    for (size_t i = 0; i < lane; i += 8) {
      first = crc_step8(first, at + i);
      second = crc_step8(second, at + lane + i);
      third = crc_step8(third, at + 2 * lane + i);
    }
    *crc = crc_advance(table, crc_advance(table, (uint32_t)first) ^ (uint32_t)second) ^
           (uint32_t)third;
    at += 3 * lane;
    *left -= 3 * lane;
  }
  return at;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c(const uint8_t *at, size_t left) {
  uint32_t crc = 0xffffffffu;
  at = crc_three_lanes(&crc, at, &left, CRC_LANE_LONG, crc_advance_long);
  at = crc_three_lanes(&crc, at, &left, CRC_LANE_SHORT, crc_advance_short);
  uint64_t wide = crc;
  for (; left >= 8; left -= 8, at += 8) wide = crc_step8(wide, at);
  crc = (uint32_t)wide;
  for (; left > 0; left--, at++) crc = __builtin_ia32_crc32qi(crc, *at);
  return crc ^ 0xffffffffu;
}

#endif
