/*
 * The shim as one translation unit, for both compilers: cc -O3 -shared, or TinyCC in memory. One unit
 * inlines across files and leaves nothing to link.
 */
#include "files.c"
#include "sockets.c"
#include "crc32c.c"
#include "batch_scan.c"

/* Raised with every change of a signature here; symbols.ts carries the same number. */
#define ABI_VERSION 2

/* The handshake, and the one-time preparation of tables: the first call after loading. */
EXPORT double mr_open(void) {
  mr_crc_kind(0);
  return ABI_VERSION;
}
