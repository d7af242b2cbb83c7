// TCP and Unix sockets.
#define _GNU_SOURCE
#include "clinux.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

// Closes `descriptor` and returns -1, with errno as it was.
static int give_up(int descriptor) {
  int reason = errno;
  close(descriptor);
  errno = reason;
  return -1;
}

static socklen_t to_system(
    const struct clinux_address *address, struct sockaddr_storage *storage) {
  memset(storage, 0, sizeof *storage);
  if (address->family == 4) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address->port);
    memcpy(&v4->sin_addr, address->bytes, 4);
    return sizeof *v4;
  }
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(address->port);
  v6->sin6_scope_id = address->scope;
  memcpy(&v6->sin6_addr, address->bytes, 16);
  return sizeof *v6;
}

static void from_system(struct clinux_address *address, const struct sockaddr_storage *storage) {
  memset(address, 0, sizeof *address);
  if (storage->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)storage;
    address->family = 4;
    address->port = ntohs(v4->sin_port);
    memcpy(address->bytes, &v4->sin_addr, 4);
  } else if (storage->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)storage;
    address->family = 6;
    address->port = ntohs(v6->sin6_port);
    address->scope = v6->sin6_scope_id;
    memcpy(address->bytes, &v6->sin6_addr, 16);
  }
}

bool clinux_address_parse(struct clinux_address *address, const char *text, uint16_t port) {
  memset(address, 0, sizeof *address);
  address->port = port;
  if (inet_pton(AF_INET, text, address->bytes) == 1) {
    address->family = 4;
    return true;
  }
  char number[INET6_ADDRSTRLEN];
  const char *zone = strchr(text, '%');
  size_t length = zone ? (size_t)(zone - text) : strlen(text);
  if (length >= sizeof number) return false;
  memcpy(number, text, length);
  number[length] = 0;
  if (inet_pton(AF_INET6, number, address->bytes) != 1) return false;
  if (zone && !(address->scope = if_nametoindex(zone + 1))) return false;
  address->family = 6;
  return true;
}

size_t clinux_address_text(const struct clinux_address *address, char *text, size_t capacity) {
  int family = address->family == 4 ? AF_INET : AF_INET6;
  if (!address->family || !inet_ntop(family, address->bytes, text, capacity)) return 0;
  return strlen(text);
}

bool clinux_address_equal(const struct clinux_address *a, const struct clinux_address *b) {
  return a->family == b->family && a->port == b->port && a->scope == b->scope
         && !memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

// Without these a small message waits for the last one's acknowledgement (TCP_NODELAY), and a
// dead peer is noticed after a quarter of an hour (TCP_USER_TIMEOUT).
static void tune(int socket, unsigned user_timeout) {
  int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (user_timeout)
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout);
}

// What the path takes no more of stays with us, where something more urgent can still go before it.
// A page: as much as the MQTT send buffer has by default.
enum { UNSENT_MAX = 4096 };

int clinux_tcp_open(const struct clinux_address *address, unsigned user_timeout) {
  struct sockaddr_storage storage;
  socklen_t size = to_system(address, &storage);
  int link = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (link < 0) return -1;
  tune(link, user_timeout);
  int unsent = UNSENT_MAX;
  setsockopt(link, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
  if (connect(link, (struct sockaddr *)&storage, size) < 0 && errno != EINPROGRESS
      && errno != EINTR)
    return give_up(link);
  return link;
}

int clinux_tcp_listen(const struct clinux_address *address) {
  struct sockaddr_storage storage;
  socklen_t size = to_system(address, &storage);
  int listener = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return -1;
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&storage, size) < 0 || listen(listener, 128) < 0)
    return give_up(listener);
  return listener;
}

int clinux_tcp_accept(int listener) {
  int link = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (link >= 0) tune(link, 0);
  return link;
}

int clinux_socket_address(int socket, struct clinux_address *address) {
  struct sockaddr_storage storage;
  socklen_t size = sizeof storage;
  if (getsockname(socket, (struct sockaddr *)&storage, &size) < 0) return -1;
  from_system(address, &storage);
  return 0;
}

int clinux_socket_peer(int socket, struct clinux_address *address) {
  struct sockaddr_storage storage;
  socklen_t size = sizeof storage;
  if (getpeername(socket, (struct sockaddr *)&storage, &size) < 0) return -1;
  from_system(address, &storage);
  return 0;
}

int clinux_socket_error(int socket) {
  int code = 0;
  socklen_t size = sizeof code;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno : code;
}

ssize_t clinux_send(int socket, const void *bytes, size_t count) {
  ssize_t sent;
  do sent = send(socket, bytes, count, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t clinux_receive(int socket, void *bytes, size_t count) {
  ssize_t received;
  do received = recv(socket, bytes, count, 0);
  while (received < 0 && errno == EINTR);
  return received;
}

static int unix_address(const char *path, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address->sun_path, path);
  return 0;
}

// Removes what a program that has ended left at `path`.
static int remove_stale(int probe, const struct sockaddr_un *address) {
  struct stat status;
  if (lstat(address->sun_path, &status) < 0) return errno == ENOENT ? 0 : -1;
  if (!S_ISSOCK(status.st_mode)) {
    errno = EEXIST;
    return -1;
  }
  if (connect(probe, (const struct sockaddr *)address, sizeof *address) == 0
      // Somebody is there, but has no room for one more, or is of another kind.
      || errno == EAGAIN || errno == EPROTOTYPE) {
    errno = EADDRINUSE;
    return -1;
  }
  if (errno != ECONNREFUSED) return -1;
  return unlink(address->sun_path);
}

int clinux_unix_listen(const char *path) {
  struct sockaddr_un address;
  if (unix_address(path, &address) < 0) return -1;
  int control = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (control < 0) return -1;
  // The mode of the socket's own inode is what bind gives the file (less the umask), so the file
  // is never open to others, not even for a moment.
  if (remove_stale(control, &address) < 0 || fchmod(control, 0600) < 0
      || bind(control, (struct sockaddr *)&address, sizeof address) < 0)
    return give_up(control);
  return control;
}

// What a socket's name ends in until it listens: who finds one by its own name is let in.
static const char unready[] = ".new";

int clinux_unix_stream_listen(const char *path, mode_t mode) {
  struct sockaddr_un address, early;
  if (unix_address(path, &address) < 0) return -1;
  if (strlen(path) + sizeof unready > sizeof early.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  early = address;
  strcat(early.sun_path, unready);
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return -1;
  if (remove_stale(probe, &address) < 0 || remove_stale(probe, &early) < 0) return give_up(probe);
  close(probe);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return -1;
  if (fchmod(listener, mode) < 0) return give_up(listener);
  // As above; the umask, which may be stricter than the mode that was asked for, is not to count.
  mode_t mask = umask(0);
  int bound = bind(listener, (struct sockaddr *)&early, sizeof early);
  umask(mask);
  if (bound < 0) return give_up(listener);
  if (listen(listener, 8) < 0 || rename(early.sun_path, address.sun_path) < 0) {
    int reason = errno;
    unlink(early.sun_path);
    errno = reason;
    return give_up(listener);
  }
  return listener;
}

int clinux_unix_accept(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void clinux_unix_close(int socket) {
  struct sockaddr_un address;
  socklen_t size = sizeof address - 1;
  memset(&address, 0, sizeof address);
  if (getsockname(socket, (struct sockaddr *)&address, &size) == 0 && address.sun_path[0]) {
    // The kernel goes on with the name that the socket was bound to: of one that listens, the early one.
    int listens = 0;
    socklen_t length = sizeof listens;
    getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length);
    size_t count = strlen(address.sun_path), end = strlen(unready);
    if (listens && count > end && strcmp(address.sun_path + count - end, unready) == 0)
      address.sun_path[count - end] = 0;
    unlink(address.sun_path);
  }
  close(socket);
}

int clinux_unix_connect(const char *path) {
  struct sockaddr_un address;
  if (unix_address(path, &address) < 0) return -1;
  int client = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (client < 0) return -1;
  // unix(7), "Autobind": an address without a name gets an abstract one from the kernel.
  struct sockaddr_un own = {.sun_family = AF_UNIX};
  if (bind(client, (struct sockaddr *)&own, sizeof own.sun_family) < 0
      || connect(client, (struct sockaddr *)&address, sizeof address) < 0)
    return give_up(client);
  return client;
}

int clinux_unix_stream_open(const char *path) {
  struct sockaddr_un address;
  if (unix_address(path, &address) < 0) return -1;
  int link = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (link < 0) return -1;
  if (connect(link, (struct sockaddr *)&address, sizeof address) < 0) return give_up(link);
  return link;
}

int clinux_shut_write(int socket) { return shutdown(socket, SHUT_WR); }

_Static_assert(sizeof(struct sockaddr_un) <= sizeof((struct clinux_peer *)0)->bytes, "peer fits");

ssize_t clinux_unix_receive(int socket, void *bytes, size_t count, struct clinux_peer *peer) {
  struct sockaddr_un address;
  socklen_t size = sizeof address;
  ssize_t received;
  do received = recvfrom(socket, bytes, count, 0, (struct sockaddr *)&address, &size);
  while (received < 0 && errno == EINTR);
  peer->count = received < 0 ? 0 : size;
  memcpy(peer->bytes, &address, peer->count);
  return received;
}

ssize_t clinux_unix_reply(
    int socket, const void *bytes, size_t count, const struct clinux_peer *peer) {
  struct sockaddr_un address;
  memcpy(&address, peer->bytes, sizeof address);
  return sendto(
      socket, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
      peer->count);
}

int clinux_wait_readable(int descriptor, int milliseconds) {
  return clinux_wait_either_readable(descriptor, -1, milliseconds);
}

int clinux_wait_either_readable(int descriptor, int other, int milliseconds) {
  struct pollfd wait[] = {{.fd = descriptor, .events = POLLIN}, {.fd = other, .events = POLLIN}};
  return poll(wait, 2, milliseconds);
}
