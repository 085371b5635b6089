/*
 * What every file of the shim shares: types, the raw system call, errno values. No system headers, so
 * that any C compiler will do, with or without a C library's headers; `typedef` sizes hold on every
 * 64-bit Linux (LP64).
 *
 * Calling convention with JavaScript: int, double and pointers in, double out. A double carries every
 * integer up to 2^53 and crosses bun:ffi three times as fast as a 64-bit integer (6 ns against 18,
 * bench/micro/native_ffi.bench.ts). Results are counts or -errno.
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

/* The most pieces that one call takes as arguments (native/shim_native.ts groups longer lists). */
#define PIECES_MAX 16

struct pieces {
  const u8 *bytes[PIECES_MAX];
  i64 sizes[PIECES_MAX];
  i32 count;
};

/* Views and their sizes are separate arguments: bun:ffi turns a view into a pointer, not its length. */
#define PIECE_PARAMETERS_4 \
  const u8 *p0, const u8 *p1, const u8 *p2, const u8 *p3, double s0, double s1, double s2, double s3
#define PIECE_PARAMETERS_16 \
  const u8 *p0, const u8 *p1, const u8 *p2, const u8 *p3, const u8 *p4, const u8 *p5, const u8 *p6, \
  const u8 *p7, const u8 *p8, const u8 *p9, const u8 *p10, const u8 *p11, const u8 *p12, \
  const u8 *p13, const u8 *p14, const u8 *p15, double s0, double s1, double s2, double s3, double s4, \
  double s5, double s6, double s7, double s8, double s9, double s10, double s11, double s12, \
  double s13, double s14, double s15

#define TAKE_PIECE(list, i) \
  (list).bytes[i] = p##i; \
  (list).sizes[i] = (i64)s##i
#define TAKE_PIECES_4(list, n) \
  (list).count = (n); \
  TAKE_PIECE(list, 0); TAKE_PIECE(list, 1); TAKE_PIECE(list, 2); TAKE_PIECE(list, 3)
#define TAKE_PIECES_16(list, n) \
  TAKE_PIECES_4(list, n); \
  TAKE_PIECE(list, 4); TAKE_PIECE(list, 5); TAKE_PIECE(list, 6); TAKE_PIECE(list, 7); \
  TAKE_PIECE(list, 8); TAKE_PIECE(list, 9); TAKE_PIECE(list, 10); TAKE_PIECE(list, 11); \
  TAKE_PIECE(list, 12); TAKE_PIECE(list, 13); TAKE_PIECE(list, 14); TAKE_PIECE(list, 15)

#endif
