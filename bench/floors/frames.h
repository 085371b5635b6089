/*
 * The little of the Kafka protocol that floors and generator share: big-endian fields, a record
 * batch (format 2) of equal records, and where the records lie in a Produce request.
 */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "crc32c.h"

/* First versions of the two APIs whose messages are "flexible" (KIP-482). */
enum { PRODUCE_FLEXIBLE = 9, FETCH_FLEXIBLE = 12 };

enum {
  BATCH_LENGTH_AT = 8,
  BATCH_MAGIC_AT = 16,
  BATCH_CRC_AT = 17,
  BATCH_ATTRIBUTES_AT = 21, /* the CRC covers everything from here */
  BATCH_RECORDS_AT = 61,
};

typedef struct {
  uint8_t *bytes;
  size_t size;
  uint32_t records;
} Batch;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  __builtin_va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

/* What a program without a socket used itself, under the names that the generator gives a broker's. */
static inline void print_cpu_since(const struct rusage *before) {
  struct rusage after;
  getrusage(RUSAGE_SELF, &after);
  printf("\"brokerUserSeconds\":%.4f,\"brokerSystemSeconds\":%.4f,",
         (double)(after.ru_utime.tv_sec - before->ru_utime.tv_sec) +
             (double)(after.ru_utime.tv_usec - before->ru_utime.tv_usec) / 1e6,
         (double)(after.ru_stime.tv_sec - before->ru_stime.tv_sec) +
             (double)(after.ru_stime.tv_usec - before->ru_stime.tv_usec) / 1e6);
}

static inline uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline void put16(uint8_t *at, uint16_t value) {
  value = __builtin_bswap16(value);
  memcpy(at, &value, 2);
}
static inline void put32(uint8_t *at, uint32_t value) {
  value = __builtin_bswap32(value);
  memcpy(at, &value, 4);
}
static inline void put64(uint8_t *at, uint64_t value) {
  value = __builtin_bswap64(value);
  memcpy(at, &value, 8);
}
static inline uint16_t get16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, 2);
  return __builtin_bswap16(value);
}
static inline uint32_t get32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return __builtin_bswap32(value);
}
static inline uint64_t get64(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, 8);
  return __builtin_bswap64(value);
}

static inline size_t put_uvarint(uint8_t *at, uint32_t value) {
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) at[size++] = (uint8_t)(value | 0x80);
  at[size++] = (uint8_t)value;
  return size;
}

/* Zigzag, as records have it; only ever called with values that are not negative, or -1. */
static inline size_t put_varint(uint8_t *at, int32_t value) {
  return put_uvarint(at, ((uint32_t)value << 1) ^ (uint32_t)(value >> 31));
}

static inline const uint8_t *get_uvarint(const uint8_t *at, uint32_t *value) {
  uint32_t result = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    uint8_t byte = *at++;
    result |= (uint32_t)(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  *value = result;
  return at;
}

/* One record with a null key, no headers and `value_bytes` of noise; returns its size. */
static size_t put_record(uint8_t *at, uint32_t offset_delta, uint32_t value_bytes, uint64_t *noise) {
  uint8_t head[16];
  size_t head_size = 0;
  head[head_size++] = 0; /* attributes */
  head[head_size++] = 0; /* timestamp delta */
  head_size += put_varint(head + head_size, (int32_t)offset_delta);
  head_size += put_varint(head + head_size, -1); /* null key */
  head_size += put_varint(head + head_size, (int32_t)value_bytes);
  size_t size = put_varint(at, (int32_t)(head_size + value_bytes + 1));
  memcpy(at + size, head, head_size);
  size += head_size;
  for (uint32_t i = 0; i < value_bytes; i++) {
    *noise ^= *noise << 13;
    *noise ^= *noise >> 7;
    *noise ^= *noise << 17;
    at[size++] = (uint8_t)(*noise >> 32);
  }
  at[size++] = 0; /* no headers */
  return size;
}

/* As many records of `value_bytes` as fit into `batch_bytes`; at least one. */
static Batch build_batch(size_t batch_bytes, uint32_t value_bytes, uint64_t seed) {
  uint64_t noise = seed * 0x9e3779b97f4a7c15u + 1;
  size_t capacity = batch_bytes + value_bytes + 256;
  uint8_t *bytes = calloc(1, capacity);
  if (bytes == NULL) die("no memory for a batch of %zu bytes", capacity);
  size_t size = BATCH_RECORDS_AT;
  uint32_t records = 0;
  for (;;) {
    size_t record = put_record(bytes + size, records, value_bytes, &noise);
    if (records > 0 && size + record > batch_bytes) break;
    size += record;
    records++;
    if (size + value_bytes + 24 > capacity) break;
  }
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  uint64_t timestamp = (uint64_t)wall.tv_sec * 1000u + (uint64_t)wall.tv_nsec / 1000000u;
  put64(bytes, 0);
  put32(bytes + BATCH_LENGTH_AT, (uint32_t)(size - 12));
  put32(bytes + 12, 0xffffffffu); /* partition leader epoch: the producer does not know it */
  bytes[BATCH_MAGIC_AT] = 2;
  put16(bytes + BATCH_ATTRIBUTES_AT, 0);
  put32(bytes + 23, records - 1); /* last offset delta */
  put64(bytes + 27, timestamp);
  put64(bytes + 35, timestamp);
  memset(bytes + 43, 0xff, 8 + 2 + 4); /* no producer id, epoch, sequence */
  put32(bytes + 57, records);
  put32(bytes + BATCH_CRC_AT, crc32c(bytes + BATCH_ATTRIBUTES_AT, size - BATCH_ATTRIBUTES_AT));
  return (Batch){.bytes = bytes, .size = size, .records = records};
}

static inline int batch_crc_is_right(const uint8_t *batch, size_t size) {
  return size > BATCH_RECORDS_AT &&
         get32(batch + BATCH_CRC_AT) == crc32c(batch + BATCH_ATTRIBUTES_AT, size - BATCH_ATTRIBUTES_AT);
}

/* "--name value" from the command line, or `fallback`. */
static const char *option(int count, char **arguments, const char *name, const char *fallback) {
  for (int i = 1; i + 1 < count; i++) {
    if (strncmp(arguments[i], "--", 2) == 0 && strcmp(arguments[i] + 2, name) == 0) {
      return arguments[i + 1];
    }
  }
  return fallback;
}

static long number_option(int count, char **arguments, const char *name, long fallback) {
  const char *text = option(count, arguments, name, NULL);
  return text == NULL ? fallback : strtol(text, NULL, 10);
}

#endif
