// A clock that a test sets: LD_PRELOAD this, and name a file in CLOCK_OFFSET that holds the seconds by
// which the time of day is to be wrong. No time service keeps it, unless CLOCK_SYNCED is set. The monotonic
// clocks stay as they are.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static long offset(void) {
  const char *path = getenv("CLOCK_OFFSET");
  FILE *file = path ? fopen(path, "r") : NULL;
  long seconds = 0;
  if (file && fscanf(file, "%ld", &seconds) != 1) seconds = 0;
  if (file) fclose(file);
  return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  long result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += offset();
  return (int)result;
}

int adjtimex(struct timex *state) {
  if (getenv("CLOCK_SYNCED")) {
    state->status = 0;
    return TIME_OK;
  }
  state->status = STA_UNSYNC;
  return TIME_ERROR;
}
