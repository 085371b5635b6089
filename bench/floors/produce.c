/*
 * Floor of produce: one thread, one epoll loop: recv, CRC-32C of each batch, pwrite to a file in the
 * page cache, an answer per request. No index, no offsets stamped, no copies beside the kernel's.
 * A broker cannot do less on one thread and keep the promise that a stored batch was whole.
 *
 *   produce --dir DIR [--port 0] [--segment-bytes 67108864] [--error CODE] [--write 0]
 *
 * Files are rolled at segment-bytes and the oldest of four is removed, as retention would, so
 * that the page cache is written fresh like a broker's and does not grow. --error answers every
 * request with that code: a way to see that the generator notices. --write 0 leaves the file out.
 */
#define _GNU_SOURCE
#include "server.h"

#include <sys/uio.h>

enum { RECEIVE_BYTES = 256 * 1024, ANSWERS_BYTES = 512 * 1024, SEGMENTS_KEPT = 4 };

typedef struct {
  int fd;
  uint8_t *bytes;
  size_t capacity;
  size_t have;
  uint8_t *answers;
  size_t answers_have, answers_sent;
} Connection;

static struct {
  const char *directory;
  int fd, sequence, writes;
  uint64_t position, segment_bytes, next_offset;
  int error_code;
} store;

static void segment_path(char *path, size_t size, int sequence) {
  snprintf(path, size, "%s/floor-%08d.log", store.directory, sequence);
}

static void roll(void) {
  char path[4096];
  if (store.fd >= 0) close(store.fd);
  store.sequence++;
  segment_path(path, sizeof path, store.sequence);
  store.fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0644);
  if (store.fd < 0) die("%s: %s", path, strerror(errno));
  store.position = 0;
  segment_path(path, sizeof path, store.sequence - SEGMENTS_KEPT);
  unlink(path);
}

static void append(const uint8_t *batch, size_t size) {
  if (!store.writes) return;
  if (store.position + size > store.segment_bytes) roll();
  while (size > 0) {
    ssize_t written = pwrite(store.fd, batch, size, (off_t)store.position);
    if (written <= 0) die("pwrite: %s", strerror(errno));
    batch += written;
    size -= (size_t)written;
    store.position += (uint64_t)written;
  }
}

/* Answers one whole Produce request of one partition. `frame` is what follows the length. */
static void serve(Connection *connection, const uint8_t *frame) {
  int version = get16(frame + 2);
  const uint8_t *correlation = frame + 4;
  int flexible = version >= PRODUCE_FLEXIBLE;
  int16_t client_bytes = (int16_t)get16(frame + 8);
  const uint8_t *at = frame + 10 + (client_bytes > 0 ? client_bytes : 0);
  const uint8_t *name;
  uint32_t name_bytes, records_bytes, partition;
  if (flexible) {
    at += 1 + 1; /* header tags, null transactional id */
    int16_t acks = (int16_t)get16(at);
    at = get_uvarint(at + 2 + 4 + 1, &name_bytes); /* acks, timeout, one topic */
    name_bytes--;
    name = at;
    at += name_bytes + 1; /* one partition */
    partition = get32(at);
    at = get_uvarint(at + 4, &records_bytes);
    records_bytes--;
    if (acks == 0) name = NULL;
  } else {
    at += 2;
    int16_t acks = (int16_t)get16(at);
    at += 2 + 4 + 4;
    name_bytes = get16(at);
    name = at + 2;
    at += 2 + name_bytes + 4;
    partition = get32(at);
    records_bytes = get32(at + 4);
    at += 8;
    if (acks == 0) name = NULL;
  }
  int error = store.error_code;
  if (!batch_crc_is_right(at, records_bytes)) error = 2; /* CORRUPT_MESSAGE */
  if (error == 0) append(at, records_bytes);
  uint64_t base_offset = store.next_offset;
  store.next_offset += get32(at + 57);
  if (name == NULL) return;
  if (connection->answers_have + 256 + name_bytes > ANSWERS_BYTES) die("answers pile up");
  uint8_t *answer = connection->answers + connection->answers_have;
  uint8_t *out = answer + 4;
  memcpy(out, correlation, 4);
  out += 4;
  if (flexible) {
    *out++ = 0;
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
  put16(out + 4, (uint16_t)error);
  put64(out + 6, base_offset);
  put64(out + 14, UINT64_MAX);
  put64(out + 22, 0);
  out += 30;
  if (flexible) {
    *out++ = 1;               /* no record errors */
    *out++ = 0;               /* null message */
    *out++ = 0, *out++ = 0;   /* tags of partition and topic */
    put32(out, 0);
    out += 4;
    *out++ = 0;
  } else {
    put32(out, 0);
    put16(out + 4, 0xffff);
    put32(out + 6, 0);
    out += 10;
  }
  put32(answer, (uint32_t)(out - answer - 4));
  connection->answers_have += (size_t)(out - answer);
}

static int flush_answers(Connection *connection) {
  while (connection->answers_sent < connection->answers_have) {
    ssize_t sent = send(connection->fd, connection->answers + connection->answers_sent,
                        connection->answers_have - connection->answers_sent, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    connection->answers_sent += (size_t)sent;
  }
  connection->answers_have = connection->answers_sent = 0;
  return 0;
}

static void serve_frames(Connection *connection) {
  size_t at = 0;
  while (connection->have - at >= 4) {
    size_t frame = 4 + (size_t)get32(connection->bytes + at);
    if (frame > connection->capacity) {
      connection->capacity = frame + RECEIVE_BYTES;
      connection->bytes = realloc(connection->bytes, connection->capacity);
      if (connection->bytes == NULL) die("no memory for a frame of %zu bytes", frame);
    }
    if (connection->have - at < frame) break;
    serve(connection, connection->bytes + at + 4);
    at += frame;
  }
  if (at > 0) {
    connection->have -= at;
    memmove(connection->bytes, connection->bytes + at, connection->have);
  }
}

/* Returns -1 when the peer is gone. */
static int receive(Connection *connection) {
  for (;;) {
    size_t room = connection->capacity - connection->have;
    size_t wanted = room;
    if (connection->have >= 4) { /* up to the end of a large frame, so that nothing must be moved */
      size_t frame = 4 + (size_t)get32(connection->bytes);
      if (frame > RECEIVE_BYTES && frame - connection->have < room) wanted = frame - connection->have;
    }
    ssize_t got = recv(connection->fd, connection->bytes + connection->have, wanted, 0);
    if (got == 0) return -1;
    if (got < 0) return errno == EAGAIN ? 0 : -1;
    connection->have += (size_t)got;
    serve_frames(connection);
    if (flush_answers(connection) != 0) return -1;
    if ((size_t)got < wanted) return 0;
  }
}

int main(int count, char **arguments) {
  crc32c_init();
  store.directory = option(count, arguments, "dir", "/tmp");
  store.segment_bytes = (uint64_t)number_option(count, arguments, "segment-bytes", 64 << 20);
  store.error_code = (int)number_option(count, arguments, "error", 0);
  store.writes = (int)number_option(count, arguments, "write", 1);
  store.fd = -1;
  roll();
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
        connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        connection->capacity = 2 * RECEIVE_BYTES;
        connection->bytes = malloc(connection->capacity);
        connection->answers = malloc(ANSWERS_BYTES);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        continue;
      }
      int gone = flush_answers(connection) != 0;
      if (!gone && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) gone = receive(connection) != 0;
      if (gone) {
        close(connection->fd);
        free(connection->bytes);
        free(connection->answers);
        free(connection);
      }
    }
  }
}
