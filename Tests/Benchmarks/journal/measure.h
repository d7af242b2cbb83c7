// What a store takes, between two calls: the kernel's own account of this process.
#pragma once

// How many messages wait behind those that are acknowledged: on a poor network a store is not empty.
enum { MESSAGE_BYTES = 64, BACKLOG = 1024 };

void measure_begin(void);
// Prints a row of the table: for each of `count` messages.
void measure_end(const char *name, long count);
// The same for one that commits `batch` messages at once, and syncs with every `every`th commit.
void measure_end_batch(const char *name, long batch, long every, long count);

// Waits until `descriptor` is readable.
void measure_wait(int descriptor);

// Ends the program with `reason` and that of the last system call.
void measure_fail(const char *reason);
