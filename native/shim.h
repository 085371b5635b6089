/*
 * What every file of the shim shares: types, the raw system call, errno values. No system headers, so
 * that any C compiler will do, with or without a C library's headers; `typedef` sizes hold on every
 * 64-bit Linux (LP64).
 *
 * Calling convention with JavaScript: doubles and pointers in, a double out (symbols.ts says why).
 * Results are counts or -errno.
 */
#ifndef MILLRACE_SHIM_H
#define MILLRACE_SHIM_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef int i32;
typedef long i64;

#define EXPORT __attribute__((visibility("default")))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))

#if !defined(__linux__)
#error "the shim speaks to the Linux kernel directly; elsewhere the TypeScript path serves"
#endif

#define ERR_INTR 4
#define ERR_AGAIN 11
#define ERR_INVAL 22
#define ERR_NOSYS 38
#define ERR_OPNOTSUPP 95

#if defined(__x86_64__)

enum {
  SYS_CLOSE = 3, SYS_MMAP = 9, SYS_MUNMAP = 11, SYS_PREAD = 17, SYS_PWRITE = 18, SYS_SENDFILE = 40,
  SYS_SENDTO = 44, SYS_RECVFROM = 45, SYS_SHUTDOWN = 48, SYS_SETSOCKOPT = 54, SYS_GETSOCKOPT = 55,
  SYS_FCNTL = 72, SYS_FSYNC = 74, SYS_FDATASYNC = 75, SYS_FTRUNCATE = 77, SYS_FADVISE = 221,
  SYS_SYNC_FILE_RANGE = 277, SYS_FALLOCATE = 285, SYS_PWRITEV = 296, SYS_SYNCFS = 306,
  SYS_PREADV2 = 327, SYS_CACHESTAT = 451
};

static i64 raw_call(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
  i64 result;
  register i64 r10 __asm__("r10") = d;
  register i64 r8 __asm__("r8") = e;
  register i64 r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

enum {
  SYS_CLOSE = 57, SYS_MMAP = 222, SYS_MUNMAP = 215, SYS_PREAD = 67, SYS_PWRITE = 68, SYS_SENDFILE = 71,
  SYS_SENDTO = 206, SYS_RECVFROM = 207, SYS_SHUTDOWN = 210, SYS_SETSOCKOPT = 208, SYS_GETSOCKOPT = 209,
  SYS_FCNTL = 25, SYS_FSYNC = 82, SYS_FDATASYNC = 83, SYS_FTRUNCATE = 46, SYS_FADVISE = 223,
  SYS_SYNC_FILE_RANGE = 84, SYS_FALLOCATE = 47, SYS_PWRITEV = 70, SYS_SYNCFS = 267,
  SYS_PREADV2 = 286, SYS_CACHESTAT = 451
};

static i64 raw_call(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
  register i64 x8 __asm__("x8") = number;
  register i64 x0 __asm__("x0") = a;
  register i64 x1 __asm__("x1") = b;
  register i64 x2 __asm__("x2") = c;
  register i64 x3 __asm__("x3") = d;
  register i64 x4 __asm__("x4") = e;
  register i64 x5 __asm__("x5") = f;
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory", "cc");
  return x0;
}

#else
#error "no system call convention for this processor"
#endif

/* A system call that starts again when a signal interrupted it before it did anything. */
static i64 call(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
  i64 result;
  do {
    result = raw_call(number, a, b, c, d, e, f);
  } while (result == -ERR_INTR);
  return result;
}

static i64 min_i64(i64 a, i64 b) { return a < b ? a : b; }

/*
 * One run of bytes that lies in several arrays. JavaScript fills a table with address and size of each
 * piece as doubles, right before the call; they become pointers in place. The layout is the kernel's
 * struct iovec. Pieces are never empty.
 */
struct piece {
  const u8 *bytes;
  i64 size;
};

union piece_slot {
  double given[2];
  struct piece piece;
};

static const struct piece *take_pieces(union piece_slot *table, i32 count) {
  i32 i;
  for (i = 0; i < count; i++) {
    double address = table[i].given[0];
    double size = table[i].given[1];
    table[i].piece.bytes = (const u8 *)(i64)address;
    table[i].piece.size = (i64)size;
  }
  return &table->piece;
}

#endif
