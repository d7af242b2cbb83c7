// LD_PRELOAD stand-in for a medium that fails. While the file $FAILING_MEDIUM has a line
// "write 5" or "sync 28", pwrite or fdatasync fail with that error number; while it has "hang 1", fdatasync
// does not come to its end, and $FAILING_MEDIUM.hung is there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fault(const char *call) {
  const char *path = getenv("FAILING_MEDIUM");
  FILE *file = path ? fopen(path, "r") : NULL;
  if (!file) return 0;
  char name[16];
  int number = 0;
  int good = fscanf(file, "%15s %d", name, &number) == 2 && strcmp(name, call) == 0;
  fclose(file);
  return good ? number : 0;
}

ssize_t pwrite(int medium, const void *bytes, size_t count, off_t offset) {
  int number = fault("write");
  if (number) {
    errno = number;
    return -1;
  }
  ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
  return real(medium, bytes, count, offset);
}

static void hang(void) {
  char path[4096];
  snprintf(path, sizeof path, "%s.hung", getenv("FAILING_MEDIUM"));
  FILE *mark = fopen(path, "w");
  if (mark) fclose(mark);
  while (fault("hang")) usleep(50000);
}

int fdatasync(int medium) {
  if (fault("hang")) hang();
  int number = fault("sync");
  if (number) {
    errno = number;
    return -1;
  }
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  return real(medium);
}
