// No store at all, but what each must do: records in a preallocated file, and a sync for each batch. With
// a pointer, it also says in one place how far all is acknowledged, for each message and durably.
//   bare FILE BATCH COUNT EVERY [pointer]
#define _GNU_SOURCE
#include "measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER_BYTES = 24, FILE_BYTES = 16 << 20, POINTER_BYTES = 4096 };

static int file;

static void put(const void *bytes, size_t count, off_t offset) {
  if (pwrite(file, bytes, count, offset) == (ssize_t)count) return;
  perror("bare");
  exit(1);
}

static void sync_file(void) {
  if (fdatasync(file) == 0) return;
  perror("bare");
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 5 && argc != 6) return 2;
  long batch = atol(argv[2]), count = atol(argv[3]), every = atol(argv[4]);
  static char zeros[1 << 16];
  file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  for (off_t offset = 0; offset < FILE_BYTES; offset += sizeof zeros) {
    put(zeros, sizeof zeros, offset);
  }
  sync_file();
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  char record[HEADER_BYTES + MESSAGE_BYTES];
  memset(record, 'x', sizeof record);
  const long room = (FILE_BYTES - POINTER_BYTES) / (long)sizeof record;

  measure_begin();
  for (long done = 0; done < count; done += batch) {
    for (long i = done; i < done + batch; i++) {
      put(record, sizeof record, POINTER_BYTES + i % room * (long)sizeof record);
    }
    if ((done / batch + 1) % every == 0) sync_file();
    if (argc == 5) continue;
    for (long i = done; i < done + batch; i++) put(&i, sizeof i, 0);
    sync_file();
  }
  measure_end_batch(argc == 6 ? "bare file and pointer" : "bare file", batch, every, count);
}
