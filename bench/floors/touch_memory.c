/*
 * Touches `--mib` MiB of anonymous memory once and exits. On a virtual machine the first touch of a page
 * that the host has not backed costs seconds a GiB; done before a slice, it is not measured in the slice.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "frames.h"

int main(int count, char **arguments) {
  size_t size = (size_t)number_option(count, arguments, "mib", 4096) << 20;
  uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (bytes == MAP_FAILED) die("no address space for %zu bytes", size);
  uint64_t start = now_ns();
  for (size_t at = 0; at < size; at += 4096) bytes[at] = 1;
  printf("{\"mib\":%zu,\"seconds\":%.3f}\n", size >> 20, (double)(now_ns() - start) / 1e9);
}
