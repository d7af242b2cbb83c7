/* allocation-counter - counts each thread's calls of the C library's allocator, for LD_PRELOAD.
 *
 *   cc -O2 -shared -fPIC allocation-counter.c -o liballocation-counter.so
 *   ALLOCATION_COUNTER=FILE LD_PRELOAD=./liballocation-counter.so PROGRAM
 *
 * FILE becomes an array of SLOTS records that is kept up to date while the program runs; an observer
 * reads it twice and subtracts. Threads are told apart, so that what the C library allocates on a
 * thread that resolves names is not counted as the program's own. A record is four 64-bit numbers
 * of the machine's byte order: thread id (0: unused), calls that allocate, bytes asked for, frees.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Threads beyond the last record share it. */
#define SLOTS 64

struct slot {
  _Atomic unsigned long long thread, calls, bytes, frees;
};

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

/* Counts from before the constructor, when there is one thread only. */
static struct slot early[SLOTS];
static struct slot *slots = early;
static _Atomic int used;
static __thread int own __attribute__((tls_model("initial-exec"))) = -1;

static struct slot *mine(void)
{
  if (own < 0) {
    int next = atomic_fetch_add(&used, 1);

    own = next < SLOTS ? next : SLOTS - 1;
    atomic_store(&slots[own].thread, (unsigned long long)syscall(SYS_gettid));
  }
  return &slots[own];
}

static void count(size_t bytes)
{
  struct slot *slot = mine();

  atomic_fetch_add_explicit(&slot->calls, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&slot->bytes, bytes, memory_order_relaxed);
}

__attribute__((constructor)) static void share(void)
{
  const char *path = getenv("ALLOCATION_COUNTER");
  int file = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
  void *memory;

  if (file < 0 || ftruncate(file, sizeof(early)))
    return;
  memory = mmap(NULL, sizeof(early), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED)
    return;
  memcpy(memory, early, sizeof(early));
  slots = memory;
}

void *malloc(size_t size)
{
  count(size);
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
  count(number * size);
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
  count(size);
  return __libc_realloc(old, size);
}

void free(void *memory)
{
  if (!memory)
    return;
  atomic_fetch_add_explicit(&mine()->frees, 1, memory_order_relaxed);
  __libc_free(memory);
}

void *memalign(size_t alignment, size_t size)
{
  count(size);
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size)
{
  void *memory = memalign(alignment, size);

  if (!memory)
    return ENOMEM;
  *result = memory;
  return 0;
}
