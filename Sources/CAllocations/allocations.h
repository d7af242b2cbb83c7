// Counts what the program takes from the heap. To be linked into a program, not a library: its malloc
// stands in for the C library's, in every shared library too.
#ifndef SANDPIPER_ALLOCATIONS_H
#define SANDPIPER_ALLOCATIONS_H

#include <stdint.h>

/// How often memory was taken since the program began, in all threads.
uint64_t allocations_count(void);

#endif
