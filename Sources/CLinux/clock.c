// Clocks, where structures depend on the width of time_t.
#include "clinux.h"

#include <sys/timex.h>

bool clinux_clock_synced(void) {
  struct timex state = {.modes = 0};
  int result = adjtimex(&state);
  return result != -1 && result != TIME_ERROR && !(state.status & STA_UNSYNC);
}

size_t clinux_local_time(char *text, size_t capacity) {
  time_t now = time(NULL);
  struct tm parts;
  if (!localtime_r(&now, &parts)) return 0;
  return strftime(text, capacity, "%Y-%m-%d %H:%M:%S", &parts);
}
