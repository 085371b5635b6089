/*
 * Floor of a durable acknowledgement: append 1 KiB to a preallocated file, fdatasync, again; one at a
 * time. Nothing durable with one request in flight can be faster on the same device.
 *
 *   fdatasync --dir DIR [--bytes 1024] [--file-bytes 67108864] [--duration-ms 2000] [--prepare fallocate]
 *
 * --prepare fallocate reserves blocks (the size is set); zeros also writes them once, which spares the
 * file system the conversion of unwritten blocks; none grows the file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "frames.h"
#include "histogram.h"

static void prepare(int fd, const char *way, off_t size) {
  if (strcmp(way, "none") == 0) return;
  if (posix_fallocate(fd, 0, size) != 0) die("fallocate: %s", strerror(errno));
  if (strcmp(way, "zeros") == 0) {
    static uint8_t zeros[1 << 20];
    for (off_t at = 0; at < size; at += (off_t)sizeof zeros) {
      if (pwrite(fd, zeros, sizeof zeros, at) < 0) die("pwrite: %s", strerror(errno));
    }
  }
  fsync(fd);
}

int main(int count, char **arguments) {
  size_t bytes = (size_t)number_option(count, arguments, "bytes", 1024);
  off_t size = number_option(count, arguments, "file-bytes", 64 << 20);
  uint64_t duration = (uint64_t)number_option(count, arguments, "duration-ms", 2000) * 1000000u;
  char path[4096];
  snprintf(path, sizeof path, "%s/floor-fdatasync.log", option(count, arguments, "dir", "/tmp"));
  int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0644);
  if (fd < 0) die("%s: %s", path, strerror(errno));
  prepare(fd, option(count, arguments, "prepare", "fallocate"), size);
  uint8_t *data = calloc(1, bytes);
  memset(data, 0x5a, bytes);
  static Histogram latency;
  struct rusage before;
  getrusage(RUSAGE_SELF, &before);
  uint64_t start = now_ns(), now = start, done = 0;
  for (off_t at = 0; now - start < duration; at += (off_t)bytes) {
    if (at + (off_t)bytes > size) at = 0;
    if (pwrite(fd, data, bytes, at) != (ssize_t)bytes) die("pwrite: %s", strerror(errno));
    if (fdatasync(fd) != 0) die("fdatasync: %s", strerror(errno));
    uint64_t after = now_ns();
    histogram_add(&latency, after - now);
    now = after;
    done++;
  }
  unlink(path);
  double seconds = (double)(now - start) / 1e9;
  printf("{\"seconds\":%.6f,\"requests\":%lu,\"requestsPerSecond\":%.1f,", seconds, done,
         (double)done / seconds);
  print_cpu_since(&before);
  printf("\"latencyUs\":");
  histogram_print(&latency);
  printf("}\n");
}
