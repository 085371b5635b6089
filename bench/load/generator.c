/*
 * Load generator: one thread, one epoll loop, pre-encoded requests, answers barely looked at, so that
 * the broker and not the generator is what gets measured. Prints one JSON object.
 *
 *   generator --mode produce|fetch --port N [--host 127.0.0.1] [--topic T] [--topics 1] [--partitions 1]
 *             [--version V] [--connections 1] [--in-flight 1] [--warmup-ms 500] [--duration-ms 2000]
 *             [--batch-bytes 1048576] [--value-bytes 1024] [--acks 1] [--rate 0] [--count 0]
 *             [--batches 512] [--verify-every 64] [--pid PID] [--seed 1] [--coalesce 1]
 *
 * Closed loop: each connection keeps --in-flight requests under way; latency runs from the moment a
 * request is written. Open loop (--rate, requests a second over all connections): request i is due at
 * start + i / rate whatever the broker does, and its latency runs from that moment, so a stall counts for
 * every request it delayed. --in-flight then bounds what is under way on a connection; the rest waits here.
 *
 * --coalesce is how many small requests may share one write: 1, the default, is what the usual clients do
 * (a system call per request); more makes life easier for generator and broker alike.
 *
 * Topics are T, or T-0 .. T-(n-1) when --topics is above one. Request i of a connection goes to the next
 * topic-partition in turn; the connections start at different ones.
 *
 * Fetch reads the batches that a produce run with the same --batch-bytes and --value-bytes stored
 * (--count fills exactly that many), each consumer starting elsewhere and wrapping around. The first
 * answer of a connection is read whole and checked: error codes, base offset, CRC. Of later ones the
 * length is known; every --verify-every-th has its head read and its error code checked, the
 * others are dropped in the kernel with MSG_TRUNC. A connection that gets nothing for five seconds is
 * an error.
 *
 * --pid samples that process's CPU time (all threads, 10 ms ticks) and memory at the edges of the
 * measured window, and the machine's steal and busy time, so that they cover exactly the same span.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../floors/frames.h"
#include "../floors/histogram.h"
#include "machine.h"

enum {
  CONNECTIONS_MAX = 2048,
  TARGETS_MAX = 1024,
  QUEUE = 1 << 16,              /* requests due or under way on a connection; a power of two */
  SMALL_REQUEST_MAX = 32 * 1024, /* up to here requests are copied side by side into one write */
  COALESCED_BYTES = 256 * 1024,
  RECEIVE_BYTES = 64 * 1024,
  HEAD_MAX = 512,
  ERROR_CODES = 256,
};

/* One topic-partition as requests name it. */
typedef struct {
  uint8_t head[HEAD_MAX]; /* of a produce request: everything before the batch; of a fetch: all of it */
  size_t head_size;
  size_t offset_at; /* fetch: where the fetch offset stands */
} Target;

typedef struct {
  int fd, index;
  uint32_t next_correlation, expected_correlation;
  uint32_t target, answer_target;
  uint64_t *due;      /* ring: when request n was written (closed loop) or should have been (open) */
  uint32_t due_head;  /* next to be given a time */
  uint32_t due_sent;  /* next to be written */
  uint32_t due_tail;  /* next to be answered */
  uint32_t wanted;    /* may be written now */
  uint8_t *out;
  struct iovec parts[3];
  int part, parts_used;
  uint32_t out_requests;
  uint8_t *in;
  size_t in_have;
  uint64_t fetch_index, last_progress;
  uint64_t answers;
  size_t answer_left; /* fetch: bytes of the current answer still to come */
  int in_answer;
} Connection;

static struct {
  const char *host, *topic;
  int port, is_fetch, version, acks, flexible;
  uint32_t connections, in_flight, coalesce, topics, partitions, verify_every, value_bytes;
  uint64_t warmup, duration, count, batches, seed;
  double rate;
  size_t batch_bytes;
  int pid;
} settings;

static struct {
  Batch batch;
  Target *targets;
  uint32_t targets_used;
  uint8_t tail[3];
  size_t tail_size, request_size;
  size_t answer_size; /* fetch: length of every full answer, its four length bytes included */
  size_t error_at;    /* where an answer's partition error code stands, from the frame's length on */
  int epoll, measuring, stopping;
  uint64_t written, answered, answered_bytes, errors, under_way;
  uint64_t error_codes[ERROR_CODES];
  Histogram latency, lateness;
  char first_problem[256];
} state;

static Connection *connections;

static void problem(const char *text, long a, long b) {
  state.errors++;
  if (state.first_problem[0] == 0) {
    snprintf(state.first_problem, sizeof state.first_problem, "%s (%ld, %ld)", text, a, b);
  }
}

/* ---- requests ---- */

static size_t put_header(uint8_t *at, int api_key) {
  static const char client[] = "millrace-bench";
  put16(at + 4, (uint16_t)api_key);
  put16(at + 6, (uint16_t)settings.version);
  put32(at + 8, 0); /* correlation id, stamped when sent */
  put16(at + 12, sizeof client - 1);
  memcpy(at + 14, client, sizeof client - 1);
  size_t size = 14 + sizeof client - 1;
  if (settings.flexible) at[size++] = 0;
  return size;
}

static size_t put_topic(uint8_t *at, const char *name) {
  size_t length = strlen(name), size = 0;
  if (settings.flexible) {
    at[size++] = 2;
    size += put_uvarint(at + size, (uint32_t)length + 1);
    memcpy(at + size, name, length);
    size += length;
    at[size++] = 2;
    return size;
  }
  put32(at, 1);
  put16(at + 4, (uint16_t)length);
  memcpy(at + 6, name, length);
  put32(at + 6 + length, 1);
  return 6 + length + 4;
}

static void encode_produce(Target *target, const char *name, uint32_t partition) {
  uint8_t *head = target->head;
  size_t size = put_header(head, 0);
  if (settings.flexible) {
    head[size++] = 0;
  } else {
    put16(head + size, 0xffff);
    size += 2;
  }
  put16(head + size, (uint16_t)settings.acks);
  put32(head + size + 2, 30000);
  size += 6;
  size += put_topic(head + size, name);
  put32(head + size, partition);
  size += 4;
  if (settings.flexible) {
    size += put_uvarint(head + size, (uint32_t)state.batch.size + 1);
    state.tail_size = 3; /* empty tags of partition, topic and request */
    state.error_at = 4 + 4 + 1 + 1 + (strlen(name) < 127 ? 1 : 2) + strlen(name) + 1 + 4;
  } else {
    put32(head + size, (uint32_t)state.batch.size);
    size += 4;
    state.error_at = 4 + 4 + 4 + 2 + strlen(name) + 4 + 4;
  }
  target->head_size = size;
  state.request_size = size + state.batch.size + state.tail_size;
  put32(head, (uint32_t)(state.request_size - 4));
}

static void encode_fetch(Target *target, const char *name, uint32_t partition) {
  uint8_t *head = target->head;
  size_t size = put_header(head, 1);
  put32(head + size, 0xffffffffu);              /* replica: a consumer */
  put32(head + size + 4, 500);                  /* longest wait, ms */
  put32(head + size + 8, 1);                    /* least bytes */
  put32(head + size + 12, 0x7fffffff);          /* most bytes */
  head[size + 16] = 0;                          /* read uncommitted */
  put32(head + size + 17, 0);                   /* no fetch session */
  put32(head + size + 21, 0xffffffffu);
  size += 25;
  size += put_topic(head + size, name);
  put32(head + size, partition);
  put32(head + size + 4, 0xffffffffu); /* leader epoch unknown */
  target->offset_at = size + 8;
  put64(head + size + 8, 0);
  size += 16;
  if (settings.flexible) {
    put32(head + size, 0xffffffffu); /* last fetched epoch */
    size += 4;
  }
  put64(head + size, UINT64_MAX); /* a consumer's log start offset */
  put32(head + size + 8, (uint32_t)state.batch.size);
  size += 12;
  if (settings.flexible) {
    memcpy(head + size, "\0\0\1\1\0", 5); /* tags, no forgotten topics, empty rack, tags */
    size += 5;
    state.error_at = 4 + 4 + 1 + 4 + 2 + 4 + 1 + (strlen(name) < 127 ? 1 : 2) + strlen(name) + 1 + 4;
  } else {
    memset(head + size, 0, 6);
    size += 6;
    state.error_at = 4 + 4 + 4 + 2 + 4 + 4 + 2 + strlen(name) + 4 + 4;
  }
  target->head_size = size;
  state.request_size = size;
  put32(head, (uint32_t)(size - 4));
}

static void encode_targets(void) {
  state.targets = calloc(settings.topics * settings.partitions, sizeof(Target));
  for (uint32_t partition = 0; partition < settings.partitions; partition++) {
    for (uint32_t topic = 0; topic < settings.topics; topic++) {
      char name[200];
      if (settings.topics == 1) {
        snprintf(name, sizeof name, "%s", settings.topic);
      } else {
        /* Fixed width, so that error codes stand at one place in every answer. */
        snprintf(name, sizeof name, "%s-%04u", settings.topic, topic);
      }
      Target *target = &state.targets[state.targets_used++];
      if (settings.is_fetch) {
        encode_fetch(target, name, partition);
      } else {
        encode_produce(target, name, partition);
      }
    }
  }
}

/* ---- sending ---- */

/* Puts the next one or more requests into `out`; afterwards parts[] holds what to write. */
static void prepare_requests(Connection *connection) {
  uint32_t many = 1;
  if (state.request_size <= SMALL_REQUEST_MAX) {
    many = (uint32_t)(COALESCED_BYTES / state.request_size);
    if (many > connection->wanted) many = connection->wanted;
    if (many > settings.coalesce) many = settings.coalesce;
  }
  uint8_t *at = connection->out;
  uint64_t now = now_ns();
  for (uint32_t i = 0; i < many; i++) {
    Target *target = &state.targets[connection->target];
    connection->target = (connection->target + 1) % state.targets_used;
    memcpy(at, target->head, target->head_size);
    put32(at + 8, connection->next_correlation++);
    if (settings.is_fetch) {
      uint64_t index = connection->fetch_index++ % settings.batches;
      put64(at + target->offset_at, index * state.batch.records);
    }
    uint64_t *due = &connection->due[connection->due_sent++ & (QUEUE - 1)];
    if (settings.rate > 0) {
      if (state.measuring) histogram_add(&state.lateness, now > *due ? now - *due : 0);
    } else {
      *due = now;
    }
    size_t head_size = target->head_size;
    if (settings.is_fetch) {
      at += head_size;
    } else if (state.request_size <= SMALL_REQUEST_MAX) {
      memcpy(at + head_size, state.batch.bytes, state.batch.size);
      memcpy(at + head_size + state.batch.size, state.tail, state.tail_size);
      at += state.request_size;
    } else {
      connection->parts[1] = (struct iovec){state.batch.bytes, state.batch.size};
      connection->parts[2] = (struct iovec){state.tail, state.tail_size};
      at += head_size;
    }
  }
  connection->parts[0] = (struct iovec){connection->out, (size_t)(at - connection->out)};
  connection->parts_used = !settings.is_fetch && state.request_size > SMALL_REQUEST_MAX ? 3 : 1;
  connection->part = 0;
  connection->out_requests = many;
  connection->wanted -= many;
}

static void finish_write(Connection *connection) {
  state.written += connection->out_requests;
  if (settings.acks == 0 && !settings.is_fetch) { /* no answer will come: written is all there is */
    uint64_t now = now_ns();
    for (uint32_t i = 0; i < connection->out_requests; i++) {
      uint64_t due = connection->due[connection->due_tail++ & (QUEUE - 1)];
      if (state.measuring) histogram_add(&state.latency, now - due);
    }
    if (state.measuring) state.answered += connection->out_requests;
  }
  connection->out_requests = 0;
  connection->parts_used = 0;
}

static uint32_t under_way(const Connection *connection) {
  return connection->due_sent - connection->due_tail;
}

static void send_wanted(Connection *connection) {
  for (;;) {
    if (connection->parts_used == 0) {
      if (connection->wanted == 0 || state.stopping) return;
      if (settings.rate > 0 && settings.acks != 0 && under_way(connection) >= settings.in_flight) return;
      if (settings.count > 0) {
        if (state.under_way >= settings.count) return;
        uint64_t left = settings.count - state.under_way;
        if (connection->wanted > left) connection->wanted = (uint32_t)left;
      }
      prepare_requests(connection);
      state.under_way += connection->out_requests;
    }
    struct msghdr message = {.msg_iov = connection->parts + connection->part,
                             .msg_iovlen = (size_t)(connection->parts_used - connection->part)};
    ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN) return;
      die("send: %s", strerror(errno));
    }
    while (connection->part < connection->parts_used) {
      struct iovec *part = &connection->parts[connection->part];
      if ((size_t)sent < part->iov_len) {
        part->iov_base = (uint8_t *)part->iov_base + sent;
        part->iov_len -= (size_t)sent;
        break;
      }
      sent -= (ssize_t)part->iov_len;
      connection->part++;
    }
    if (connection->part == connection->parts_used) finish_write(connection);
  }
}

/* ---- answers ---- */

static void count_answer(Connection *connection, uint64_t now, size_t bytes) {
  uint64_t due = connection->due[connection->due_tail++ & (QUEUE - 1)];
  connection->answers++;
  connection->expected_correlation++;
  connection->last_progress = now;
  if (state.measuring) {
    histogram_add(&state.latency, now - due);
    state.answered++;
    state.answered_bytes += bytes;
  }
  if (settings.rate == 0) connection->wanted++;
}

static int check_frame(Connection *connection, const uint8_t *frame) {
  if (get32(frame + 4) != connection->expected_correlation) {
    problem("answers out of order: correlation id, expected", get32(frame + 4),
            connection->expected_correlation);
  }
  int error = (int16_t)get16(frame + state.error_at);
  if (error != 0) {
    state.error_codes[error & (ERROR_CODES - 1)]++;
    problem("error code in an answer: code, request", error, (long)connection->answers);
  }
  return error;
}

static void receive_produce(Connection *connection) {
  for (;;) {
    ssize_t got = recv(connection->fd, connection->in + connection->in_have,
                       RECEIVE_BYTES - connection->in_have, 0);
    if (got == 0) die("the broker closed connection %d", connection->index);
    if (got < 0) {
      if (errno == EAGAIN) return;
      die("recv: %s", strerror(errno));
    }
    uint64_t now = now_ns();
    connection->in_have += (size_t)got;
    size_t at = 0;
    while (connection->in_have - at >= 4) {
      size_t frame = 4 + (size_t)get32(connection->in + at);
      if (frame > RECEIVE_BYTES) die("an answer of %zu bytes to a produce request", frame);
      if (connection->in_have - at < frame) break;
      check_frame(connection, connection->in + at);
      count_answer(connection, now, 0);
      at += frame;
    }
    connection->in_have -= at;
    memmove(connection->in, connection->in + at, connection->in_have);
    if (connection->in_have + (size_t)got < RECEIVE_BYTES) return;
  }
}

/* Reads exactly `size` bytes, waiting for them; only for the first answer of a connection. */
static void receive_whole(int fd, uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t got = recv(fd, bytes, size, 0);
    if (got == 0) die("the broker closed the connection within an answer");
    if (got < 0) {
      if (errno != EAGAIN) die("recv: %s", strerror(errno));
      struct epoll_event event;
      int poll = epoll_create1(0);
      struct epoll_event wanted = {.events = EPOLLIN};
      epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted);
      if (epoll_wait(poll, &event, 1, 10000) <= 0) die("no answer for ten seconds");
      close(poll);
      continue;
    }
    bytes += got;
    size -= (size_t)got;
  }
}

static void check_first_fetch(Connection *connection) {
  uint8_t length[4];
  receive_whole(connection->fd, length, 4);
  size_t size = 4 + (size_t)get32(length);
  if (size < state.error_at + 40) die("a fetch answer of %zu bytes", size);
  uint8_t *frame = malloc(size + 16);
  memcpy(frame, length, 4);
  receive_whole(connection->fd, frame + 4, size - 4);
  if (check_frame(connection, frame) == 0) {
    const uint8_t *at = frame + state.error_at + 2 + 24; /* error, high watermark, stable, log start */
    uint32_t aborted = 0, records = 0;
    if (settings.flexible) {
      at = get_uvarint(at, &aborted) + 4;
      at = get_uvarint(at, &records);
      records = records > 0 ? records - 1 : 0;
    } else {
      at += 4 + 4;
      records = get32(at);
      at += 4;
    }
    uint64_t wanted = (connection->fetch_index - 1) % settings.batches * state.batch.records;
    if (records < state.batch.size || at + records > frame + size) {
      problem("first answer too short: records, wanted", records, (long)state.batch.size);
    } else if (get64(at) != wanted) {
      problem("first answer starts elsewhere: offset, wanted", (long)get64(at), (long)wanted);
    } else if (!batch_crc_is_right(at, state.batch.size)) {
      problem("first answer fails its CRC", 0, 0);
    }
    if (state.answer_size == 0) state.answer_size = size;
    if (state.answer_size != size) problem("answers differ in length", (long)size, (long)state.answer_size);
  }
  free(frame);
  count_answer(connection, now_ns(), size);
}

static void receive_fetch(Connection *connection) {
  while (under_way(connection) > 0) {
    if (connection->answers == 0) {
      check_first_fetch(connection);
      continue;
    }
    if (!connection->in_answer) {
      connection->in_answer = 1;
      connection->answer_left = state.answer_size;
      connection->in_have = 0;
    }
    int verify = connection->answers % settings.verify_every == 0;
    size_t head = state.error_at + 2;
    while (connection->answer_left > 0) {
      ssize_t got;
      if (verify && connection->in_have < head) {
        got = recv(connection->fd, connection->in + connection->in_have, head - connection->in_have, 0);
        if (got > 0) connection->in_have += (size_t)got;
        if (got > 0 && connection->in_have == head) {
          size_t size = 4 + (size_t)get32(connection->in);
          if (size != state.answer_size) {
            die("an answer of %zu bytes instead of %zu (request %lu of connection %d, error code %d)", size,
                state.answer_size, connection->answers, connection->index,
                (int16_t)get16(connection->in + state.error_at));
          }
          check_frame(connection, connection->in);
        }
      } else {
        got = recv(connection->fd, connection->in + head, connection->answer_left, MSG_TRUNC);
      }
      if (got == 0) die("the broker closed connection %d", connection->index);
      if (got < 0) {
        if (errno == EAGAIN) return;
        die("recv: %s", strerror(errno));
      }
      connection->answer_left -= (size_t)got;
    }
    connection->in_answer = 0;
    count_answer(connection, now_ns(), state.answer_size);
    send_wanted(connection);
  }
}

/* ---- the loop ---- */

static void connect_all(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)settings.port)};
  if (inet_pton(AF_INET, settings.host, &address.sin_addr) != 1) die("no IPv4 address: %s", settings.host);
  connections = calloc(settings.connections, sizeof(Connection));
  for (uint32_t i = 0; i < settings.connections; i++) {
    Connection *connection = &connections[i];
    connection->index = (int)i;
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) {
      die("connect to %s:%d: %s", settings.host, settings.port, strerror(errno));
    }
    int one = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    connection->due = calloc(QUEUE, sizeof(uint64_t));
    connection->out = malloc(COALESCED_BYTES + HEAD_MAX);
    connection->in = malloc(RECEIVE_BYTES);
    connection->target = i % state.targets_used;
    connection->fetch_index = settings.batches * i / settings.connections;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
    epoll_ctl(state.epoll, EPOLL_CTL_ADD, connection->fd, &event);
  }
}

/* Open loop: marks the requests due by now and returns when the next one is due. */
static uint64_t mark_due(uint64_t start, uint64_t now, uint64_t *scheduled) {
  for (;;) {
    uint64_t due = start + (uint64_t)((double)*scheduled * 1e9 / settings.rate);
    if (due > now) return due;
    Connection *connection = &connections[*scheduled % settings.connections];
    if (connection->due_head - connection->due_tail >= QUEUE) {
      die("the broker is more than %d requests behind the rate", QUEUE);
    }
    if (connection->due_head == connection->due_tail) connection->last_progress = now;
    connection->due[connection->due_head++ & (QUEUE - 1)] = due;
    connection->wanted++;
    (*scheduled)++;
    send_wanted(connection);
  }
}

/* Without answers nothing paces a closed loop but the socket: offers --in-flight more to each that is free. */
static int offer_unanswered(void) {
  int sent = 0;
  for (uint32_t i = 0; i < settings.connections; i++) {
    Connection *connection = &connections[i];
    if (connection->parts_used > 0) continue;
    connection->wanted = settings.in_flight;
    send_wanted(connection);
    sent |= connection->parts_used == 0;
  }
  return sent;
}

static void check_stalls(uint64_t now) {
  for (uint32_t i = 0; i < settings.connections; i++) {
    Connection *connection = &connections[i];
    if (under_way(connection) > 0 && now > connection->last_progress + 5000000000u &&
        (settings.acks != 0 || settings.is_fetch)) {
      die("connection %u got no answer for five seconds after %lu answers", i, connection->answers);
    }
  }
}

static void poll_once(uint64_t until) {
  struct epoll_event events[256];
  uint64_t now = now_ns();
  uint64_t wait = until > now ? until - now : 0;
  struct timespec timeout = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
  int ready = epoll_pwait2(state.epoll, events, 256, &timeout, NULL);
  for (int i = 0; i < ready; i++) {
    Connection *connection = events[i].data.ptr;
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
      if (settings.is_fetch) {
        receive_fetch(connection);
      } else {
        receive_produce(connection);
      }
    }
    send_wanted(connection);
  }
}

static double own_cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Ends what is under way, so that the broker does not find connections cut within a request. */
static void drain(void) {
  state.measuring = 0;
  state.stopping = 1;
  uint64_t limit = now_ns() + 10000000000u;
  for (;;) {
    uint64_t open = 0;
    for (uint32_t i = 0; i < settings.connections; i++) {
      open += connections[i].parts_used > 0 || under_way(&connections[i]) > 0;
    }
    uint64_t now = now_ns();
    if (open == 0 || now > limit) return;
    poll_once(now + 20000000u);
  }
}

static void report(uint64_t elapsed, double cpu, const Machine *before, const Machine *after) {
  double seconds = (double)elapsed / 1e9;
  double requests = (double)state.answered;
  double payload = requests * (double)state.batch.size;
  printf("{\"seconds\":%.6f,\"requests\":%lu,\"batchBytes\":%zu,\"recordsPerBatch\":%u,"
         "\"requestsPerSecond\":%.1f,\"megabytesPerSecond\":%.2f,\"generatorCpuSeconds\":%.4f,",
         seconds, state.answered, state.batch.size, state.batch.records, requests / seconds,
         payload / 1e6 / seconds, cpu);
  machine_print_difference(before, after, settings.pid);
  printf("\"errors\":%lu,\"errorCodes\":{", state.errors);
  const char *comma = "";
  for (int code = 0; code < ERROR_CODES; code++) {
    if (state.error_codes[code] == 0) continue;
    printf("%s\"%d\":%lu", comma, code, state.error_codes[code]);
    comma = ",";
  }
  printf("},\"firstProblem\":\"%s\",\"latencyUs\":", state.first_problem);
  histogram_print(&state.latency);
  if (settings.rate > 0) {
    printf(",\"latenessUs\":");
    histogram_print(&state.lateness);
  }
  printf("}\n");
}

static void read_settings(int count, char **arguments) {
  settings.host = option(count, arguments, "host", "127.0.0.1");
  settings.topic = option(count, arguments, "topic", "bench");
  settings.port = (int)number_option(count, arguments, "port", 9092);
  settings.is_fetch = strcmp(option(count, arguments, "mode", "produce"), "fetch") == 0;
  settings.version = (int)number_option(count, arguments, "version", settings.is_fetch ? 12 : 9);
  settings.flexible = settings.version >= (settings.is_fetch ? FETCH_FLEXIBLE : PRODUCE_FLEXIBLE);
  settings.acks = (int)number_option(count, arguments, "acks", 1);
  settings.connections = (uint32_t)number_option(count, arguments, "connections", 1);
  settings.in_flight = (uint32_t)number_option(count, arguments, "in-flight", 1);
  settings.coalesce = (uint32_t)number_option(count, arguments, "coalesce", 1);
  settings.topics = (uint32_t)number_option(count, arguments, "topics", 1);
  settings.partitions = (uint32_t)number_option(count, arguments, "partitions", 1);
  settings.verify_every = (uint32_t)number_option(count, arguments, "verify-every", 64);
  settings.value_bytes = (uint32_t)number_option(count, arguments, "value-bytes", 1024);
  settings.batch_bytes = (size_t)number_option(count, arguments, "batch-bytes", 1 << 20);
  settings.warmup = (uint64_t)number_option(count, arguments, "warmup-ms", 500) * 1000000u;
  settings.duration = (uint64_t)number_option(count, arguments, "duration-ms", 2000) * 1000000u;
  settings.count = (uint64_t)number_option(count, arguments, "count", 0);
  settings.batches = (uint64_t)number_option(count, arguments, "batches", 512);
  settings.seed = (uint64_t)number_option(count, arguments, "seed", 1);
  settings.rate = strtod(option(count, arguments, "rate", "0"), NULL);
  settings.pid = (int)number_option(count, arguments, "pid", 0);
  if (settings.connections < 1 || settings.connections > CONNECTIONS_MAX) die("--connections");
  if (settings.in_flight < 1 || settings.in_flight > QUEUE / 2) die("--in-flight");
  if (settings.coalesce < 1) die("--coalesce");
  if (settings.is_fetch && settings.in_flight != 1) die("a fetch loop keeps one request in flight");
  if (settings.topics * settings.partitions > TARGETS_MAX) die("--topics times --partitions");
  if (settings.version < (settings.is_fetch ? 5 : 3)) die("--version");
}

static uint64_t open_window(Machine *before, double *cpu) {
  machine_sample(before, settings.pid);
  *cpu = own_cpu_seconds();
  state.measuring = 1;
  return now_ns();
}

int main(int count, char **arguments) {
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  crc32c_init();
  read_settings(count, arguments);
  state.batch = build_batch(settings.batch_bytes, settings.value_bytes, settings.seed);
  encode_targets();
  state.epoll = epoll_create1(0);
  connect_all();
  Machine before = {0}, after = {0};
  uint64_t start = now_ns(), now = start, scheduled = 0, next_check = start, opened = 0;
  double cpu = 0;
  if (settings.count > 0) opened = open_window(&before, &cpu); /* everything counts */
  for (uint32_t i = 0; i < settings.connections; i++) {
    connections[i].last_progress = start;
    if (settings.rate > 0) continue;
    connections[i].wanted = settings.in_flight;
    send_wanted(&connections[i]);
  }
  uint64_t window = start + settings.warmup;
  for (;; now = now_ns()) {
    if (!state.measuring && now >= window) opened = open_window(&before, &cpu);
    uint64_t until = state.measuring ? opened + settings.duration : window;
    if (settings.count > 0) {
      if (state.answered >= settings.count) break;
      until = now + 1000000000u;
    } else if (state.measuring && now >= until) {
      break;
    }
    if (now >= next_check) {
      check_stalls(now);
      next_check = now + 500000000u;
    }
    if (next_check < until) until = next_check;
    if (settings.rate > 0) {
      uint64_t due = mark_due(start, now, &scheduled);
      if (due < until) until = due;
    }
    if (settings.acks == 0 && !settings.is_fetch && settings.rate == 0 && offer_unanswered()) until = now;
    poll_once(until);
  }
  uint64_t closed = now_ns();
  machine_sample(&after, settings.pid);
  cpu = own_cpu_seconds() - cpu;
  drain();
  report(closed - opened, cpu, &before, &after);
  return 0;
}
