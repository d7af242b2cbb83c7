// Files that a context names, read whole. Not by the library: it would say less of why it could not.
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// A revocation list of a public authority may have megabytes.
enum { FILE_BYTES_MAX = 16 << 20 };

static int read_all(int descriptor, struct ctls_bytes *bytes) {
  struct stat status;
  if (fstat(descriptor, &status) < 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  // A pipe or a terminal would have everybody wait.
  if (!S_ISREG(status.st_mode)) return EINVAL;
  if (status.st_size > FILE_BYTES_MAX) return EFBIG;
  size_t size = (size_t)status.st_size;
  bytes->start = malloc(size ? size : 1);
  if (!bytes->start) return ENOMEM;
  while (bytes->count < size) {
    ssize_t count = read(descriptor, bytes->start + bytes->count, size - bytes->count);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    bytes->count += (size_t)count;
  }
  return 0;
}

bool ctls_file_read(
    const struct ctls_context *context, enum ctls_text file, struct ctls_bytes *bytes,
    struct ctls_fault *fault) {
  bytes->start = NULL;
  bytes->count = 0;
  int descriptor = open(ctls_text_of(context, file), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return ctls_fail(fault, CTLS_FILE_UNREADABLE, file, errno);
  int error = read_all(descriptor, bytes);
  close(descriptor);
  if (!error) return true;
  ctls_file_free(bytes);
  return ctls_fail(fault, CTLS_FILE_UNREADABLE, file, error);
}

int ctls_no_passphrase(char *buffer, int size, int writing, void *unused) {
  (void)buffer, (void)size, (void)writing, (void)unused;
  return -1;
}

bool ctls_is_end_of_pem(void) {
  unsigned long error = LIB(ERR_peek_last_error)();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

void ctls_file_free(struct ctls_bytes *bytes) {
  if (bytes->start) LIB(OPENSSL_cleanse)(bytes->start, bytes->count);
  free(bytes->start);
  bytes->start = NULL;
  bytes->count = 0;
}
