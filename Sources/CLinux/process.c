// The loop's descriptors, signals, threads and memory.
#define _GNU_SOURCE
#include "clinux.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

const char *clinux_error_text(int code) {
  // glibc 2.32: not translated, and not in a buffer that another thread may overwrite.
  const char *text = strerrordesc_np(code);
  return text ? text : "unknown error";
}

// ---- the loop

int clinux_timer_open(void) {
  return timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
}

int clinux_timer_set(int timer, int64_t boottime) {
  struct itimerspec setting = {
      .it_value = {.tv_sec = boottime / 1000000000, .tv_nsec = boottime % 1000000000}};
  return timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL);
}

int clinux_event_open(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void clinux_event_raise(int event) {
  uint64_t one = 1;
  // Fails only when it is readable already.
  if (write(event, &one, sizeof one) < 0) return;
}

void clinux_event_clear(int event) {
  uint64_t count;
  // Fails only when it is not readable.
  if (read(event, &count, sizeof count) < 0) return;
}

int clinux_epoll_set(int epoll, bool add, int descriptor, uint32_t token, bool read, bool write) {
  struct epoll_event event = {
      .events = (read ? EPOLLIN | EPOLLRDHUP : 0) | (write ? EPOLLOUT : 0),
      .data = {.u32 = token}};
  return epoll_ctl(epoll, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event);
}

int clinux_epoll_remove(int epoll, int descriptor) {
  return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

int clinux_epoll_wait(int epoll, bool forever, struct clinux_ready *ready) {
  struct epoll_event events[CLINUX_READY_MAX];
  int count = epoll_wait(epoll, events, CLINUX_READY_MAX, forever ? -1 : 0);
  if (count < 0) return errno == EINTR ? 0 : -1;
  for (int index = 0; index < count; index++) {
    uint32_t flags = events[index].events;
    ready[index] = (struct clinux_ready){
        .token = events[index].data.u32,
        .flags = (flags & (EPOLLIN | EPOLLPRI) ? CLINUX_READABLE : 0)
                 | (flags & EPOLLOUT ? CLINUX_WRITABLE : 0)
                 | (flags & (EPOLLHUP | EPOLLERR | EPOLLRDHUP) ? CLINUX_HUNG_UP : 0)};
  }
  return count;
}

// ---- signals and threads

static void handled_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGHUP);
  sigaddset(set, SIGUSR1);
}

void clinux_signals_hold(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
}

static int take_over(const sigset_t *set) {
  signal(SIGPIPE, SIG_IGN);
  if (sigprocmask(SIG_BLOCK, set, NULL) < 0) return -1;
  return signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int clinux_signals_open(void) {
  sigset_t set;
  handled_signals(&set);
  return take_over(&set);
}

int clinux_terminal_signals_open(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGQUIT);
  sigaddset(&set, SIGTSTP);
  return take_over(&set);
}

int clinux_signals_take(int descriptor) {
  struct signalfd_siginfo info;
  return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

int clinux_thread_start(void *(*body)(void *), void *argument, size_t stack_bytes) {
  sigset_t all, before;
  pthread_attr_t attributes;
  // One heap for all threads: glibc would give each thread another one, which costs a small board
  // more memory than the few allocations of a resolver are worth.
  mallopt(M_ARENA_MAX, 1);
  int result = pthread_attr_init(&attributes);
  if (result) return result;
  size_t least = PTHREAD_STACK_MIN;
  pthread_attr_setstacksize(&attributes, stack_bytes > least ? stack_bytes : least);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // A thread inherits the mask of the one that starts it.
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  result = pthread_create(&thread, &attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return result;
}

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct clinux_mutex), "a mutex fits");

void clinux_mutex_init(struct clinux_mutex *mutex) {
  pthread_mutex_init((pthread_mutex_t *)mutex, NULL);
}

void clinux_lock(struct clinux_mutex *mutex) { pthread_mutex_lock((pthread_mutex_t *)mutex); }

void clinux_unlock(struct clinux_mutex *mutex) { pthread_mutex_unlock((pthread_mutex_t *)mutex); }

// ---- memory

void *clinux_map(size_t bytes) {
  void *memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

void clinux_unmap(void *memory, size_t bytes) { munmap(memory, bytes); }

// ---- process

uint64_t clinux_random(void) {
  uint64_t bits = 0;
  if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) == sizeof bits) return bits;
  // A board that has just begun to boot has no randomness yet; its clock must do.
  return (uint64_t)clinux_boottime() ^ (uint64_t)clinux_realtime() << 20;
}

void clinux_hold_standard_descriptors(void) {
  for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++) {
    // open(2) takes the lowest number that is free: this one.
    if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return;
  }
}

const char *clinux_environment(const char *name) { return getenv(name); }

void clinux_execute_again(void) { execv("/proc/self/exe", clinux_arguments()); }

void clinux_execute_other(const char *name) {
  char path[4096];
  ssize_t count = readlink("/proc/self/exe", path, sizeof path);
  while (count > 0 && path[count - 1] != '/') count--;
  if (count > 0 && count + strlen(name) < sizeof path) {
    strcpy(path + count, name);
    execv(path, clinux_arguments());
  }
  execvp(name, clinux_arguments());
}
