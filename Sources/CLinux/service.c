// What a program and its service manager say to each other (sd_notify(3), sd_listen_fds(3)), and the
// descriptors that a program leaves to the one that follows it.
#define _GNU_SOURCE
#include "clinux.h"

#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

// Sends `bytes`, and a descriptor unless it is negative, to the socket at `path`. Waits so many
// milliseconds at most until the queue there has room.
static int send_to(
    const char *path, const void *bytes, size_t count, int descriptor, int milliseconds) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, length);
  socklen_t size = sizeof address;
  if (path[0] == '@') {
    // The kernel tells an abstract name by its first byte and by its length.
    address.sun_path[0] = 0;
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  }
  int client = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (client < 0) return -1;
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct msghdr message = {
      .msg_name = &address, .msg_namelen = size, .msg_iov = &part, .msg_iovlen = 1};
  if (descriptor >= 0) {
    message.msg_control = &control;
    message.msg_controllen = sizeof control.space;
    control.header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
  }
  struct timeval most = {
      .tv_sec = milliseconds / 1000, .tv_usec = (suseconds_t)(milliseconds % 1000) * 1000};
  setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
  ssize_t sent = sendmsg(client, &message, MSG_NOSIGNAL | (milliseconds ? 0 : MSG_DONTWAIT));
  int reason = errno;
  close(client);
  errno = reason;
  return sent < 0 ? -1 : 0;
}

int clinux_notify(const char *path, const void *bytes, size_t count) {
  return send_to(path, bytes, count, -1, 0);
}

int clinux_notify_descriptor(const char *path, const void *bytes, size_t count, int descriptor) {
  return send_to(path, bytes, count, descriptor, 500);
}

bool clinux_notify_barrier(const char *path, int milliseconds) {
  static const char word[] = "BARRIER=1";
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  bool isSent = send_to(path, word, sizeof word - 1, ends[1], milliseconds) == 0;
  close(ends[1]);
  // Readable, or hung up, once the last copy of the other end is closed.
  struct pollfd end = {.fd = ends[0], .events = POLLIN};
  bool isPassed = isSent && poll(&end, 1, milliseconds) == 1;
  close(ends[0]);
  return isPassed;
}

int64_t clinux_watchdog(void) {
  const char *length = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
  if (!length || (process && strtoll(process, NULL, 10) != getpid())) return 0;
  long long microseconds = strtoll(length, NULL, 10);
  return microseconds > 0 ? microseconds : 0;
}

// ---- descriptors

static const char own_variable[] = "SANDPIPER_DESCRIPTORS";

static struct {
  int descriptor;
  char name[64];
} handed[CLINUX_HANDED_MAX];
static int handed_count = -1;

static void add_handed(int descriptor, const char *name, size_t length) {
  if (handed_count == CLINUX_HANDED_MAX || length >= sizeof handed->name) {
    close(descriptor);
    return;
  }
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  handed[handed_count].descriptor = descriptor;
  memcpy(handed[handed_count].name, name, length);
  handed[handed_count].name[length] = 0;
  handed_count++;
}

// "PID:7=name:9=other", as clinux_hand_on writes it.
static void take_own(const char *text) {
  char *rest;
  if (strtoll(text, &rest, 10) != getpid()) return;
  while (*rest == ':') {
    long descriptor = strtol(rest + 1, &rest, 10);
    if (*rest != '=') return;
    const char *name = rest + 1;
    size_t length = strcspn(name, ":");
    rest += 1 + length;
    if (descriptor > STDERR_FILENO) add_handed((int)descriptor, name, length);
  }
}

// As sd_listen_fds_with_names(3) reads it.
static void take_listened(void) {
  const char *process = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
  const char *name = getenv("LISTEN_FDNAMES");
  if (!process || !count || strtoll(process, NULL, 10) != getpid()) return;
  long most = strtol(count, NULL, 10);
  for (int index = 0; index < most && index < 4 * CLINUX_HANDED_MAX; index++) {
    size_t length = name ? strcspn(name, ":") : 0;
    add_handed(STDERR_FILENO + 1 + index, name ? name : "", length);
    if (name) name = name[length] ? name + length + 1 : NULL;
  }
}

int clinux_handed_count(void) {
  if (handed_count < 0) {
    handed_count = 0;
    const char *own = getenv(own_variable);
    if (own) take_own(own);
    if (!own) take_listened();
    unsetenv(own_variable);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
  }
  return handed_count;
}

int clinux_handed_descriptor(int index) { return handed[index].descriptor; }

const char *clinux_handed_name(int index) { return handed[index].name; }

void clinux_handed_take(int index) { handed[index].descriptor = -1; }

int clinux_hand_on(int descriptor, const char *name) {
  const char *before = getenv(own_variable);
  char *text;
  int count = before ? asprintf(&text, "%s:%d=%s", before, descriptor, name)
                     : asprintf(&text, "%lld:%d=%s", (long long)getpid(), descriptor, name);
  if (count < 0) return -1;
  int result = setenv(own_variable, text, 1);
  free(text);
  return result < 0 ? -1 : fcntl(descriptor, F_SETFD, 0);
}

// ---- memory that outlives the program

int clinux_shared_open(const char *name, size_t bytes) {
  // Where memory that may be executed is refused (sysctl vm.memfd_noexec), none is wanted; Linux before 6.3 does
  // not know the flag.
  int descriptor = memfd_create(name, MFD_CLOEXEC | 8U /* MFD_NOEXEC_SEAL */);
  if (descriptor < 0) descriptor = memfd_create(name, MFD_CLOEXEC);
  if (descriptor < 0) return -1;
  if (ftruncate(descriptor, (off_t)bytes) == 0) return descriptor;
  int reason = errno;
  close(descriptor);
  errno = reason;
  return -1;
}

void *clinux_shared_map(int descriptor, size_t bytes) {
  struct stat status;
  if (fstat(descriptor, &status) < 0) return NULL;
  if (!S_ISREG(status.st_mode) || (size_t)status.st_size < bytes) {
    errno = EINVAL;
    return NULL;
  }
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  return memory == MAP_FAILED ? NULL : memory;
}
