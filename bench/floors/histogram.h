/*
 * Latencies in log-linear buckets, as HdrHistogram keeps them: 128 buckets for each power of two, so a
 * reported value is at most 0.8 % above the measured one. Values in nanoseconds up to 2^40 (18 minutes).
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum { SUB_BITS = 7, VALUE_BITS = 40, BUCKETS = (VALUE_BITS - SUB_BITS + 1) << SUB_BITS };

typedef struct {
  uint64_t counts[BUCKETS];
  uint64_t total, max, sum;
} Histogram;

static inline void histogram_add(Histogram *histogram, uint64_t value) {
  histogram->total++;
  histogram->sum += value;
  if (value > histogram->max) histogram->max = value;
  if (value >= (1ull << VALUE_BITS)) value = (1ull << VALUE_BITS) - 1;
  int top = 63 - __builtin_clzll(value | (1u << SUB_BITS));
  int shift = top - SUB_BITS;
  histogram->counts[((uint64_t)shift << SUB_BITS) + (value >> shift)]++;
}

/* Upper edge of the bucket that holds the quantile, in nanoseconds; 0 when nothing was added. */
static uint64_t histogram_quantile(const Histogram *histogram, double quantile) {
  uint64_t rank = (uint64_t)(quantile * (double)histogram->total + 0.5), seen = 0;
  if (rank < 1) rank = 1;
  for (uint64_t i = 0; i < BUCKETS; i++) {
    seen += histogram->counts[i];
    if (seen < rank) continue;
    uint64_t shift = i >> SUB_BITS;
    shift = shift > 0 ? shift - 1 : 0;
    uint64_t upper = ((i - (shift << SUB_BITS) + 1) << shift) - 1;
    return upper < histogram->max ? upper : histogram->max;
  }
  return 0;
}

/* As a JSON object in microseconds. */
static void histogram_print(const Histogram *histogram) {
  double mean = histogram->total > 0 ? (double)histogram->sum / (double)histogram->total : 0;
  printf("{\"count\":%lu,\"mean\":%.2f,\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f}",
         histogram->total, mean / 1e3, (double)histogram_quantile(histogram, 0.5) / 1e3,
         (double)histogram_quantile(histogram, 0.9) / 1e3,
         (double)histogram_quantile(histogram, 0.99) / 1e3,
         (double)histogram_quantile(histogram, 0.999) / 1e3, (double)histogram->max / 1e3);
}

#endif
