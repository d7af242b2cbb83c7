#define _GNU_SOURCE
#include "measure.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct account {
  double cpu;
  long long written, device;
  long syncs;
};

static atomic_long syncs;
static struct account start;

// In front of the C library's own, for this program and for the libraries that it uses.
int fdatasync(int descriptor) {
  syncs++;
  return (int)syscall(SYS_fdatasync, descriptor);
}

int fsync(int descriptor) {
  syncs++;
  return (int)syscall(SYS_fsync, descriptor);
}

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec / 1e6; }

static struct account now(void) {
  struct account account = {.syncs = syncs};
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  account.cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  FILE *file = fopen("/proc/self/io", "r");
  if (!file) {
    perror("/proc/self/io");
    exit(1);
  }
  char line[128];
  while (fgets(line, sizeof line, file)) {
    sscanf(line, "wchar: %lld", &account.written);
    sscanf(line, "write_bytes: %lld", &account.device);
  }
  fclose(file);
  return account;
}

void measure_begin(void) {
  // What the program has made ready is none of the messages' account.
  sync();
  start = now();
}

void measure_end(const char *name, long count) {
  struct account end = now();
  printf("%-54s %10.1f %10.0f %10.0f %10.3f\n", name, (end.cpu - start.cpu) * 1e6 / count,
         (double)(end.written - start.written) / count,
         (double)(end.device - start.device) / count, (double)(end.syncs - start.syncs) / count);
}

void measure_end_batch(const char *name, long batch, long every, long count) {
  char text[80];
  if (every == 1) {
    snprintf(text, sizeof text, "%s, %ld per commit", name, batch);
  } else {
    snprintf(text, sizeof text, "%s, %ld per commit, a sync per %ld", name, batch, batch * every);
  }
  measure_end(text, count);
}

void measure_wait(int descriptor) {
  struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
  poll(&waiting, 1, -1);
}

void measure_fail(const char *reason) {
  perror(reason);
  exit(1);
}
