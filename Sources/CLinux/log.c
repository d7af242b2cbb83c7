// Where the log goes, and how much of it.
#define _GNU_SOURCE
#include "clinux.h"

#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

static bool stderr_is_journal(void) {
  const char *stream = getenv("JOURNAL_STREAM");
  unsigned long long device, inode;
  struct stat status;
  return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2
         && fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device
         && status.st_ino == inode;
}

bool clinux_stderr_is_journal(void) {
  static int known = -1;  // every thread that asks first finds the same
  int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (answer < 0) {
    answer = stderr_is_journal();
    __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
  }
  return answer;
}

bool clinux_log_write(const void *line, size_t count) {
  // A pipe or socket whose reader has stalled must not stall the agent. A pipe that can be written
  // to takes a line without blocking (pipe(7): a page is free, and a line is shorter).
  struct pollfd output = {.fd = STDERR_FILENO, .events = POLLOUT};
  return poll(&output, 1, 0) == 1 && output.revents & POLLOUT
         && write(STDERR_FILENO, line, count) >= 0;
}

static unsigned log_lost;

void clinux_log_lose(unsigned lines) { __atomic_fetch_add(&log_lost, lines, __ATOMIC_RELAXED); }

unsigned clinux_log_take_lost(void) { return __atomic_exchange_n(&log_lost, 0, __ATOMIC_RELAXED); }

static int log_threshold = 6;

int clinux_log_threshold(void) { return __atomic_load_n(&log_threshold, __ATOMIC_RELAXED); }

void clinux_set_log_threshold(int level) {
  __atomic_store_n(&log_threshold, level, __ATOMIC_RELAXED);
}

// ---- how much

// Lines that may come at once, and how soon each may come again.
enum { BURST = 100 };
static const int64_t refill_time = 1000000000;

bool clinux_log_pays(int64_t *account, int64_t now) {
  // Threads that meet here may let a line more pass.
  int64_t paid = __atomic_load_n(account, __ATOMIC_RELAXED);
  if (paid < now) paid = now;
  if (paid - now > (BURST - 1) * refill_time) return false;
  __atomic_store_n(account, paid + refill_time, __ATOMIC_RELAXED);
  return true;
}

bool clinux_log_admits(int level) {
  static int64_t errors, others;
  // Who looks for a fault wants all.
  if (clinux_log_threshold() > 6) return true;
  // Errors have an account of their own, so that nothing else hides them.
  return clinux_log_pays(level <= 3 ? &errors : &others, clinux_boottime());
}
