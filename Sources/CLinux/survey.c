// What a file is, and where it lies.
#define _GNU_SOURCE
#include "clinux.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

int clinux_survey(const char *path, struct clinux_survey *survey) {
  struct stat status;
  struct statvfs system;
  if (stat(path, &status) < 0 || statvfs(path, &system) < 0) return -1;
  *survey = (struct clinux_survey){
      .bytes = status.st_size,
      .free_bytes = (int64_t)system.f_bavail * (int64_t)system.f_frsize,
      .mode = status.st_mode & 07777,
      .user = status.st_uid,
      .group = status.st_gid,
      .device_major = major(status.st_dev),
      .device_minor = minor(status.st_dev),
      .is_folder = S_ISDIR(status.st_mode),
      .is_read_only = system.f_flag & ST_RDONLY,
      .is_writable = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0};
  return 0;
}
