// Child processes, terminals and what a program may take, for the workbench.
#define _GNU_SOURCE
#include "clinux.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

// In the child, between fork and exec: only calls that are async-signal-safe.
static void execute(const char *path, char *const *arguments, int errors, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  // A process group of its own: Ctrl-C is for the workbench, which then stops the child in order.
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) return;
  int empty = open("/dev/null", O_RDONLY);
  if (empty < 0 || dup2(empty, STDIN_FILENO) < 0) return;
  if (errors >= 0 && dup2(errors, STDERR_FILENO) < 0) return;
  execv(path, arguments);
}

pid_t clinux_spawn(const char *path, char *const *arguments, int errors) {
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    execute(path, arguments, errors, parent);
    _exit(127);
  }
  return child;
}

int clinux_reap(pid_t child) {
  int status;
  if (waitpid(child, &status, WNOHANG) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool clinux_terminal_size(int descriptor, int *rows, int *columns) {
  struct winsize size;
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return false;
  *rows = size.ws_row;
  *columns = size.ws_col;
  return true;
}

bool clinux_has_reader(int descriptor) {
  struct pollfd output = {.fd = descriptor};
  return poll(&output, 1, 0) <= 0 || (output.revents & (POLLERR | POLLHUP)) == 0;
}

int clinux_pipe(int *ends) {
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

ssize_t clinux_write_ready(int descriptor, const void *bytes, size_t count) {
  struct pollfd ready = {descriptor, POLLOUT, 0};
  if (poll(&ready, 1, 0) <= 0) return 0;
  // A pipe that is ready takes PIPE_BUF bytes.
  ssize_t written = write(descriptor, bytes, count < PIPE_BUF ? count : PIPE_BUF);
  return written < 0 && errno == EINTR ? 0 : written;
}

int64_t clinux_raise_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

int64_t clinux_processor_time(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}
