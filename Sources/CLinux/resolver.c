// Name resolution on a thread of its own: one request slot, one answer slot.
//
// A later request overwrites an earlier one; the answer to an earlier one, when it comes at last,
// is thrown away by its generation. The thread and the resolver's memory are given back by
// whoever is last: the owner, if the thread never started, else the thread.
#define _GNU_SOURCE
#include "clinux.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#ifdef SANDPIPER_CARES
#include <ares.h>
#include <poll.h>
#endif

struct clinux_resolver {
  pthread_mutex_t lock;
  pthread_cond_t asked;
  int event;
  bool started, stopped;
  bool waiting;    // a request that the thread has not seen
  bool answered;   // an answer that the owner has not taken
  uint32_t generation;
  uint16_t port;
  char host[256];  // RFC 1035: 253 characters at most
  struct clinux_resolution answer;
};

// glibc's resolver keeps a few 64 KiB buffers on the stack in the worst case; only touched pages
// count as memory.
enum { STACK_BYTES = 256 * 1024 };
// An error code of our own, apart from those of getaddrinfo, c-ares and errno.
enum { NAME_TOO_LONG = -1000 };

static void add_address(
    struct clinux_resolution *answer, const struct sockaddr *address, uint16_t port) {
  if (answer->count == CLINUX_ADDRESSES_MAX) return;
  struct clinux_address entry = {.port = port};
  if (address->sa_family == AF_INET) {
    entry.family = 4;
    memcpy(entry.bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
  } else if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    entry.family = 6;
    entry.scope = v6->sin6_scope_id;
    memcpy(entry.bytes, &v6->sin6_addr, 16);
  } else {
    return;
  }
  answer->addresses[answer->count++] = entry;
}

static void fail(struct clinux_resolution *answer, int code, const char *text) {
  answer->error = code;
  snprintf(answer->message, sizeof answer->message, "%s", text);
}

#ifdef SANDPIPER_CARES

struct lookup {
  struct clinux_resolution *answer;
  uint16_t port;
  bool done;
};

static void looked_up(
    void *context, int status, int timeouts, struct ares_addrinfo *result) {
  struct lookup *lookup = context;
  (void)timeouts;
  lookup->done = true;
  if (status != ARES_SUCCESS) {
    fail(lookup->answer, status, ares_strerror(status));
    return;
  }
  for (struct ares_addrinfo_node *node = result->nodes; node; node = node->ai_next)
    add_address(lookup->answer, node->ai_addr, lookup->port);
  ares_freeaddrinfo(result);
}

static void turn(ares_channel channel) {
  ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
  struct pollfd waits[ARES_GETSOCK_MAXNUM];
  int mask = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
  nfds_t count = 0;
  for (int index = 0; index < ARES_GETSOCK_MAXNUM; index++) {
    short events = (ARES_GETSOCK_READABLE(mask, index) ? POLLIN : 0)
                   | (ARES_GETSOCK_WRITABLE(mask, index) ? POLLOUT : 0);
    if (events) waits[count++] = (struct pollfd){.fd = sockets[index], .events = events};
  }
  // ares_timeout would say how long, in a struct timeval, whose size in the distribution's 32-bit
  // library is not that of this program; looking often enough does as well.
  poll(waits, count, 100);
  for (nfds_t index = 0; index < count; index++) {
    bool reads = waits[index].revents & (POLLIN | POLLERR | POLLHUP);
    bool writes = waits[index].revents & POLLOUT;
    if (reads || writes)
      ares_process_fd(
          channel, reads ? waits[index].fd : ARES_SOCKET_BAD,
          writes ? waits[index].fd : ARES_SOCKET_BAD);
  }
  // Retransmissions and time-outs.
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void clinux_resolve(const char *host, uint16_t port, struct clinux_resolution *answer) {
  answer->error = 0;
  answer->count = 0;
  answer->message[0] = 0;
  // A new channel for each request: it reads resolv.conf as it is now.
  ares_channel channel;
  int status = ares_library_init(ARES_LIB_INIT_ALL);
  if (status == ARES_SUCCESS) status = ares_init(&channel);
  if (status != ARES_SUCCESS) {
    fail(answer, status, ares_strerror(status));
    return;
  }
  struct lookup lookup = {.answer = answer, .port = port};
  struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  ares_getaddrinfo(channel, host, NULL, &hints, looked_up, &lookup);
  while (!lookup.done) turn(channel);
  ares_destroy(channel);
  if (!answer->error && !answer->count) fail(answer, ARES_ENODATA, "the name has no address");
}

bool clinux_resolve_error_is_final(int code) {
  return code == NAME_TOO_LONG || code == ARES_ENOTFOUND || code == ARES_ENODATA
         || code == ARES_EBADNAME;
}

const char *clinux_resolve_error_text(int code) {
  return code == NAME_TOO_LONG ? "the name is too long" : ares_strerror(code);
}

#else

void clinux_resolve(const char *host, uint16_t port, struct clinux_resolution *answer) {
  answer->error = 0;
  answer->count = 0;
  answer->message[0] = 0;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *first = NULL;
  int status = getaddrinfo(host, NULL, &hints, &first);
  if (status) {
    fail(answer, status, status == EAI_SYSTEM ? clinux_error_text(errno) : gai_strerror(status));
    return;
  }
  for (struct addrinfo *info = first; info; info = info->ai_next)
    add_address(answer, info->ai_addr, port);
  freeaddrinfo(first);
  if (!answer->count) fail(answer, EAI_NONAME, "the name has no address");
}

bool clinux_resolve_error_is_final(int code) {
  return code == NAME_TOO_LONG || code == EAI_NONAME || code == EAI_NODATA
         || code == EAI_ADDRFAMILY;
}

const char *clinux_resolve_error_text(int code) {
  if (code == NAME_TOO_LONG) return "the name is too long";
  return code > 0 ? clinux_error_text(code) : gai_strerror(code);
}

#endif

static void discard(struct clinux_resolver *resolver) {
  close(resolver->event);
  pthread_mutex_destroy(&resolver->lock);
  pthread_cond_destroy(&resolver->asked);
  clinux_unmap(resolver, sizeof *resolver);
}

static void *serve(void *argument) {
  struct clinux_resolver *resolver = argument;
  char host[sizeof resolver->host];
  struct clinux_resolution answer;
  pthread_mutex_lock(&resolver->lock);
  while (!resolver->stopped) {
    if (!resolver->waiting) {
      pthread_cond_wait(&resolver->asked, &resolver->lock);
      continue;
    }
    resolver->waiting = false;
    answer.generation = resolver->generation;
    uint16_t port = resolver->port;
    memcpy(host, resolver->host, sizeof host);
    pthread_mutex_unlock(&resolver->lock);
    clinux_resolve(host, port, &answer);
    pthread_mutex_lock(&resolver->lock);
    if (answer.generation != resolver->generation || resolver->stopped) continue;
    resolver->answer = answer;
    resolver->answered = true;
    clinux_event_raise(resolver->event);
  }
  pthread_mutex_unlock(&resolver->lock);
  discard(resolver);
  return NULL;
}

struct clinux_resolver *clinux_resolver_create(void) {
  struct clinux_resolver *resolver = clinux_map(sizeof *resolver);
  if (!resolver) return NULL;
  resolver->event = clinux_event_open();
  if (resolver->event < 0) {
    clinux_unmap(resolver, sizeof *resolver);
    return NULL;
  }
  pthread_mutex_init(&resolver->lock, NULL);
  pthread_cond_init(&resolver->asked, NULL);
  return resolver;
}

void clinux_resolver_destroy(struct clinux_resolver *resolver) {
  pthread_mutex_lock(&resolver->lock);
  bool started = resolver->started;
  resolver->stopped = true;
  pthread_cond_signal(&resolver->asked);
  pthread_mutex_unlock(&resolver->lock);
  if (!started) discard(resolver);
}

int clinux_resolver_descriptor(const struct clinux_resolver *resolver) {
  return resolver->event;
}

uint32_t clinux_resolver_request(
    struct clinux_resolver *resolver, const char *host, uint16_t port) {
  pthread_mutex_lock(&resolver->lock);
  uint32_t generation = ++resolver->generation;
  struct clinux_resolution *answer = &resolver->answer;
  clinux_event_clear(resolver->event);
  resolver->waiting = false;
  answer->generation = generation;
  answer->error = 0;
  answer->count = 0;
  answer->message[0] = 0;
  int failure = 0;
  bool numeric = clinux_address_parse(&answer->addresses[0], host, port);
  if (numeric) {
    answer->count = 1;
  } else if (strlen(host) >= sizeof resolver->host) {
    fail(answer, NAME_TOO_LONG, "the name is too long");
    failure = NAME_TOO_LONG;
  } else if (
      !resolver->started && (failure = clinux_thread_start(serve, resolver, STACK_BYTES)) != 0) {
    fail(answer, failure, clinux_error_text(failure));
  } else {
    resolver->started = true;
    strcpy(resolver->host, host);
    resolver->port = port;
    resolver->waiting = true;
    pthread_cond_signal(&resolver->asked);
  }
  resolver->answered = numeric || failure != 0;
  if (resolver->answered) clinux_event_raise(resolver->event);
  pthread_mutex_unlock(&resolver->lock);
  return generation;
}

bool clinux_resolver_take(struct clinux_resolver *resolver, struct clinux_resolution *answer) {
  pthread_mutex_lock(&resolver->lock);
  bool answered = resolver->answered;
  if (answered) {
    *answer = resolver->answer;
    resolver->answered = false;
    clinux_event_clear(resolver->event);
  }
  pthread_mutex_unlock(&resolver->lock);
  return answered;
}
