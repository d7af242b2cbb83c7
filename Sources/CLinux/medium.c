// The medium of a journal: a preallocated file or a block device, and a thread that waits for it.
#define _GNU_SOURCE
#include "clinux.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

int clinux_medium_open(const char *path, bool writes) {
  int flags = (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  // Looking must not even change the time of the last access; only the owner may ask for that.
  int descriptor = open(path, flags | O_NOATIME);
  return descriptor >= 0 || errno != EPERM ? descriptor : open(path, flags);
}

int64_t clinux_medium_bytes(int medium) {
  struct stat status;
  if (fstat(medium, &status) < 0) return -1;
  if (S_ISREG(status.st_mode)) return status.st_size;
  uint64_t bytes = 0;
  if (S_ISBLK(status.st_mode) && ioctl(medium, BLKGETSIZE64, &bytes) == 0) return (int64_t)bytes;
  errno = EINVAL;
  return -1;
}

bool clinux_medium_is_device(int medium) {
  struct stat status;
  return fstat(medium, &status) == 0 && S_ISBLK(status.st_mode);
}

bool clinux_medium_lock(int medium) {
  // Who looks whether the medium is in use has it for a moment: that is not another agent.
  for (int attempt = 0; attempt < 10; attempt++) {
    if (flock(medium, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
    nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
  }
  errno = EWOULDBLOCK;
  return false;
}

bool clinux_medium_is_locked(int medium) {
  if (flock(medium, LOCK_SH | LOCK_NB) < 0) return errno == EWOULDBLOCK;
  flock(medium, LOCK_UN);
  return false;
}

void clinux_medium_begin_writing(int medium) {
  posix_fadvise(medium, 0, 0, POSIX_FADV_DONTNEED);
  posix_fadvise(medium, 0, 0, POSIX_FADV_RANDOM);
}

ssize_t clinux_medium_read(int medium, void *bytes, size_t count, int64_t offset) {
  size_t done = 0;
  while (done < count) {
    ssize_t got = pread(medium, (char *)bytes + done, count - done, (off_t)offset + (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

int clinux_medium_write(int medium, const void *bytes, size_t count, int64_t offset) {
  size_t done = 0;
  while (done < count) {
    ssize_t put =
        pwrite(medium, (const char *)bytes + done, count - done, (off_t)offset + (off_t)done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      if (put == 0) errno = EIO;
      return -1;
    }
    done += (size_t)put;
  }
  return 0;
}

// Every byte is written, so that no later write has to find a place for itself: a file system that
// only notes a range as reserved would have to change its own records again each time.
static int write_zeros(int medium, int64_t bytes) {
  // Part of the program's file: no larger than a block of it.
  static const char zeros[4096];
  for (int64_t offset = 0; offset < bytes;) {
    size_t piece = bytes - offset < (int64_t)sizeof zeros ? (size_t)(bytes - offset) : sizeof zeros;
    if (clinux_medium_write(medium, zeros, piece, offset) < 0) return -1;
    offset += (int64_t)piece;
  }
  return 0;
}

// Locks a new file that is still `path`: whoever had it before may have published it meanwhile.
static bool lock_as(const char *path, int medium) {
  struct stat ours, named;
  if (!clinux_medium_lock(medium)) return false;
  if (fstat(medium, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino) {
    return true;
  }
  errno = EWOULDBLOCK;
  return false;
}

int clinux_medium_create(const char *path, int64_t bytes) {
  char temporary[1024];
  int length = snprintf(temporary, sizeof temporary, "%s.new", path);
  if (length < 0 || (size_t)length >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int medium = open(temporary, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (medium < 0) return -1;
  // Until the lock is taken the file may be that of another agent, which is making its journal now.
  bool is_ours = lock_as(temporary, medium);
  if (is_ours && ftruncate(medium, 0) == 0 && write_zeros(medium, bytes) == 0) return medium;
  int reason = errno;
  if (is_ours) unlink(temporary);
  close(medium);
  errno = reason;
  return -1;
}

// Never over a journal that has come to be there meanwhile; some file systems can't promise that.
static int rename_new(const char *from, const char *to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (access(to, F_OK) == 0) {
    errno = EEXIST;
    return -1;
  }
  return rename(from, to);
}

int clinux_medium_publish(int medium, const char *path, bool good) {
  char temporary[1024];
  snprintf(temporary, sizeof temporary, "%s.new", path);
  if (good && fsync(medium) == 0 && rename_new(temporary, path) == 0) return clinux_sync_folder(path);
  int reason = errno;
  unlink(temporary);
  errno = reason;
  return -1;
}

int clinux_medium_set_aside(const char *path) {
  char name[1024];
  for (int number = 0; number < 100; number++) {
    int length = number ? snprintf(name, sizeof name, "%s.bad.%d", path, number)
                        : snprintf(name, sizeof name, "%s.bad", path);
    if (length < 0 || (size_t)length >= sizeof name) {
      errno = ENAMETOOLONG;
      return -1;
    }
    if (access(name, F_OK) == 0) continue;
    return rename(path, name) == 0 ? clinux_sync_folder(path) : -1;
  }
  errno = EEXIST;
  return -1;
}

// ---- the thread that waits for the medium

struct clinux_syncer {
  pthread_mutex_t lock;
  pthread_cond_t asked;
  int medium, event;
  bool stopped, wanted, busy;
  int error;
};

enum { STACK_BYTES = 64 * 1024 };

static void give_back(struct clinux_syncer *syncer) {
  close(syncer->event);
  close(syncer->medium);
  pthread_mutex_destroy(&syncer->lock);
  pthread_cond_destroy(&syncer->asked);
  free(syncer);
}

static void *wait_for_medium(void *argument) {
  struct clinux_syncer *syncer = argument;
  pthread_mutex_lock(&syncer->lock);
  while (!syncer->stopped) {
    if (!syncer->wanted) {
      pthread_cond_wait(&syncer->asked, &syncer->lock);
      continue;
    }
    syncer->wanted = false;
    pthread_mutex_unlock(&syncer->lock);
    int error = fdatasync(syncer->medium) < 0 ? errno : 0;
    pthread_mutex_lock(&syncer->lock);
    syncer->busy = false;
    syncer->error = error;
    clinux_event_raise(syncer->event);
  }
  pthread_mutex_unlock(&syncer->lock);
  give_back(syncer);
  return NULL;
}

struct clinux_syncer *clinux_syncer_create(int medium) {
  struct clinux_syncer *syncer = calloc(1, sizeof *syncer);
  if (!syncer) return NULL;
  pthread_mutex_init(&syncer->lock, NULL);
  pthread_cond_init(&syncer->asked, NULL);
  syncer->medium = medium;
  syncer->event = clinux_event_open();
  int error = syncer->event < 0 ? errno
                                : clinux_thread_start(wait_for_medium, syncer, STACK_BYTES);
  if (!error) return syncer;
  if (syncer->event >= 0) close(syncer->event);
  free(syncer);
  errno = error;
  return NULL;
}

void clinux_syncer_destroy(struct clinux_syncer *syncer) {
  pthread_mutex_lock(&syncer->lock);
  syncer->stopped = true;
  // Whoever opens the medium next need not wait for the thread to end.
  if (!syncer->busy) flock(syncer->medium, LOCK_UN);
  pthread_cond_signal(&syncer->asked);
  pthread_mutex_unlock(&syncer->lock);
}

int clinux_syncer_descriptor(const struct clinux_syncer *syncer) { return syncer->event; }

void clinux_syncer_begin(struct clinux_syncer *syncer) {
  pthread_mutex_lock(&syncer->lock);
  syncer->wanted = syncer->busy = true;
  syncer->error = 0;
  pthread_cond_signal(&syncer->asked);
  pthread_mutex_unlock(&syncer->lock);
}

int clinux_syncer_result(struct clinux_syncer *syncer) {
  pthread_mutex_lock(&syncer->lock);
  int result = syncer->busy ? -1 : syncer->error;
  if (!syncer->busy) clinux_event_clear(syncer->event);
  pthread_mutex_unlock(&syncer->lock);
  return result;
}
