/* Sockets: what the event loop's own calls do not offer. Nothing waits on a non-blocking socket. */
#include "shim.h"

#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define MSG_MORE 0x8000

/* The kernel moves at most this much in one call (MAX_RW_COUNT). */
#define SENDFILE_BYTES_MAX 0x7ffff000L

/*
 * Sends until the range is through or a call falls short (full socket, end of file); -errno only if
 * nothing went. Waits when the socket is a blocking one: sendfile has no flag against that.
 */
static i64 send_range(i32 socket, i32 file, i64 position, i64 length) {
  i64 offset = position;
  i64 sent = 0;
  while (sent < length) {
    i64 part = min_i64(length - sent, SENDFILE_BYTES_MAX);
    i64 result = call(SYS_SENDFILE, socket, file, (i64)&offset, part, 0, 0);
    if (result < 0) return sent > 0 ? sent : result;
    sent += result;
    if (result < part) break;
  }
  return sent;
}

EXPORT double mr_sendfile(double socket, double file, double position, double length) {
  return (double)send_range((i32)socket, (i32)file, (i64)position, (i64)length);
}

EXPORT double mr_send_head_and_file(double socket, const u8 *head, double head_length, double file,
                                    double position, double length) {
  i64 head_bytes = (i64)head_length;
  i64 file_bytes = (i64)length;
  i64 sent = 0;
  if (head_bytes > 0) {
    i64 flags = MSG_DONTWAIT | MSG_NOSIGNAL | (file_bytes > 0 ? MSG_MORE : 0);
    sent = call(SYS_SENDTO, (i32)socket, (i64)head, head_bytes, flags, 0, 0);
    if (sent < head_bytes) return (double)sent;
  }
  if (file_bytes > 0) {
    i64 result = send_range((i32)socket, (i32)file, (i64)position, file_bytes);
    if (result < 0) return (double)(sent > 0 ? sent : result);
    sent += result;
  }
  return (double)sent;
}

EXPORT double mr_send(double socket, const u8 *bytes, double at, double length) {
  return (double)call(SYS_SENDTO, (i32)socket, (i64)(bytes + (i64)at), (i64)length,
                      MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
}

EXPORT double mr_recv(double socket, u8 *target, double at, double length) {
  return (double)call(SYS_RECVFROM, (i32)socket, (i64)(target + (i64)at), (i64)length, MSG_DONTWAIT, 0, 0);
}

/* TCP gives back its memory without a copy when told to truncate into nothing (tcp(7), MSG_TRUNC). */
EXPORT double mr_recv_discard(double socket, double length) {
  return (double)call(SYS_RECVFROM, (i32)socket, 0, (i64)length, MSG_DONTWAIT | MSG_TRUNC, 0, 0);
}

EXPORT double mr_set_option(double socket, double level, double name, double value) {
  i32 word = (i32)value;
  return (double)call(SYS_SETSOCKOPT, (i32)socket, (i32)level, (i32)name, (i64)&word, sizeof word, 0);
}

EXPORT double mr_get_option(double socket, double level, double name) {
  i32 value = 0;
  u32 size = sizeof value;
  i64 result = call(SYS_GETSOCKOPT, (i32)socket, (i32)level, (i32)name, (i64)&value, (i64)&size, 0);
  return (double)(result < 0 ? result : value);
}

EXPORT double mr_shutdown(double socket, double how) {
  return (double)call(SYS_SHUTDOWN, (i32)socket, (i32)how, 0, 0, 0, 0);
}
