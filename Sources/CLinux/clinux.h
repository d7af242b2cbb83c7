// libc and Linux, as the rim uses them: what Swift cannot import (variadic functions, macros,
// transparent unions, structures whose layout hangs on _TIME_BITS) behind plain functions.
//
// Every function that can fail returns -1 (or a null pointer) and leaves the reason in errno,
// unless its comment says otherwise.
#ifndef SANDPIPER_CLINUX_H
#define SANDPIPER_CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

// ---- errors

static inline int clinux_errno(void) { return errno; }

/// The system's text for an error number; static storage, safe in every thread.
const char *clinux_error_text(int code);

// ---- clocks (clock.c)

/// Nanoseconds of CLOCK_BOOTTIME.
static inline int64_t clinux_boottime(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/// Nanoseconds of CLOCK_MONOTONIC, which stands still in suspend.
static inline int64_t clinux_monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/// Nanoseconds of CLOCK_REALTIME.
static inline int64_t clinux_realtime(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/// True when the kernel says that a time service keeps the clock.
bool clinux_clock_synced(void);

/// Writes the local time as "2026-11-23 08:17:10"; returns its length.
size_t clinux_local_time(char *text, size_t capacity);

// ---- the loop (process.c)

/// A timer on CLOCK_BOOTTIME, for an epoll set.
int clinux_timer_open(void);
/// Lets the timer fire at `boottime` (nanoseconds); 0 stops it.
int clinux_timer_set(int timer, int64_t boottime);
/// An eventfd that does not block.
int clinux_event_open(void);
/// Makes an eventfd readable.
void clinux_event_raise(int event);
/// Takes what an eventfd or a timer has counted; it is not readable any more.
void clinux_event_clear(int event);

static inline int clinux_epoll_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

/// What one turn of the loop found: the token, and CLINUX_* flags.
struct clinux_ready {
  uint32_t token;
  uint32_t flags;
};
enum { CLINUX_READABLE = 1, CLINUX_WRITABLE = 2, CLINUX_HUNG_UP = 4 };
/// Events that one turn takes from the kernel at most.
enum { CLINUX_READY_MAX = 16 };

/// EPOLL_CTL_ADD or EPOLL_CTL_MOD.
int clinux_epoll_set(int epoll, bool add, int descriptor, uint32_t token, bool read, bool write);
int clinux_epoll_remove(int epoll, int descriptor);
/// Waits without a limit, or not at all. Returns how many of `ready` were filled (at most
/// CLINUX_READY_MAX); 0 too when a signal interrupted.
int clinux_epoll_wait(int epoll, bool forever, struct clinux_ready *ready);

// ---- sockets (socket.c)

/// An IPv4 or IPv6 address and a port.
struct clinux_address {
  uint8_t bytes[16];  ///< as on the wire; IPv4 in the first four
  uint32_t scope;     ///< IPv6 scope (interface index), or 0
  uint16_t port;      ///< in the byte order of this machine
  uint8_t family;     ///< 4, 6, or 0 for none
};

/// A numeric address, with "%interface" for IPv6 link-local ones; false when it is not numeric.
bool clinux_address_parse(struct clinux_address *address, const char *text, uint16_t port);
/// Writes the address as numbers ("192.0.2.1", "2001:db8::1"), without port; returns the length.
size_t clinux_address_text(const struct clinux_address *address, char *text, size_t capacity);

/// The same address, scope and port.
bool clinux_address_equal(const struct clinux_address *a, const struct clinux_address *b);

/// Starts a TCP connection (non-blocking, close-on-exec, TCP_NODELAY). `user_timeout` is
/// TCP_USER_TIMEOUT in milliseconds; 0 leaves the system's. The system takes bytes only while fewer than
/// 4 KiB wait to be sent (TCP_NOTSENT_LOWAT): its own buffer, of megabytes, would hold up for minutes
/// on a slow path what is written next.
int clinux_tcp_open(const struct clinux_address *address, unsigned user_timeout);
/// Connects to the Unix stream socket at `path` (non-blocking, close-on-exec). EAGAIN when too many
/// others wait there.
int clinux_unix_stream_open(const char *path);
/// How many of a TCP connection's bytes the other side's system has acknowledged in all (TCP_INFO), and
/// how many behind them are on their way or wait (SIOCOUTQ). -1 where the system doesn't tell.
int clinux_tcp_progress(int socket, uint64_t *acknowledged, int *pending);
/// Says that nothing more will be sent (SHUT_WR).
int clinux_shut_write(int socket);
int clinux_tcp_listen(const struct clinux_address *address);
/// A connection that waits, set up as clinux_tcp_open does.
int clinux_tcp_accept(int listener);
int clinux_socket_address(int socket, struct clinux_address *address);
int clinux_socket_peer(int socket, struct clinux_address *address);
/// SO_ERROR: takes the pending error off the socket; 0 for none.
int clinux_socket_error(int socket);
ssize_t clinux_send(int socket, const void *bytes, size_t count);
ssize_t clinux_receive(int socket, void *bytes, size_t count);

/// Where a datagram came from.
struct clinux_peer {
  uint8_t bytes[112];
  uint32_t count;
};

/// A Unix datagram socket at `path` with mode 0600. A stale socket there is replaced; a live one
/// gives EADDRINUSE, anything that is not a socket EEXIST.
int clinux_unix_listen(const char *path);
/// A Unix stream socket that listens at `path` (four bytes shorter than may be), with `mode` whatever the
/// umask; non-blocking. It has its name from the moment on at which it listens. Else as above.
int clinux_unix_stream_listen(const char *path, mode_t mode);
/// The next connection that waits there, non-blocking.
int clinux_unix_accept(int listener);
/// Closes such a socket and removes its file.
void clinux_unix_close(int socket);
/// A Unix datagram socket connected to `path`, with an address of its own for replies.
int clinux_unix_connect(const char *path);
ssize_t clinux_unix_receive(int socket, void *bytes, size_t count, struct clinux_peer *peer);
ssize_t clinux_unix_reply(
    int socket, const void *bytes, size_t count, const struct clinux_peer *peer);
/// Waits until `descriptor` can be read: 1 yes, 0 the time is over.
int clinux_wait_readable(int descriptor, int milliseconds);
/// The same for the first of two, of which -1 is none.
int clinux_wait_either_readable(int descriptor, int other, int milliseconds);

// ---- names (resolver.c)

enum { CLINUX_ADDRESSES_MAX = 8 };

/// The answer to one request: addresses, or an error with its text.
struct clinux_resolution {
  uint32_t generation;
  int32_t error;  ///< 0, or the resolver library's code
  uint32_t count;
  struct clinux_address addresses[CLINUX_ADDRESSES_MAX];
  char message[96];
};

struct clinux_resolver;
/// Memory and descriptor of a resolver; its thread starts with the first name to look up.
struct clinux_resolver *clinux_resolver_create(void);
/// Leaves the resolver; its thread ends as soon as the lookup that it is in returns.
void clinux_resolver_destroy(struct clinux_resolver *resolver);
/// Readable while an answer waits.
int clinux_resolver_descriptor(const struct clinux_resolver *resolver);
/// Asks for the addresses of `host`; earlier requests lose their answer. Returns the generation.
uint32_t clinux_resolver_request(
    struct clinux_resolver *resolver, const char *host, uint16_t port);
/// Takes the answer to the latest request, if it is there.
bool clinux_resolver_take(struct clinux_resolver *resolver, struct clinux_resolution *answer);

/// Looks `host` up and fills all of `answer` but the generation; blocks for as long as it takes.
void clinux_resolve(const char *host, uint16_t port, struct clinux_resolution *answer);

/// True when an error of `clinux_resolution` says that there is no such name or address, rather than that
/// nobody could be asked.
bool clinux_resolve_error_is_final(int code);

/// The resolver library's text for an error of `clinux_resolution`; static storage.
const char *clinux_resolve_error_text(int code);

static inline const struct clinux_address *clinux_resolution_address(
    const struct clinux_resolution *answer, uint32_t index) {
  return &answer->addresses[index];
}
static inline const char *clinux_resolution_message(const struct clinux_resolution *answer) {
  return answer->message;
}

// ---- files (file.c)

/// Opens for reading, close-on-exec; `nonblocking` also does not wait for a FIFO's writer.
int clinux_open_read(const char *path, bool nonblocking);
/// True when something is at `path`, and be it a link that leads nowhere.
bool clinux_is_there(const char *path);
/// Replaces the file in one step: a new file beside it, fsync, rename, fsync of the directory.
int clinux_write_file(const char *path, const void *bytes, size_t count, unsigned mode);
/// Opens a directory to list it; null when that fails. Allocates.
void *clinux_directory_open(const char *path);
/// The next entry's name, "." and ".." left out; null behind the last.
const char *clinux_directory_next(void *directory);
void clinux_directory_close(void *directory);
/// The name of the group that owns a file, from /etc/group; its number where it has none. Returns
/// the length, 0 on failure.
size_t clinux_group_of(const char *path, char *name, size_t capacity);

/// Gives a file another name, durably; one that has it is no more. -1 with errno.
int clinux_move_file(const char *path, const char *name);
/// Removes a file, durably. -1 with errno.
int clinux_remove_file(const char *path);
/// Makes the name of a file durable: fsync of its folder.
int clinux_sync_folder(const char *path);

// ---- what a file is, and where it lies (survey.c)

struct clinux_survey {
  int64_t bytes;
  int64_t free_bytes;  ///< of its file system, for users other than root
  uint32_t mode;       ///< permissions
  uint32_t user, group;
  uint32_t device_major, device_minor;  ///< of what its file system lies on
  bool is_folder;
  bool is_read_only;  ///< its file system is
  bool is_writable;   ///< by who runs this program
};
int clinux_survey(const char *path, struct clinux_survey *survey);

// ---- the medium of a journal (medium.c)

/// Opens a file or device, close-on-exec, never through a symbolic link. Reading leaves no trace.
int clinux_medium_open(const char *path, bool writes);
/// Bytes of a regular file or a block device; -1 for anything else (EINVAL).
int64_t clinux_medium_bytes(int medium);
bool clinux_medium_is_device(int medium);
/// Another descriptor for the same medium and lock, close-on-exec.
static inline int clinux_medium_duplicate(int medium) { return fcntl(medium, F_DUPFD_CLOEXEC, 3); }
/// Takes the exclusive lock (flock); false when somebody has had it for a tenth of a second.
bool clinux_medium_lock(int medium);
/// True when somebody has the exclusive lock.
bool clinux_medium_is_locked(int medium);
/// To be called before the first write: from now on reading does not bring in more than it asks for. What
/// the kernel holds in large pieces would count, and on some file systems be written, piece by piece.
void clinux_medium_begin_writing(int medium);
/// Reads `count` bytes from `offset` on; returns fewer at the end, -1 when it fails.
ssize_t clinux_medium_read(int medium, void *bytes, size_t count, int64_t offset);
/// Writes all bytes; 0, or -1.
int clinux_medium_write(int medium, const void *bytes, size_t count, int64_t offset);
/// Creates `path`.new, mode 0600, of `bytes` zeros, locked; -1 and no file when that fails, EWOULDBLOCK
/// when another process is at it.
int clinux_medium_create(const char *path, int64_t bytes);
/// With `good`, makes `path`.new durable and gives it its name; else, or when that fails, removes it.
int clinux_medium_publish(int medium, const char *path, bool good);
/// Renames `path` to `path`.bad, or `path`.bad.1 and so on.
int clinux_medium_set_aside(const char *path);

/// A thread that syncs a medium (fdatasync), which is its own from now on; null when that fails.
struct clinux_syncer *clinux_syncer_create(int medium);
/// Leaves the thread, which ends, and closes the medium, once a sync that goes on is over.
void clinux_syncer_destroy(struct clinux_syncer *syncer);
/// Readable once a sync has come to its end.
int clinux_syncer_descriptor(const struct clinux_syncer *syncer);
/// Begins a sync; none goes on.
void clinux_syncer_begin(struct clinux_syncer *syncer);
/// -1 while the sync goes on, then 0 or its error number.
int clinux_syncer_result(struct clinux_syncer *syncer);

// ---- process, threads, memory (process.c)

/// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1, ignores SIGPIPE, and returns a signalfd for the former.
int clinux_signals_open(void);
/// Has those of them wait that would end the program although nobody wants it to end: SIGHUP and SIGUSR1.
void clinux_signals_hold(void);
/// The same of those with which a terminal ends or stops a program: SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP.
int clinux_terminal_signals_open(void);
/// The number of a signal that waits in the signalfd; 0 for none.
int clinux_signals_take(int descriptor);
/// Starts a detached thread with all signals blocked. Returns 0, or an error number.
int clinux_thread_start(void *(*body)(void *), void *argument, size_t stack_bytes);
/// A mutex in plain memory, so that a Swift structure can hold it.
struct clinux_mutex {
  uint64_t storage[8];
};
void clinux_mutex_init(struct clinux_mutex *mutex);
void clinux_lock(struct clinux_mutex *mutex);
void clinux_unlock(struct clinux_mutex *mutex);
/// Anonymous memory, zero-filled, page-aligned; null when there is none.
void *clinux_map(size_t bytes);
void clinux_unmap(void *memory, size_t bytes);
/// Pages of the program that are in memory; -1 when the system does not say.
long clinux_resident_pages(void);
long clinux_page_bytes(void);
/// A file that is in memory alone and has no name, with these bytes in it.
int clinux_memory_file(const void *bytes, size_t count);
/// Random bits from the kernel, which wait for nothing: good for jitter, not for secrets.
uint64_t clinux_random(void);
/// Opens /dev/null in the place of standard input, output and error where they are closed.
void clinux_hold_standard_descriptors(void);
/// The value of an environment variable, or null.
const char *clinux_environment(const char *name);
/// Begins the program anew with the same arguments. Returns only when it cannot.
void clinux_execute_again(void);
/// Begins the program of that name, beside this one or else on the PATH, with the same arguments. Returns only
/// when it cannot.
void clinux_execute_other(const char *name);

// ---- the service manager, and what follows this program (service.c)

/// Sends one datagram to the Unix socket at `path`, or of the abstract name behind '@'. Never waits.
int clinux_notify(const char *path, const void *bytes, size_t count);
/// The same with a descriptor, of which the receiver gets a copy. Waits half a second at most for room.
int clinux_notify_descriptor(const char *path, const void *bytes, size_t count, int descriptor);
/// True once the receiver has worked on all that was sent before; false when it has not in that time.
bool clinux_notify_barrier(const char *path, int milliseconds);
/// Within how many microseconds the service manager wants a sign of life of this process
/// (sd_watchdog_enabled(3)); 0 when it wants none.
int64_t clinux_watchdog(void);

/// Descriptors handed from one program to the next that are taken; the others are closed.
enum { CLINUX_HANDED_MAX = 512 };
/// How many descriptors the program before has handed on, or the service manager in its stead
/// (sd_listen_fds_with_names(3)). They close on exec from now on.
int clinux_handed_count(void);
/// One of them, -1 once it is taken, and what it is called, 63 bytes at most.
int clinux_handed_descriptor(int index);
const char *clinux_handed_name(int index);
/// Notes that somebody owns it now.
void clinux_handed_take(int index);
/// Leaves a descriptor open for the program that this process executes next.
int clinux_hand_on(int descriptor, const char *name);
/// Memory without a name in any file system, `bytes` zeros, that lives as long as somebody has the descriptor.
int clinux_shared_open(const char *name, size_t bytes);
/// Maps such memory; null when it has fewer than `bytes`.
void *clinux_shared_map(int descriptor, size_t bytes);

// ---- child processes and terminals, for the workbench (child.c)

/// Starts a program: `arguments` ends with a null pointer, standard input is empty, standard error
/// goes to `errors` (-1: to our own), no signal is blocked, and it gets SIGTERM should this
/// program die. Returns the process id; a program that cannot be executed ends with 127.
pid_t clinux_spawn(const char *path, char *const *arguments, int errors);
/// How a child has ended: its exit status, or 128 plus the signal. -1 while it runs.
int clinux_reap(pid_t child);
/// The size of the terminal at `descriptor`; false when it is none.
bool clinux_terminal_size(int descriptor, int *rows, int *columns);
/// Writes what `descriptor` takes without waiting, at most a page at once; 0 when that is nothing.
ssize_t clinux_write_ready(int descriptor, const void *bytes, size_t count);
/// False for a pipe or a terminal whose other end is gone.
bool clinux_has_reader(int descriptor);
/// A pipe whose ends close on exec and do not block the reader: `ends[0]` reads.
int clinux_pipe(int *ends);
/// Raises the limit of open descriptors as far as the program may, and returns it; -1 when the system does
/// not say.
int64_t clinux_raise_descriptors(void);
/// Processor time that the program has taken, in user and kernel mode, in nanoseconds.
int64_t clinux_processor_time(void);

// ---- arguments (arguments.c)

int clinux_argument_count(void);
/// Argument `index`, 0 being the program; null outside the count.
const char *clinux_argument(int index);
/// The vector as the kernel handed it over.
char **clinux_arguments(void);

/// Forgets all options and starts to parse at argument `index`.
void clinux_options_start(int index);
/// Knows a long option, whose name lives as long as the program; false when the table is full.
bool clinux_option_add(const char *name, bool takes_value, int code);
/// getopt_long with those options, and `letters` for the short ones; -1 behind the last.
int clinux_option_next(const char *letters);
/// The value of the latest option; null for none.
const char *clinux_option_value(void);
/// The argument that is looked at next: behind the last option, the first operand.
int clinux_option_index(void);

// ---- log (log.c)

/// True when standard error is the journal's stream (systemd.exec, JOURNAL_STREAM).
bool clinux_stderr_is_journal(void);
/// Writes a line to standard error; false when that fails, or would block.
bool clinux_log_write(const void *line, size_t count);
/// False for a line that comes when a hundred have come in the last moments and one a second since: it is not
/// to be written. Errors count apart.
bool clinux_log_admits(int level);
/// The same for an account of lines, which holds until when those so far are paid for; 0 at first.
bool clinux_log_pays(int64_t *account, int64_t now);
/// Counts lines that were not written ...
void clinux_log_lose(unsigned lines);
/// ... and says how many there were since this was asked last.
unsigned clinux_log_take_lost(void);
/// The least urgent syslog level that is written.
int clinux_log_threshold(void);
void clinux_set_log_threshold(int level);

#endif
