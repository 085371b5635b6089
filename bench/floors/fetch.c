/*
 * Floor of fetch: one thread, one epoll loop: each request is answered with one batch of a file that
 * lies in the page cache, by sendfile; no index lookup, no sessions, no waiting.
 *
 *   fetch --dir DIR --batch-bytes N --value-bytes N --batches N [--port 0] [--send-buffer 262144]
 *         [--way sendfile|pread]
 *
 * The socket buffer is small: the autotuned one of megabytes falls out of the processor's cache.
 * --way pread answers with one pread and one send instead: for small answers the cheaper floor.
 */
#define _GNU_SOURCE
#include "server.h"

#include <sys/sendfile.h>

enum { HEAD_MAX = 512, TAIL_BYTES = 3 };

typedef struct {
  int fd;
  uint8_t in[1024];
  size_t in_have;
  uint8_t *out; /* head, and for --way pread also the batch and the tail */
  size_t out_have, out_sent;
  off_t file_at;
  size_t file_left;
  int tail_left;
} Connection;

static struct {
  int fd;
  size_t batch_bytes;
  uint32_t records;
  uint64_t batches;
  int by_pread;
} store;

static void fill_store(const char *directory, uint32_t value_bytes) {
  Batch batch = build_batch(store.batch_bytes, value_bytes, 1);
  store.batch_bytes = batch.size;
  store.records = batch.records;
  char path[4096];
  snprintf(path, sizeof path, "%s/floor-fetch.log", directory);
  store.fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0644);
  if (store.fd < 0) die("%s: %s", path, strerror(errno));
  for (uint64_t i = 0; i < store.batches; i++) {
    put64(batch.bytes, i * batch.records);
    if (pwrite(store.fd, batch.bytes, batch.size, (off_t)(i * batch.size)) != (ssize_t)batch.size) {
      die("%s: %s", path, strerror(errno));
    }
  }
  free(batch.bytes);
}

/* Writes the head of the answer and plans the rest. `frame` is what follows the request's length. */
static void plan(Connection *connection, const uint8_t *frame) {
  int version = get16(frame + 2);
  int flexible = version >= FETCH_FLEXIBLE;
  int16_t client_bytes = (int16_t)get16(frame + 8);
  const uint8_t *at = frame + 10 + (client_bytes > 0 ? client_bytes : 0);
  at += (flexible ? 1 : 0) + 4 + 4 + 4 + 4 + 1 + 4 + 4; /* tags, replica .. session epoch */
  uint32_t name_bytes;
  if (flexible) {
    at = get_uvarint(at + 1, &name_bytes);
    name_bytes--;
  } else {
    name_bytes = get16(at + 4);
    at += 6;
  }
  const uint8_t *name = at;
  at += name_bytes + (flexible ? 1 : 4);
  uint32_t partition = get32(at);
  uint64_t offset = get64(at + 8);
  uint64_t index = (offset / store.records) % store.batches;
  uint64_t end = store.batches * store.records;

  uint8_t *out = connection->out + 4;
  memcpy(out, frame + 4, 4);
  out += 4;
  if (flexible) *out++ = 0;
  put32(out, 0);      /* throttle */
  put16(out + 4, 0);  /* error */
  put32(out + 6, 0);  /* session */
  out += 10;
  if (flexible) {
    *out++ = 2;
    out += put_uvarint(out, name_bytes + 1);
  } else {
    put32(out, 1);
    put16(out + 4, (uint16_t)name_bytes);
    out += 6;
  }
  memcpy(out, name, name_bytes);
  out += name_bytes;
  if (flexible) {
    *out++ = 2;
  } else {
    put32(out, 1);
    out += 4;
  }
  put32(out, partition);
  put16(out + 4, 0);
  put64(out + 6, end);
  put64(out + 14, end);
  put64(out + 22, 0);
  out += 30;
  if (flexible) {
    *out++ = 0; /* no aborted transactions: null */
    put32(out, 0xffffffffu);
    out += 4;
    out += put_uvarint(out, (uint32_t)store.batch_bytes + 1);
  } else {
    put32(out, 0xffffffffu);
    put32(out + 4, 0xffffffffu);
    put32(out + 8, (uint32_t)store.batch_bytes);
    out += 12;
  }
  connection->tail_left = flexible ? TAIL_BYTES : 0;
  size_t head = (size_t)(out - connection->out);
  put32(connection->out, (uint32_t)(head - 4 + store.batch_bytes + (size_t)connection->tail_left));
  connection->file_at = (off_t)(index * store.batch_bytes);
  connection->file_left = store.batch_bytes;
  connection->out_have = head;
  connection->out_sent = 0;
  if (store.by_pread) {
    if (pread(store.fd, out, store.batch_bytes, connection->file_at) != (ssize_t)store.batch_bytes) {
      die("pread: %s", strerror(errno));
    }
    memset(out + store.batch_bytes, 0, TAIL_BYTES);
    connection->out_have += store.batch_bytes + (size_t)connection->tail_left;
    connection->file_left = 0;
    connection->tail_left = 0;
  }
}

/* 1 when the answer went out whole, 0 when the socket is full, -1 when the peer is gone. */
static int send_answer(Connection *connection) {
  static const uint8_t tail[TAIL_BYTES];
  while (connection->out_sent < connection->out_have) {
    ssize_t sent = send(connection->fd, connection->out + connection->out_sent,
                        connection->out_have - connection->out_sent,
                        MSG_NOSIGNAL | (connection->file_left > 0 ? MSG_MORE : 0));
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    connection->out_sent += (size_t)sent;
  }
  while (connection->file_left > 0) {
    ssize_t sent = sendfile(connection->fd, store.fd, &connection->file_at, connection->file_left);
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    connection->file_left -= (size_t)sent;
  }
  while (connection->tail_left > 0) {
    ssize_t sent = send(connection->fd, tail, (size_t)connection->tail_left, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    connection->tail_left -= (int)sent;
  }
  return 1;
}

static int is_idle(const Connection *connection) {
  return connection->out_sent == connection->out_have && connection->file_left == 0 &&
         connection->tail_left == 0;
}

/* Requests are served one after another; a reader sends the next after it has the answer. */
static int serve(Connection *connection) {
  if (!is_idle(connection)) {
    int sent = send_answer(connection);
    if (sent <= 0) return sent;
  }
  for (;;) {
    size_t wanted = sizeof connection->in - connection->in_have;
    ssize_t got = recv(connection->fd, connection->in + connection->in_have, wanted, 0);
    if (got == 0) return -1;
    if (got < 0) return errno == EAGAIN ? 0 : -1;
    connection->in_have += (size_t)got;
    if (connection->in_have < 4) return 0;
    size_t frame = 4 + (size_t)get32(connection->in);
    if (frame > sizeof connection->in) die("a fetch request of %zu bytes", frame);
    if (connection->in_have < frame) return 0;
    plan(connection, connection->in + 4);
    connection->in_have -= frame;
    memmove(connection->in, connection->in + frame, connection->in_have);
    int sent = send_answer(connection);
    if (sent <= 0 || connection->in_have == 0) return sent < 0 ? -1 : 0;
  }
}

int main(int count, char **arguments) {
  crc32c_init();
  store.batch_bytes = (size_t)number_option(count, arguments, "batch-bytes", 1 << 20);
  store.batches = (uint64_t)number_option(count, arguments, "batches", 512);
  store.by_pread = strcmp(option(count, arguments, "way", "sendfile"), "pread") == 0;
  fill_store(option(count, arguments, "dir", "/tmp"),
             (uint32_t)number_option(count, arguments, "value-bytes", 1024));
  int send_buffer = (int)number_option(count, arguments, "send-buffer", 256 * 1024);
  int listener = listen_anywhere((int)number_option(count, arguments, "port", 0));
  int epoll = new_epoll(listener);
  struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int ready = epoll_wait(epoll, events, EVENTS_MAX, -1);
    for (int i = 0; i < ready; i++) {
      Connection *connection = events[i].data.ptr;
      if (connection == NULL) {
        int fd = accept_one(listener);
        if (fd < 0) continue;
        if (send_buffer > 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
        connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        connection->out = malloc(HEAD_MAX + TAIL_BYTES + (store.by_pread ? store.batch_bytes : 0));
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        continue;
      }
      if (serve(connection) < 0) {
        close(connection->fd);
        free(connection->out);
        free(connection);
      }
    }
  }
}
