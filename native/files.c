/* Files: positional reads and writes, syncs, advice, residency, maps, locks. */
#include "shim.h"

EXPORT double mr_pread(double fd, u8 *target, double at, double length, double position) {
  return (double)call(SYS_PREAD, (i32)fd, (i64)(target + (i64)at), (i64)length, (i64)position, 0, 0);
}

EXPORT double mr_pwrite(double fd, const u8 *source, double at, double length, double position) {
  return (double)call(SYS_PWRITE, (i32)fd, (i64)(source + (i64)at), (i64)length, (i64)position, 0, 0);
}

EXPORT double mr_pwritev(double fd, union piece_slot *table, double count, double position) {
  const struct piece *pieces = take_pieces(table, (i32)count);
  /* The position is split in two words for 32-bit kernels; a 64-bit one reads the first alone. */
  return (double)call(SYS_PWRITEV, (i32)fd, (i64)pieces, (i32)count, (i64)position, 0, 0);
}

EXPORT double mr_fdatasync(double fd) { return (double)call(SYS_FDATASYNC, (i32)fd, 0, 0, 0, 0, 0); }

EXPORT double mr_fsync(double fd) { return (double)call(SYS_FSYNC, (i32)fd, 0, 0, 0, 0, 0); }

EXPORT double mr_syncfs(double fd) { return (double)call(SYS_SYNCFS, (i32)fd, 0, 0, 0, 0, 0); }

EXPORT double mr_ftruncate(double fd, double size) {
  return (double)call(SYS_FTRUNCATE, (i32)fd, (i64)size, 0, 0, 0, 0);
}

EXPORT double mr_fallocate(double fd, double mode, double position, double length) {
  return (double)call(SYS_FALLOCATE, (i32)fd, (i32)mode, (i64)position, (i64)length, 0, 0);
}

EXPORT double mr_fadvise(double fd, double position, double length, double advice) {
  return (double)call(SYS_FADVISE, (i32)fd, (i64)position, (i64)length, (i32)advice, 0, 0);
}

EXPORT double mr_sync_file_range(double fd, double position, double length, double flags) {
  return (double)call(SYS_SYNC_FILE_RANGE, (i32)fd, (i64)position, (i64)length, (i32)flags, 0, 0);
}

EXPORT double mr_cachestat(double fd, double position, double length) {
  struct {
    u64 position, length;
  } range;
  struct {
    u64 cached, dirty, writeback, evicted, recently_evicted;
  } stat;
  i64 result;
  range.position = (u64)(i64)position;
  range.length = (u64)(i64)length;
  stat.cached = 0;
  result = call(SYS_CACHESTAT, (i32)fd, (i64)&range, (i64)&stat, 0, 0, 0);
  return (double)(result < 0 ? result : (i64)stat.cached);
}

#define RWF_NOWAIT 8
#define PROBE_BYTES 16384
#define PROBE_VECTORS 64

/*
 * Reads the range, refusing to wait, over and over into the same few KiB: a copy within the first-level
 * cache is four times as fast as asking for one byte of each page (bench/micro/native.bench.ts). 1 when
 * all could be read, 0 when some page is missing.
 */
EXPORT double mr_resident_nowait(double fd, double position, double length) {
  u8 scratch[PROBE_BYTES];
  struct piece vectors[PROBE_VECTORS];
  i64 at = (i64)position;
  i64 end = at + (i64)length;
  while (at < end) {
    i64 asked = 0;
    i64 result;
    i32 count = 0;
    while (count < PROBE_VECTORS && at + asked < end) {
      vectors[count].bytes = scratch;
      vectors[count].size = min_i64(PROBE_BYTES, end - at - asked);
      asked += vectors[count++].size;
    }
    result = call(SYS_PREADV2, (i32)fd, (i64)vectors, count, at, 0, RWF_NOWAIT);
    if (result == -ERR_AGAIN) return 0;
    if (result < 0) return (double)result;
    if (result < asked) return 0;
    at += result;
  }
  return 1;
}

#define PROT_READ 1
#define MAP_SHARED 1

/* The address, or -errno: user addresses stay far below 2^53. */
EXPORT double mr_mmap(double fd, double length) {
  return (double)call(SYS_MMAP, 0, (i64)length, PROT_READ, MAP_SHARED, (i32)fd, 0);
}

EXPORT double mr_munmap(double address, double length) {
  return (double)call(SYS_MUNMAP, (i64)address, (i64)length, 0, 0, 0, 0);
}

#define F_DUPFD_CLOEXEC 1030
#define F_OFD_SETLK 37
#define F_WRLCK 1
#define F_UNLCK 2

struct file_lock {
  u16 type, whence;
  i64 start, length;
  i32 process;
};

/* The whole file, however long it grows: start 0, length 0. */
EXPORT double mr_lock(double fd, double on) {
  struct file_lock lock;
  lock.type = on != 0 ? F_WRLCK : F_UNLCK;
  lock.whence = 0;
  lock.start = 0;
  lock.length = 0;
  lock.process = 0; /* the kernel demands it for OFD locks */
  return (double)call(SYS_FCNTL, (i32)fd, F_OFD_SETLK, (i64)&lock, 0, 0, 0);
}

EXPORT double mr_dup(double fd) { return (double)call(SYS_FCNTL, (i32)fd, F_DUPFD_CLOEXEC, 3, 0, 0, 0); }

/* Not repeated when interrupted: the descriptor is gone all the same. */
EXPORT double mr_close(double fd) {
  i64 result = raw_call(SYS_CLOSE, (i32)fd, 0, 0, 0, 0, 0);
  return (double)(result == -ERR_INTR ? 0 : result);
}
