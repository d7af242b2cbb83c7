// Files: small ones, read and replaced whole.
#define _GNU_SOURCE
#include "clinux.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

int clinux_open_read(const char *path, bool nonblocking) {
  int descriptor;
  do descriptor = open(path, O_RDONLY | O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0));
  while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

static int write_all(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -1;
    bytes += written;
    count -= (size_t)written;
  }
  return 0;
}

// A rename is on flash only once its directory is.
int clinux_sync_folder(const char *path) {
  char directory[1024];
  const char *slash = strrchr(path, '/');
  size_t length = slash ? (size_t)(slash - path) : 0;
  if (length >= sizeof directory) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(directory, path, length);
  directory[length] = 0;
  int descriptor = open(
      length ? directory : slash ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  int result = fsync(descriptor);
  int reason = errno;
  close(descriptor);
  errno = reason;
  return result;
}

bool clinux_is_there(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0;
}

// What root writes in another's stead stays that one's: who has the old file, or the folder of a new one.
static int give_to_owner(int descriptor, const char *path) {
  if (geteuid() != 0) return 0;
  struct stat status;
  if (lstat(path, &status) < 0) {
    char directory[1024];
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 0;
    snprintf(directory, sizeof directory, "%.*s", length ? length : 1, length ? path : slash ? "/" : ".");
    if (stat(directory, &status) < 0) return -1;
  }
  return fchown(descriptor, status.st_uid, status.st_gid);
}

int clinux_write_file(const char *path, const void *bytes, size_t count, unsigned mode) {
  char temporary[1024];
  int length = snprintf(temporary, sizeof temporary, "%s.new", path);
  if (length < 0 || (size_t)length >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return -1;
  }
  // What lies there, from a power cut or from somebody else, has a mode and readers of its own.
  if (unlink(temporary) < 0 && errno != ENOENT) return -1;
  int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  int descriptor = open(temporary, flags, mode);
  if (descriptor < 0) return -1;
  bool good = give_to_owner(descriptor, path) == 0 && write_all(descriptor, bytes, count) == 0
      && fsync(descriptor) == 0;
  int reason = errno;
  if (close(descriptor) < 0 && good) {
    good = false;
    reason = errno;
  }
  if (good && rename(temporary, path) == 0) return clinux_sync_folder(path);
  if (good) reason = errno;
  unlink(temporary);
  errno = reason;
  return -1;
}

int clinux_move_file(const char *path, const char *name) {
  return rename(path, name) < 0 ? -1 : clinux_sync_folder(name);
}

int clinux_remove_file(const char *path) {
  return unlink(path) < 0 ? -1 : clinux_sync_folder(path);
}

void *clinux_directory_open(const char *path) { return opendir(path); }

const char *clinux_directory_next(void *directory) {
  struct dirent *entry;
  do entry = readdir(directory);
  while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
  return entry ? entry->d_name : NULL;
}

void clinux_directory_close(void *directory) { closedir(directory); }

size_t clinux_group_of(const char *path, char *name, size_t capacity) {
  struct stat status;
  if (stat(path, &status) < 0) return 0;
  int length = snprintf(name, capacity, "%u", (unsigned)status.st_gid);
  // getgrgid would load the board's NSS modules, which a static program cannot.
  FILE *groups = fopen("/etc/group", "re");
  char line[512];
  while (groups && fgets(line, sizeof line, groups)) {
    unsigned group;
    char *colon = strchr(line, ':');
    if (!colon || sscanf(colon, ":%*[^:]:%u", &group) != 1 || group != status.st_gid) continue;
    length = snprintf(name, capacity, "%.*s", (int)(colon - line), line);
    break;
  }
  if (groups) fclose(groups);
  return length > 0 && (size_t)length < capacity ? (size_t)length : 0;
}

long clinux_page_bytes(void) { return sysconf(_SC_PAGESIZE); }

long clinux_resident_pages(void) {
  char text[96];
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return -1;
  text[count] = 0;
  // The second number: proc(5).
  char *resident = strchr(text, ' ');
  return resident ? strtol(resident, NULL, 10) : -1;
}

int clinux_memory_file(const void *bytes, size_t count) {
  int file = memfd_create("sandpiper", MFD_CLOEXEC);
  if (file < 0) return -1;
  if (write(file, bytes, count) == (ssize_t)count) return file;
  close(file);
  return -1;
}
