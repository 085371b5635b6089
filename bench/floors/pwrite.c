/*
 * Floor of an embedded append without sync: pwrite of one batch after another into the page cache, files
 * rolled and the oldest removed.
 *
 *   pwrite --dir DIR [--bytes 65536] [--segment-bytes 67108864] [--duration-ms 2000] [--crc 0]
 *
 * --crc 1 also computes the CRC-32C of each batch, as an append that checks its input must.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "frames.h"
#include "histogram.h"

int main(int count, char **arguments) {
  crc32c_init();
  size_t bytes = (size_t)number_option(count, arguments, "bytes", 65536);
  uint64_t segment_bytes = (uint64_t)number_option(count, arguments, "segment-bytes", 64 << 20);
  uint64_t duration = (uint64_t)number_option(count, arguments, "duration-ms", 2000) * 1000000u;
  int with_crc = (int)number_option(count, arguments, "crc", 0);
  const char *directory = option(count, arguments, "dir", "/tmp");
  Batch batch = build_batch(bytes, bytes > 2048 ? 1024 : (uint32_t)bytes - 70, 1);
  char path[4096], older[4096] = "";
  static Histogram latency;
  int fd = -1, sequence = 0;
  uint64_t position = segment_bytes, done = 0, sums = 0;
  struct rusage before;
  getrusage(RUSAGE_SELF, &before);
  uint64_t start = now_ns(), now = start;
  for (; now - start < duration; done++) {
    if (position + batch.size > segment_bytes) {
      if (fd >= 0) close(fd);
      if (older[0] != 0) unlink(older);
      if (sequence > 0) memcpy(older, path, sizeof older);
      snprintf(path, sizeof path, "%s/floor-pwrite-%d.log", directory, sequence++);
      fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0644);
      if (fd < 0) die("%s: %s", path, strerror(errno));
      position = 0;
    }
    if (with_crc) sums += crc32c(batch.bytes + BATCH_ATTRIBUTES_AT, batch.size - BATCH_ATTRIBUTES_AT);
    if (pwrite(fd, batch.bytes, batch.size, (off_t)position) != (ssize_t)batch.size) {
      die("pwrite: %s", strerror(errno));
    }
    position += batch.size;
    uint64_t after = now_ns();
    histogram_add(&latency, after - now);
    now = after;
  }
  unlink(path);
  if (older[0] != 0) unlink(older);
  double seconds = (double)(now - start) / 1e9, total = (double)done * (double)batch.size;
  printf("{\"seconds\":%.6f,\"requests\":%lu,\"requestsPerSecond\":%.1f,\"megabytesPerSecond\":%.1f,"
         "\"sums\":%lu,",
         seconds, done, (double)done / seconds, total / 1e6 / seconds, sums & 1);
  print_cpu_since(&before);
  printf("\"latencyUs\":");
  histogram_print(&latency);
  printf("}\n");
}
